package engine

import (
	"bytes"
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// readCount reads the counters from where the last batch of docs left them.
func (d *DB) readCount(r pebble.Reader) (counters, error) {
	var count counters
	v, closer, err := r.Get(d.keys.counters())
	if err == nil {
		dec := decoder{src: v}
		dec.version()
		count = dec.counters()
		err = errors.Join(dec.err("counters"), closer.Close())
	} else if errors.Is(err, pebble.ErrNotFound) {
		err = nil
	} else {
		err = readError(err)
	}
	if err != nil {
		return count, err
	}
	lo, hi := d.keys.space(subBySeq)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return count, readError(err)
	}
	defer it.Close()
	if !it.Last() {
		return count, readError(it.Error())
	}
	if v, err = it.ValueAndErr(); err != nil {
		return count, readError(err)
	}
	var counts *counters
	if isBundle(v) {
		var b bundled
		b, err = parseBundleHead(seqOf(it.Key()), v)
		counts = b.counts
	} else {
		var rec seqRecord
		rec, err = parseSeqRecord(v)
		counts = rec.counts
	}
	if err == nil && counts != nil && counts.seq >= count.seq {
		count = *counts
	}
	return count, err
}

// CountDocs counts the live docs of r, at one moment. Of a range that is open on one side it counts the docs within and
// those outside by turns, until it is through with either: it costs what the smaller part has.
func (d *DB) CountDocs(ctx context.Context, r IDRange) (uint64, error) {
	if err := d.begin(); err != nil {
		return 0, err
	}
	defer d.end()
	lo, hi := r.bounds(&d.keys)
	first, past := d.keys.space(subByID)
	snap := d.e.pdb.NewSnapshot()
	defer snap.Close()
	if bytes.Compare(lo, hi) >= 0 {
		return 0, nil
	}
	if err := d.alive(ctx); err != nil {
		return 0, err
	}
	if bytes.Equal(lo, first) && bytes.Equal(hi, past) {
		all, err := d.readCount(snap)
		return all.docs, err
	}
	in, err := d.newCounter(snap, lo, hi)
	if err != nil {
		return 0, err
	}
	defer in.close()
	switch {
	case bytes.Equal(lo, first):
		lo, hi = hi, past
	case bytes.Equal(hi, past):
		lo, hi = first, lo
	default:
		for err == nil && !in.done {
			err = in.run(ctx)
		}
		return in.n, err
	}
	out, err := d.newCounter(snap, lo, hi)
	if err != nil {
		return 0, err
	}
	defer out.close()
	for {
		if err := in.run(ctx); in.done || err != nil {
			return in.n, err
		}
		if err := out.run(ctx); err != nil {
			return 0, err
		}
		if out.done {
			all, err := d.readCount(snap)
			return all.docs - out.n, err
		}
	}
}

// CountDeleted counts the docs of r whose winner is a tombstone. It looks at all docs of r.
func (d *DB) CountDeleted(ctx context.Context, r IDRange) (uint64, error) {
	if err := d.begin(); err != nil {
		return 0, err
	}
	defer d.end()
	lo, hi := r.bounds(&d.keys)
	if bytes.Compare(lo, hi) >= 0 {
		return 0, nil
	}
	c, err := d.newCounter(d.e.pdb, lo, hi)
	if err != nil {
		return 0, err
	}
	defer c.close()
	for err == nil && !c.done {
		err = c.run(ctx)
	}
	return c.deleted, err
}

// counter counts the docs of a range of ids.
type counter struct {
	db      *DB
	it      *pebble.Iterator // over by-id records
	more    bool             // it is at one
	finder  *finder
	lo, hi  string // ids from lo on, to less than hi
	open    bool   // to the end; hi means nothing
	lane    int    // that is being counted
	at      string // where in it
	n       uint64 // live ones
	deleted uint64
	done    bool
}

func (d *DB) newCounter(r source, lo, hi []byte) (*counter, error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return nil, readError(err)
	}
	c := &counter{db: d, it: it, more: it.First(), lo: string(lo[prefixLen:])}
	c.at = c.lo
	_, end := d.keys.space(subByID)
	if c.open = string(hi) == string(end); !c.open {
		c.hi = string(hi[prefixLen:])
	}
	if err := it.Error(); err != nil {
		return nil, errors.Join(readError(err), it.Close())
	}
	if c.finder, err = d.newFinder(cloner{it}); err != nil {
		return nil, errors.Join(err, it.Close())
	}
	return c, nil
}

func (c *counter) close() { errors.Join(c.it.Close(), c.finder.close()) }

// run goes on for some records.
func (c *counter) run(ctx context.Context) error {
	if err := c.db.alive(ctx); err != nil {
		return err
	}
	for i := 0; i < aliveEvery && c.more; i++ {
		v, err := c.it.ValueAndErr()
		if err != nil {
			return readError(err)
		}
		_, deleted, _, err := parseIDHead(v)
		if err != nil {
			return err
		}
		if deleted {
			c.deleted++
		} else {
			c.n++
		}
		c.more = c.it.Next()
	}
	if err := c.it.Error(); err != nil || c.more {
		return readError(err)
	}
	return c.runLane()
}

// runLane goes on for the docs of one bundle that has a span; what is in one is live.
func (c *counter) runLane() error {
	if c.lane >= c.db.lanes.used() {
		c.done = true
		return nil
	}
	s, ok, err := c.finder.spans.notBefore(c.lane, c.at)
	if err != nil {
		return err
	}
	if !ok || !c.open && s.min >= c.hi {
		c.lane, c.at = c.lane+1, c.lo
		return nil
	}
	c.at = s.max + "\x00"
	n, err := c.within(&s)
	c.n += uint64(n)
	return err
}

// within counts the docs of a bundle that are in the range.
func (c *counter) within(s *span) (n int, err error) {
	if s.min >= c.lo && (c.open || s.max < c.hi) { // all
		v, err := c.finder.seqs.record(s.seq)
		if err != nil {
			return 0, err
		}
		b, err := parseBundleHead(s.seq, v)
		return b.n - len(b.gone), err
	}
	b, err := c.finder.seqs.open(s.seq)
	if err != nil {
		return 0, err
	}
	ids := b.index()
	first, _ := ids.Search(c.lo)
	end := b.n
	if !c.open {
		end, _ = ids.Search(c.hi)
	}
	for place := first; place < end; place++ {
		if b.here(ids.At(place)) {
			n++
		}
	}
	return n, nil
}
