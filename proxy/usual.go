package proxy

import (
	"context"
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"logctl/store"
)

// usual remembers how long the store took for the last writes of something new, by how many docs they had. One of nothing new, for which
// it has nothing to put on disk, is answered after such a time: else a stranger could tell from the clock that a doc was there. It is
// safe for concurrent use.
type usual struct {
	nap func(time.Duration) // sleeps for less than coarseTimer

	mu   sync.Mutex
	took [usualSizes]lately

	napping atomic.Int32
	late    atomic.Int64 // nanoseconds that a nap mostly takes longer than it should
}

const (
	usualSizes  = 20 // of one doc, two or three, four to seven, and so on
	usualWrites = 64 // of a size

	// A timer may be late by coarseTimer when the process has nothing to do, which is longer than a write to a fast disk takes. Naps are
	// not, but each has a thread: few may be at a time. When there are more, the process is busy, and timers are in time.
	coarseTimer = 2 * time.Millisecond
	maxNaps     = 8
	mostLate    = 100 * time.Microsecond // that a nap is taken to be; what is later has other reasons
)

// lately are the times of the last writes of a size.
type lately struct {
	times [usualWrites]time.Duration
	n     int // how many there were
}

// due is when a write of docs that has begun then and ended now is answered: at once if it wrote something new.
func (u *usual) due(begun, now time.Time, results []store.WriteResult) time.Time {
	size := min(bits.Len(uint(len(results))), usualSizes) - 1
	if size < 0 {
		return now
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if onlyThere(results) {
		return begun.Add(u.pick(size))
	}
	l := &u.took[size]
	l.times[l.n%usualWrites] = now.Sub(begun)
	l.n++
	return now
}

// pick is the time of any of the last writes of a size or, if there was none, of one that comes near; 0 if there was none at all. The
// caller holds mu.
func (u *usual) pick(size int) time.Duration {
	for away := range usualSizes {
		for _, near := range [...]int{size - away, size + away} {
			if near < 0 || near >= usualSizes || u.took[near].n == 0 {
				continue
			}
			l := &u.took[near]
			return l.times[rand.IntN(min(l.n, usualWrites))]
		}
	}
	return 0
}

// onlyThere tells whether the store had each of the docs that were written.
func onlyThere(results []store.WriteResult) bool {
	for i := range results {
		if !store.IsKind(results[i].Err, store.KindConflict) {
			return false
		}
	}
	return true
}

// waitUntil returns then, or when ctx ends.
func (u *usual) waitUntil(ctx context.Context, then time.Time) {
	if left := time.Until(then); left > coarseTimer {
		pause(ctx, left-coarseTimer)
	}
	left := time.Until(then)
	if left <= 0 || ctx.Err() != nil {
		return
	}
	defer u.napping.Add(-1)
	if u.napping.Add(1) > maxNaps {
		pause(ctx, left)
		return
	}
	late := u.late.Load()
	u.nap(left - time.Duration(late))
	beside := min(max(time.Since(then), -mostLate), mostLate)
	u.late.Store(min(max(0, late+int64(beside)/16), int64(mostLate)))
}

// pause waits for so long, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
