package btree

import (
	"bytes"
	"cmp"
	"sort"
)

// rowRef is a row on its way into a leaf: a new one, or one of an old leaf, which stays there until it is written.
type rowRef struct {
	new    *Entry
	old    *leaf
	run, i int32
}

func (it rowRef) entry() Entry {
	if it.new != nil {
		return *it.new
	}
	return it.old.entry(int(it.run), int(it.i))
}

func (it rowRef) sort() []byte {
	if it.new != nil {
		return it.new.Sort
	}
	return it.old.sorts[it.run]
}

// size is about what a row takes in a leaf, so that one has some hundreds of small rows.
func (it rowRef) size() int {
	size := 8 + longPart(len(it.sort()))
	if e := it.new; e != nil {
		if size += len(e.JSON) + longPart(len(e.Value)); e.Doc.N == 0 {
			size += len(e.Doc.ID) / 2
		}
		return size
	}
	i := int(it.i)
	if size += len(it.old.json(i)); it.old.numbers == nil {
		size += longPart(len(it.old.values()[i]))
	}
	if !it.old.named(i) {
		size += len(it.old.ids[i]) / 2
	}
	return size
}

// docSize is about what a row takes in a tree of docs, where it has most of its value in common with others.
func (it rowRef) docSize() int { return 12 + max(0, it.size()-longText) }

// longText is a text of which much is assumed to be its own.
const longText = 512

func longPart(n int) int { return n/8 + max(0, n-longText) }

// items appends rows of the leaf.
func (l *leaf) items(dst []rowRef, from, to int) []rowRef {
	for run := l.run(from); from < to; run++ {
		for ; from < min(to, l.ends[run]); from++ {
			dst = append(dst, rowRef{old: l, run: int32(run), i: int32(from)})
		}
	}
	return dst
}

// place is where a row is among those from from on, or would be.
func (l *leaf) place(from int, e *Entry, names *namer) (at int, there bool) {
	run := l.run(from)
	run += sort.Search(len(l.sorts)-run, func(r int) bool { return bytes.Compare(l.sorts[run+r], e.Sort) >= 0 })
	at = max(from, l.runStart(run))
	if run == len(l.sorts) || !bytes.Equal(l.sorts[run], e.Sort) {
		return at, false
	}
	at += sort.Search(l.ends[run]-at, func(i int) bool { return l.compare(at+i, e, names) >= 0 })
	return at, at < l.ends[run] && l.compare(at, e, names) == 0
}

// compare compares a row with another of the same sort key.
func (l *leaf) compare(i int, e *Entry, names *namer) int {
	c := 0
	switch {
	case !l.named(i) || e.Doc.N == 0:
		c = cmp.Compare(names.id(l.doc(i)), e.Doc.ID)
	case l.times[i] != e.Doc.Time:
		return cmp.Compare(l.times[i], e.Doc.Time)
	case l.number(i) != e.Doc.N:
		c = cmp.Compare(names.id(l.doc(i)), e.Doc.ID)
	}
	return cmp.Or(c, cmp.Compare(l.repeat(i), e.Repeat))
}

// newLeaf makes a leaf of rows, at least one, in order.
func newLeaf(rows []rowRef, docs bool) *leaf {
	l := &leaf{n: len(rows), docs: docs}
	numbers := !docs
	for i, it := range rows {
		last := len(l.sorts) - 1
		if i == 0 || (it.old == nil || it.old != rows[i-1].old || it.run != rows[i-1].run) && !bytes.Equal(it.sort(), l.sorts[last]) {
			l.sorts, l.ends = append(l.sorts, it.sort()), append(l.ends, i)
			last++
		}
		l.ends[last] = i + 1
		if e := it.new; e != nil {
			l.room(e.Doc.N, e.Repeat > 0, e.JSON != nil)
			numbers = numbers && e.Value == nil
			continue
		}
		at := int(it.i)
		l.room(it.old.number(at), it.old.repeat(at) > 0, it.old.json(at) != nil)
		numbers = numbers && it.old.numbers != nil
	}
	l.known = func(i int) string {
		if rows[i].new != nil {
			return rows[i].new.Doc.ID
		}
		return ""
	}
	if docs && l.times != nil {
		l.hashes = make([]byte, 0, hashBytes*len(rows))
	}
	if numbers {
		l.numbers = make([]int64, len(rows))
	}
	var values [][]byte
	for i, it := range rows {
		l.set(i, it)
		if !numbers {
			e := it.entry()
			if e.Value == nil {
				e.Value = e.AppendValue(nil)
			}
			values = append(values, e.Value)
		}
	}
	if !numbers {
		l.values = func() [][]byte { return values }
	}
	return l
}

// room makes the columns that a row needs.
func (l *leaf) room(number uint8, repeats, json bool) {
	if number > 0 && l.times == nil {
		l.times = make([]int64, l.n)
	}
	if number == 0 && l.ids == nil {
		l.ids = make([]string, l.n)
	}
	if number != 1 && l.names == nil {
		l.names = bytes.Repeat([]byte{1}, l.n)
	}
	if repeats && l.repeats == nil {
		l.repeats = make([]uint64, l.n)
	}
	if json && l.jsons == nil {
		l.jsons = make([][]byte, l.n)
	}
}

// set fills a row of the columns that are there, but for values that are texts.
func (l *leaf) set(i int, it rowRef) {
	var e Entry
	switch at := int(it.i); {
	case it.new != nil:
		e = *it.new
	case it.old.named(at):
		e.Doc = Doc{Time: it.old.times[at], N: it.old.number(at)}
	default:
		e.Doc.ID = it.old.ids[at]
	}
	if it.old != nil {
		at := int(it.i)
		e.Repeat, e.JSON = it.old.repeat(at), it.old.json(at)
		if l.numbers != nil {
			e.Number = it.old.numbers[at]
		}
	}
	if e.Doc.N > 0 {
		l.times[i] = e.Doc.Time
	} else {
		l.ids[i] = e.Doc.ID
	}
	if l.names != nil {
		l.names[i] = e.Doc.N
	}
	if l.repeats != nil {
		l.repeats[i] = uint64(e.Repeat)
	}
	if l.jsons != nil {
		l.jsons[i] = e.JSON
	}
	if l.numbers != nil {
		l.numbers[i] = e.Number
	}
	if l.hashes != nil {
		l.setHash(i, it, e.Doc)
	}
}

// setHash adds the hash and the repetition in a content id.
func (l *leaf) setHash(i int, it rowRef, d Doc) {
	again := uint64(0)
	switch {
	case d.N == 0:
		l.hashes = append(l.hashes, make([]byte, hashBytes)...)
	case it.old != nil:
		at := int(it.i)
		l.hashes = append(l.hashes, it.old.hashes[hashBytes*at:hashBytes*(at+1)]...)
		if it.old.again != nil {
			again = it.old.again[at]
		}
	default:
		l.hashes = appendHash(l.hashes, d.ID)
		again, _ = repetition(d.ID)
	}
	if again > 0 && l.again == nil {
		l.again = make([]uint64, l.n)
	}
	if again > 0 {
		l.again[i] = again
	}
}
