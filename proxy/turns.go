package proxy

import (
	"context"
	"runtime"
	"sync"
	"time"

	"logctl/store/intake"
)

// turns lets some do what many want to do at once, clients by turns: who wants little waits for one of each other client at most,
// however much those want. Who waits in a line that is too long, or for too long, is turned away.
type turns struct {
	perClient, inAll int           // that may wait
	patience         time.Duration // for which they may

	mu      sync.Mutex
	free    int
	waiting int
	lines   map[client][]chan struct{} // a channel for each who waits, closed when it is its turn
	round   []client                   // those with a line, in the order in which they are next
}

// Who may be at the store at once. Small writes share what a write costs the disk, and cost the processors little. Those of a store in
// this process, which large writes keep busy, are left to them for no longer than a few such writes take.
const (
	largeBody     = 64 << 10 // bytes from which on a body is large, if it is not packed
	packedRatio   = 4        // and so many times less if it is
	smallAtOnce   = 64
	remoteAtOnce  = 32 // large ones, at a store elsewhere
	linePerClient = 64
	lineInAll     = 1024
	turnPatience  = 10 * time.Second
)

// newStoreTurns are for small and for large writes.
func newStoreTurns(inProcess bool) (small, large *turns) {
	atOnce := remoteAtOnce
	if inProcess {
		atOnce = runtime.GOMAXPROCS(0) + 1
	}
	return newTurns(smallAtOnce, 8*linePerClient, lineInAll, turnPatience), newTurns(atOnce, linePerClient, lineInAll, turnPatience)
}

// turnsFor are those that a body of so many bytes, as it came, takes part in.
func (d *Door) turnsFor(size int, packed bool) *turns {
	if size >= largeBody || packed && size >= largeBody/packedRatio {
		return d.large
	}
	return d.small
}

func newTurns(atOnce, perClient, inAll int, patience time.Duration) *turns {
	return &turns{free: atOnce, perClient: perClient, inAll: inAll, patience: patience, lines: map[client][]chan struct{}{}}
}

// take waits for c's turn; who has it must give it back. intake.ErrBusy turns c away.
func (t *turns) take(ctx context.Context, c client) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	line := t.lines[c]
	if len(line) >= t.perClient || t.waiting >= t.inAll {
		t.mu.Unlock()
		return intake.ErrBusy
	}
	turn := make(chan struct{})
	if len(line) == 0 {
		t.round = append(t.round, c)
	}
	t.lines[c] = append(line, turn)
	t.waiting++
	t.mu.Unlock()

	late := time.NewTimer(t.patience)
	defer late.Stop()
	select {
	case <-turn:
		return nil
	case <-late.C:
		return t.leave(c, turn, intake.ErrBusy)
	case <-ctx.Done():
		return t.leave(c, turn, ctx.Err())
	}
}

// leave takes turn out of c's line or, if it has come in the meantime, gives it back.
func (t *turns) leave(c client, turn chan struct{}, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := t.lines[c]
	for i := range line {
		if line[i] == turn {
			t.waiting--
			t.setLine(c, append(line[:i:i], line[i+1:]...))
			return err
		}
	}
	t.next()
	return err
}

// give gives a turn back.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next()
}

// next lets the first in the line of the client whose turn it is go, or leaves the turn to whoever comes.
func (t *turns) next() {
	if t.waiting == 0 {
		t.free++
		return
	}
	c := t.round[0]
	line := t.lines[c]
	close(line[0])
	t.waiting--
	if len(line) > 1 {
		t.round = append(t.round, c)
	}
	t.round = t.round[1:]
	if t.lines[c] = line[1:]; len(line) == 1 {
		delete(t.lines, c)
	}
}

// setLine replaces a line by a shorter one.
func (t *turns) setLine(c client, line []chan struct{}) {
	if t.lines[c] = line; len(line) > 0 {
		return
	}
	delete(t.lines, c)
	for i := range t.round {
		if t.round[i] == c {
			t.round = append(t.round[:i:i], t.round[i+1:]...)
			return
		}
	}
}
