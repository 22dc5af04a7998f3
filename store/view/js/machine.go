package js

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"logctl/store"
)

// machine is one runtime with what CouchDB gives to functions. It is not safe for concurrent use.
type machine struct {
	r         *goja.Runtime
	stringify goja.Callable
	freeze    goja.Callable
	timeout   time.Duration
	calls     atomic.Uint64 // odd while a function runs
	dead      bool          // a call did not end: not to be used again
}

func newMachine(o Options) *machine {
	m := &machine{r: goja.New(), timeout: o.timeout()}
	m.r.SetMaxCallStackSize(maxCallDepth)
	m.stringify = m.builtin("JSON", "stringify")
	m.freeze = m.builtin("Object", "freeze")
	installDate(m.r)
	m.installHelpers()
	if len(o.Design) > 0 {
		installRequire(m, o.Design)
	}
	return m
}

func (m *machine) builtin(object, name string) goja.Callable {
	f, ok := goja.AssertFunction(m.r.GlobalObject().Get(object).ToObject(m.r).Get(name))
	if !ok {
		panic("js: no builtin " + object + "." + name) // a runtime without it is a broken build
	}
	return f
}

// set defines a global function.
func (m *machine) set(name string, f func(goja.FunctionCall) goja.Value) {
	if err := m.r.Set(name, f); err != nil {
		panic(fmt.Sprintf("js: define %s: %v", name, err)) // names are constants and the global object is new
	}
}

// function runs a compiled source and gives its function.
func (m *machine) function(prog *goja.Program, src string) (goja.Callable, error) {
	var v goja.Value
	defer m.watch()()
	err := m.run(func() error {
		var err error
		v, err = m.r.RunProgram(prog)
		return err
	})
	if err != nil {
		return nil, &CompileError{Reason: thrownText(err) + " (" + src + ")"}
	}
	f, ok := goja.AssertFunction(v)
	if !ok {
		return nil, &CompileError{Reason: "Expression does not eval to a function. (" + src + ")"}
	}
	return f, nil
}

// run is one call within the machine's time. The error is a *goja.Exception that the function threw, or one that ends the
// machine.
func (m *machine) run(fn func() error) error {
	m.calls.Add(1)
	err := m.guard(fn)
	m.calls.Add(1)
	return err
}

// guard turns a panic of the engine into an error.
func (m *machine) guard(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			m.dead = true
			err = &store.Error{Kind: store.KindOSProcess, Reason: "JavaScript engine failed.", Err: fmt.Errorf("%v", p)}
		}
	}()
	err = fn()
	var stop *goja.InterruptedError
	if errors.As(err, &stop) && stop.Value() == any(errTimeout) {
		m.dead = true
		return errTimeout
	}
	return err
}

var errTimeout = store.NewError(store.KindOSProcess, "OS process timed out.")

// watchTicks is how many times within a timeout a watch looks.
const watchTicks = 4

// watch interrupts calls that take longer than the timeout, until the function it gives is called. It costs nothing per
// call: a call has run too long when the same one is seen at watchTicks+1 looks in a row.
func (m *machine) watch() (stop func()) {
	var (
		done  atomic.Bool
		seen  uint64
		times int
		timer *time.Timer
		armed = make(chan struct{})
	)
	look := func() {
		<-armed
		if done.Load() {
			return
		}
		now := m.calls.Load()
		if now != seen || now%2 == 0 {
			seen, times = now, 0
		}
		if times++; now%2 == 1 && times > watchTicks {
			m.r.Interrupt(errTimeout)
			return
		}
		timer.Reset(m.timeout / watchTicks)
	}
	timer = time.AfterFunc(m.timeout/watchTicks, look)
	close(armed)
	return func() {
		done.Store(true)
		timer.Stop()
	}
}

// thrownText is what CouchDB would say about an exception.
func thrownText(err error) string {
	var ex *goja.Exception
	if errors.As(err, &ex) && ex.Value() != nil {
		return ex.Value().String()
	}
	return err.Error()
}
