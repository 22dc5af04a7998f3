package ship

import (
	"context"
	"errors"
	"os"
	"sync"

	"logctl/ship/state"
	"logctl/store"
	"logctl/store/ejson"
)

// How much a run keeps of its rejects at most: a wrong schema must not fill a disk. The files still have the rest.
const (
	DefaultMaxRejects = 100_000
	maxRejectBytes    = 256 << 20
)

// keeper keeps a run's rejects: in a file, or in the app's database of rejects, where each has an id that follows from its line, so
// that a run over the same lines again keeps nothing twice. Its methods may be called from any goroutine.
type keeper struct {
	file    *rejects // nil: the database
	machine string
	courier *courier // of the database
	n       counters // of the courier
	state   *state.State
	again   bool // what is lost may come again, with the next run

	mu       sync.Mutex
	lines    int    // that may still be kept
	bytes    int64  // and how much of them
	batch    *batch // waiting to be sent
	body, id []byte
	kept     Kept
}

// newKeeper makes the keeper that o asks for.
func newKeeper(o Options, rejectsDB store.DBName, s *state.State, ensure func(context.Context) error, halt <-chan struct{}) (*keeper, error) {
	k := &keeper{machine: o.Machine, lines: o.MaxRejects, bytes: maxRejectBytes, state: s, again: !o.Follow}
	switch {
	case o.MaxRejects == 0:
		k.lines = DefaultMaxRejects
	case o.MaxRejects < 0:
		k.lines = 0
	}
	var err error
	if k.file, err = openRejects(o.Rejects, o.MaxLine); err != nil {
		return nil, err
	}
	k.courier = &courier{client: newClient(o.Endpoint, o.App, rejectsDB), wait: o.patience(), anonymous: o.Endpoint.Anonymous,
		ensure: ensure, n: &k.n, halt: halt, refusedDoc: k.refused}
	return k, nil
}

// explains tells whether it is worth to find out a reject's detail.
func (k *keeper) explains() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.file == nil && k.lines > 0 && k.bytes > 0
}

// counter counts what is kept: it is a method of a state.State, or calls one.
type counter func(state.Fingerprint) (uint32, error)

// add keeps a line, counted by count. Its error ends the run: without the count nothing tells the line from its equals.
func (k *keeper) add(r reject, count counter) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.batch == nil {
		k.batch = &batch{}
	}
	return k.addTo(k.batch, r, count)
}

func (k *keeper) addTo(b *batch, r reject, count counter) error {
	if k.lines == 0 || k.bytes <= 0 {
		k.kept.Over++
		return nil
	}
	k.lines--
	k.bytes -= int64(len(r.line))
	if k.file != nil {
		n, err := count(state.OfLine(r.line))
		if err != nil {
			return err
		}
		k.kept.Lines++
		return k.file.add(r.line, n)
	}
	k.body = r.appendBody(k.body[:0], k.machine)
	k.id = ejson.AppendRejectID(k.id[:0], k.body, 0)
	n, err := count(state.OfID(k.id))
	if err != nil {
		return err
	}
	if n > 0 {
		k.id = ejson.AppendRejectID(k.id[:0], k.body, n)
	}
	b.add(k.id, k.body, nil, nil)
	return nil
}

// unkept tells whether there are rejects that are not kept.
func (k *keeper) unkept() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kept.Over+k.kept.Lost > 0
}

// full tells whether a batch is ready to be sent.
func (k *keeper) full() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.batch != nil && k.batch.full()
}

// take gives what waits to be sent; nil if nothing does.
func (k *keeper) take() *batch {
	k.mu.Lock()
	defer k.mu.Unlock()
	b := k.batch
	k.batch = nil
	if b != nil && len(b.ends) == 0 {
		return nil
	}
	return b
}

// carry sends a batch. A database that does not take rejects is no reason to leave docs behind, a server that is away is one.
func (k *keeper) carry(ctx context.Context, b *batch) error { return k.carryBy(ctx, k.courier, b) }

func (k *keeper) carryBy(ctx context.Context, c *courier, b *batch) error {
	err := c.deliver(ctx, b, b.all())
	if err == nil || store.IsKind(err, store.KindUnavailable) || errors.Is(err, errHalted) {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lost(int64(len(b.ends)), err)
	if k.again {
		return errUnkept
	}
	return nil
}

// errUnkept is the error of rejects that are lost for this run, and come with the next: nothing is remembered from here on.
var errUnkept = errors.New("rejects are not kept")

// refused is told of a reject that the server will never take.
func (k *keeper) refused(_ *batch, _ int, reason string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lost(1, errors.New(reason))
}

func (k *keeper) lost(n int64, why error) {
	k.kept.Lost += n
	if k.kept.Why == nil {
		k.kept.Why = why
	}
}

// keepRefused keeps lines whose docs the server does not take: those of the epoch that is being committed, or of a batch without one.
func (k *keeper) keepRefused(ctx context.Context, lines []refusal) error {
	for len(lines) > 0 {
		b := &batch{}
		k.mu.Lock()
		for len(lines) > 0 && !b.full() {
			r := reject{line: lines[0].line, reason: Refused, detail: lines[0].reason, from: lines[0].from}
			count := lines[0].count
			if count == nil {
				count = k.state.Late
			}
			if err := k.addTo(b, r, count); err != nil {
				k.mu.Unlock()
				return err
			}
			lines = lines[1:]
		}
		k.mu.Unlock()
		if len(b.ends) > 0 {
			if err := k.carry(ctx, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// summary is what has become of the rejects.
func (k *keeper) summary() Kept {
	s := k.kept
	s.Lines += k.n.stored.Load() + k.n.there.Load() + k.n.either.Load()
	return s
}

// is tells whether info is of the file that rejects go to.
func (k *keeper) is(info os.FileInfo) bool { return k.file.is(info) }

// sync puts on disk what a file got.
func (k *keeper) sync() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.file.sync()
}

// close writes out what a file gets and releases everything.
func (k *keeper) close() error { return k.file.close() }
