package engine

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// group is the group commit: writers apply their batches without waiting for the log and then wait here; one goroutine
// syncs the log for all that wait, and while it does the next group gathers.
//
// Writers don't wait inside Pebble, because there a call could not be given up when its context ends or the disk is full.
type group struct {
	sync    func() error  // syncs the log: everything that was applied before the call is on disk when it returns
	applied atomic.Uint64 // how many batches were applied
	wake    chan struct{} // capacity 1
	stop    chan struct{}
	stopped chan struct{}

	mu      sync.Mutex
	durable uint64        // how many of the applied batches are known to be on disk
	round   chan struct{} // closed when durable grew
	err     error         // set once a sync went wrong; nothing is promised after it
}

func newGroup(syncLog func() error) *group {
	g := &group{
		sync:    syncLog,
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
		round:   make(chan struct{}),
	}
	go g.run()
	return g
}

// note counts a batch that was applied and gives the position to wait for.
func (g *group) note() uint64 { return g.applied.Add(1) }

// kick starts a sync without waiting for it.
func (g *group) kick() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// wait returns when everything up to pos is on disk. It gives up with an error when ctx ends or the disk is in trouble;
// whether the batch gets to disk is unknown then.
func (g *group) wait(ctx context.Context, pos uint64, d *disk) error {
	for {
		trouble := d.troubled()
		g.mu.Lock()
		durable, err, round := g.durable, g.err, g.round
		g.mu.Unlock()
		if durable >= pos {
			return nil
		}
		if err != nil {
			return err
		}
		g.kick()
		select {
		case <-round:
		case <-ctx.Done():
			return ctx.Err()
		case <-trouble:
			if err := d.trouble(); err != nil { // else there is room again
				return err
			}
		}
	}
}

func (g *group) run() {
	defer close(g.stopped)
	for {
		select {
		case <-g.wake:
		case <-g.stop:
			return
		}
		runtime.Gosched() // writers that are ready to run apply their batches before the sync and not just after it
		pos := g.applied.Load()
		g.mu.Lock()
		behind := g.durable < pos && g.err == nil
		g.mu.Unlock()
		if !behind {
			continue
		}
		err := g.sync()
		g.mu.Lock()
		if err != nil {
			g.err = err
		} else {
			g.durable = pos
		}
		close(g.round)
		g.round = make(chan struct{})
		g.mu.Unlock()
	}
}

// close ends the goroutine. It doesn't wait when a sync can't end because the disk is in trouble.
func (g *group) close(wait bool) {
	close(g.stop)
	if wait {
		<-g.stopped
	}
}
