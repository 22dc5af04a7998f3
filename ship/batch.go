package ship

import (
	"bytes"
	"cmp"
)

// A batch is sent when it has reached either. CouchDB takes thousands of small docs in one request as fast as it ever
// gets; a megabyte stays far below every limit a server or a proxy is known to have by default.
const (
	batchDocs  = 2000
	batchBytes = 1 << 20
)

// docStart is what every doc in a batch begins with; its id and a quotation mark follow.
const docStart = `{"_id":"`

// batch is docs in the form in which they are sent, separated by commas, and the lines that they were made of where somebody
// wants to keep those that are refused.
type batch struct {
	docs     []byte
	ends     []int // of each doc in docs
	lines    []byte
	lineEnds []int
	origins  []*origin // of the lines
	keep     bool      // the lines
	most     int       // docs that make it full; 0: batchDocs
	epoch    *epoch    // that it belongs to; nil: to none
	refused  []refusal // by the server, of a batch without an epoch
}

// reset empties the batch and keeps its memory.
func (b *batch) reset() {
	b.docs, b.ends, b.lines, b.lineEnds, b.origins = b.docs[:0], b.ends[:0], b.lines[:0], b.lineEnds[:0], b.origins[:0]
	b.keep, b.most, b.epoch, b.refused = false, 0, nil, nil
}

// add appends a doc: body is a JSON object without an _id, made of a line that was met at from.
func (b *batch) add(id, body, line []byte, from *origin) {
	if len(b.ends) > 0 {
		b.docs = append(b.docs, ',')
	}
	b.docs = append(b.docs, docStart...)
	b.docs = append(b.docs, id...)
	b.docs = append(b.docs, '"')
	if len(body) > len("{}") {
		b.docs = append(b.docs, ',')
	}
	b.docs = append(b.docs, body[1:]...)
	b.ends = append(b.ends, len(b.docs))
	if b.keep {
		b.lines = append(b.lines, line...)
		b.lineEnds = append(b.lineEnds, len(b.lines))
		b.origins = append(b.origins, from)
	}
}

func (b *batch) full() bool {
	return len(b.ends) >= cmp.Or(b.most, batchDocs) || len(b.docs) >= batchBytes
}

// doc is the i-th doc.
func (b *batch) doc(i int) []byte {
	if i == 0 {
		return b.docs[:b.ends[0]]
	}
	return b.docs[b.ends[i-1]+1 : b.ends[i]]
}

// id is the i-th doc's, which never needs escaping.
func (b *batch) id(i int) []byte {
	rest := b.doc(i)[len(docStart):]
	return rest[:bytes.IndexByte(rest, '"')]
}

// line is what the i-th doc was made of, nil if lines are not kept.
func (b *batch) line(i int) []byte {
	if !b.keep {
		return nil
	}
	start := 0
	if i > 0 {
		start = b.lineEnds[i-1]
	}
	return b.lines[start:b.lineEnds[i]]
}

// all lists every doc of the batch.
func (b *batch) all() []int {
	docs := make([]int, len(b.ends))
	for i := range docs {
		docs[i] = i
	}
	return docs
}

// appendDocs appends some of the docs, separated by commas.
func (b *batch) appendDocs(dst []byte, docs []int) []byte {
	if len(docs) == len(b.ends) {
		return append(dst, b.docs...)
	}
	for i, doc := range docs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b.doc(doc)...)
	}
	return dst
}
