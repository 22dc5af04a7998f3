package js

import (
	"errors"

	"github.com/dop251/goja"

	"logctl/store"
	"logctl/store/view/js/plain"
)

// Reducer is a reduce function. It is safe for concurrent use.
type Reducer struct {
	f     *function
	plain *plain.Reduce // nil where all is for the engine
}

// NewReducer compiles a reduce function. The error is a *CompileError.
func NewReducer(src string, o Options) (*Reducer, error) {
	f, err := newFunction(src, o)
	if err != nil {
		return nil, err
	}
	f.thrown = fatal
	r := &Reducer{f: f}
	if tree, err := parse(src); err == nil {
		r.plain = plain.CompileReduce(functionOf(tree))
	}
	return r, nil
}

// Rows are what a reduce function is given.
type Rows = plain.Rows

// Reduce calls the function with rows and appends what it returns as JSON: null if it throws, as in CouchDB. The error is
// KindOSProcess for a function that does not end.
func (r *Reducer) Reduce(dst []byte, rows Rows) ([]byte, error) {
	if r.plain != nil {
		if out, end := r.plain.Reduce(dst, rows, r.f.o.timeout()); end != plain.GaveUp {
			return out, endError(end)
		}
	}
	return r.call(dst, func(m *machine) ([]goja.Value, error) {
		values := make([]any, rows.Len())
		for i := range values {
			v, err := m.value(string(rows.Value(i)))
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
		keys := m.r.NewDynamicArray(&rowKeys{m: m, rows: rows, items: make([]goja.Value, rows.Len())})
		return []goja.Value{keys, m.r.NewArray(values...), m.r.ToValue(false)}, nil
	})
}

// Rereduce calls the function with earlier results.
func (r *Reducer) Rereduce(dst []byte, reductions [][]byte) ([]byte, error) {
	if r.plain != nil {
		if out, end := r.plain.Rereduce(dst, reductions, r.f.o.timeout()); end != plain.GaveUp {
			return out, endError(end)
		}
	}
	return r.call(dst, func(m *machine) ([]goja.Value, error) {
		values := make([]any, len(reductions))
		for i := range reductions {
			v, err := m.value(string(reductions[i]))
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
		return []goja.Value{goja.Null(), m.r.NewArray(values...), m.r.ToValue(true)}, nil
	})
}

// endError is the error of a run without the engine.
func endError(end plain.Outcome) error {
	if end == plain.TimedOut {
		return errTimeout
	}
	return nil
}

func (r *Reducer) call(dst []byte, args func(m *machine) ([]goja.Value, error)) ([]byte, error) {
	start := len(dst)
	err := r.f.call(args, func(m *machine, v goja.Value) error {
		var err error
		dst, err = m.appendJSON(dst, v, 0)
		return err
	})
	if store.IsKind(err, store.KindOSProcess) {
		return dst[:start], err
	}
	var compile *CompileError
	if errors.As(err, &compile) {
		return dst[:start], compilationError(err)
	}
	var end *fatalError
	if errors.As(err, &end) {
		return dst[:start], end.err
	}
	if err != nil {
		return append(dst[:start], "null"...), nil
	}
	return dst, nil
}

// rowKeys is the keys argument, [key, id] for each row, made when the function looks: few do.
type rowKeys struct {
	m     *machine
	rows  Rows
	items []goja.Value
}

// Len implements goja.DynamicArray.
func (k *rowKeys) Len() int { return len(k.items) }

// Get implements goja.DynamicArray.
func (k *rowKeys) Get(i int) goja.Value {
	if i < 0 || i >= len(k.items) {
		return nil
	}
	if k.items[i] == nil {
		k.items[i] = k.m.r.NewDynamicArray(&rowKey{rowKeys: k, row: i, items: make([]goja.Value, 2)})
	}
	return k.items[i]
}

// Set implements goja.DynamicArray.
func (k *rowKeys) Set(i int, v goja.Value) bool { return setItem(&k.items, i, v) }

// SetLen implements goja.DynamicArray.
func (k *rowKeys) SetLen(n int) bool { return setLen(&k.items, n) }

// rowKey is [key, id] of a row. An id is looked up elsewhere, and who looks at keys mostly doesn't look at ids.
type rowKey struct {
	*rowKeys
	row   int
	items []goja.Value
}

// Len implements goja.DynamicArray.
func (k *rowKey) Len() int { return len(k.items) }

// Get implements goja.DynamicArray.
func (k *rowKey) Get(i int) goja.Value {
	if i < 0 || i >= len(k.items) {
		return nil
	}
	if k.items[i] != nil {
		return k.items[i]
	}
	v := goja.Null()
	if i == 1 {
		v = k.m.r.ToValue(k.rows.ID(k.row))
	} else if key, err := k.m.value(string(k.rows.Key(k.row))); err == nil {
		v = key
	}
	k.items[i] = v
	return v
}

// Set implements goja.DynamicArray. Items may be added one behind the other.
func (k *rowKey) Set(i int, v goja.Value) bool {
	if i == len(k.items) {
		k.items = append(k.items, v)
		return true
	}
	return setItem(&k.items, i, v)
}

// SetLen implements goja.DynamicArray.
func (k *rowKey) SetLen(n int) bool { return setLen(&k.items, n) }

func setItem(items *[]goja.Value, i int, v goja.Value) bool {
	if i < 0 || i >= len(*items) {
		return false
	}
	(*items)[i] = v
	return true
}

// setLen takes items away; it adds none.
func setLen(items *[]goja.Value, n int) bool {
	if n < 0 || n > len(*items) {
		return false
	}
	*items = (*items)[:n]
	return true
}
