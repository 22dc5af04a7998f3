package engine

import (
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"logctl/store/engine/bundle"
)

// idCursor goes over all docs of a range of ids, either way, those with by-id records and those in bundles that have spans, as of
// one moment.
type idCursor struct {
	back   bool
	docs   *pebble.Iterator // over by-id records
	more   bool             // docs is at one
	finder *finder
	lanes  []*laneCursor // that are at a doc
	lo, hi string        // ids from lo on, to less than hi
	open   bool          // to the end; hi means nothing

	id     []byte      // of the doc it is at, until it moves
	lane   *laneCursor // that it is in, nil: it has a by-id record
	record []byte      // that one
}

// newIDCursor makes a cursor over keys [lo, hi) of by-id records. close must be called.
func (d *DB) newIDCursor(r source, lo, hi []byte, back bool) (*idCursor, error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return nil, readError(err)
	}
	c := &idCursor{back: back, docs: it, lo: string(lo[prefixLen:])}
	_, end := d.keys.space(subByID)
	if c.open = string(hi) == string(end); !c.open {
		c.hi = string(hi[prefixLen:])
	}
	// What is cloned sees the same moment.
	if c.finder, err = d.newFinder(cloner{it}); err != nil {
		return nil, errors.Join(err, it.Close())
	}
	if err := c.start(d.lanes.used()); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// source is what iterators are made from: a store, a snapshot, another iterator.
type source interface {
	NewIter(o *pebble.IterOptions) (*pebble.Iterator, error)
}

// cloner makes iterators as of the moment of another one.
type cloner struct{ *pebble.Iterator }

func (c cloner) NewIter(o *pebble.IterOptions) (*pebble.Iterator, error) {
	return c.Clone(pebble.CloneOptions{IterOptions: o})
}

func (c *idCursor) close() error { return errors.Join(c.docs.Close(), c.finder.close()) }

func (c *idCursor) start(lanes int) error {
	for lane := range lanes {
		l := &laneCursor{c: c, lane: lane}
		ok, err := l.start()
		if err != nil {
			return err
		}
		if ok {
			c.lanes = append(c.lanes, l)
		}
	}
	if c.back {
		c.more = c.docs.Last()
	} else {
		c.more = c.docs.First()
	}
	return readError(c.docs.Error())
}

// next goes to a doc; false if there are no more.
func (c *idCursor) next() (bool, error) {
	if err := c.leave(); err != nil {
		return false, err
	}
	c.id, c.lane, c.record = nil, nil, nil
	for _, l := range c.lanes {
		if c.lane == nil || (l.id < c.lane.id) != c.back {
			c.lane = l
		}
	}
	if c.more {
		id := c.docs.Key()[prefixLen:]
		if c.lane == nil || (string(id) < c.lane.id) != c.back {
			v, err := c.docs.ValueAndErr()
			c.id, c.lane, c.record = id, nil, v
			return err == nil, readError(err)
		}
	}
	return c.lane != nil, nil
}

// leave moves on from the doc that the cursor is at.
func (c *idCursor) leave() error {
	if l := c.lane; l != nil {
		ok, err := l.step()
		if !ok {
			c.lanes = slices.DeleteFunc(c.lanes, func(other *laneCursor) bool { return other == l })
		}
		return err
	}
	if c.id == nil {
		return nil
	}
	if c.back {
		c.more = c.docs.Prev()
	} else {
		c.more = c.docs.Next()
	}
	return readError(c.docs.Error())
}

// read has the cursor's reader of sequences go to the doc that the cursor is at; false if that is deleted.
func (c *idCursor) read() (live bool, err error) {
	seqs := c.finder.seqs
	if l := c.lane; l != nil {
		seqs.goTo(l.b, l.ids.At(l.place))
		return true, nil
	}
	seq, deleted, _, err := parseIDHead(c.record)
	if deleted || err != nil {
		return false, err
	}
	return true, seqs.get(seq)
}

// laneCursor goes over the docs of one lane.
type laneCursor struct {
	c     *idCursor
	lane  int
	span  span
	b     *bundled
	ids   *bundle.Index
	place int    // in the bundle's ids
	id    string // of the doc it is at
}

// start goes to the first doc; false if there is none.
func (l *laneCursor) start() (bool, error) {
	c := l.c
	s := c.finder.spans
	read := func() (span, bool, error) { return s.notBefore(l.lane, c.lo) }
	switch {
	case c.back && c.open:
		read = func() (span, bool, error) { return s.last(l.lane) }
	case c.back:
		read = func() (span, bool, error) {
			sp, ok, err := s.notBefore(l.lane, c.hi)
			if err != nil || ok && sp.min < c.hi {
				return sp, ok, err
			}
			return s.before(l.lane, c.hi)
		}
	}
	if ok, err := l.enter(read()); !ok || err != nil {
		return false, err
	}
	switch {
	case !c.back:
		l.place, _ = l.ids.Search(c.lo)
		l.place--
	case !c.open:
		l.place, _ = l.ids.Search(c.hi)
	}
	return l.step()
}

// enter opens the bundle of a span, if there is one with ids in the range.
func (l *laneCursor) enter(s span, ok bool, err error) (bool, error) {
	c := l.c
	if !ok || err != nil || !c.back && !c.open && s.min >= c.hi || c.back && s.max < c.lo {
		return false, err
	}
	if l.b, err = c.finder.seqs.open(s.seq); err != nil {
		return false, err
	}
	l.span, l.ids = s, l.b.index()
	if l.place = -1; c.back {
		l.place = l.ids.Len()
	}
	return true, nil
}

// step goes to the next doc; false if there is none.
func (l *laneCursor) step() (bool, error) {
	c, s := l.c, l.c.finder.spans
	for {
		if c.back {
			l.place--
		} else {
			l.place++
		}
		if l.place >= 0 && l.place < l.ids.Len() {
			i := l.ids.At(l.place)
			if !l.b.here(i) {
				continue
			}
			l.id = l.ids.ID(i)
			if c.back {
				return l.id >= c.lo, nil
			}
			return c.open || l.id < c.hi, nil
		}
		var ok bool
		var err error
		if c.back {
			ok, err = l.enter(s.before(l.lane, l.span.max))
		} else {
			ok, err = l.enter(s.notBefore(l.lane, l.span.max+"\x00"))
		}
		if !ok || err != nil {
			return false, err
		}
	}
}
