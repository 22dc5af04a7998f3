package replicate

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// CouchDB's own: so many jobs run at a time, and each minute so many at most give way to others that wait.
const (
	defaultJobs = 500
	defaultTurn = time.Minute
	maxChurn    = 20
)

// errGaveWay ends the turn of a job that has run long enough while others wait.
var errGaveWay = errors.New("others wait for their turn")

// slots let a number of jobs run at a time. The others wait, and who came first is first.
type slots struct {
	max int

	mu      sync.Mutex
	running []*turn // who has run longest first; mu
	waiting []*turn // who has waited longest first; mu
}

// turn is one run of a job.
type turn struct {
	ctx        context.Context // of the run; its cause is errGaveWay where the job is to try again later
	end        context.CancelCauseFunc
	begun      chan struct{} // closed when the job may run
	continuous bool          // it does not end by itself
}

// wait waits for a turn, which leave ends. The error is that of ctx.
func (s *slots) wait(ctx context.Context, continuous bool) (*turn, error) {
	t := &turn{begun: make(chan struct{}), continuous: continuous}
	t.ctx, t.end = context.WithCancelCause(ctx)
	s.mu.Lock()
	s.waiting = append(s.waiting, t)
	s.fill()
	s.mu.Unlock()
	select {
	case <-t.begun:
		return t, nil
	case <-ctx.Done():
		s.leave(t)
		return nil, ctx.Err()
	}
}

// fill lets those run who may. mu is held.
func (s *slots) fill() {
	for len(s.running) < s.max && len(s.waiting) > 0 {
		t := s.waiting[0]
		s.waiting = slices.Delete(s.waiting, 0, 1)
		s.running = append(s.running, t)
		close(t.begun)
	}
}

// leave ends a turn, or the wait for it.
func (s *slots) leave(t *turn) {
	t.end(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	is := func(o *turn) bool { return o == t }
	s.running = slices.DeleteFunc(s.running, is)
	s.waiting = slices.DeleteFunc(s.waiting, is)
	s.fill()
}

// rotate has the continuous jobs that have run longest give way to as many others that wait, each time after every, until ctx ends.
func (s *slots) rotate(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.giveWay()
		case <-ctx.Done():
			return
		}
	}
}

func (s *slots) giveWay() {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.waiting), maxChurn)
	for _, t := range s.running {
		if n == 0 {
			return
		}
		if t.continuous {
			t.end(errGaveWay)
			n--
		}
	}
}
