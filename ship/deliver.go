package ship

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"logctl/store"
)

// courier delivers batches: it asks until the server has answered for every doc. Its methods may be called from several
// goroutines.
type courier struct {
	client    *client
	wait      time.Duration
	reading   *atomic.Bool // not nil: of what comes through a pipe; waiting does not count while it is read
	anonymous bool
	ensure    func(context.Context) error // makes the app's database; nil: the caller can't
	n         *counters
	// refusedDoc is told of each doc that the server will never take, and why.
	refusedDoc func(b *batch, doc int, reason string)
	// storedDoc, where set, is told of each doc that is in the store now.
	storedDoc func(b *batch, doc int)
	halt      <-chan struct{} // closed: finish what is on its way and don't wait for a server any more
	// away, where set, is told why a batch has to be sent again.
	away func(error)

	mu      sync.Mutex
	ensured bool
}

// errHalted ends waiting for a server.
var errHalted = errors.New("interrupted")

// carry delivers a batch.
func (c *courier) carry(ctx context.Context, b *batch) error { return c.deliver(ctx, b, b.all()) }

// deliver sends some docs of a batch and returns when the server has answered for all of them, or never will.
func (c *courier) deliver(ctx context.Context, b *batch, docs []int) error {
	var payload []byte
	p := c.patience()
	for {
		if payload == nil {
			var err error
			if payload, err = c.client.payload(b, docs); err != nil {
				return err
			}
		}
		out := c.client.post(ctx, payload)
		switch out.action {
		case failed:
			return out.err
		case noDatabase:
			made, err := c.makeDatabase(ctx, out.err)
			if err != nil {
				return err
			}
			if made {
				continue
			}
		case refused:
			if len(docs) == 1 {
				c.reject(b, docs[0], out.err.Error())
				return nil
			}
			half := len(docs) / 2
			if err := c.deliver(ctx, b, docs[:half]); err != nil {
				return err
			}
			docs, payload = docs[half:], nil
			p = c.patience()
			continue
		case taken:
			left, err := c.settle(b, docs, out.answer)
			if len(left) == 0 {
				return nil
			}
			if len(left) < len(docs) {
				docs, payload = left, nil
			}
			out.err = err
		}
		if c.away != nil {
			c.away(out.err)
		}
		if err := p.pause(ctx, out); err != nil {
			return err
		}
	}
}

// waiting is a courier like c that waits for a server until halt is closed, and counts in n.
func (c *courier) waiting(n *counters, halt <-chan struct{}, away func(error)) *courier {
	return &courier{client: c.client, wait: forever, anonymous: c.anonymous, ensure: c.ensure, n: n, refusedDoc: c.refusedDoc,
		storedDoc: c.storedDoc, halt: halt, away: away}
}

// settle counts what the server says of each doc. left are those to send again, err says why.
func (c *courier) settle(b *batch, docs []int, answer []byte) (left []int, err error) {
	rows, err := readRows(answer, len(docs), func(i int) []byte { return b.id(docs[i]) })
	if err != nil {
		return docs, err
	}
	stored, there := int64(0), int64(0)
	for i, row := range rows {
		switch {
		case row.word == "":
			stored++
			c.tellStored(b, docs[i])
		case row.word == conflict:
			there++
			c.tellStored(b, docs[i])
		case passing(row.word):
			left = append(left, docs[i])
			err = &store.Error{Kind: store.KindUnavailable, Word: row.word, Reason: row.reason}
		default:
			c.reject(b, docs[i], row.word+": "+row.reason)
		}
	}
	if c.anonymous {
		c.n.either.Add(stored + there)
	} else {
		c.n.stored.Add(stored)
		c.n.there.Add(there)
	}
	return left, err
}

func (c *courier) tellStored(b *batch, doc int) {
	if c.storedDoc != nil {
		c.storedDoc(b, doc)
	}
}

func (c *courier) reject(b *batch, doc int, reason string) {
	c.n.refused.Add(1)
	c.refusedDoc(b, doc, reason)
}

// makeDatabase makes the app's database once for all senders. made is false if that has been done before, and the server is
// not there yet to see it.
func (c *courier) makeDatabase(ctx context.Context, missing error) (made bool, err error) {
	if c.ensure == nil {
		return false, missing
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ensured {
		return false, nil
	}
	if err := c.ensure(ctx); err != nil {
		return false, &store.Error{Kind: store.KindOf(err), Reason: fmt.Sprintf("make the database of app %s", c.client.app),
			Hint: "logctl app create " + c.client.app, Err: err}
	}
	c.ensured = true
	return true, nil
}

// Pauses between two attempts double from the first to the longest.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 10 * time.Second
)

// patience is how long a batch waits for a server that is away. It begins with the first failure.
type patience struct {
	wait    time.Duration
	reading *atomic.Bool
	halt    <-chan struct{}
	since   time.Time
	step    time.Duration
}

func (c *courier) patience() patience {
	return patience{wait: c.wait, reading: c.reading, halt: c.halt}
}

// pause waits before the next attempt, or says why there will be none.
func (p *patience) pause(ctx context.Context, out outcome) error {
	now := time.Now()
	if p.since.IsZero() {
		p.since, p.step = now, firstPause
	}
	if p.reading != nil && p.reading.Load() {
		p.since = now
	}
	left := p.since.Add(p.wait).Sub(now)
	pause := max(p.step/2+rand.N(p.step/2), out.after)
	if left <= 0 {
		return p.giveUp(fmt.Sprintf("no luck with the server for %s", p.wait), out.err)
	}
	if out.after > left {
		return p.giveUp(fmt.Sprintf("the server asks to come back in %s", out.after), out.err)
	}
	p.step = min(2*p.step, longestPause)
	timer := time.NewTimer(min(pause, left))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.halt:
		return errHalted
	case <-ctx.Done():
		return errHalted
	}
}

func (p *patience) giveUp(reason string, cause error) error {
	hint := "run the same command again later: it goes on where this one stopped"
	if p.reading != nil {
		hint = "what is told as not stored yet must come again"
	}
	var known *store.Error
	if errors.As(cause, &known) && known.Hint != "" {
		hint = known.Hint + "; else " + hint
	}
	return &store.Error{Kind: store.KindUnavailable, Reason: reason, Err: cause, Hint: hint}
}
