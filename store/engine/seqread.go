package engine

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"logctl/store"
	"logctl/store/ejson"
)

// seqReader reads by-sequence records, those of single docs and those in bundles alike, as of the moment of its iterator.
type seqReader struct {
	db    *DB
	it    *pebble.Iterator
	since uint64 // docs up to this one are passed over by first, last, next and prev

	seq uint64
	rec seqRecord // of the doc it is at; it holds until it moves

	bundle *bundled // where a scan is in, nil if it is at a record of one doc
	i      int

	opened []*bundled // those that at has been to, with bytes of their own
	oldest int        // of opened

	key, id, body, hash []byte
}

// newSeqReader makes a reader of a database. close must be called.
func (d *DB) newSeqReader(r pebble.Reader, since uint64) (*seqReader, error) {
	_, hi := d.keys.space(subBySeq)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: d.keys.bySeq(since + 1), UpperBound: hi})
	if err != nil {
		return nil, readError(err)
	}
	return &seqReader{db: d, it: it, since: since}, nil
}

func (r *seqReader) close() error { return r.it.Close() }

// first, last, next and prev go to a doc; false if there is none.
func (r *seqReader) first() (bool, error) { return r.enter(r.it.First(), true) }
func (r *seqReader) last() (bool, error)  { return r.enter(r.it.Last(), false) }
func (r *seqReader) next() (bool, error)  { return r.move(true) }
func (r *seqReader) prev() (bool, error)  { return r.move(false) }

func (r *seqReader) move(forward bool) (bool, error) {
	if r.bundle != nil && r.within(forward) {
		return true, nil
	}
	if forward {
		return r.enter(r.it.Next(), true)
	}
	return r.enter(r.it.Prev(), false)
}

// enter goes to the first doc, or the last one, of the record that the iterator is at, if it is at one.
func (r *seqReader) enter(ok, forward bool) (bool, error) {
	for ok {
		v, err := r.it.ValueAndErr()
		if err != nil {
			return false, readError(err)
		}
		seq := seqOf(r.it.Key())
		if !isBundle(v) {
			r.bundle, r.seq = nil, seq
			r.rec, err = parseSeqRecord(v)
			return err == nil, err
		}
		b, err := parseBundle(seq, v)
		if err != nil {
			return false, err
		}
		if r.bundle, r.i = b, b.n; forward {
			r.i = -1
			if r.since >= b.first() {
				r.i = int(r.since - b.first())
			}
		}
		if r.within(forward) {
			return true, nil
		}
		if forward {
			ok = r.it.Next()
		} else {
			ok = r.it.Prev()
		}
	}
	return false, readError(r.it.Error())
}

// within goes to the next doc of the bundle that a scan is in; false if it has no more.
func (r *seqReader) within(forward bool) bool {
	b := r.bundle
	for {
		if forward {
			r.i++
		} else {
			r.i--
		}
		if r.i < 0 || r.i >= b.n || b.first()+uint64(r.i) <= r.since {
			return false
		}
		if b.has(b.first() + uint64(r.i)) {
			r.take(b, r.i)
			return true
		}
	}
}

// take makes the record of a bundle's doc.
func (r *seqReader) take(b *bundled, i int) {
	if b.ids != nil { // which keeps the ids that it made
		r.id, r.body = append(r.id[:0], b.ids.ID(i)...), b.docs.AppendBody(r.body[:0], i)
	} else {
		r.id, r.body = b.docs.Append(r.id[:0], r.body[:0], i)
	}
	r.hash = ejson.AppendRevHash(r.hash[:0], false, store.Rev{}, r.body)
	r.seq = b.first() + uint64(i)
	r.rec = seqRecord{id: r.id, rev: rawRev{gen: 1, hash: r.hash}, body: r.body}
}

// openBundles is how many bundles a reader keeps for at and open: docs in the order of their ids may come from several logs by
// turns, and a look for an id may go to a bundle in each lane.
const openBundles = maxLanes + 8

