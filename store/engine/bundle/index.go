package bundle

import (
	"bytes"
	"cmp"
	"slices"

	"logctl/store/ejson"
)

// Index finds the docs of a bundle by their ids. It is one goroutine's, as its Docs are.
//
// An id that is made of content costs a hash. The time that it begins with costs little, and tells most of them apart. Either is made
// when it is needed, once.
type Index struct {
	docs  *Docs
	times []uint64 // of each doc, as the number that the digits make, and 1; 0: not made yet; nil: ids are not made of content
	order []uint16 // docs in the order of their ids; nil: they stand in it
	ids   []string // those that were made, by doc
	text  []byte
}

// TimeLen is the length of the time that an id made of content begins with.
const TimeLen = 17

// NewIndex makes an index. ordered tells that the docs are in the order of their ids.
func NewIndex(docs *Docs, ordered bool) *Index {
	x := &Index{docs: docs, ids: make([]string, docs.n)}
	if docs.idKind == idsOfContent {
		x.times = make([]uint64, docs.n)
	}
	if !ordered {
		x.order = make([]uint16, docs.n)
		for i := range x.order {
			x.order[i] = uint16(i)
		}
		slices.SortFunc(x.order, func(a, b uint16) int {
			if x.times != nil {
				if c := cmp.Compare(x.time(int(a)), x.time(int(b))); c != 0 {
					return c
				}
			}
			return cmp.Compare(x.ID(int(a)), x.ID(int(b)))
		})
	}
	return x
}

// Len is how many docs there are.
func (x *Index) Len() int { return x.docs.n }

// At is the doc at a place in the order of ids.
func (x *Index) At(place int) (doc int) {
	if x.order == nil {
		return place
	}
	return int(x.order[place])
}

// ID is the id of a doc.
func (x *Index) ID(doc int) string {
	if x.ids[doc] == "" {
		x.text = x.docs.AppendID(x.text[:0], doc)
		x.ids[doc] = string(x.text)
	}
	return x.ids[doc]
}

// Search finds the place of the first doc whose id is not less than id, and whether it is equal.
func (x *Index) Search(id string) (place int, ok bool) {
	time, dated := TimeOf(id)
	lo, hi := 0, x.docs.n
	for lo < hi {
		middle := int(uint(lo+hi) >> 1)
		if c := x.compare(x.At(middle), id, time, dated); c < 0 {
			lo = middle + 1
		} else {
			hi, ok = middle, ok || c == 0 // ids differ, so that it is this one where it is equal
		}
	}
	return lo, ok
}

// compare compares a doc's id with id, which begins with that time if it is dated.
func (x *Index) compare(doc int, id string, time uint64, dated bool) int {
	if x.times != nil && dated {
		if c := cmp.Compare(x.time(doc), time); c != 0 {
			return c
		}
	}
	return cmp.Compare(x.ID(doc), id)
}

// time is the time that a doc's id, which is made of content, begins with.
func (x *Index) time(doc int) uint64 {
	if x.times[doc] == 0 {
		x.text = x.docs.appendTime(x.text[:0], doc)
		n, _ := TimeOf(string(x.text))
		x.times[doc] = n + 1
	}
	return x.times[doc] - 1
}

// TimeOf is the time that an id made of content begins with, as the number that its digits make; false if it begins with none.
func TimeOf(id string) (n uint64, ok bool) {
	if len(id) < TimeLen {
		return 0, false
	}
	for i := range TimeLen {
		if !isDigit(id[i]) {
			return 0, false
		}
		n = 10*n + uint64(id[i]-'0')
	}
	return n, true
}

// appendTime appends the time that the i-th doc's id begins with.
func (b *Docs) appendTime(dst []byte, i int) []byte {
	s, rank := b.shape(i)
	var times [3][]byte
	for k, column := range b.shapes[s].times {
		if column < 0 {
			continue
		}
		text := b.times[k][:0]
		if isText := bytes.HasSuffix(b.shapes[s].pieces[column], []byte{'"'}); isText {
			text = append(b.columns[s][column].append(append(text, '"'), rank), '"')
		} else {
			text = b.columns[s][column].append(text, rank)
		}
		b.times[k], times[k] = text, text
	}
	return ejson.AppendContentTime(dst, times[0], times[1], times[2])
}
