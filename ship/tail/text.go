package tail

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"strconv"
	"strings"

	"logctl/ship/source"
)

const (
	maxHead  = 1024 // bytes that a text is known by, fewer while fewer are read
	maxCheck = 256  // bytes before the position that are checked
)

// fileID is a file, whatever its name.
type fileID struct {
	Dev  uint64 `json:"dev"`
	Ino  uint64 `json:"ino"`
	Born int64  `json:"born,omitempty"` // nanoseconds; 0: the file system does not tell
}

// same tells whether two are one file. A device may get another number when the machine starts.
func (a fileID) same(b fileID) bool {
	if a.Born != 0 && b.Born != 0 {
		return a.Ino == b.Ino && a.Born == b.Born
	}
	return a.Ino == b.Ino && a.Dev == b.Dev
}

// check are the bytes before a position.
type check struct {
	Len int    `json:"len"`
	Sum uint32 `json:"sum"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checkOf is the check of a position that comes after b.
func checkOf(b []byte) check {
	b = b[max(0, len(b)-maxCheck):]
	return check{len(b), crc32.Checksum(b, castagnoli)}
}

func (c check) holds(b []byte) bool {
	return len(b) == c.Len && crc32.Checksum(b, castagnoli) == c.Sum
}

// identity is how a text is found again; the mark "file/id/N".
type identity struct {
	Path string `json:"path"` // where it was last, absolute
	fileID
	Head []byte `json:"head,omitempty"`
	// Packed is the size of the compressed file that has the text and was read to its end; 0: there is none.
	Packed int64 `json:"packed,omitempty"`
	Gone   int64 `json:"gone,omitempty"` // since when no file has it, Unix time
}

// place is how far a text is read; the mark "file/at/N".
type place struct {
	At      int64 `json:"at"`
	Check   check `json:"check"`
	Written int64 `json:"written"` // when the file was last written to, as of the last reading; Unix time in nanoseconds
}

// text is what a log holds from its first byte on.
type text struct {
	number uint64
	identity
	place
	changed bool // identity is not given to the sink
	files   int  // open, or at least known to be there, that have it
	spelt   spelling
}

// log is the log that the text is, or was, of.
func (x *text) log() string { return x.spelt.of(x.Path).log }

const (
	idKey = "file/id/"
	atKey = "file/at/"
)

// marks are what the sink is to keep for the text.
func (x *text) marks(dst []source.Mark) []source.Mark {
	n := strconv.FormatUint(x.number, 10)
	if x.changed {
		dst = append(dst, source.Mark{Key: idKey + n, Value: mustJSON(x.identity)})
	}
	return append(dst, source.Mark{Key: atKey + n, Value: mustJSON(x.place)})
}

// forget are the marks that forget the text.
func (x *text) forget() []source.Mark {
	n := strconv.FormatUint(x.number, 10)
	return []source.Mark{{Key: idKey + n}, {Key: atKey + n}}
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // numbers and strings
	}
	return b
}

// load reads what was kept.
func load(kept source.Positions) (texts []*text, next uint64, err error) {
	kept.Each(idKey, func(key string, value []byte) {
		number, numErr := strconv.ParseUint(strings.TrimPrefix(key, idKey), 10, 64)
		x := &text{number: number}
		badID := json.Unmarshal(value, &x.identity)
		at := kept.Position(atKey + strconv.FormatUint(number, 10))
		if at != nil && badID == nil {
			badID = json.Unmarshal(at, &x.place)
		}
		if numErr != nil || badID != nil || x.At < 0 || x.Check.Len < 0 || x.Check.Len > maxCheck || int64(x.Check.Len) > x.At {
			err = fmt.Errorf("the position %s can't be read", key)
			return
		}
		texts = append(texts, x)
		next = max(next, number+1)
	})
	return texts, next, err
}

// relation is what a file's bytes have to do with a text.
type relation uint8

const (
	other relation = iota
	same           // it is the text, read or not yet to its end
	part           // it is a beginning of the text
)

// compare tells what a plain file of some size has to do with the text.
func (x *text) compare(f io.ReaderAt, size int64) relation {
	head := make([]byte, min(int64(len(x.Head)), size))
	if n, err := f.ReadAt(head, 0); n < len(head) || err != nil && err != io.EOF || !bytes.Equal(head, x.Head[:n]) {
		return other
	}
	if size < x.At {
		return part
	}
	before := make([]byte, x.Check.Len)
	if n, err := f.ReadAt(before, x.At-int64(len(before))); n < len(before) || err != nil && err != io.EOF || !x.Check.holds(before) {
		return other
	}
	return same
}

var (
	clock = regexp.MustCompile(`\d\d:\d\d:\d\d|\d\d\d\d\d\dZ`)
	day   = regexp.MustCompile(`\d\d\d\d[-/.]\d\d[-/.]\d\d|\d\d[-/.]\d\d[-/.]\d\d\d\d|\d{8}T|(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ /]|/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/`)
	epoch = regexp.MustCompile(`(^|\D)1\d{9}(\d{3}|\d{6}|\d{9})?(\D|$)`)
)

// dated tells whether the text's first line says when it was written. Then no two texts begin alike.
func (x *text) dated() bool {
	line, _, whole := bytes.Cut(x.Head, []byte("\n"))
	return whole && (clock.Match(line) && day.Match(line) || epoch.Match(line))
}

// firstLine is the length of the first line with its end, as far as it is in the head.
func (x *text) firstLine() int64 { return int64(bytes.IndexByte(x.Head, '\n') + 1) }
