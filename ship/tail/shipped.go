package tail

import (
	"encoding/json"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"logctl/ship/source"
)

// Shipped is a file of which a beginning is delivered.
type Shipped struct {
	Path   string
	Number string // of what it holds; see NumberOf
	Size   int64  // of the beginning; of a compressed file all of it
	Packed bool
	id     fileID
}

// NumberOf is which text, in the life of a log, a mark of a Tailer's tells the position in; false for other marks.
func NumberOf(m source.Mark) (number string, ok bool) { return strings.CutPrefix(m.Key, atKey) }

// Position is how far a text is delivered, by the value of such a mark.
func Position(value []byte) int64 {
	var at place
	if json.Unmarshal(value, &at) != nil {
		return -1
	}
	return at.At
}

// Shipped lists the files that the Tailer has read, as far as kept says that they are delivered. Run must have ended.
func (t *Tailer) Shipped(kept source.Positions) ([]Shipped, error) {
	texts, _, err := load(kept)
	if err != nil {
		return nil, err
	}
	byNumber := map[uint64]*text{}
	for _, x := range texts {
		byNumber[x.number] = x
	}
	var list []Shipped
	for _, f := range t.files {
		if f.text == nil || f.sibling || f.part {
			continue
		}
		x := byNumber[f.text.number]
		if x == nil || x.At != f.text.At || f.packed && x.Packed != f.seen.Size() {
			continue
		}
		s := Shipped{Path: absolute(f.path), Number: strconv.FormatUint(x.number, 10), Size: x.At, Packed: f.packed, id: f.id}
		if f.packed {
			s.Size = x.Packed
		}
		list = append(list, s)
	}
	return list, nil
}

// Is tells whether info is of the file.
func (s *Shipped) Is(info fs.FileInfo) bool {
	return idOf(info) == fileID{Dev: s.id.Dev, Ino: s.id.Ino}
}

// Node is the file's number.
func (s *Shipped) Node() uint64 { return s.id.Ino }

// NodeOf is a file's number.
func NodeOf(info fs.FileInfo) uint64 { return idOf(info).Ino }

// Without gives the marks to be kept when the first cut bytes are taken away from the file, which f still has; all of them: it is
// forgotten.
func (s *Shipped) Without(f io.ReaderAt, cut int64) ([]source.Mark, error) {
	number, err := strconv.ParseUint(s.Number, 10, 64)
	if err != nil {
		return nil, err
	}
	x := text{number: number, identity: identity{Path: s.Path, fileID: s.id}, changed: true}
	left := s.Size - cut
	if left == 0 {
		return x.forget(), nil
	}
	x.Head = make([]byte, min(maxHead, left))
	if _, err := f.ReadAt(x.Head, cut); err != nil {
		return nil, err
	}
	before := make([]byte, min(maxCheck, left))
	if _, err := f.ReadAt(before, s.Size-int64(len(before))); err != nil {
		return nil, err
	}
	x.At, x.Check = left, checkOf(before)
	return x.marks(nil), nil
}

// KeepBoth changes marks that Without gave, for when nobody knows whether the bytes were taken away before the file itself went: what it
// held is known as before, too. A copy of it that rotation has made is not read again then.
func KeepBoth(kept source.Positions, marks []source.Mark) ([]source.Mark, error) {
	texts, next, err := load(kept)
	if err != nil {
		return nil, err
	}
	both := slices.DeleteFunc(slices.Clone(marks), func(m source.Mark) bool { return m.Value == nil })
	for _, m := range both {
		number, ok := NumberOf(m)
		i := slices.IndexFunc(texts, func(x *text) bool { return ok && strconv.FormatUint(x.number, 10) == number })
		if i < 0 {
			continue
		}
		x := *texts[i]
		x.number, x.changed = next, true
		both = x.marks(both)
		next++
	}
	return both, nil
}
