package view

import (
	"bytes"
	"encoding/binary"

	"logctl/store"
	"logctl/store/view/btree"
	"logctl/store/view/collate"
)

// A row in a tree. Its key is the sort key, the doc id as collate.AppendBytes writes it, and, from the second row of that
// sort key and doc on, their number in 4 bytes. Its value is a number, twice the length of the sort key plus 1 if the key's
// JSON follows (else it can be made from the sort key), that JSON with its length, and the value's JSON.

func appendRowKey(dst, sortKey []byte, id string, repeat int) []byte {
	dst = append(dst, sortKey...)
	dst = collate.AppendBytes(dst, []byte(id))
	if repeat > 0 {
		dst = binary.BigEndian.AppendUint32(dst, uint32(repeat))
	}
	return dst
}

func appendRowValue(dst []byte, sortKeyLen int, plain bool, key, value []byte) []byte {
	if plain {
		dst = binary.AppendUvarint(dst, uint64(sortKeyLen)<<1)
		return append(dst, value...)
	}
	dst = binary.AppendUvarint(dst, uint64(sortKeyLen)<<1|1)
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	return append(append(dst, key...), value...)
}

// row is a decoded row. Its bytes are those of the tree.
type row struct {
	entry   btree.Entry
	sortKey []byte
	key     []byte // JSON, nil if it has to be made from sortKey
	value   []byte
}

var errRow = store.NewError(store.KindCorrupt, "view index: row does not add up")

func parseRow(e btree.Entry) (row, error) {
	head, n := binary.Uvarint(e.Value)
	if n <= 0 || head>>1 > uint64(len(e.Key)) {
		return row{}, errRow
	}
	r := row{entry: e, sortKey: e.Key[:head>>1], value: e.Value[n:]}
	if head&1 == 1 {
		size, n := binary.Uvarint(r.value)
		if n <= 0 || size > uint64(len(r.value)-n) {
			return row{}, errRow
		}
		r.key, r.value = r.value[n:n+int(size)], r.value[n+int(size):]
	}
	return r, nil
}

// id is the id of the doc that emitted the row.
func (r row) id() string {
	id, _ := collate.TextBytes(r.entry.Key[len(r.sortKey):])
	return string(id)
}

// appendKey appends the key's JSON.
func (r row) appendKey(dst []byte) []byte {
	if r.key != nil {
		return append(dst, r.key...)
	}
	out, ok := collate.AppendJSON(dst, r.sortKey)
	if !ok {
		return append(dst, "null"...)
	}
	return out
}

// What a doc emitted, under keyDoc: for each view with rows its number, how many, and their sort keys with their lengths in
// the order of the emits.

// docRows walks over it, calling fn with the key that each row has in the view's tree.
func docRows(entry []byte, id string, fn func(view int, key []byte)) error {
	bad := store.NewError(store.KindCorrupt, "view index: rows of a doc do not add up")
	next := func() uint64 {
		v, n := binary.Uvarint(entry)
		if n <= 0 {
			entry = nil
			return 0
		}
		entry = entry[n:]
		return v
	}
	for len(entry) > 0 {
		view, rows := int(next()), next()
		var seen repeats
		for range rows {
			size := next()
			if size == 0 || size > uint64(len(entry)) {
				return bad
			}
			sortKey := entry[:size]
			entry = entry[size:]
			fn(view, appendRowKey(nil, sortKey, id, seen.count(sortKey)))
		}
	}
	if entry == nil {
		return bad
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
