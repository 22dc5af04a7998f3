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
	in, err := d.newCounter(snap, lo, hi)
	if err != nil {
		return 0, err
	}
	defer in.it.Close()
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
	defer out.it.Close()
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
	defer c.it.Close()
	for err == nil && !c.done {
		err = c.run(ctx)
	}
	return c.deleted, err
}

// counter counts docs by their by-id records.
type counter struct {
	db      *DB
	it      *pebble.Iterator
	n       uint64 // live ones
	deleted uint64
	done    bool
}

func (d *DB) newCounter(r pebble.Reader, lo, hi []byte) (*counter, error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return nil, readError(err)
	}
	c := &counter{db: d, it: it, done: !it.First()}
	if err := it.Error(); err != nil {
		return nil, errors.Join(readError(err), it.Close())
	}
	return c, nil
}

// run goes on for some records.
func (c *counter) run(ctx context.Context) error {
	if err := c.db.alive(ctx); err != nil {
		return err
	}
	for i := 0; i < aliveEvery && !c.done; i++ {
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
		c.done = !c.it.Next()
	}
	return readError(c.it.Error())
}
