package view

import (
	"sync"

	"logctl/store/view/btree"
	"logctl/store/view/js"
	"logctl/store/view/reduce"
)

// scriptRows are rows of a tree as functions see them.
type scriptRows struct {
	entries []btree.Entry
	rows    btree.Rows
}

// Len implements js.Rows.
func (r scriptRows) Len() int { return len(r.entries) }

// Key implements js.Rows.
func (r scriptRows) Key(i int) []byte { return appendKey(nil, &r.entries[i]) }

// ID implements js.Rows.
func (r scriptRows) ID(i int) string { return r.rows.ID(r.entries[i]) }

// Value implements js.Rows.
func (r scriptRows) Value(i int) []byte { return r.entries[i].AppendValue(nil) }

// builtinReducer stores reductions of one of CouchDB's builtins.
type builtinReducer struct{ reduce.Reducer }

// integersReducer is a builtin that takes integers as such.
type integersReducer interface {
	// ReduceIntegers appends the reduction of at least one.
	ReduceIntegers(dst []byte, values []int64) []byte
}

// rowParts are what builtins see of rows.
type rowParts struct {
	keys, values [][]byte
	room         []byte // of values
}

var rowPartsPool = sync.Pool{New: func() any { return &rowParts{} }}

// Reduce implements btree.Reducer.
func (b builtinReducer) Reduce(dst []byte, rows btree.Rows) ([]byte, error) {
	if r, ok := b.Reducer.(integersReducer); ok {
		if numbers, ok := rows.Numbers(); ok {
			return r.ReduceIntegers(dst, numbers), nil
		}
	}
	p := rowPartsPool.Get().(*rowParts)
	defer func() {
		clear(p.keys)
		clear(p.values)
		rowPartsPool.Put(p)
	}()
	p.keys, p.values, p.room = p.keys[:0], p.values[:0], p.room[:0]
	err := rows.Each(func(e btree.Entry) error {
		value := e.Value
		if value == nil {
			start := len(p.room)
			p.room = e.AppendValue(p.room)
			value = p.room[start:len(p.room):len(p.room)]
		}
		p.keys, p.values = append(p.keys, e.Sort), append(p.values, value)
		return nil
	})
	if err != nil {
		return dst, err
	}
	return b.Reducer.Reduce(dst, p.keys, p.values)
}

// scriptReducer stores reductions of a JavaScript function.
type scriptReducer struct{ *js.Reducer }

// Reduce implements btree.Reducer.
func (s scriptReducer) Reduce(dst []byte, rows btree.Rows) ([]byte, error) {
	list := scriptRows{make([]btree.Entry, 0, rows.Len()), rows}
	err := rows.Each(func(e btree.Entry) error {
		list.entries = append(list.entries, e)
		return nil
	})
	if err != nil {
		return dst, err
	}
	dst, err = s.Reducer.Reduce(dst, list)
	if named := rows.Err(); named != nil {
		return dst, named
	}
	return dst, err
}

// reducer makes what a view's trees store: nil for views without reduce and for _count.
func (v viewSource) reducer(o js.Options) (btree.Reducer, error) {
	switch {
	case v.reduceSrc == "" || v.reduceSrc == countReducer:
		return nil, nil
	case v.reduceSrc[0] == '_':
		return builtinReducer{reduce.Builtin(v.reduceSrc)}, nil
	}
	r, err := js.NewReducer(v.reduceSrc, o)
	if err != nil {
		return nil, compilation("reduce", v.name, err)
	}
	return scriptReducer{r}, nil
}
