package view

import (
	"context"

	"logctl/store"
)

// errClosed answers who comes when the store is going down.
var errClosed = store.NewError(store.KindUnavailable, "The view server is shutting down.")

// errDropped answers who holds an index that is being dropped: the manager has another one, or none, once its gone is closed.
var errDropped error = store.NewError(store.KindUnavailable, "The index has been removed.")

// update is one run that brings an index up to date. It belongs to the Manager, not to the query that began it: a client
// that goes away does not throw away what others wait for.
type update struct {
	cancel context.CancelFunc
	wanted chan struct{} // closed once somebody waits for it
	done   chan struct{} // closed at the end
	err    error         // set before done is closed
}

// urgency says who wants an update.
type urgency uint8

const (
	calm    urgency = iota // nobody: it gives way to everything else
	lazy                   // somebody who does not wait for it
	waiting                // somebody who waits
)

// ensure waits until the index has seen all changes up to seq, running an update if none runs.
func (x *index) ensure(ctx context.Context, db Database, seq uint64) error {
	for {
		u, err := x.begin(db, seq, waiting)
		if u == nil {
			return err
		}
		select {
		case <-u.done:
			err = u.err
		case <-ctx.Done():
			err = ctx.Err()
		}
		x.mu.Lock()
		x.waiting--
		x.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// begin is the update that runs, or a new one; nil if the index has seen seq already.
func (x *index) begin(db Database, seq uint64, how urgency) (*update, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.dropped {
		return nil, errDropped
	}
	if x.head.seq >= seq && x.head.purge >= purgeSeq(db) {
		return nil, nil
	}
	if x.update == nil {
		ctx, err := x.m.enter()
		if err != nil {
			return nil, err
		}
		u := &update{wanted: make(chan struct{}), done: make(chan struct{})}
		ctx, u.cancel = context.WithCancel(ctx)
		x.update = u
		go x.run(ctx, db, u)
	}
	if how == waiting {
		x.waiting++
	}
	if how > calm && !x.update.isWanted() {
		close(x.update.wanted) // x.mu is held
	}
	return x.update, nil
}

func (u *update) isWanted() bool {
	select {
	case <-u.wanted:
		return true
	default:
		return false
	}
}

// run is the goroutine of one update.
func (x *index) run(ctx context.Context, db Database, u *update) {
	defer x.m.leave()
	defer u.cancel()
	err := x.build(ctx, db, u)
	x.mu.Lock()
	if err != nil && ctx.Err() != nil {
		if err = errClosed; x.dropped {
			err = errDropped
		}
	}
	x.update = nil
	x.mu.Unlock()
	u.err = err
	close(u.done)
}

// retire ends the update that runs, if one does, waits for it, and lets nothing begin any more.
func (x *index) retire() {
	x.mu.Lock()
	x.dropped = true
	u := x.update
	x.mu.Unlock()
	if u != nil {
		u.cancel()
		<-u.done
	}
}
