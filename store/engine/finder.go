package engine

import (
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// finder finds docs that are known by the spans of their bundles, as of the moment of what it was made from. Ids in their order
// cost little more than the bundles that they are in.
type finder struct {
	db    *DB
	spans *spans
	seqs  *seqReader
	tops  *[maxLanes]string // no id of a lane is greater; nil: not known
	at    [maxLanes]stretch
}

// stretch is a part of a lane: no span of the lane has an id from from on but the one, nor does it end after it.
type stretch struct {
	known bool
	from  string
	span  span
	end   bool // there is no span
}

// newFinder makes a finder. close must be called.
func (d *DB) newFinder(r source) (*finder, error) {
	s, err := d.newSpans(r)
	if err != nil {
		return nil, err
	}
	// The clone sees the same moment.
	lo, hi := d.keys.space(subBySeq)
	it, err := s.it.Clone(pebble.CloneOptions{IterOptions: &pebble.IterOptions{LowerBound: lo, UpperBound: hi}})
	if err != nil {
		return nil, errors.Join(readError(err), s.close())
	}
	return &finder{db: d, spans: s, seqs: &seqReader{db: d, it: it}}, nil
}

func (f *finder) close() error { return errors.Join(f.seqs.close(), f.spans.close()) }

// record is a doc's by-id record as of the same moment, nil if it has none.
func (f *finder) record(id string) ([]byte, error) { return getClone(f.spans.it, f.db.keys.byID(id)) }

// getClone gives a copy of the value of key as of the moment of an iterator over others, nil if there is none.
func getClone(of *pebble.Iterator, key []byte) ([]byte, error) {
	it, err := of.Clone(pebble.CloneOptions{IterOptions: &pebble.IterOptions{LowerBound: key, UpperBound: append(key, 0)}})
	if err != nil {
		return nil, readError(err)
	}
	if !it.First() {
		return nil, errors.Join(readError(it.Error()), it.Close())
	}
	v, err := it.ValueAndErr()
	v = slices.Clone(v)
	return v, errors.Join(readError(err), it.Close())
}

// find finds a doc; nil if it is in no bundle that has a span.
func (f *finder) find(id string) (b *bundled, i int, err error) {
	for lane := range f.db.lanes.used() {
		if f.tops != nil && id > f.tops[lane] {
			continue
		}
		if b, i, err = f.findIn(lane, id); b != nil || err != nil {
			return b, i, err
		}
	}
	return nil, 0, nil
}

func (f *finder) findIn(lane int, id string) (*bundled, int, error) {
	st := &f.at[lane]
	if !st.known || id < st.from || !st.end && id > st.span.max {
		s, ok, err := f.spans.notBefore(lane, id)
		if err != nil {
			return nil, 0, err
		}
		*st = stretch{known: true, from: id, span: s, end: !ok}
	}
	if st.end || !st.span.has(id) {
		return nil, 0, nil
	}
	b, err := f.seqs.open(st.span.seq)
	if err != nil {
		return nil, 0, err
	}
	place, ok := b.index().Search(id)
	if !ok {
		return nil, 0, nil
	}
	i := b.index().At(place)
	if !b.here(i) {
		return nil, 0, nil
	}
	return b, i, nil
}
