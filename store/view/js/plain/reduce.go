package plain

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/dop251/goja/ast"
)

// Rows are what a reduce function is given. Keys and values are JSON; keys and ids are asked for only if the function
// looks at them.
type Rows interface {
	Len() int
	Key(i int) []byte
	ID(i int) string
	Value(i int) []byte
}

// Reduce is a reduce function that is evaluated here. It is safe for concurrent use.
type Reduce struct {
	fn      *function
	frames  sync.Pool
	runs    atomic.Int64
	givenUp atomic.Int64 // of runs
}

// CompileReduce makes a Reduce of a function literal, nil if that one needs the engine.
func CompileReduce(e ast.Expression) *Reduce {
	r := &Reduce{fn: new(compiler).compile(e)}
	if r.fn == nil {
		return nil
	}
	r.frames.New = func() any { return &frame{seed: maphash.MakeSeed()} }
	return r
}

// Reduce is what the function makes of rows, appended to dst as JSON: null if it throws, as in CouchDB. It is nothing if the outcome is
// GaveUp or TimedOut.
func (r *Reduce) Reduce(dst []byte, rows Rows, timeout time.Duration) ([]byte, Outcome) {
	return r.run(dst, rows, timeout, false)
}

// Rereduce is Reduce for earlier results.
func (r *Reduce) Rereduce(dst []byte, reductions [][]byte, timeout time.Duration) ([]byte, Outcome) {
	return r.run(dst, results(reductions), timeout, true)
}

// results are earlier results as rows: they have values alone.
type results [][]byte

// Len implements Rows.
func (r results) Len() int { return len(r) }

// Key implements Rows.
func (r results) Key(int) []byte { return nil }

// ID implements Rows.
func (r results) ID(int) string { return "" }

// Value implements Rows.
func (r results) Value(i int) []byte { return r[i] }

func (r *Reduce) run(dst []byte, rows Rows, timeout time.Duration, rereduce bool) ([]byte, Outcome) {
	if hopeless(r.runs.Load(), r.givenUp.Load()) {
		return dst, GaveUp
	}
	r.runs.Add(1)
	f := r.frames.Get().(*frame)
	f.rows, f.timeout, f.limit = rows, timeout, len(dst)+maxWritten
	out, end := f.reduce(dst, r.fn, rereduce)
	clear(f.vars)
	clear(f.values.room)
	clear(f.keys.room)
	f.rows, f.ret = nil, value{}
	f.forget()
	r.frames.Put(f)
	switch end {
	case GaveUp:
		r.givenUp.Add(1)
		fallthrough
	case TimedOut:
		return dst, end
	case Threw:
		return append(dst, "null"...), end
	}
	return out, end
}

// reduce calls a function with the rows and writes what it returns.
func (f *frame) reduce(dst []byte, fn *function, rereduce bool) (out []byte, end Outcome) {
	defer caught(&end)
	f.begin(fn)
	keys := value{kind: isNull}
	if !rereduce {
		keys = f.lazyList(lazyPair)
		f.boxOf(keys).fixed = true
	}
	values := f.lazyList(lazyValue)
	if out = f.write(dst, f.call(fn, keys, values, boolean(rereduce)), 0); len(out) > f.limit {
		f.giveUp()
	}
	return out, Ran
}

// lazyList is a list with an element for each row.
func (f *frame) lazyList(k kind) value {
	v, b := f.newBox(isList)
	b.items = make([]value, f.rows.Len())
	for i := range b.items {
		b.items[i] = value{kind: k, n: float64(i)}
	}
	return v
}

// item is an element of a list, read now if it was not before.
func (f *frame) item(b *box, i int) value {
	if v := b.items[i]; v.kind < lazyValue {
		return v
	}
	return f.readItem(&b.items[i])
}

// readItem reads an element that is lazy.
func (f *frame) readItem(v *value) value {
	row := int(v.n)
	switch v.kind {
	case lazyValue:
		*v = f.read(f.rows.Value(row))
	case lazyPair:
		pair, made := f.list(2)
		made.items[0], made.items[1] = value{kind: lazyKey, n: v.n}, value{kind: lazyID, n: v.n}
		made.fixed = true
		*v = pair
	case lazyKey:
		*v = f.read(f.rows.Key(row))
	case lazyID:
		if *v = text(f.rows.ID(row)); !utf8.ValidString(v.s) {
			f.giveUp()
		}
	}
	return *v
}
