package ship

import (
	"context"
	"errors"
	"os"
	"sync"

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

	mu       sync.Mutex
	lines    int   // that may still be kept
	bytes    int64 // and how much of them
	places   places
	batch    *batch // waiting to be sent
	body, id []byte
	kept     Kept
	halted   bool // a batch was not sent because the run was ended
}

// newKeeper makes the keeper that o asks for.
func newKeeper(o Options, rejectsDB store.DBName, halt <-chan struct{}) (*keeper, error) {
	k := &keeper{machine: o.Machine, lines: o.MaxRejects, bytes: maxRejectBytes, places: places{limit: rejectSlots}}
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
	k.courier = &courier{client: newClient(o.Endpoint, o.App, rejectsDB), wait: o.Wait, anonymous: o.Endpoint.Anonymous,
		ensure: o.EnsureApp, n: &k.n, halt: halt, refusedDoc: k.refused}
	return k, nil
}

// explains tells whether it is worth to find out a reject's detail.
func (k *keeper) explains() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.file == nil && k.lines > 0 && k.bytes > 0
}

// add keeps a line.
func (k *keeper) add(r reject) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.lines == 0 || k.bytes <= 0 {
		k.kept.Over++
		return
	}
	k.lines--
	k.bytes -= int64(len(r.line))
	if k.file != nil {
		k.file.add(r.line)
		k.kept.Lines++
		return
	}
	k.body = r.appendBody(k.body[:0], k.machine)
	k.id = ejson.AppendRejectID(k.id[:0], k.body, 0)
	n, err := k.places.next(fingerprintID(k.id))
	if err != nil {
		k.lost(1, err)
		return
	}
	if n > 0 {
		k.id = ejson.AppendRejectID(k.id[:0], k.body, n)
	}
	if k.batch == nil {
		k.batch = &batch{}
	}
	k.batch.add(k.id, k.body, nil, nil)
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
	return b
}

// carry sends a batch. Only a server that is away is an error: one that does not take rejects is no reason to leave docs behind.
func (k *keeper) carry(ctx context.Context, b *batch) error {
	err := k.courier.deliver(ctx, b, b.all())
	if err == nil || store.IsKind(err, store.KindUnavailable) {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if errors.Is(err, errHalted) {
		k.halted = true
		return nil
	}
	k.lost(int64(len(b.ends)), err)
	return nil
}

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

// finish sends what is left when everybody else is done.
func (k *keeper) finish(ctx context.Context) error {
	if b := k.take(); b != nil {
		if err := k.carry(ctx, b); err != nil {
			return err
		}
	}
	if k.halted {
		return errHalted
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

// close writes out what a file gets and releases everything.
func (k *keeper) close() error {
	k.places.close()
	return k.file.close()
}
