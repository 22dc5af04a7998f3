package btree

import (
	"bytes"
	"encoding/binary"

	"logctl/store/view/collate"
)

// Entry is one row. Rows are sorted by Sort, then by the ids of their docs, bytewise, then by Repeat. No Sort is the beginning of
// another.
type Entry struct {
	Sort   []byte
	Doc    Doc
	Repeat uint32 // of rows with that Sort and Doc
	JSON   []byte // of the key, if it can't be made from Sort
	Value  []byte // JSON; nil: Number
	Number int64  // the value, if it is an integer of up to maxDigits digits
}

// maxDigits of a value that is kept as a number.
const maxDigits = 15

// SetValue sets the value to JSON text.
func (e *Entry) SetValue(text []byte) {
	if n, ok := integer(text); ok {
		e.Value, e.Number = nil, n
		return
	}
	e.Value, e.Number = text, 0
}

// integer reads an integer in the form in which it would be written.
func integer(text []byte) (int64, bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > maxDigits || digits[0] == '0' && len(text) > 1 {
		return 0, false
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	if len(digits) < len(text) {
		n = -n
	}
	return n, true
}

// A place among rows is a byte string: a sort key, then nothing or the doc's id as collate.AppendBytes writes it, then nothing or, if
// it is not 0, the Repeat in 4 bytes, big endian. A row stands before the places that are greater than its own.

func appendPlace(dst, sort []byte, id string, repeat uint32) []byte {
	dst = collate.AppendBytes(append(dst, sort...), []byte(id))
	if repeat > 0 {
		dst = binary.BigEndian.AppendUint32(dst, repeat)
	}
	return dst
}

// comparePlace compares the place of a row that names its doc by id with another.
func (e *Entry) comparePlace(place []byte) int {
	if !bytes.HasPrefix(place, e.Sort) {
		return bytes.Compare(e.Sort, place)
	}
	var room [64]byte
	return bytes.Compare(appendPlace(room[:0], nil, e.Doc.ID, e.Repeat), place[len(e.Sort):])
}

// namer finds ids. An error stays, and what was asked for since is nothing.
type namer struct {
	tree *Tree     // of docs; nil where all ids are in the rows
	near []docSpan // in the order of time: leaves of tree where ids were
	err  error
}

// docSpan is a leaf of docs all of which are named by times, the times of the first and the last.
type docSpan struct {
	from, to int64
	*leaf
}

// nearby is how many leaves of docs are kept at hand at most: rows of one sort key come in the order of time, those of the next one begin
// anew. A day of a busy site has a hundred.
const nearby = 256

func (n *namer) id(d Doc) string {
	if d.ID != "" || d.N == 0 || n.err != nil {
		return d.ID
	}
	if n.tree == nil {
		n.err = corrupt("a row that names its doc by a number where there are no docs")
		return ""
	}
	var id string
	id, n.err = n.find(d)
	return id
}
