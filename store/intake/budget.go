package intake

import (
	"sync"

	"logctl/store"
)

// ErrBusy is the answer when the server has more to do than it can.
var ErrBusy = store.NewError(store.KindUnavailable, "The server is busy. Try again.")

// Budget is the memory that bodies under way may still take, in bytes. It is safe for concurrent use.
type Budget[K comparable] struct {
	mu    sync.Mutex
	left  int64
	share int64       // of one client
	over  error       // for who has more than that
	held  map[K]int64 // by those who have any
}

// NewBudget makes a budget of memory, of which no client gets more than share, unless by a single body; over is the error for who
// would.
func NewBudget[K comparable](memory, share int64, over error) *Budget[K] {
	return &Budget[K]{left: memory, share: share, over: over, held: map[K]int64{}}
}

// Unused is what is left.
func (b *Budget[K]) Unused() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left
}

// Lease is the part of a budget that one request has. It is one goroutine's.
type Lease[K comparable] struct {
	from  *Budget[K]
	of    K
	taken int64
}

// Lease is one of nothing yet.
func (b *Budget[K]) Lease(of K) Lease[K] { return Lease[K]{from: b, of: of} }

// Need makes the lease at least n. The error is ErrBusy if there is not so much left, and another one if the client has its share.
func (l *Lease[K]) Need(n int64) error {
	more := n - l.taken
	if more <= 0 {
		return nil
	}
	b := l.from
	b.mu.Lock()
	defer b.mu.Unlock()
	switch held := b.held[l.of]; {
	case b.left < more:
		return ErrBusy
	case held+more > b.share && held > l.taken:
		return b.over
	default:
		b.held[l.of] = held + more
	}
	b.left -= more
	l.taken = n
	return nil
}

// Free gives the lease back.
func (l *Lease[K]) Free() { l.Keep(0) }

// Keep gives back what the lease has beyond n.
func (l *Lease[K]) Keep(n int64) {
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
