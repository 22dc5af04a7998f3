package engine

import (
	"context"
	"io"
	"sync/atomic"
	"time"
)

// tidy makes room when the store has had nothing to write for a while: what the log holds goes into tables, and the tables of
// the uppermost level, which were compressed in haste, into the lower ones, whose compression is thorough. Left alone Pebble
// does either when there is more of it, and a store that got its logs once a day would never see it done.
type tidy struct {
	flush   func(context.Context) error
	compact func(context.Context) error
	written atomic.Int64  // bytes applied since the last time
	flushed atomic.Bool   // since it was last cleared
	busy    chan struct{} // capacity 1; told when something was applied
	cancel  context.CancelFunc
	stopped chan struct{}
}

const (
	// tidyAfter is how long nothing must have been written.
	tidyAfter = time.Second
	// tidyBytes are not worth the work: they are soon read from the log, and small tables are many.
	tidyBytes = 256 << 10
)

func newTidy(flush, compact func(context.Context) error) *tidy {
	ctx, cancel := context.WithCancel(context.Background())
	t := &tidy{flush: flush, compact: compact, busy: make(chan struct{}, 1), cancel: cancel, stopped: make(chan struct{})}
	go t.run(ctx)
	return t
}

// note counts bytes that were applied.
func (t *tidy) note(bytes int) {
	t.written.Add(int64(bytes))
	select {
	case t.busy <- struct{}{}:
	default:
	}
}

func (t *tidy) run(ctx context.Context) {
	defer close(t.stopped)
	for {
		select {
		case <-t.busy:
		case <-ctx.Done():
			return
		}
		if !t.quiet(ctx) || t.written.Load() < tidyBytes {
			continue
		}
		t.written.Store(0)
		// What does not succeed is done another time: nothing depends on it.
		if t.flush(ctx) == nil {
			t.flushed.Store(true)
			_ = t.compact(ctx)
		}
	}
}

// quiet waits until nothing was written for a while; false if ctx ended.
func (t *tidy) quiet(ctx context.Context) bool {
	timer := time.NewTimer(tidyAfter)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-t.busy:
			timer.Reset(tidyAfter)
		case <-ctx.Done():
			return false
		}
	}
}

// close ends the goroutine. It doesn't wait for it where the disk is in trouble, because then it may hang for ever.
func (t *tidy) close(d *disk) {
	t.cancel()
	select {
	case <-t.stopped:
	case <-d.troubled():
	}
}

// flushTables writes what is in memory into tables.
func (e *Engine) flushTables(ctx context.Context) error {
	done, err := e.pdb.AsyncFlush()
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// renewTables has Pebble go on with memtables that nothing was written to yet and so take no memory. It keeps two, the one that it
// writes to and, to write to next, the one that was let go last. An iterator holds the one of its time: the first two flushes
// bring both to where they are held, the third one a new one, which is let go last.
func (e *Engine) renewTables(ctx context.Context) error {
	var held []io.Closer
	defer func() {
		for _, it := range held {
			it.Close()
		}
	}()
	for range 3 {
		it, err := e.pdb.NewIter(nil)
		if err != nil {
			return err
		}
		held = append(held, it)
		if err := e.flushTables(ctx); err != nil {
			return err
		}
	}
	return nil
}

// compactTop compacts what the tables of the uppermost level hold, sub-space by sub-space: a range over several would take in
// all the tables between them.
func (e *Engine) compactTop(ctx context.Context) error {
	levels, err := e.pdb.SSTables()
	if err != nil {
		return err
	}
	spans := map[string][2]string{}
	for i := range levels[0] {
		lo, hi := string(levels[0][i].Smallest.UserKey), string(levels[0][i].Largest.UserKey)
		space := lo[:min(len(lo), prefixLen)]
		if s, ok := spans[space]; ok {
			lo, hi = min(lo, s[0]), max(hi, s[1])
		}
		spans[space] = [2]string{lo, hi}
	}
	for _, s := range spans {
		if err := e.pdb.Compact(ctx, []byte(s[0]), []byte(s[1]+"\x00"), false); err != nil {
			return err
		}
	}
	return nil
}
