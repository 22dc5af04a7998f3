package view

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"strings"

	"logctl/store/view/btree"
)

// rowRun is what one batch does to the rows of a view, in the order of the rows. It stands in few bytes, in memory alone:
//
//	for each sort key: how much it shares with the one before, length of the rest, the rest, number of ops
//	for each op: how much greater the number of its doc in the batch is than that of the one before with that sort key, flags, and
//	what the flags tell of: the repeat, the JSON of the key and the value as JSON, behind their lengths, or the value as a number
type rowRun struct {
	docs *runDocs
	data []byte
}

// Flags of an op in a run.
const (
	runDelete  = 1 << iota
	runRepeat  // it has one
	runJSON    // of the key
	runText    // the value is JSON, else a number:
	runTheTime // that in the id of the doc, else one that follows
)

// runDocs are the docs of a batch, sorted by id.
type runDocs struct {
	ids     string // of all
	ends    []uint32
	times   []int64
	numbers []uint8
}

func newRunDocs(found []known) *runDocs {
	b := &runDocs{ends: make([]uint32, len(found)), times: make([]int64, len(found)), numbers: make([]uint8, len(found))}
	size := 0
	for i := range found {
		size += len(found[i].name.ID)
	}
	var ids strings.Builder
	ids.Grow(size)
	for i := range found {
		d := &found[i].name
		ids.WriteString(d.ID)
		b.ends[i], b.times[i], b.numbers[i] = uint32(ids.Len()), d.Time, d.N
	}
	b.ids = ids.String()
	return b
}

// bytes is about what they take.
func (b *runDocs) bytes() int { return len(b.ids) + (4+8+1)*len(b.ends) }

func (b *runDocs) id(i int) string {
	if i == 0 {
		return b.ids[:b.ends[0]]
	}
	return b.ids[b.ends[i-1]:b.ends[i]]
}

// newRun writes ops that are in order.
func newRun(docs *runDocs, ops []rowOp) rowRun {
	data := make([]byte, 0, 12*len(ops))
	var last []byte
	for len(ops) > 0 {
		key, n := ops[0].entry.Sort, 1
		for n < len(ops) && bytes.Equal(ops[n].entry.Sort, key) {
			n++
		}
		same := 0
		for same < min(len(last), len(key)) && last[same] == key[same] {
			same++
		}
		data = binary.AppendUvarint(data, uint64(same))
		data = appendSized(data, key[same:])
		data = binary.AppendUvarint(data, uint64(n))
		doc := 0
		for i := range ops[:n] {
			data = binary.AppendUvarint(data, uint64(ops[i].doc-doc))
			doc = ops[i].doc
			data = ops[i].append(data)
		}
		last, ops = key, ops[n:]
	}
	return rowRun{docs, bytes.Clone(data)}
}

// append appends all of an op but its sort key and doc.
func (o *rowOp) append(dst []byte) []byte {
	e, flags := o.entry, byte(0)
	if o.delete {
		flags |= runDelete
	}
	if e.Repeat > 0 {
		flags |= runRepeat
	}
	if e.JSON != nil {
		flags |= runJSON
	}
	switch {
	case e.Value != nil:
		flags |= runText
	case e.Number == e.Doc.Time:
		flags |= runTheTime
	}
	dst = append(dst, flags)
	if e.Repeat > 0 {
		dst = binary.AppendUvarint(dst, uint64(e.Repeat))
	}
	if e.JSON != nil {
		dst = appendSized(dst, e.JSON)
	}
	switch {
	case e.Value != nil:
		dst = appendSized(dst, e.Value)
	case e.Number != e.Doc.Time:
		dst = binary.AppendVarint(dst, e.Number)
	}
	return dst
}

