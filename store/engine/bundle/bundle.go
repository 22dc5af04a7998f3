// Package bundle keeps docs that look alike, such as lines of one log, in a fraction of their size: what their bodies have in
// common once, and the rest column by column. ../FORMAT.md draws it.
//
// An id that is made of its doc's content (ejson.AppendContentID) is not kept but made again. Bodies are JSON objects; they come
// back byte by byte as they were.
package bundle

import (
	"bytes"
	"errors"
)

// Docs are the docs of a bundle that was read. They share the bytes that they were parsed from, and are one goroutine's.
type Docs struct {
	n       int
	idKind  byte
	ids     column
	shapes  []shape
	columns [][]column // by shape
	shapeOf []byte     // of each doc; nil: there is one shape
	ranks   []int      // of each doc among those of its shape; nil: there is one shape
	values  []span     // of the body that was made last
	text    []byte     // scratch
	times   [3][]byte  // scratch
}

// Parse reads a bundle of n docs. An error says that the bytes are not what Writer has written.
func Parse(src []byte, n int) (*Docs, error) {
	if n < 1 || n > MaxDocs {
		return nil, errors.New("number of docs in a bundle")
	}
	d := decoder{src: src}
	b := &Docs{n: n, idKind: d.byte(), ids: d.column(n)}
	shapes := d.uvarint()
	if shapes == 0 || shapes > maxShapes || b.idKind > idsAsTheyAre {
		d.fail("shapes")
		return nil, d.err
	}
	b.shapes = make([]shape, shapes)
	for i := range b.shapes {
		b.shapes[i] = d.shape()
	}
	counts := []int{n}
	if shapes > 1 {
		counts = make([]int, shapes)
		b.shapeOf, b.ranks = d.bytes(uint64(n)), make([]int, n)
		for i, s := range b.shapeOf {
			if int(s) >= len(b.shapes) {
				d.fail("shape of a doc")
				return nil, d.err
			}
			b.ranks[i] = counts[s]
			counts[s]++
		}
	}
	b.columns = make([][]column, shapes)
	for i := range b.shapes {
		b.columns[i] = make([]column, max(len(b.shapes[i].pieces), 1)-1)
		for k := range b.columns[i] {
			b.columns[i][k] = d.column(counts[i])
		}
	}
	if len(d.src) > 0 {
		d.fail("bytes at the end")
	}
	if d.err == nil && b.idKind == idsOfContent && !b.findTimes() {
		d.fail("bodies that ids are made of")
	}
	return b, d.err
}

// findTimes finds for each shape where the times of ids are, by the first body that has it.
func (b *Docs) findTimes() bool {
	var body []byte
	for s := range b.shapes {
		i := 0
		if b.shapeOf != nil {
			i = bytes.IndexByte(b.shapeOf, byte(s))
		}
		if i < 0 {
			return false
		}
		body = b.AppendBody(body[:0], i)
		if !b.shapes[s].findTimes(body, b.values) {
			return false
		}
	}
	return true
}

// Append appends the id and the body of the i-th doc.
func (b *Docs) Append(id, body []byte, i int) (_, _ []byte) {
	start := len(body)
	body = b.AppendBody(body, i)
	if b.idKind == idsOfContent {
		s, _ := b.shape(i)
		id = b.shapes[s].appendContentID(id, body[start:], b.values)
	}
	return b.ids.append(id, i), body
}

// AppendID appends the id of the i-th doc.
func (b *Docs) AppendID(id []byte, i int) []byte {
	if b.idKind == idsOfContent {
		id, b.text = b.Append(id, b.text[:0], i)
		return id
	}
	return b.ids.append(id, i)
}

// AppendBody appends the body of the i-th doc.
func (b *Docs) AppendBody(dst []byte, i int) []byte {
	s, rank := b.shape(i)
	columns := b.columns[s]
	start := len(dst)
	b.values = b.values[:0]
	for k, piece := range b.shapes[s].pieces {
		dst = append(dst, piece...)
		if k < len(columns) {
			at := len(dst) - start
			dst = columns[k].append(dst, rank)
			b.values = append(b.values, span{uint32(at), uint32(len(dst) - start)})
		}
	}
	return dst
}

// shape is the number of the i-th doc's shape, and of the doc among those of that shape.
func (b *Docs) shape(i int) (shape, rank int) {
	if b.shapeOf == nil {
		return 0, i
	}
	return int(b.shapeOf[i]), b.ranks[i]
}
