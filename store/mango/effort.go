package mango

import (
	"context"
	"time"

	"logctl/store"
)

// maxTime bounds what is done with one doc, as view/js bounds one call of a function.
const maxTime = 5 * time.Second

// lookEvery is how many steps are taken between two looks at the clock and the context: milliseconds of them.
const lookEvery = 1 << 22

// effort bounds the time of one run over a doc.
type effort struct {
	done  <-chan struct{} // of the context
	steps int             // since the last look
	began time.Time       // the first look: what ends before it costs none
	ended bool
}

// spend takes steps, each about the time in which a byte of a doc is read; false if the run has ended, and then nothing that it finds counts.
func (e *effort) spend(steps int) bool {
	if e.steps += steps; e.steps >= lookEvery {
		e.look()
	}
	return !e.ended
}

func (e *effort) look() {
	e.steps = 0
	select {
	case <-e.done:
		e.ended = true
	default:
	}
	if now := time.Now(); e.began.IsZero() {
		e.began = now
	} else if now.Sub(e.began) > maxTime {
		e.ended = true
	}
}

// end tells why the run has ended. what names the parts of the query that were run.
func (e *effort) end(ctx context.Context, what string, doc []byte) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &store.Error{Kind: store.KindTimeout, Reason: what + " take more than " + maxTime.String() + " for the document " +
		text(findMember(doc, []byte(`"_id"`))) + ": use fewer or simpler ones."}
}
