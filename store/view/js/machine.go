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
	r                                    *goja.Runtime
	stringify, parse, freeze, descriptor goja.Callable

	typedLength goja.Value // the getter of typed arrays' lengths
	timeout     time.Duration
	calls       atomic.Uint64 // odd while a function runs
	began       time.Time     // when it did, or came back from outside
	dead        bool          // a call did not end: not to be used again
	heap        uint64        // of the process when the machine was made
	looked      time.Time     // at the heap
	spent       bool          // functions may have kept much from one call to the next: to be used no longer
	ending      atomic.Value  // the error of a call that is interrupted, since it takes too long or too much memory
}

func newMachine(o Options) *machine {
	m := &machine{r: goja.New(), timeout: o.timeout(), heap: liveBytes()}
	m.r.SetMaxCallStackSize(maxCallDepth)
	m.stringify = m.builtin("JSON", "stringify")
	m.parse = m.builtin("JSON", "parse")
	m.freeze = m.builtin("Object", "freeze")
	m.descriptor = m.builtin("Object", "getOwnPropertyDescriptor")
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
// machine. A call that comes to its end too late has failed, too: a regular expression that took too long did not match, for all that the
// function knows.
func (m *machine) run(fn func() error) error {
	m.began = time.Now()
	m.calls.Add(1)
	err := m.guard(fn)
	m.calls.Add(1)
	if m.dead {
		return err
	}
	if m.began.Sub(m.looked) > watchEvery {
		m.looked, m.spent = m.began, heapBytes() > m.heap+heapGrow()/2
	}
	// It may have come to its end, or thrown something, before it was interrupted.
	if why, ok := m.ending.Load().(error); ok {
		m.dead, err = true, why
	} else if time.Since(m.began) > m.timeout {
		m.dead, err = true, errTimeout
	}
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
	if errors.As(err, &stop) && (stop.Value() == any(errTimeout) || stop.Value() == any(errMemory)) {
		m.dead = true
		return stop.Value().(error)
	}
	return err
}

var errTimeout = store.NewError(store.KindOSProcess, "OS process timed out.")

// interrupt ends the call, and the machine with it.
func (m *machine) interrupt(why error) {
	m.ending.Store(why)
	m.r.Interrupt(why)
}

// watchEvery is how often a watch looks.
const watchEvery = 25 * time.Millisecond

// watch interrupts calls that take longer than the timeout, or while which memory grows by more than heapGrow, until the function it gives
// is called. It costs nothing per call: a call has run too long when the same one is seen at enough looks in a row. The memory is that
// of the whole process: a call that is that long and falls together with another's growth is interrupted with it.
func (m *machine) watch() (stop func()) {
	var (
		done  atomic.Bool
		seen  uint64
		times int
		heap  uint64 // when the call was seen first
		timer *time.Timer
		armed = make(chan struct{})
		every = min(watchEvery, m.timeout/4)
	)
	look := func() {
		<-armed
		if done.Load() {
			return
		}
		now := m.calls.Load()
		switch {
		case now%2 == 0:
			times = 0
		case now != seen || times == 0:
			seen, times, heap = now, 1, heapBytes()
		default:
			if times++; time.Duration(times)*every > m.timeout+every {
				m.interrupt(errTimeout)
				return
			}
			if heapBytes() > heap+heapGrow() {
				m.interrupt(errMemory)
				return
			}
		}
		timer.Reset(every)
	}
	timer = time.AfterFunc(every, look)
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
