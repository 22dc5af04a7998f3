package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

func TestRunWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		a := &activity{next: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(idleAfter) })}
		var released atomic.Int32
		var written atomic.Uint64
		stop := runWhenIdle(ctx, a, written.Load, func(context.Context) { released.Add(1) })
		defer stop()
		wait := func(d time.Duration, want int32, when string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := released.Load(); got != want {
				t.Errorf("%s: released %d times, want %d", when, got, want)
			}
		}
		time.Sleep(idleAfter / 2) // so that requests end between two looks
		wait(10*idleAfter, 1, "from the start")
		for range 5 {
			a.ServeHTTP(nil, httptest.NewRequest(http.MethodGet, "/", nil))
			wait(0, 1, "while requests come and go")
		}
		wait(3*idleAfter, 2, "when none came")
		wait(100*idleAfter, 2, "long after that")
		for range 5 {
			written.Add(1)
			wait(idleAfter, 2, "while an index is built")
		}
		wait(3*idleAfter, 3, "when that is done")
		cancel()
	})
}

// What lies in a pool goes, too.
func TestGiveBackPools(t *testing.T) {
	var pool sync.Pool
	buf := new([1 << 20]byte)
	kept := weak.Make(buf)
	pool.Put(buf)
	giveBack()
	if kept.Value() != nil {
		t.Error("a pool keeps its memory")
	}
	runtime.KeepAlive(&pool)
}
