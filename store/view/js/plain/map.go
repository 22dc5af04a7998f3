package plain

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/dop251/goja/ast"

	"logctl/store/view/js/jstext"
)

// Map is a map function that is evaluated here.
type Map struct{ fn *function }

// Fields are the members of the doc that some map functions read by their names, maxFields at most: each member of a doc is compared to
// all of them.
type Fields []string

const maxFields = 256

// index is the place of a name, -1 if there is no more room for one.
func (n *Fields) index(name string) int {
	i := slices.Index(*n, name)
	if i < 0 && len(*n) < maxFields {
		i = len(*n)
		*n = append(*n, name)
	}
	return i
}

// CompileMap makes a Map of a function literal, nil if that one needs the engine. fields gathers the members of the doc that it reads.
func CompileMap(e ast.Expression, fields *Fields) *Map {
	known := len(*fields)
	fn := (&compiler{fields: fields}).compile(e)
	if fn == nil {
		*fields = (*fields)[:known]
		return nil
	}
	return &Map{fn}
}

// Emitted are the rows of a map function: the bytes Key to Value of Text are the key of a row, those from Value to End are its value, both
// JSON.
type Emitted struct {
	Text []byte
	Rows []Row
}

// Row tells where a row is.
type Row struct{ Key, Value, End int }

// Reset takes all rows away.
func (e *Emitted) Reset() { e.Text, e.Rows = e.Text[:0], e.Rows[:0] }

// Bounds of a map function's run, within those of the engine. One that takes longer is left to the engine.
const (
	maxRows = 1 << 17
	mapTime = 100 * time.Millisecond
)

// Mapper is what some map functions run in, one doc after the other. It is not safe for concurrent use.
type Mapper struct {
	frame  frame
	maps   []*Map
	names  Fields
	counts []struct{ runs, givenUp int64 } // of each map
	begun  bool
}

// NewMapper makes a Mapper for functions and the fields of all of them. Those that need the engine are nil, and give up.
func NewMapper(maps []*Map, fields Fields) *Mapper {
	m := &Mapper{maps: maps, names: fields, counts: make([]struct{ runs, givenUp int64 }, len(maps))}
	m.frame = frame{fields: make([]field, len(fields)), timeout: mapTime, seed: maphash.MakeSeed()}
	return m
}

// field is a member of the doc that functions read, found once for all of them and decoded when it is first read.
type field struct {
	raw     string // "" for none
	decoded bool
	val     value
}

// Begin makes a doc the one that is mapped.
func (m *Mapper) Begin(doc string) { m.begun = m.frame.beginDoc(doc, m.names) }

// Run calls the i-th function with the doc of Begin. The rows are added to out. One that takes long gives up, too.
func (m *Mapper) Run(i int, out *Emitted) Outcome {
	fn, n := m.maps[i], &m.counts[i]
	if fn == nil || !m.begun || hopeless(n.runs, n.givenUp) {
		return GaveUp
	}
	n.runs++
	end := m.frame.mapDoc(fn.fn, out)
	if end == GaveUp || end == TimedOut {
		n.givenUp++
		return GaveUp
	}
	return end
}

// beginDoc finds the fields of a doc. Text that is not in the form in which stores keep docs is for the engine: ok is false.
func (f *frame) beginDoc(doc string, names Fields) (ok bool) {
	f.forget()
	f.text, f.doc = doc, value{}
	clear(f.fields)
	p := jstext.Scanner{Text: doc}
	if !p.Take('{') {
		return false
	}
	for more := p.Peek() != '}'; more; more = p.Take(',') {
		key, err := p.ReadString()
		if err != nil || !p.Take(':') {
			return false
		}
		raw, err := p.Raw()
		if err != nil {
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
	}
	return p.Take('}') && p.Peek() == 0
}

func (f *frame) mapDoc(fn *function, out *Emitted) (end Outcome) {
	defer caught(&end)
	f.emitted, f.limit = out, len(out.Text)+maxWritten
	f.begin(fn)
	f.call(fn)
	return Ran
}

// field is the value of a member of the doc.
func (f *frame) field(i int) value {
	m := &f.fields[i]
	if !m.decoded {
		if m.raw != "" {
			m.val = f.readPart(m.raw)
		}
		m.decoded = true
	}
	return m.val
}

// wholeDoc is the doc.
func (f *frame) wholeDoc() value {
	if f.doc.kind == isUndefined {
		f.doc = f.unread(f.text)
	}
	return f.doc
}

// emit takes a row.
func (f *frame) emit(key, val value) value {
	e := f.emitted
	f.written = 0
	row := Row{Key: len(e.Text)}
	e.Text = f.write(e.Text, key, 0)
	row.Value = len(e.Text)
	e.Text = f.write(e.Text, val, 0)
	if row.End = len(e.Text); row.End > f.limit || len(e.Rows) == maxRows {
		f.giveUp()
	}
	e.Rows = append(e.Rows, row)
	return value{}
}
