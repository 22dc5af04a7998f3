package proxy

import (
	"sync/atomic"

	"logctl/store"
)

// errBusy is the answer when the memory for bodies is used up.
var errBusy = store.NewError(store.KindUnavailable, "The server is busy. Try again.")

// budget is the memory that bodies under way may still take, in bytes.
type budget struct{ left atomic.Int64 }

// lease is the share of one request.
type lease struct {
	from  *budget
	taken int64
}

func (b *budget) lease() lease { return lease{from: b} }

// need makes the share at least n; errBusy if there is not so much left.
func (l *lease) need(n int64) error {
	more := n - l.taken
	if more <= 0 {
		return nil
	}
	if l.from.left.Add(-more) < 0 {
		l.from.left.Add(more)
		return errBusy
	}
	l.taken = n
	return nil
}

// free gives the share back.
func (l *lease) free() {
	l.from.left.Add(l.taken)
	l.taken = 0
}
