package ship

import (
	"context"
	"errors"
	"sync"
	"time"

	"logctl/store"
)

// parcel is a batch and who delivers it.
type parcel struct {
	by carrier
	*batch
}

// carrier delivers batches. Without an error the batch is safe.
type carrier interface {
	carry(context.Context, *batch) error
}

// senders deliver the batches of a run.
type senders struct {
	gone context.Context // ended when one has given up, with the cause
	// done, where set, is told of each batch that was delivered, or why it was not. Its error ends the run.
	done   func(ctx context.Context, e *epoch, err error) error
	out    chan parcel
	spare  chan *batch // delivered, to be filled again
	giveUp context.CancelCauseFunc
	group  sync.WaitGroup
	grace  sync.WaitGroup
}

// onTheirWay is how many batches are at most.
const onTheirWay = 4

// graceTime is how long requests on their way may take after ctx has ended.
const graceTime = 10 * time.Second

// startSenders starts senders.
func startSenders(ctx context.Context) *senders {
	s := &senders{out: make(chan parcel), spare: make(chan *batch, onTheirWay)}
	s.gone, s.giveUp = context.WithCancelCause(context.WithoutCancel(ctx))
	for range onTheirWay {
		s.group.Go(s.run)
	}
	s.grace.Go(func() {
		select {
		case <-ctx.Done():
		case <-s.gone.Done():
			return
		}
		timer := time.NewTimer(graceTime)
		defer timer.Stop()
		select {
		case <-timer.C:
			s.giveUp(errHalted)
		case <-s.gone.Done():
		}
	})
	return s
}

func (s *senders) run() {
	for p := range s.out {
		if s.gone.Err() != nil {
			continue
		}
		err := p.by.carry(s.gone, p.batch)
		epoch := p.epoch
		s.recycle(p.batch)
		if s.done != nil {
			if settleErr := s.done(s.gone, epoch, err); err == nil {
				err = settleErr
			}
		}
		if err != nil && !errors.Is(err, errHalted) && !errors.Is(err, errUnkept) {
			s.giveUp(err)
		}
	}
}

// recycle takes a batch that nobody needs any more.
func (s *senders) recycle(b *batch) {
	b.reset()
	select {
	case s.spare <- b:
	default:
	}
}

// empty gives a batch to fill; keep says whether it keeps lines, too.
func (s *senders) empty(keep bool) *batch {
	var b *batch
	select {
	case b = <-s.spare:
	default:
		b = &batch{}
	}
	b.keep = keep
	return b
}

// send hands a batch to a sender, unless they have given up.
func (s *senders) send(p parcel) {
	select {
	case s.out <- p:
	case <-s.gone.Done():
	}
}

// wait ends the senders when they are done, and gives the first error of one.
func (s *senders) wait() error {
	close(s.out)
	s.group.Wait()
	s.giveUp(nil)
	s.grace.Wait()
	if err := context.Cause(s.gone); err != context.Canceled {
		return err
	}
	return nil
}

// interrupted is the error for a person of a run that may have been ended.
func interrupted(err error) error {
	if !errors.Is(err, errHalted) {
		return err
	}
	return &store.Error{Kind: store.KindInternal, Reason: "interrupted", Hint: "run the same command again: it goes on where this one stopped"}
}
