package engine

import "context"

// A file operation that finds no room, or one that failed for good, stops the goroutine that Pebble does it in (see disk),
// and that may be the one that applies a batch: a full memtable wants a new log. So batches are applied in goroutines of
// their own, and callers wait for them as they wait for everything else.

// attempt runs op, which changes the store and gives the position to wait for, and waits for it until ctx ends or the disk
// is in trouble. op then goes on without the caller: until there is room again, or stopped for ever. So it must use nothing
// that is the caller's, and it is for op to give back the locks that its change needs.
func (e *Engine) attempt(ctx context.Context, op func() (uint64, error)) (uint64, error) {
	return e.attemptUntil(ctx, e.disk.troubled, op)
}

// attemptPatiently is attempt for who can't go on without knowing what became of op: it waits for room.
func (e *Engine) attemptPatiently(ctx context.Context, op func() (uint64, error)) (uint64, error) {
	return e.attemptUntil(ctx, e.disk.ended, op)
}

func (e *Engine) attemptUntil(ctx context.Context, trouble func() <-chan struct{}, op func() (uint64, error)) (uint64, error) {
	type result struct {
		pos uint64
		err error
	}
	done := make(chan result, 1)
	e.gate.Stay() // the caller is inside; op may stay for longer
	go func() {
		defer e.gate.Leave()
		pos, err := op()
		done <- result{pos, err}
	}()
	for {
		select {
		case r := <-done:
			return r.pos, r.err
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-trouble():
			if err := e.disk.trouble(); err != nil {
				return 0, err
			}
		}
	}
}

// acquire takes a lock, a channel of capacity 1 that holds a token while somebody has it. It gives up when ctx ends or the
// disk is in trouble: who has the lock may then have it for ever.
func (e *Engine) acquire(ctx context.Context, lock chan struct{}) error {
	for {
		select {
		case lock <- struct{}{}:
			return nil
		default:
		}
		select {
		case lock <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-e.disk.troubled():
			if err := e.disk.trouble(); err != nil {
				return err
			}
		}
	}
}
