package plain

import (
	"errors"
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

// Fold is a reduce function that is evaluated here. It is safe for concurrent use.
type Fold struct {
	params  []int // places of the parameters among the variables
	vars    int
	body    []step
	frames  sync.Pool
	runs    atomic.Int64
	givenUp atomic.Int64 // of runs
}

// ErrTimeout tells that a function did not come to its end in time.
var ErrTimeout = errors.New("plain: timed out")

// Compile makes a Fold of a function, nil if that one needs the engine.
func Compile(params *ast.ParameterList, declared []*ast.VariableDeclaration, body []ast.Statement) *Fold {
	c := &compiler{}
	c.enter()
	f := &Fold{params: c.parameters(params)}
	c.hoist(declared)
	f.body = c.list(body)
	if f.vars = c.vars; c.refused {
		return nil
	}
	f.frames.New = func() any { return &frame{vars: make([]value, f.vars), seed: maphash.MakeSeed()} }
	return f
}

// Reduce is what the function makes of rows, appended to dst as JSON. It is false if that is for the engine to tell.
func (f *Fold) Reduce(dst []byte, rows Rows, timeout time.Duration) ([]byte, bool, error) {
	keys, values := &box{items: make([]value, rows.Len()), fixed: true}, &box{items: make([]value, rows.Len())}
	for i := range keys.items {
		keys.items[i], values.items[i] = value{kind: lazyPair, n: float64(i)}, value{kind: lazyValue, n: float64(i)}
	}
	return f.run(dst, rows, timeout, value{kind: isList, box: keys}, value{kind: isList, box: values}, boolean(false))
}

// Rereduce is Reduce for earlier results.
func (f *Fold) Rereduce(dst []byte, reductions [][]byte, timeout time.Duration) ([]byte, bool, error) {
	values := &box{items: make([]value, len(reductions))}
	for i := range values.items {
		values.items[i] = value{kind: lazyValue, n: float64(i)}
	}
	return f.run(dst, results(reductions), timeout, value{kind: isNull}, value{kind: isList, box: values}, boolean(true))
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

// A function that gives up most of the time is left to the engine.
const (
	tries   = 32
	patient = 2 // one run in so many may give up
)

func (f *Fold) run(dst []byte, rows Rows, timeout time.Duration, args ...value) (out []byte, done bool, err error) {
	if runs, failed := f.runs.Load(), f.givenUp.Load(); failed > tries && failed*patient > runs {
		return dst, false, nil
	}
	f.runs.Add(1)
	fr := f.frames.Get().(*frame)
	fr.begin(rows, timeout)
	defer func() {
		clear(fr.vars)
		fr.rows, fr.ret, fr.values, fr.boxes, fr.stack = nil, value{}, nil, nil, fr.stack[:0]
		f.frames.Put(fr)
		switch p := recover(); p {
		case nil:
		case any(ErrTimeout):
			out, done, err = dst, true, ErrTimeout
		default: // errGaveUp, or a mistake of this package: the engine does without it
			f.givenUp.Add(1)
			out, done, err = dst, false, nil
		}
	}()
	for i, at := range f.params {
		if i < len(args) {
			fr.vars[at] = args[i]
		}
	}
	fr.block(f.body)
	if out = fr.write(dst, fr.ret, 0); len(out)-len(dst) > maxWritten {
		fr.giveUp()
	}
	return out, true, nil
}

// frame is what a function runs in. It is used for one call after the other.
type frame struct {
	vars    []value
	ret     value // what return gave
	rows    Rows
	room    int // for parts that may still be made
	steps   int
	end     time.Time
	written int
	seed    maphash.Seed
	stack   []value // elements of lists that are read
	values  []value // room for elements of lists
	boxes   []box   // room for boxes
}

// maxRoom is for how many values a function may take memory, bytesPerPart is how much text counts as one.
const (
	maxRoom      = 3 << 20
	bytesPerPart = 64
	stepsPerLook = 4096 // at the clock
)

func (f *frame) begin(rows Rows, timeout time.Duration) {
	f.rows, f.room, f.steps, f.written = rows, maxRoom, 0, 0
	f.end = time.Now().Add(timeout)
}

var errGaveUp = errors.New("plain: gave up")

// giveUp leaves the call to the engine. It does not return: run goes on.
func (f *frame) giveUp() { panic(errGaveUp) }

// take counts parts that are made.
func (f *frame) take(n int) {
	if f.room -= n; f.room < 0 {
		f.giveUp()
	}
}

// step counts what is repeated.
func (f *frame) step() {
	if f.steps++; f.steps%stepsPerLook == 0 && time.Now().After(f.end) {
		panic(ErrTimeout)
	}
}

// chunk is how many boxes are allocated at once, and how many elements of lists that are shorter.
const chunk = 64

func (f *frame) newBox() *box {
	if len(f.boxes) == 0 {
		f.boxes = make([]box, chunk)
	}
	b := &f.boxes[0]
	f.boxes = f.boxes[1:]
	return b
}

// list makes a list of n undefined elements.
func (f *frame) list(n int) value {
	b := f.newBox()
	switch {
	case n > chunk/4:
		b.items = make([]value, n)
	case n > len(f.values):
		f.values = make([]value, 4*chunk)
		fallthrough
	default:
		b.items, f.values = f.values[:n:n], f.values[n:]
	}
	return value{kind: isList, box: b}
}

// item is an element of a list, read now if it was not before.
func (f *frame) item(b *box, i int) value {
	v := &b.items[i]
	if v.kind < lazyValue {
		return *v
	}
	row := int(v.n)
	switch v.kind {
	case lazyValue:
		*v = f.read(f.rows.Value(row))
	case lazyPair:
		pair := f.list(2)
		pair.box.items[0], pair.box.items[1] = value{kind: lazyKey, n: v.n}, value{kind: lazyID, n: v.n}
		pair.box.fixed = true
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
