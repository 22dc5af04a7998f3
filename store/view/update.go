package view

import (
	"context"

	"logctl/store"
)

// errClosed answers who comes when the store is going down.
var errClosed = store.NewError(store.KindUnavailable, "The view server is shutting down.")

// update is one run that brings an index up to date. It belongs to the Manager, not to the query that began it: a client
// that goes away does not throw away what others wait for.
type update struct {
	cancel context.CancelFunc
	done   chan struct{} // closed at the end
	err    error         // set before done is closed
}

// ensure waits until the index has seen all changes up to seq, running an update if none runs.
func (x *index) ensure(ctx context.Context, db Database, seq uint64) error {
	for {
		u, err := x.begin(db, seq, true)
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
func (x *index) begin(db Database, seq uint64, wait bool) (*update, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.head.seq >= seq {
		return nil, nil
	}
	if x.update == nil {
		ctx, err := x.m.enter()
		if err != nil {
			return nil, err
		}
		u := &update{done: make(chan struct{})}
		ctx, u.cancel = context.WithCancel(ctx)
		x.update = u
		go x.run(ctx, db, u)
	}
	if wait {
		x.waiting++
	}
	return x.update, nil
}

// run is the goroutine of one update.
func (x *index) run(ctx context.Context, db Database, u *update) {
	defer x.m.leave()
	defer u.cancel()
	err := x.build(ctx, db)
	if err != nil && ctx.Err() != nil {
		err = errClosed
	}
	x.mu.Lock()
	x.update = nil
	x.mu.Unlock()
	u.err = err
	close(u.done)
}

// stop ends the update that runs, if one does, and waits for it.
func (x *index) stop() {
	x.mu.Lock()
	u := x.update
	x.mu.Unlock()
	if u != nil {
		u.cancel()
		<-u.done
	}
}