// open is the bundle that is kept under a sequence.
func (r *seqReader) open(last uint64) (*bundled, error) {
	for _, b := range r.opened {
		if b.last == last {
			return b, nil
		}
	}
	v, err := r.record(last)
	if err != nil {
		return nil, err
	}
	b, err := parseBundle(last, slices.Clone(v))
	if err != nil {
		return nil, err
	}
	r.keep(b)
	return b, nil
}

// record is the record of the bundle that is kept under a sequence; it holds until the iterator moves.
func (r *seqReader) record(last uint64) ([]byte, error) {
	if !r.it.SeekGE(r.seqKey(last)) || seqOf(r.it.Key()) != last {
		if err := r.it.Error(); err != nil {
			return nil, readError(err)
		}
		return nil, errCorrupt(errors.New("a bundle is missing"))
	}
	v, err := r.it.ValueAndErr()
	if err == nil && !isBundle(v) {
		return nil, errCorrupt(errors.New("a bundle is missing"))
	}
	return v, readError(err)
}

func (r *seqReader) seqKey(seq uint64) []byte {
	if r.key == nil {
		r.key = r.db.keys.bySeq(seq)
	}
	binary.BigEndian.PutUint64(r.key[prefixLen:], seq)
	return r.key
}

// at goes to the doc of a sequence; false if there is none.
func (r *seqReader) at(seq uint64) (bool, error) {
	for _, b := range r.opened {
		if b.spans(seq) {
			return r.takeOf(b, seq), nil
		}
	}
	key := r.seqKey(seq)
	// Docs that came in the order of their ids follow each other by sequence, too.
	for _, again := range [...]bool{false, true} {
		ok := again && r.it.SeekGE(key) || !again && r.it.Valid() && r.it.Next()
		if !ok || seqOf(r.it.Key()) < seq {
			continue
		}
		v, err := r.it.ValueAndErr()
		if err != nil {
			return false, readError(err)
		}
		last := seqOf(r.it.Key())
		if !isBundle(v) {
			if last == seq {
				r.bundle, r.seq = nil, seq
				r.rec, err = parseSeqRecord(v)
				return err == nil, err
			}
			continue
		}
		b, err := parseBundle(last, slices.Clone(v))
		if err != nil {
			return false, err
		}
		if b.spans(seq) {
			r.keep(b)
			return r.takeOf(b, seq), nil
		}
	}
	return false, readError(r.it.Error())
}

// goTo goes to a doc of a bundle that open gave.
func (r *seqReader) goTo(b *bundled, i int) {
	r.bundle = b
	r.take(b, i)
}

// takeOf takes the doc of a sequence that the bundle spans; false if it left.
func (r *seqReader) takeOf(b *bundled, seq uint64) bool {
	if !b.has(seq) {
		return false
	}
	r.goTo(b, int(seq-b.first()))
	return true
}

func (r *seqReader) keep(b *bundled) {
	if len(r.opened) < openBundles {
		r.opened = append(r.opened, b)
		return
	}
	r.opened[r.oldest] = b
	r.oldest = (r.oldest + 1) % openBundles
}

// get is at for a doc that must be there.
func (r *seqReader) get(seq uint64) error {
	ok, err := r.at(seq)
	if err == nil && !ok {
		err = errCorrupt(errors.New("a doc has no by-sequence record"))
	}
	return err
}

// readSeq reads the record of one sequence; its bytes are the caller's. bundle is the sequence that the record is kept under if
// it is in a bundle, else 0. ok is false if there is none.
func (d *DB) readSeq(seq uint64) (rec seqRecord, bundle uint64, ok bool, err error) {
	r, err := d.newSeqReader(d.e.pdb, 0)
	if err != nil {
		return rec, 0, false, err
	}
	defer r.close()
	if ok, err = r.at(seq); !ok || err != nil {
		return rec, 0, false, err
	}
	if rec = r.rec; r.bundle != nil {
		return rec, r.bundle.last, true, nil
	}
	// The record shares the iterator's bytes.
	rec.id, rec.body, rec.rev.hash = slices.Clone(rec.id), slices.Clone(rec.body), slices.Clone(rec.rev.hash)
	return rec, 0, true, nil
}

func seqOf(key []byte) uint64 { return binary.BigEndian.Uint64(key[prefixLen:]) }
