package view

import (
	"bytes"
	"encoding/binary"

	"logctl/store"
	"logctl/store/view/btree"
	"logctl/store/view/collate"
)

// appendKey appends the JSON of a row's key.
func appendKey(dst []byte, e *btree.Entry) []byte {
	if e.JSON != nil {
		return append(dst, e.JSON...)
	}
	out, ok := collate.AppendJSON(dst, e.Sort)
	if !ok {
		return append(dst, "null"...)
	}
	return out
}

// What a doc emitted, the value of its row in the tree of docs: for each row, in the order of the emits, the number of the view in
// viewBytes, big endian, and the sort key.
const viewBytes = 2

func docEntry(rows []emittedRow) []byte {
	size := 0
	for i := range rows {
		size += len(rows[i].Sort) + viewBytes
	}
	dst := make([]byte, 0, size)
	for i := range rows {
		dst = binary.BigEndian.AppendUint16(dst, uint16(rows[i].view))
		dst = append(dst, rows[i].Sort...)
	}
	return dst
}

// docRows walks over an entry, calling fn with what tells each row from the others.
func docRows(entry []byte, fn func(view int, sortKey []byte, repeat uint32)) error {
	bad := store.NewError(store.KindCorrupt, "view index: rows of a doc do not add up")
	if len(entry) == 0 {
		return bad
	}
	var seen repeats
	view := -1
	for len(entry) > 0 {
		if len(entry) < viewBytes {
			return bad
		}
		if v := int(binary.BigEndian.Uint16(entry)); v != view {
			view, seen = v, repeats{}
		}
		entry = entry[viewBytes:]
		size := collate.Scalars(entry, func(int, int) {})
		if size == 0 {
			return bad
		}
		fn(view, entry[:size], uint32(seen.count(entry[:size])))
		entry = entry[size:]
	}
	return nil
}

// repeats counts equal sort keys of one doc in one view.
type repeats struct {
	keys [fewRows][]byte // of the first rows
	n    int
	more map[string]int // of all, once there are more
}

// fewRows is how many rows of a doc are compared one by one.
const fewRows = 4

// count is how many times the key was counted before.
func (r *repeats) count(key []byte) int {
	if r.more == nil && r.n < fewRows {
		before := 0
		for _, k := range r.keys[:r.n] {
			if bytes.Equal(k, key) {
				before++
			}
		}
		r.keys[r.n] = key
		r.n++
		return before
	}
	if r.more == nil {
		r.more = map[string]int{}
		for _, k := range r.keys {
			r.more[string(k)]++
		}
	}
	n := r.more[string(key)]
	r.more[string(key)]++
	return n
}
