package view

import (
	"sync/atomic"
	"testing"
)

// watched is a mapper that tells whether it is idle while it is watched.
type watched struct {
	x    *index
	idle bool
}

func (w *watched) Watch() func() {
	return func() {
		if other, ok := w.x.mappers.Get().(*watched); ok {
			w.idle = w.idle || other == w
			w.x.mappers.Put(other)
		}
	}
}

func (w *watched) Map(string, func(view int, key, value []byte)) error { return nil }

// TestMapperIsIdleUnwatched: another goroutine may have a mapper only when nobody watches it any more.
func TestMapperIsIdleUnwatched(t *testing.T) {
	t.Parallel()
	for range 100 { // a sync.Pool may forget what it is given
		x := &index{design: &Design{}}
		w := &watched{x: x}
		x.mappers.Put(w)
		e := emitter{index: x}
		var budget atomic.Int64
		budget.Store(1)
		if n, err := e.mapDocs(t.Context(), []mapped{{json: "{}"}, {json: "{}"}}, &budget); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		if w.idle {
			t.Fatal("a mapper is idle while it is watched")
		}
	}
}
