package js

import "logctl/store/view/js/jstext"

// plan is a map function that is evaluated here instead of in the engine: one that declares variables, branches, reads
// members of the doc, cuts strings, calculates and emits, without loops, functions of its own or state that outlives a call.
// Recognising one is a matter of its syntax tree alone (compilePlan), and so is what it may do: a plan ends, and needs memory
// in proportion to its text and the doc.
//
// For each doc a plan ends in one of three ways. It runs to its end, and then its rows are those of the engine; or it throws,
// which gives none; or it meets a value for which this package does not know to the last bit what the engine does (a method
// called on something else than a string of ASCII, an object compared with another, …), and gives up: the function is called
// in the engine then, as if nothing had happened. So what is not worth a line here costs time and nothing else.
type plan struct {
	body []step
	vars int
}

// step is a statement. It tells whether the function goes on behind it.
type step func(f *frame) bool

// expr is an expression.
type expr func(f *frame) datum

// outcome is how a run of a plan ended.
type outcome uint8

const (
	ran outcome = iota
	threw
	gaveUp
)

// frame is what plans run in. It is used for one doc after the other.
type frame struct {
	doc     string
	fields  []field
	vars    []datum
	stack   []datum  // arguments and elements that are being made
	arena   []datum  // elements of arrays
	members []member // of objects
	end     outcome  // other than ran: the run is over, whatever is still evaluated has no effect
	out     *Mapper
}

// field is a member of the doc that plans read, found once for all of them and decoded when it is first read.
type field struct {
	raw     string // "" for none
	decoded bool
	val     datum
}

// fieldNames are the members of the doc that the plans of one Maps read.
type fieldNames []string

func (n *fieldNames) index(name string) int {
	for i, s := range *n {
		if s == name {
			return i
		}
	}
	*n = append(*n, name)
	return len(*n) - 1
}

// begin makes a doc the one that is mapped. Text that is not in the form in which stores keep docs is for the engine: ok is
// false.
func (f *frame) begin(doc string, names fieldNames) (ok bool) {
	f.doc = doc
	clear(f.fields)
	p := jstext.Scanner{Text: doc}
	if !p.Take('{') {
		return false
	}
	for !p.Take('}') {
		if p.Peek() != '"' {
			return false
		}
		key, err := p.RawString()
		if err != nil || !p.Take(':') {
			return false
		}
		raw, err := p.Raw()
		if err != nil {
			return false
		}
		if key, ok = memberName(key); !ok {
			return false
		}
		for i, name := range names {
			if name == key {
				if f.fields[i].raw != "" {
					return false // twice the same
				}
				f.fields[i].raw = raw
			}
		}
		if !p.Take(',') && p.Peek() != '}' {
			return false
		}
	}
	return p.Peek() == 0
}

// run runs a plan on the doc. Its rows are w.rows and w.out, as if the engine had called emit.
func (f *frame) run(p *plan) outcome {
	f.stack, f.arena, f.members, f.end = f.stack[:0], f.arena[:0], f.members[:0], ran
	f.vars = f.vars[:0]
	for range p.vars {
		f.vars = append(f.vars, datum{})
	}
	block(f, p.body)
	return f.end
}

// block runs statements until one ends the function.
func block(f *frame, steps []step) bool {
	for _, s := range steps {
		if !s(f) || f.end != ran {
			return false
		}
	}
	return true
}

// giveUp leaves the doc to the engine.
func (f *frame) giveUp() datum {
	if f.end == ran {
		f.end = gaveUp
	}
	return datum{}
}

// throw ends the function with an exception.
func (f *frame) throw() datum {
	if f.end == ran {
		f.end = threw
	}
	return datum{}
}

// field is the value of a member of the doc.
func (f *frame) field(i int) datum {
	m := &f.fields[i]
	if !m.decoded {
		m.decoded = true
		if m.raw != "" {
			var ok bool
			if m.val, ok = decode(m.raw); !ok {
				m.decoded = false
				return f.giveUp()
			}
		}
	}
	return m.val
}

// emit takes a row.
func (f *frame) emit(key, value datum) {
	if f.end != ran {
		return
	}
	w := f.out
	row := emitted{key: len(w.out)}
	w.out = f.appendJSON(w.out, key)
	row.value = len(w.out)
	w.out = f.appendJSON(w.out, value)
	row.end = len(w.out)
	if row.end > maxEmitBytes {
		f.giveUp()
	}
	w.rows = append(w.rows, row)
}
