package app

import (
	"context"
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

const (
	// softMemory is how large the heap gets, Pebble's part aside, before garbage is collected more eagerly; GOMEMLIMIT sets
	// another.
	softMemory = 160 << 20
	// idleAfter is how long no request must have begun or ended before memory is given back.
	idleAfter = 10 * time.Second
)

// BoundMemory keeps the memory of a process that goes on for long small. Of Go's heap, whoever started it may have set the limit.
func BoundMemory() {
	boundMalloc()
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(softMemory + storeHeap)
	}
}

// giveBack gives to the system what is free of the process's memory. What was put into pools is free when garbage has been
// collected twice. The program's pages go last: all of this uses some.
func giveBack() {
	runtime.GC()
	debug.FreeOSMemory()
	trimMalloc()
	unmapProgram()
}

// activity counts the beginnings and ends of requests.
type activity struct {
	next http.Handler
	n    atomic.Uint64
}

func (a *activity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.n.Add(1)
	defer a.n.Add(1)
	a.next.ServeHTTP(w, r)
}

// runWhenIdle gives memory back to the system when the handler is idle and nothing is written in the background, until stop is called.
func runWhenIdle(ctx context.Context, a *activity, written func() uint64, release func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		whenIdle(ctx, func() uint64 { return a.n.Load() + written() }, func() {
			release(ctx)
			giveBack()
		})
	}()
	return func() {
		cancel()
		<-done
	}
}

// whenIdle calls release once whenever count stands still after it had changed, until ctx ends.
func whenIdle(ctx context.Context, count func() uint64, release func()) {
	tick := time.NewTicker(idleAfter)
	defer tick.Stop()
	last, released := count(), false
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		switch now := count(); {
		case now != last:
			last, released = now, false
		case !released:
			release()
			released = true
		}
	}
}
