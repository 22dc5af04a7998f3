package ship

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"logctl/ship/state"
	"logctl/store"
)

// ReparseOptions say which rejects are run through what. Endpoint, App, Format and Rejects must be set.
type ReparseOptions struct {
	Endpoint Endpoint // with an account: a stranger can't read rejects
	App      string
	Format   func(reference time.Time) Formatter // see Options
	Extend   func(buf []byte, start int) []byte  // see Options
	Rejects  iter.Seq2[store.Row, error]         // the app's database of rejects, docs included, in one order always
	Wait     time.Duration                       // see Options

	batchDocs int // see batch.most
}

// Reparsed is what a Reparse has done. Rejects is the sum of Stored, There, NoFit, Cut, Refused, Skipped and Odd unless there was
// an error.
type Reparsed struct {
	Rejects int64
	Stored  int64 // moved: their docs are new
	There   int64 // moved: their docs were there already
	NoFit   int64 // left, like all that follow
	Cut     int64 // there is only the beginning of the line
	Refused int64 // the server will never take their docs
	Skipped int64 // nobody asked for them
	Odd     int64 // docs that are no rejects
	Removed int64 // of Stored and There, which are no rejects any more

	Reasons []Reason // of Refused
	Elapsed time.Duration
}

// Reparse makes docs of the rejects that fit, and removes these.
//
// Nothing is removed before the docs of all rejects are stored. For a doc's id tells how many equal ones there were before it: with
// all rejects there, the same ones have the same ids in every run, and as Run would give them over the same lines. So wherever a
// run is cut off, the next one finds all docs that the rejects still there have made, and stores none again; and a reject that is
// gone has its doc. A reject that came or changed in the meantime stays for the next time.
//
// Errors are as those of Run.
func Reparse(ctx context.Context, o ReparseOptions) (Reparsed, error) {
	start := time.Now()
	db, err := store.AppDB(o.App)
	if err != nil {
		return Reparsed{}, err
	}
	rejectsDB, err := store.RejectsDB(o.App)
	if err != nil {
		return Reparsed{}, err
	}
	counts := state.Memory()
	defer counts.Close()
	m := &mover{maker: maker{extend: o.Extend, count: counts.Next}, o: o}
	if m.moved, err = newMoved(); err != nil {
		return Reparsed{}, err
	}
	defer m.moved.close()
	m.courier = &courier{client: newClient(o.Endpoint, o.App, db), wait: o.Wait, n: &m.n, halt: ctx.Done(),
		refusedDoc: func(_ *batch, _ int, reason string) { m.refusals.add(reason) },
		storedDoc:  func(b *batch, doc int) { m.moved.add(b.line(doc)) }}
	err = m.store(ctx)
	if err == nil {
		remover := &courier{client: newClient(o.Endpoint, o.App, rejectsDB), wait: o.Wait, n: &m.removed, halt: ctx.Done(),
			refusedDoc: func(_ *batch, _ int, reason string) { m.moved.fail(errors.New(reason)) }}
		err = m.remove(ctx, remover)
	}
	sum := m.sum
	sum.Stored, sum.There, sum.Refused = m.n.stored.Load(), m.n.there.Load(), m.n.refused.Load()
	sum.Removed = m.removed.stored.Load() + m.removed.there.Load() // one that is there in another revision is another's business
	sum.Reasons = m.refusals.list
	sum.Elapsed = time.Since(start)
	return sum, interrupted(err)
}

// mover is one Reparse.
type mover struct {
	maker
	o          ReparseOptions
	courier    *courier
	n, removed counters
	refusals   refusals
	moved      *moved
	senders    *senders
	batch      *batch
	sum        Reparsed
}

// store sends the docs of all rejects that fit. Without an error the server has answered for each.
func (m *mover) store(ctx context.Context) error {
	m.senders = startSenders(ctx)
	err := m.readAll(ctx)
	m.send()
	if sendErr := m.senders.wait(); sendErr != nil {
		err = sendErr
	}
	answered := m.n.stored.Load() + m.n.there.Load() + m.n.refused.Load()
	if err == nil && answered < m.n.docs.Load() {
		err = errHalted
	}
	return err
}

func (m *mover) readAll(ctx context.Context) error {
	for row, err := range m.o.Rejects {
		if ctx.Err() != nil || m.senders.gone.Err() != nil {
			return errHalted
		}
		if err != nil {
			return err
		}
		if strings.HasPrefix(row.ID, "_design/") {
			continue
		}
		m.sum.Rejects++
		if err := m.take(row); err != nil {
			return err
		}
	}
	return nil
}

// take puts the doc that a reject makes into the batch.
func (m *mover) take(row store.Row) error {
	var r keptReject
	if err := json.Unmarshal(row.Doc, &r); err != nil || !r.isOne() || !isPlainID(row.ID) {
		m.sum.Odd++
		return nil
	}
	if r.Cut {
		m.sum.Cut++
		return nil
	}
	var verdict Verdict
	m.body, verdict = m.o.Format(r.reference()).Append(m.body[:0], r.text())
	switch verdict {
	case Reject:
		m.sum.NoFit++
		return nil
	case Skip:
		m.sum.Skipped++
		return nil
	}
	m.n.docs.Add(1)
	m.setMachine(r.Machine)
	if err := m.complete(); err != nil {
		return err
	}
	if m.batch == nil {
		m.batch = m.senders.empty(true)
		m.batch.most = m.o.batchDocs
	}
	m.batch.add(m.id, m.body, fmt.Appendf(nil, "%s %s", row.ID, r.Rev), nil)
	if m.batch.full() {
		m.send()
	}
	return nil
}

func (m *mover) send() {
	if m.batch != nil {
		m.senders.send(parcel{by: m.courier, batch: m.batch})
		m.batch = nil
	}
}

// remove deletes the rejects whose docs are stored, in the revision in which they were read.
func (m *mover) remove(ctx context.Context, remover *courier) error {
	senders := startSenders(ctx)
	var b *batch
	send := func() {
		if b != nil {
			senders.send(parcel{by: remover, batch: b})
			b = nil
		}
	}
	total := int64(0)
	err := m.moved.each(func(record []byte) error {
		if ctx.Err() != nil || senders.gone.Err() != nil {
			return errHalted
		}
		id, rev, _ := bytes.Cut(record, []byte(" "))
		if b == nil {
			b = senders.empty(false)
			b.most = m.o.batchDocs
		}
		b.add(id, fmt.Appendf(nil, `{"_rev":%q,"_deleted":true}`, rev), nil, nil)
		if total++; b.full() {
			send()
		}
		return nil
	})
	send()
	if sendErr := senders.wait(); sendErr != nil {
		err = sendErr
	}
	answered := m.removed.stored.Load() + m.removed.there.Load() + m.removed.refused.Load()
	if err == nil && answered < total {
		err = errHalted
	}
	return errors.Join(err, m.moved.failure())
}
