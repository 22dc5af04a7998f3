package js

import (
	"sync"

	"github.com/dop251/goja"
)

// function is a compiled function that any goroutine may call: idle runtimes are kept until the garbage collector comes.
type function struct {
	prog *goja.Program
	src  string
	o    Options
	idle sync.Pool // of *instance

	// thrown makes an error of what a call threw; nil leaves it as it is. It runs within the call's time, since to look at what was
	// thrown may run functions, which may throw, or not end.
	thrown func(error) error
}

// instance is a function in a runtime.
type instance struct {
	m  *machine
	fn goja.Callable
}

// newFunction compiles src and runs it once, so that what is no function is found here. The error is a *CompileError.
func newFunction(src string, o Options) (*function, error) {
	prog, err := compile(src)
	if err != nil {
		return nil, err
	}
	f := &function{prog: prog, src: src, o: o}
	in, err := f.get()
	if err != nil {
		return nil, err
	}
	f.put(in)
	return f, nil
}

func (f *function) get() (*instance, error) {
	if in, ok := f.idle.Get().(*instance); ok {
		return in, nil
	}
	m := newMachine(f.o)
	fn, err := m.function(f.prog, f.src)
	return &instance{m: m, fn: fn}, err
}

func (f *function) put(in *instance) {
	if !in.m.dead && !in.m.spent {
		f.idle.Put(in)
	}
}

// call runs the function once. args makes its arguments in the runtime; result sees what it returned.
func (f *function) call(args func(m *machine) ([]goja.Value, error), result func(m *machine, v goja.Value) error) error {
	return f.callOn(func(*machine) goja.Value { return goja.Undefined() }, args, result)
}

// design is the design document, on which functions that are no part of a view are called.
func (f *function) design(m *machine) goja.Value {
	if len(f.o.Design) == 0 {
		return goja.Undefined()
	}
	return m.r.NewDynamicObject(&frozenObject{m: m, raw: string(f.o.Design)})
}

func (f *function) callOn(this func(m *machine) goja.Value, args func(m *machine) ([]goja.Value, error),
	result func(m *machine, v goja.Value) error) error {
	return f.with(func(in *instance) error {
		values, err := args(in.m)
		if err != nil {
			return err
		}
		v, err := in.fn(this(in.m), values...)
		if err != nil && f.thrown != nil {
			err = f.thrown(err)
		}
		if err != nil {
			return err
		}
		return result(in.m, v)
	})
}

// with lets do use the function in a runtime, as one call.
func (f *function) with(do func(in *instance) error) error {
	in, err := f.get()
	if err != nil {
		return err
	}
	defer f.put(in)
	stop := in.m.watch()
	defer stop()
	return in.m.run(func() error { return do(in) })
}

// parseArguments reads JSON texts; nil is null.
func parseArguments(m *machine, texts ...[]byte) ([]goja.Value, error) {
	values := make([]goja.Value, len(texts))
	for i, text := range texts {
		if text == nil {
			values[i] = goja.Null()
			continue
		}
		v, err := m.value(string(text))
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}
