package plain

import (
	"hash/maphash"
	"slices"
	"time"
)

// Outcome is how a run ended.
type Outcome uint8

// Outcomes.
const (
	Ran      Outcome = iota
	Threw            // an exception that nothing catches
	GaveUp           // it is for the engine
	TimedOut         // it did not come to its end in time
)

// frame is what a function runs in. It is used for one call after the other.
type frame struct {
	vars    []value
	ret     value // what return gave, until it is taken
	room    int   // for parts that may still be made
	steps   int
	lookAt  int // steps at which the clock is looked at
	timeout time.Duration
	end     time.Time // once the clock was looked at
	written int       // parts
	limit   int       // of the length of what is written
	seed    maphash.Seed
	stack   []value // elements of lists that are read
	values  slab[value]
	keys    slab[string]
	boxes   []*box // and how many of them are in use
	boxed   int

	rows Rows // of a reduce function

	doc     value // of a map function, undefined until it is asked for
	text    string
	fields  []field
	emitted *Emitted
}

// maxRoom is for how many values a function may take memory, bytesPerPart is how much text counts as one.
const (
	maxRoom      = 3 << 20
	bytesPerPart = 64
	stepsPerLook = 4096 // at the clock
	bytesPerStep = 1024 // of text that is gone over
)

// begin makes room for a run.
func (f *frame) begin(fn *function) {
	if len(f.vars) < fn.to {
		f.vars = make([]value, fn.to)
	}
	f.ret, f.room, f.steps, f.lookAt, f.written, f.stack = value{}, maxRoom, 0, stepsPerLook, 0, f.stack[:0]
}

// forget frees what runs have made.
func (f *frame) forget() {
	if len(f.boxes) > chunk {
		f.boxes, f.boxed = slices.Clone(f.boxes[:chunk]), chunk
	}
	for _, b := range f.boxes[:f.boxed] {
		*b = box{}
	}
	f.boxed, f.values.used, f.keys.used = 0, 0, 0
}

// caught ends a run that a panic ended. To be deferred.
func caught(end *Outcome) {
	if p := recover(); p != nil {
		var known bool
		if *end, known = p.(Outcome); !known {
			*end = GaveUp // a mistake of this package: the engine does without it
		}
	}
}

// giveUp leaves the call to the engine. It does not return.
func (f *frame) giveUp() value { panic(GaveUp) }

// throw ends the call with an exception. It does not return.
func (f *frame) throw() value { panic(Threw) }

// unknown is what a method that is not known here gives for v: undefined and null have none. It does not return.
func (f *frame) unknown(v value) value {
	if v.isNullish() {
		f.throw()
	}
	return f.giveUp()
}

// take counts parts that are made.
func (f *frame) take(n int) {
	if f.room -= n; f.room < 0 {
		f.giveUp()
	}
}

// step counts what is repeated.
func (f *frame) step() {
	if f.steps++; f.steps >= f.lookAt {
		f.look()
	}
}

// over counts the steps that going over a text is worth.
func (f *frame) over(s string) {
	if f.steps += len(s) / bytesPerStep; f.steps >= f.lookAt {
		f.look()
	}
}

// look looks at the clock.
func (f *frame) look() {
	switch now := time.Now(); {
	case f.lookAt == stepsPerLook:
		f.end = now.Add(f.timeout)
	case now.After(f.end):
		panic(TimedOut)
	}
	f.lookAt = f.steps + stepsPerLook
}

// chunk is how many boxes are allocated at once, and a quarter of the length of slabs.
const chunk = 64

// newBox makes a list or an object.
func (f *frame) newBox(k kind) (value, *box) {
	if f.boxed == len(f.boxes) {
		made := make([]box, chunk)
		for i := range made {
			f.boxes = append(f.boxes, &made[i])
		}
	}
	f.boxed++
	return value{kind: k, n: float64(f.boxed - 1)}, f.boxes[f.boxed-1]
}

// boxOf is the box of a list or an object.
func (f *frame) boxOf(v value) *box { return f.boxes[int(v.n)] }

// list makes a list of n elements that are to be set.
func (f *frame) list(n int) (value, *box) {
	f.take(1 + n)
	v, b := f.newBox(isList)
	b.items = f.values.slice(n)
	return v, b
}

// slab has room for short slices.
type slab[T any] struct {
	room []T
	used int
}

// slice makes a slice of n elements that are to be set.
func (s *slab[T]) slice(n int) []T {
	if n > chunk/4 {
		return make([]T, n)
	}
	if n > len(s.room)-s.used {
		s.room, s.used = make([]T, 4*chunk), 0
	}
	s.used += n
	return s.room[s.used-n : s.used : s.used]
}
