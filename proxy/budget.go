package proxy

import (
	"sync"

	"logctl/store"
)

// errBusy is the answer when the server has more to do than it can.
var errBusy = store.NewError(store.KindUnavailable, "The server is busy. Try again.")

// budget is the memory that bodies under way may still take, in bytes. No client gets all of it, unless by a single body.
type budget struct {
	mu    sync.Mutex
	left  int64
	share int64            // of one client
	held  map[client]int64 // by those who have any
}

// lease is the part of the budget that one request has.
type lease struct {
	from  *budget
	of    client
	taken int64
}

func newBudget(memory int64) *budget {
	return &budget{left: memory, share: memory - memory/5, held: map[client]int64{}}
}

func (b *budget) lease(c client) lease { return lease{from: b, of: c} }

// unused is what is left.
func (b *budget) unused() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left
}

// need makes the lease at least n. The error is errBusy if there is not so much left, and another one if the client has its share.
func (l *lease) need(n int64) error {
	more := n - l.taken
	if more <= 0 {
		return nil
	}
	b := l.from
	b.mu.Lock()
	defer b.mu.Unlock()
	switch held := b.held[l.of]; {
	case b.left < more:
		return errBusy
	case held+more > b.share && held > l.taken:
		return errLimited("Too much at once. Try again.", 0)
	default:
		b.held[l.of] = held + more
	}
	b.left -= more
	l.taken = n
	return nil
}

// free gives the lease back.
func (l *lease) free() { l.keep(0) }

// keep gives back what the lease has beyond n.
func (l *lease) keep(n int64) {
	less := l.taken - n
	if less <= 0 {
		return
	}
	b := l.from
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += less
	if b.held[l.of] -= less; b.held[l.of] == 0 {
		delete(b.held, l.of)
	}
	l.taken = n
}
