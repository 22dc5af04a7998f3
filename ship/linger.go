package ship

import (
	"sync"
	"time"
)

const (
	// lingerTime is how long lines wait for others before they are sent in a batch that is not full.
	lingerTime = 50 * time.Millisecond
	// longestLinger is how long an epoch stays open while full batches go out.
	longestLinger = time.Second
)

// linger calls a function some time after there is something for it to do.
type linger struct {
	wake  chan struct{}
	end   chan struct{}
	group sync.WaitGroup

	// The runner's, under its lock:
	begun, last time.Time // the epoch was begun; something was sent or begun
}

// startLinger calls flush lingerTime after begin, and again until it is false.
func startLinger(flush func() bool) *linger {
	l := &linger{wake: make(chan struct{}, 1), end: make(chan struct{})}
	l.group.Go(func() {
		timer := time.NewTimer(lingerTime)
		defer timer.Stop()
		for {
			select {
			case <-l.wake:
			case <-l.end:
				return
			}
			for more := true; more; more = flush() {
				timer.Reset(lingerTime)
				select {
				case <-timer.C:
				case <-l.end:
					return
				}
			}
		}
	})
	return l
}

// begin says that there is something.
func (l *linger) begin() {
	l.begun = time.Now()
	l.last = l.begun
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *linger) sent() { l.last = time.Now() }

// over tells whether it is time to send what there is.
func (l *linger) over() bool {
	return time.Since(l.last) >= lingerTime*9/10 || time.Since(l.begun) >= longestLinger
}

func (l *linger) stop() {
	close(l.end)
	l.group.Wait()
}
