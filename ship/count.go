package ship

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// counters are a run's figures while it is going.
type counters struct {
	bytes, lines, docs                       atomic.Int64
	stored, there, either, refused, rejected atomic.Int64
	skipped, tooLong                         atomic.Int64
}

func (r *runner) summary(start time.Time) Summary {
	s := r.sum
	s.Lines, s.Stored, s.There, s.Either = r.lines.Load(), r.stored.Load(), r.there.Load(), r.either.Load()
	s.Rejected, s.TooLong, s.Refused, s.Skipped = r.rejected.Load(), r.tooLong.Load(), r.refused.Load(), r.skipped.Load()
	s.Spooled, s.Waiting = r.queue.docs.Load(), r.queue.waiting()
	s.Left = r.docs.Load() - s.Stored - s.There - s.Either - s.Refused - s.Spooled
	s.Reasons = slices.Clone(r.refusals.list)
	s.Kept = r.keeper.summary()
	s.Elapsed = time.Since(start)
	return s
}

// maxReasons bounds how many different reasons are told apart.
const maxReasons = 10

// refusals are the server's reasons, in the order of their first appearance.
type refusals struct {
	mu   sync.Mutex
	list []Reason
}

func (rs *refusals) add(text string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if i := slices.IndexFunc(rs.list, func(r Reason) bool { return r.Text == text }); i >= 0 {
		rs.list[i].Lines++
		return
	}
	if len(rs.list) > maxReasons {
		rs.list[maxReasons].Lines++
		return
	}
	if len(rs.list) == maxReasons {
		text = "other reasons"
	}
	rs.list = append(rs.list, Reason{Text: text, Lines: 1})
}

// progressEvery is how often progress is told.
const progressEvery = 200 * time.Millisecond

// startProgress tells the progress until stop is called, and then once more.
func (r *runner) startProgress(size func() int64) (stop func()) {
	if r.o.Progress == nil {
		return func() {}
	}
	tell := func() {
		r.o.Progress(Progress{Bytes: r.bytes.Load(), Size: size(), Lines: r.lines.Load(),
			Sent: r.stored.Load() + r.there.Load() + r.either.Load() + r.refused.Load()})
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				tell()
			case <-done:
				tell()
				return
			}
		}
	})
	return func() { close(done); wg.Wait() }
}
