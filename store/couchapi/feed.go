package couchapi

import (
	"context"
	"errors"

	"logctl/store"
	"logctl/store/engine"
)

// feed is one answer of _changes on its way.
type feed struct {
	x *exchange
	s *stream
	o feedOptions

	last  uint64 // sequence of the last change that was looked at
	limit int    // entries that may still be sent; below zero: any number
	seen  int    // changes that were looked at
	sent  int    // entries
}

// run writes the whole feed.
func (f *feed) run() error {
	switch f.o.feed {
	case "continuous":
	case "eventsource":
		f.x.w.Header().Set("Content-Type", "text/event-stream")
		f.x.w.Header().Set("Cache-Control", "no-cache")
	default:
		f.s.buf = append(f.s.buf, `{"results":[`...)
	}
	if f.limit != 0 {
		if err := f.batch(); err != nil {
			return err
		}
		if err := f.follow(); err != nil {
			return err
		}
	}
	return f.finish()
}

// live tells that the feed goes on with changes to come; a longpoll feed does until it has one. Backwards there are none to come.
func (f *feed) live() bool {
	switch {
	case f.o.descending:
	case f.o.feed == "continuous", f.o.feed == "eventsource":
		return f.limit != 0
	case f.o.feed == "longpoll":
		return f.sent == 0
	}
	return false
}

// follow waits for changes and writes them as they come.
func (f *feed) follow() error {
	ctx, cancel := context.WithCancel(f.x.ctx())
	defer cancel()
	defer context.AfterFunc(store.EndingOf(ctx), cancel)()
	for f.live() {
		if err := f.s.flush(); err != nil {
			return err
		}
		more, err := f.wait(ctx)
		if err != nil || !more {
			return err
		}
		if err := f.batch(); err != nil {
			return err
		}
	}
	return nil
}

// wait blocks until there are changes after the last one, sending heartbeats meanwhile. more is false when the feed has
// waited for as long as it may, the database is gone or the server ends.
func (f *feed) wait(ctx context.Context) (more bool, err error) {
	for {
		pause := f.o.timeout
		if f.o.heartbeat > 0 {
			pause = f.o.heartbeat
		}
		waiting, cancel := context.WithTimeout(ctx, pause)
		err := f.x.db.Wait(waiting, f.last)
		cancel()
		switch {
		case err == nil:
			return true, nil
		case ctx.Err() != nil:
			return false, f.x.ctx().Err()
		case !errors.Is(err, context.DeadlineExceeded):
			return false, nil
		case f.o.heartbeat == 0:
			return false, nil
		}
		if f.o.feed == "eventsource" {
			f.s.buf = append(f.s.buf, "event: heartbeat\ndata: \n\n"...)
		} else {
			f.s.buf = append(f.s.buf, '\n')
		}
		if err := f.s.flush(); err != nil {
			return false, err
		}
	}
}

// batch writes what there is after the last change.
func (f *feed) batch() error {
	o := engine.ChangesOptions{
		Since: f.last, Descending: f.o.descending, Conflicts: f.o.allLeaves,
		Bodies: f.o.includeDocs || f.o.filter.needsBody,
	}
	upTo := f.x.db.UpdateSeq()
	var failed error
	err := f.x.db.Changes(f.x.ctx(), o, func(c store.Change) bool {
		failed = f.change(&c)
		return failed == nil && f.limit != 0
	})
	if failed == nil {
		failed = err
	}
	if failed == nil && f.limit != 0 && !o.Descending {
		f.last = max(f.last, upTo)
	}
	return failed
}

// change writes one change, if the filter lets it pass.
func (f *feed) change(c *store.Change) error {
	f.seen++
	leaves, err := f.passing(c)
	if len(leaves) > 0 || !f.o.filter.byID || !f.o.descending {
		f.last = c.Seq
	}
	if err != nil || len(leaves) == 0 {
		return err
	}
	switch f.o.feed {
	case "continuous":
	case "eventsource":
		f.s.buf = append(f.s.buf, "data: "...)
	default:
		if f.sent > 0 {
			f.s.buf = append(f.s.buf, ',')
		}
		f.s.buf = append(f.s.buf, '\n')
	}
	if err := f.writeChange(c, leaves); err != nil {
		return err
	}
	switch f.o.feed {
	case "continuous":
		f.s.buf = append(f.s.buf, '\n')
	case "eventsource":
		f.s.buf = append(appendSeq(append(f.s.buf, "\nid: "...), f.x.db, c.Seq), "\n\n"...)
	}
	f.sent++
	if f.limit > 0 {
		f.limit--
	}
	return f.s.spill()
}

// passing are the leaves of a change that the filter lets pass. One that looks at docs is asked about each of them.
func (f *feed) passing(c *store.Change) ([]store.Rev, error) {
	var leaves []store.Rev
	ok, err := f.o.filter.passes(c)
	if ok {
		leaves = append(leaves, c.Doc.Rev)
	}
	if err != nil || !f.o.allLeaves || !ok && !f.o.filter.needsBody {
		return leaves, err
	}
	for _, l := range c.Conflicts {
		if f.o.filter.needsBody {
			doc, err := f.x.db.GetRev(c.Doc.ID, l.Rev)
			if store.IsKind(err, store.KindNotFound) { // edited meanwhile, and a change of its own by now
				continue
			}
			if err != nil {
				return nil, err
			}
			if ok, err = f.o.filter.passes(&store.Change{Seq: c.Seq, Doc: doc}); err != nil {
				return nil, err
			}
		}
		if ok {
			leaves = append(leaves, l.Rev)
		}
	}
	return leaves, nil
}

// pending is how many changes are not in this answer though later ones may show them. CouchDB does not look at docs that a
// filter by id leaves out, and counts them.
func (f *feed) pending() (uint64, error) {
	if !f.o.descending && !f.o.filter.byID {
		return f.x.pending(f.last)
	}
	done := f.seen
	if f.o.filter.byID {
		done = f.sent
	}
	n, err := f.x.pending(f.o.since)
	return n - min(n, uint64(done)), err
}

// finish writes how far the feed came, so that a client can go on from there.
func (f *feed) finish() error {
	if f.o.feed == "eventsource" {
		return f.s.end()
	}
	pending, err := f.pending()
	if err != nil {
		return err
	}
	if f.o.feed == "continuous" {
		f.s.buf = append(f.s.buf, `{"last_seq":`...)
	} else {
		f.s.buf = append(f.s.buf, "\n],\n"+`"last_seq":`...)
	}
	if f.o.descending && f.sent == 0 {
		f.last = f.x.db.UpdateSeq() // or who goes on from here begins anew
	}
	f.s.buf = appendSeq(f.s.buf, f.x.db, f.last)
	f.s.buf = appendNumber(append(f.s.buf, `,"pending":`...), pending)
	f.s.buf = append(f.s.buf, "}\n"...)
	return f.s.end()
}
