package view

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"

	"logctl/store/view/btree"
)

// rowOp sets a row of a view, or removes it.
type rowOp struct {
	entry  *btree.Entry
	doc    int // which of the batch's, sorted by id, the row is of
	delete bool
}

// sorter puts what is done to a view in the order of its rows. It keeps its room for the next time.
type sorter struct {
	seed   maphash.Seed
	known  map[uint64]int // numbers of the different sort keys by their hashes
	keys   [][]byte
	counts []int // of each key's ops; then where the next of them goes
	number []int // of each op's key
	order  []int // of the keys
	sorted []rowOp
}

func newSorter() *sorter { return &sorter{seed: maphash.MakeSeed(), known: map[uint64]int{}} }

// sort gives ops, which come in the order of the ids of their docs, in that of the rows. Of a removal and a new row in the same place the
// row remains. What it gives holds until the next call.
func (s *sorter) sort(ops []rowOp) []rowOp {
	clear(s.known)
	s.keys, s.counts, s.number = s.keys[:0], s.counts[:0], s.number[:0]
	for i := range ops {
		n := s.find(ops[i].entry.Sort)
		s.number = append(s.number, n)
		s.counts[n]++
	}
	s.order = s.order[:0]
	for n := range s.keys {
		s.order = append(s.order, n)
	}
	slices.SortFunc(s.order, func(a, b int) int { return bytes.Compare(s.keys[a], s.keys[b]) })
	place := 0
	for _, n := range s.order {
		s.counts[n], place = place, place+s.counts[n]
	}
	s.sorted = slices.Grow(s.sorted[:0], len(ops))[:len(ops)]
	for i := range ops {
		at := &s.counts[s.number[i]]
		s.sorted[*at] = ops[i]
		*at++
	}
	return settle(s.sorted)
}

// forget lets go of the rows; the room stays.
func (s *sorter) forget() {
	clear(s.keys)
	clear(s.sorted)
}

// find is the number of a key.
func (s *sorter) find(key []byte) int {
	for h := maphash.Bytes(s.seed, key); ; h++ {
		n, there := s.known[h]
		if !there {
			n = len(s.keys)
			s.known[h] = n
			s.keys, s.counts = append(s.keys, key), append(s.counts, 0)
			return n
		}
		if bytes.Equal(s.keys[n], key) {
			return n
		}
	}
}

// settle sorts the ops on rows of the same sort key and doc, which stand together.
func settle(ops []rowOp) []rowOp {
	kept := ops[:0]
	for i := 0; i < len(ops); {
		n := i + 1
		for n < len(ops) && ops[n].doc == ops[i].doc && bytes.Equal(ops[n].entry.Sort, ops[i].entry.Sort) {
			n++
		}
		if n-i > 1 {
			slices.SortStableFunc(ops[i:n], func(a, b rowOp) int { return cmp.Compare(a.entry.Repeat, b.entry.Repeat) })
		}
		for ; i < n; i++ {
			// Removals come first.
			if last := len(kept) - 1; last >= 0 && sameRow(&kept[last], &ops[i]) {
				kept[last] = ops[i]
				continue
			}
			kept = append(kept, ops[i])
		}
	}
	return kept
}

func sameRow(a, b *rowOp) bool {
	return a.entry.Repeat == b.entry.Repeat && a.doc == b.doc && bytes.Equal(a.entry.Sort, b.entry.Sort)
}
