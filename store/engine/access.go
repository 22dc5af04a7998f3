package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"logctl/store"
)

// begin enters the gate. The caller leaves it when it is done with Pebble.
func (e *Engine) begin() error {
	if !e.gate.Enter() {
		return errClosed()
	}
	return nil
}

// get gives a copy of the value of key, nil if there is none.
func (e *Engine) get(key []byte) ([]byte, error) {
	v, closer, err := e.pdb.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, readError(err)
	}
	return append([]byte{}, v...), closer.Close()
}

// scan calls fn for every key in [lo, hi); k and v hold only during the call.
func (e *Engine) scan(lo, hi []byte, fn func(k, v []byte) error) error {
	return scan(e.pdb, lo, hi, false, fn)
}

func scan(r pebble.Reader, lo, hi []byte, descending bool, fn func(k, v []byte) error) error {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return readError(err)
	}
	defer it.Close()
	first, next := it.First, it.Next
	if descending {
		first, next = it.Last, it.Prev
	}
	for ok := first(); ok; ok = next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return readError(err)
		}
		if err := fn(it.Key(), v); err != nil {
			return err
		}
	}
	return readError(it.Error())
}

// put sets or, with a nil value, deletes one key, and waits until it is on disk.
func (e *Engine) put(ctx context.Context, key, value []byte) error {
	b := e.batchOf(key, value)
	pos, err := e.attempt(ctx, func() (uint64, error) {
		defer b.Close()
		return e.apply(b)
	})
	if err != nil {
		return err
	}
	return e.group.wait(ctx, pos, e.disk)
}

// batchOf is a batch that sets or, with a nil value, deletes one key.
func (e *Engine) batchOf(key, value []byte) *pebble.Batch {
	b := e.pdb.NewBatch()
	if value == nil {
		b.Delete(key, nil)
	} else {
		b.Set(key, value, nil)
	}
	return b
}

// apply applies a batch, within an attempt, without a sync, and gives the position to wait for. Batches reach the disk in the order of the
// calls that don't overlap.
func (e *Engine) apply(b *pebble.Batch) (uint64, error) {
	if err := e.disk.trouble(); err != nil {
		return 0, err
	}
	if err := e.pdb.Apply(b, pebble.NoSync); err != nil {
		return 0, writeError(err)
	}
	// Pebble reports some errors only to its logger, which tells the disk.
	if err := e.disk.trouble(); err != nil && !store.IsKind(err, store.KindNoSpace) {
		return 0, err
	}
	e.tidy.note(b.Len())
	return e.group.note(), nil
}

// syncLog syncs the log by an empty record at its end.
func (e *Engine) syncLog() error {
	if err := e.pdb.LogData(nil, pebble.Sync); err != nil {
		return writeError(err)
	}
	if err := e.disk.trouble(); err != nil && !store.IsKind(err, store.KindNoSpace) {
		return err
	}
	return nil
}

// readError gives an error of reading its kind.
func readError(err error) error {
	if err == nil {
		return nil
	}
	if pebble.IsCorruptionError(err) {
		return errCorrupt(err)
	}
	return &store.Error{Kind: store.KindInternal, Reason: "The store can't be read.", Err: err}
}

func writeError(err error) error {
	return &store.Error{Kind: store.KindUnavailable, Reason: "The store can't be written.", Err: fmt.Errorf("apply: %w", err)}
}

// arena hands out parts of larger pieces, so that an iteration that gives each row bytes of its own allocates seldom.
type arena struct{ free []byte }

const arenaPiece = 64 << 10

func (a *arena) copy(b []byte) []byte {
	if len(b) > arenaPiece/4 {
		return slices.Clone(b)
	}
	if len(b) > len(a.free) {
		a.free = make([]byte, arenaPiece)
	}
	n := copy(a.free, b)
	c := a.free[:n:n]
	a.free = a.free[n:]
	return c
}
