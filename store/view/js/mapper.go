package js

import (
	"errors"

	"github.com/dop251/goja"

	"logctl/store/view/js/plain"
)

// Maps are the compiled map functions of a design document. They are safe for concurrent use.
type Maps struct {
	progs   []*goja.Program
	plain   []*plain.Map // nil for those that need the engine
	fields  plain.Fields
	sources []string
	o       Options
}

// CompileMaps compiles map functions. The error is a *CompileError.
func CompileMaps(sources []string, o Options) (*Maps, error) {
	m := &Maps{sources: sources, o: o}
	for _, src := range sources {
		tree, err := parse(src)
		if err != nil {
			return nil, err
		}
		p, err := compileTree(tree, src)
		if err != nil {
			return nil, err
		}
		m.progs, m.plain = append(m.progs, p), append(m.plain, plain.CompileMap(functionOf(tree), &m.fields))
	}
	return m, nil
}

// Mapper runs map functions in a runtime of its own. It is not safe for concurrent use.
type Mapper struct {
	m       *machine
	maps    *Maps
	fns     []goja.Callable
	unwatch func() // nil: nobody watches
	plain   *plain.Mapper
	out     plain.Emitted
	over    bool // the running function emitted too much
	dropped int
}

var errTooMuch = errors.New("too many rows or bytes emitted")

// NewMapper makes a runtime with all functions in it.
func (s *Maps) NewMapper() (*Mapper, error) {
	w := &Mapper{maps: s, plain: plain.NewMapper(s.plain, s.fields)}
	return w, w.start()
}

func (w *Mapper) start() error {
	w.m, w.fns = newMachine(w.maps.o), w.fns[:0]
	w.m.set("emit", w.emit)
	for i, p := range w.maps.progs {
		fn, err := w.m.function(p, w.maps.sources[i])
		if err != nil {
			return err
		}
		w.fns = append(w.fns, fn)
	}
	return nil
}

// Watch bounds the time of each Map call until the function that it gives is called.
func (w *Mapper) Watch() (stop func()) {
	w.unwatch = w.m.watch()
	return func() {
		w.unwatch()
		w.unwatch = nil
	}
}

// renew makes another runtime, since functions have kept too much in this one.
func (w *Mapper) renew() error {
	if w.unwatch != nil {
		w.unwatch()
	}
	err := w.start()
	if w.unwatch != nil {
		w.unwatch = w.m.watch()
	}
	return err
}

// Dropped is how many times a function gave no rows because it threw or emitted too much.
func (w *Mapper) Dropped() int { return w.dropped }

// emit is the function of that name.
func (w *Mapper) emit(c goja.FunctionCall) goja.Value {
	text := w.out.Text
	row := plain.Row{Key: len(text)}
	var err error
	if text, err = w.m.appendJSON(text, c.Argument(0), 0); err == nil {
		row.Value = len(text)
		text, err = w.m.appendJSON(text, c.Argument(1), 0)
	}
	row.End = len(text)
	if err == nil && (len(w.out.Rows) == maxEmits || len(text) > maxEmitBytes) {
		err = errTooMuch
	}
	if w.over || errors.Is(err, errTooMuch) {
		w.over = true
		w.m.r.Interrupt(errTooMuch)
		return goja.Undefined()
	}
	if err != nil {
		panic(err)
	}
	w.out.Text, w.out.Rows = text, append(w.out.Rows, row)
	return goja.Undefined()
}

// Map calls each function with the doc, a JSON object with its _id and _rev, and then row for each row of each, in the
// order of the emits; key and value are JSON and hold only during the call. A function that throws, or emits too much,
// gives no rows. The error is KindOSProcess for a function that does not end, the Mapper is of no use then, or what a function
// threw that is to end the view.
func (w *Mapper) Map(doc string, row func(view int, key, value []byte)) error {
	if w.m.spent {
		if err := w.renew(); err != nil {
			return err
		}
	}
	w.plain.Begin(doc)
	var v *goja.Object
	for i, fn := range w.fns {
		w.out.Reset()
		end := w.plain.Run(i, &w.out)
		if end == plain.GaveUp {
			if v == nil {
				v = w.m.r.NewDynamicObject(&frozenObject{m: w.m, raw: doc})
			}
			var err error
			if end, err = w.call(fn, v); err != nil {
				return err
			}
		}
		if end == plain.Threw {
			w.dropped++
			continue
		}
		for _, r := range w.out.Rows {
			row(i, w.out.Text[r.Key:r.Value], w.out.Text[r.Value:r.End])
		}
	}
	return nil
}

// call runs a function in the engine: it runs to its end or throws, which it also does in a sense if it emits too much.
func (w *Mapper) call(fn goja.Callable, doc goja.Value) (plain.Outcome, error) {
	w.over = false
	w.out.Reset()
	err := w.m.run(func() error {
		if _, err := fn(goja.Undefined(), doc); err != nil {
			return fatal(err)
		}
		return nil
	})
	if w.m.dead {
		return plain.Threw, err
	}
	if err != nil || w.over {
		w.m.r.ClearInterrupt()
		var end *fatalError
		if errors.As(err, &end) {
			return plain.Threw, end.err
		}
		return plain.Threw, nil
	}
	return plain.Ran, nil
}