func appendSized(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// runReader reads a run, op by op.
type runReader struct {
	rowRun
	batch  int // later ones win
	left   int // ops with the sort key at hand
	doc    int // number of
	entry  btree.Entry
	delete bool
}

// next goes to the next op; false at the end.
func (r *runReader) next() bool {
	if r.left == 0 {
		if len(r.data) == 0 {
			return false
		}
		same := r.uvarint()
		rest := r.sized()
		r.entry.Sort = append(append(make([]byte, 0, same+len(rest)), r.entry.Sort[:same]...), rest...)
		r.left, r.doc = r.uvarint(), 0
	}
	r.left--
	r.doc += r.uvarint()
	flags := r.data[0]
	r.data = r.data[1:]
	e := &r.entry
	e.Doc.Time, e.Doc.N = r.docs.times[r.doc], r.docs.numbers[r.doc]
	e.Repeat, e.JSON, e.Value, e.Number = 0, nil, nil, 0
	r.delete = flags&runDelete != 0
	if flags&runRepeat != 0 {
		e.Repeat = uint32(r.uvarint())
	}
	if flags&runJSON != 0 {
		e.JSON = r.sized()
	}
	switch {
	case flags&runText != 0:
		e.Value = r.sized()
	case flags&runTheTime != 0:
		e.Number = e.Doc.Time
	default:
		n, size := binary.Varint(r.data)
		e.Number, r.data = n, r.data[size:]
	}
	return true
}

func (r *runReader) uvarint() int {
	n, size := binary.Uvarint(r.data)
	r.data = r.data[size:]
	return int(n)
}

func (r *runReader) sized() []byte {
	n := r.uvarint()
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

// compare compares the places of the ops at hand.
func (r *runReader) compare(other *runReader) int {
	if c := bytes.Compare(r.entry.Sort, other.entry.Sort); c != 0 {
		return c
	}
	if r.entry.Doc.N > 0 && other.entry.Doc.N > 0 && r.entry.Doc.Time != other.entry.Doc.Time {
		return cmp.Compare(r.entry.Doc.Time, other.entry.Doc.Time)
	}
	if c := strings.Compare(r.docs.id(r.doc), other.docs.id(other.doc)); c != 0 {
		return c
	}
	return cmp.Compare(r.entry.Repeat, other.entry.Repeat)
}

// before tells whether an op goes before another: its place does, or it is of the same and the later one, which wins.
func (r *runReader) before(other *runReader) bool {
	c := r.compare(other)
	return c < 0 || c == 0 && r.batch > other.batch
}

// merger gives the ops of several runs in order, of each place the last.
type merger struct {
	heap []*runReader // the first is before its children, at 2i+1 and 2i+2, and so on
}

// pieceOps is how many ops a merger gives at once.
const pieceOps = 512

func newMerger(runs []rowRun) *merger {
	m := &merger{}
	for i, r := range runs {
		reader := &runReader{rowRun: r, batch: i}
		if reader.next() {
			m.heap = append(m.heap, reader)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return m
}

func (m *merger) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(m.heap) {
			return
		}
		if child+1 < len(m.heap) && m.heap[child+1].before(m.heap[child]) {
			child++
		}
		if !m.heap[child].before(m.heap[i]) {
			return
		}
		m.heap[i], m.heap[child] = m.heap[child], m.heap[i]
		i = child
	}
}

// drop goes on from the first op.
func (m *merger) drop() {
	if !m.heap[0].next() {
		last := len(m.heap) - 1
		m.heap[0] = m.heap[last]
		m.heap = m.heap[:last]
	}
	m.sink(0)
}

// piece is a btree.Pieces that never fails.
func (m *merger) piece() []btree.Op {
	if len(m.heap) == 0 {
		return nil
	}
	entries, ops := make([]btree.Entry, pieceOps), make([]btree.Op, 0, pieceOps)
	for len(ops) < pieceOps && len(m.heap) > 0 {
		r := m.heap[0]
		e := &entries[len(ops)]
		*e = r.entry
		e.Doc.ID = r.docs.id(r.doc)
		ops = append(ops, btree.Op{Entry: e, Delete: r.delete})
		won := *r
		for m.drop(); len(m.heap) > 0 && m.heap[0].compare(&won) == 0; {
			m.drop()
		}
	}
	return ops
}
