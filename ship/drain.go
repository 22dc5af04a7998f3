package ship

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"logctl/ship/spool"
	"logctl/ship/state"
	"logctl/store"
	"logctl/store/ejson"
)

// drain takes records out of spools and delivers them. While a run reads, it waits for a server that is away; from then on as
// long as Options.Wait says after the last that was delivered.
type drain struct {
	r       *runner
	q       *queue
	docs    *courier // of this run's docs
	old     *courier // of those that earlier runs have left
	rejects *courier // of both's rejects
	senders *senders
	oldN    counters

	last  chan struct{} // closed when nothing is appended any more
	halt  chan struct{} // closed when the server is not waited for any more
	moved chan struct{} // something was delivered
	group sync.WaitGroup
	guard sync.WaitGroup
	end   chan struct{}

	mu   sync.Mutex
	away error // why the last attempt has failed
}

// errStalled ends a drain that the server keeps waiting for too long.
var errStalled = errors.New("the server is away")

// startDrain begins to deliver what the run's spools hold. Nil: there are none.
func startDrain(ctx context.Context, r *runner) *drain {
	q := r.queue
	if len(q.spools) == 0 {
		return nil
	}
	d := &drain{r: r, q: q, last: make(chan struct{}), halt: make(chan struct{}), moved: make(chan struct{}, 1), end: make(chan struct{})}
	d.docs = r.courier.waiting(&r.counters, d.halt, d.setAway)
	d.old = r.courier.waiting(&d.oldN, d.halt, d.setAway)
	d.rejects = r.keeper.courier.waiting(&r.keeper.n, d.halt, d.setAway)
	d.senders = startSenders(ctx)
	for _, s := range q.spools {
		d.group.Go(func() { d.take(s) })
	}
	d.guard.Go(func() { d.watch(ctx) })
	return d
}

func (d *drain) setAway(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.away = err
}

// watch closes halt.
func (d *drain) watch(ctx context.Context) {
	defer close(d.halt)
	select {
	case <-d.last:
	case <-ctx.Done():
		return
	case <-d.end:
		return
	}
	timer := time.NewTimer(d.r.o.patience())
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		case <-d.end:
			return
		case <-d.moved:
			timer.Reset(d.r.o.patience())
		}
	}
}

// wait delivers what is left, as far as the server takes it, and gives the error of one that will never take it.
func (d *drain) wait() error {
	if d == nil {
		return nil
	}
	close(d.last)
	d.group.Wait()
	err := d.senders.wait()
	close(d.end)
	d.guard.Wait()
	d.r.sum.Earlier = d.oldN.stored.Load() + d.oldN.there.Load() + d.oldN.either.Load() + d.oldN.refused.Load()
	if errors.Is(err, errStalled) || errors.Is(err, errHalted) {
		d.r.sum.Away, err = d.away, nil
	}
	return err
}

const readPause = time.Second

// take hands the records of a spool to senders.
func (d *drain) take(s *spool.Spool) {
	ended := false
	for d.senders.gone.Err() == nil {
		e, err := s.Next()
		var damage *spool.DamageError
		switch {
		case errors.As(err, &damage):
			d.r.problem(err)
			continue
		case err != nil && ended:
			d.senders.giveUp(err)
			return
		case err != nil:
			d.r.problem(err)
			if !d.pause() {
				return
			}
			continue
		case e != nil:
			d.hand(s, e)
			continue
		case ended:
			return
		}
		select {
		case <-s.More():
		case <-d.last:
			ended = true
		case <-d.senders.gone.Done():
		}
	}
}

// pause waits a little; false: the drain is over.
func (d *drain) pause() bool {
	timer := time.NewTimer(readPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.last:
		return true
	case <-d.senders.gone.Done():
		return false
	}
}

// hand gives a record to a sender.
func (d *drain) hand(s *spool.Spool, e *spool.Entry) {
	b := d.senders.empty(true)
	kind := byte(packDocs)
	var err error
	if e.Dropped != nil {
		d.notice(b, e.Dropped, e.ID())
	} else if kind, err = unpack(b, e.Data); err != nil {
		if errors.Is(err, errPack) { // it is whole, so somebody may still make sense of it: it stays
			d.r.problem(err)
			return
		}
		d.fail(err)
		return
	}
	mine := s == d.q.own && !e.Old && e.Dropped == nil
	d.senders.send(parcel{by: &drained{d: d, s: s, e: e, kind: kind, mine: mine}, batch: b})
}

// fail ends the drain, and the run with it.
func (d *drain) fail(err error) {
	d.senders.giveUp(err)
	d.r.senders.giveUp(err)
}

// notice makes b the doc that tells of docs that were dropped. The record's id tells it from others of the same moment.
func (d *drain) notice(b *batch, n *spool.Dropped, id string) {
	text := fmt.Sprintf("the spool was full: %d docs were dropped", n.Docs)
	body := store.AppendJSONString([]byte(`{"time":`), n.To.UTC().Format(time.RFC3339))
	body = append(body, `,"application":"logctl","event":"dropped","message":`...)
	body = store.AppendJSONString(body, text)
	body = fmt.Appendf(body, `,"docs":%d,"since":%q,"notice":%q`, n.Docs, n.From.UTC().Format(time.RFC3339), id)
	if d.r.o.Machine != "" {
		body = store.AppendJSONString(append(body, `,"machine":`...), d.r.o.Machine)
	}
	body = append(body, '}')
	b.add(ejson.AppendContentID(nil, body, 0), body, []byte(text), &origin{reference: n.To})
}

// drained delivers one record.
type drained struct {
	d    *drain
	s    *spool.Spool
	e    *spool.Entry
	kind byte
	mine bool // this run has appended it
}

func (c *drained) carry(ctx context.Context, b *batch) error {
	err := c.deliver(ctx, b)
	switch {
	case errors.Is(err, errHalted), store.IsKind(err, store.KindUnavailable):
		return errStalled
	case err != nil:
		c.d.r.senders.giveUp(err)
		return err
	}
	c.s.Ack(c.e)
	if c.mine && c.kind == packDocs {
		c.d.q.docs.Add(-int64(c.e.Docs))
	}
	select {
	case c.d.moved <- struct{}{}:
	default:
	}
	return nil
}

func (c *drained) deliver(ctx context.Context, b *batch) error {
	switch {
	case c.kind == packRejects:
		return c.d.r.keeper.carryBy(ctx, c.d.rejects, b)
	case c.mine:
		if err := c.d.docs.carry(ctx, b); err != nil {
			return err
		}
	default:
		if err := c.d.old.carry(ctx, b); err != nil {
			return err
		}
	}
	return c.d.r.keeper.keepRefused(ctx, b.refused)
}

// placeOf counts a refused line by its doc's id, which says how many equal ones came before: delivered again, it is the same reject.
func placeOf(id []byte) counter {
	_, hash, _ := strings.Cut(string(id), "-")
	_, text, repeated := strings.Cut(hash, "-")
	n, err := strconv.ParseUint(text, 10, 32)
	if !repeated || err != nil {
		n = 0
	}
	return func(state.Fingerprint) (uint32, error) { return uint32(n), nil }
}
