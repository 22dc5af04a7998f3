package engine

import (
	"context"
	"time"
)

// demand says how much a database needs a compaction.
type demand int

const (
	demandNone  demand = iota
	demandQuiet        // it is worth it when nothing else is to do
	demandNow          // what waits is much: it is done beside writes
)

const (
	// paceQuiet and paceBusy are for how long a compaction rests after a step, in steps: while nobody writes, and while somebody
	// does. A step has the write lock for some milliseconds, so that it takes a fifth of one core at most, or a thirtieth.
	paceQuiet = 4
	paceBusy  = 30
)

// background compacts databases that need it, one after the other, when nothing was written for a while or when much waits.
type background struct {
	demand  func() demand
	applied func() uint64 // how many batches were applied
	// compact compacts what is in demand. It calls rest after each step, and ends when rest errs.
	compact func(ctx context.Context, rest func() error)

	wake    chan struct{} // capacity 1; told when there may be demand
	cancel  context.CancelFunc
	stopped chan struct{}

	began time.Time // when the step under way did
}

func newBackground(demand func() demand, applied func() uint64, compact func(context.Context, func() error)) *background {
	ctx, cancel := context.WithCancel(context.Background())
	b := &background{demand: demand, applied: applied, compact: compact, wake: make(chan struct{}, 1), cancel: cancel, stopped: make(chan struct{})}
	go b.run(ctx)
	return b
}

// note tells that there may be demand.
func (b *background) note() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *background) run(ctx context.Context) {
	defer close(b.stopped)
	for {
		select {
		case <-b.wake:
		case <-ctx.Done():
			return
		}
		if !b.turn(ctx) {
			continue
		}
		b.began = time.Now()
		b.compact(ctx, func() error { return b.rest(ctx) })
	}
}

// turn waits until there is nothing else to do, or too much waits; false if there is no demand any more.
func (b *background) turn(ctx context.Context) bool {
	for {
		before := b.applied()
		if wait(ctx, tidyAfter) != nil {
			return false
		}
		switch b.demand() {
		case demandNone:
			return false
		case demandNow:
			return true
		}
		if b.applied() == before {
			return true
		}
	}
}

// rest rests after a step, longer if somebody writes meanwhile.
func (b *background) rest(ctx context.Context) error {
	took, before := time.Since(b.began), b.applied()
	defer func() { b.began = time.Now() }()
	if err := wait(ctx, paceQuiet*took); err != nil || b.applied() == before {
		return err
	}
	return wait(ctx, (paceBusy-paceQuiet)*took)
}

// close ends the goroutine. It doesn't wait for it where the disk is in trouble, because then it may hang for ever.
func (b *background) close(d *disk) {
	b.cancel()
	select {
	case <-b.stopped:
	case <-d.troubled():
	}
}

// wait waits for a time; it gives up when ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
