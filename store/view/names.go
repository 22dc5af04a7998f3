package view

import (
	"logctl/store/view/btree"
	"logctl/store/view/collate"
)

// known is what an index has of a doc before a batch, and what it calls the doc from then on.
type known struct {
	name  btree.Doc
	entry []byte // nil: it has no rows of the doc
}

// usedNumbers are those of the docs with one time: a bit for each.
type usedNumbers [4]uint64

func (u *usedNumbers) take(n uint8) { u[n/64] |= 1 << (n % 64) }

// free takes the least number that is free, 0 if there is none.
func (u *usedNumbers) free() uint8 {
	for n := 1; n < 256; n++ {
		if u[n/64]&(1<<(n%64)) == 0 {
			u.take(uint8(n))
			return uint8(n)
		}
	}
	return 0
}

// find looks docs, sorted by id, up in the tree of docs, and gives numbers to those that are new to it and have rows. A number that a doc
// of the tree has is not given to another in the same batch, even if the doc leaves.
func find(docs []mapped, tree *btree.Tree) ([]known, error) {
	found := make([]known, len(docs))
	taken := map[int64]usedNumbers{}
	at := 0
	err := tree.Find(ranges(docs), func(e btree.Entry) error {
		if e.Doc.N > 0 {
			u := taken[e.Doc.Time]
			u.take(e.Doc.N)
			taken[e.Doc.Time] = u
		}
		for at < len(docs) && docs[at].id < e.Doc.ID {
			at++
		}
		if at < len(docs) && docs[at].id == e.Doc.ID {
			found[at] = known{e.Doc, e.Value}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var used usedNumbers
	last, any := int64(0), false
	for i := range docs {
		if found[i].entry != nil || len(docs[i].rows) == 0 {
			continue
		}
		found[i].name.ID = docs[i].id
		t, ok := btree.ContentTime(docs[i].id)
		if !ok {
			continue
		}
		if !any || t != last {
			used, last, any = taken[t], t, true
		}
		if n := used.free(); n > 0 {
			found[i].name.Time, found[i].name.N = t, n
		}
	}
	return found, nil
}

// timeLen is the length of the time in a content id.
const timeLen = 17

// ranges are the places of docs, and of all docs with the same times.
func ranges(docs []mapped) []btree.Range {
	list := make([]btree.Range, 0, len(docs))
	last := ""
	for i := range docs {
		id := docs[i].id
		if last != "" && len(id) > len(last) && id[:len(last)] == last {
			continue
		}
		if _, ok := btree.ContentTime(id); ok {
			last = id[:timeLen]
			list = append(list, btree.Range{From: []byte(last), To: append([]byte(last), idEnd)})
			continue
		}
		place := collate.AppendBytes(nil, []byte(id))
		list = append(list, btree.Range{From: place, To: append(place[:len(place):len(place)], idEnd)})
	}
	return list
}
