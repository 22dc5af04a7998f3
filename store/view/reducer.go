package view

import (
	"sync"

	"logctl/store/view/btree"
	"logctl/store/view/js"
	"logctl/store/view/reduce"
)

// entryRows are rows of a tree as reducers see them.
type entryRows []row

func parseRows(entries []btree.Entry) (entryRows, error) {
	rows := make(entryRows, len(entries))
	for i, e := range entries {
		var err error
		if rows[i], err = parseRow(e); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// Len implements js.Rows.
func (r entryRows) Len() int { return len(r) }

// Key implements js.Rows.
func (r entryRows) Key(i int) []byte { return r[i].appendKey(nil) }

// ID implements js.Rows.
func (r entryRows) ID(i int) string { return r[i].id() }

// Value implements js.Rows.
func (r entryRows) Value(i int) []byte { return r[i].value }

// builtinReducer stores reductions of one of CouchDB's builtins.
type builtinReducer struct{ reduce.Reducer }

// rowParts are what builtins see of rows.
type rowParts struct{ keys, values [][]byte }

var rowPartsPool = sync.Pool{New: func() any { return &rowParts{} }}

// Reduce implements btree.Reducer.
func (b builtinReducer) Reduce(dst []byte, entries []btree.Entry) ([]byte, error) {
	p := rowPartsPool.Get().(*rowParts)
	defer func() {
		clear(p.keys)
		clear(p.values)
		rowPartsPool.Put(p)
	}()
	p.keys, p.values = p.keys[:0], p.values[:0]
	for _, e := range entries {
		r, err := parseRow(e)
		if err != nil {
			return dst, err
		}
		p.keys, p.values = append(p.keys, r.sortKey), append(p.values, r.value)
	}
	return b.Reducer.Reduce(dst, p.keys, p.values)
}

// scriptReducer stores reductions of a JavaScript function.
type scriptReducer struct{ *js.Reducer }

// Reduce implements btree.Reducer.
func (s scriptReducer) Reduce(dst []byte, entries []btree.Entry) ([]byte, error) {
	rows, err := parseRows(entries)
	if err != nil {
		return dst, err
	}
	return s.Reducer.Reduce(dst, rows)
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
