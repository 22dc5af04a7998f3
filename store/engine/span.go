package engine

import (
	"encoding/binary"

	"github.com/cockroachdb/pebble/v2"
)

// Docs that came together need no by-id records of their own: a bundle has a span, a record of its least and its greatest id, and
// a doc within is found in the bundle itself. What is asked for an id looks at the by-id records first, where docs are that came
// alone or left their bundle, and then at the bundles whose spans the id is in.
//
// Spans are in lanes. Those in one lane do not overlap, so that there is at most one in each that an id is in; a bundle for which no
// lane has room gets by-id records. That bounds what a look costs, whatever order docs come in.

// maxLanes is how many lanes a database has at most. One log needs one, logs of several machines that are stored one after the
// other need as many as there are machines.
const maxLanes = 16

// span is of one bundle.
type span struct {
	seq      uint64 // of the bundle
	docs     int    // in it, those that left included
	min, max string // its least and its greatest id
}

// append appends the value of a span, whose key has the rest.
func (s *span) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, recordV1), s.seq)
	return append(binary.AppendUvarint(dst, uint64(s.docs)), s.min...)
}

// parseSpan reads the span under a key, and its lane.
func parseSpan(key, value []byte) (s span, lane int, err error) {
	d := decoder{src: value}
	d.version()
	s.seq = d.uvarint()
	s.docs = d.docs()
	s.min = string(d.src)
	if len(key) < prefixLen+2 || int(key[prefixLen]) >= maxLanes || s.seq == 0 || s.min == "" {
		d.short()
		return s, 0, d.err("span")
	}
	s.max = string(key[prefixLen+1:])
	return s, int(key[prefixLen]), d.err("span")
}

func (s *span) has(id string) bool { return s.min <= id && id <= s.max }

// spans reads spans, as of the moment of its iterator.
type spans struct {
	it   *pebble.Iterator
	keys *keys
	key  []byte
}

// newSpans makes a reader of a database's spans. close must be called.
func (d *DB) newSpans(r source) (*spans, error) {
	lo, hi := d.keys.space(subSpans)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return nil, readError(err)
	}
	return &spans{it: it, keys: &d.keys}, nil
}

func (s *spans) close() error { return s.it.Close() }

// notBefore is the lane's first span whose greatest id is not less than id; false if there is none.
func (s *spans) notBefore(lane int, id string) (span, bool, error) {
	s.key = append(append(s.keys.sub(s.key[:0], subSpans), byte(lane)), id...)
	return s.read(s.it.SeekGE(s.key), lane)
}

// before is the lane's last span whose greatest id is less than id; false if there is none.
func (s *spans) before(lane int, id string) (span, bool, error) {
	s.key = append(append(s.keys.sub(s.key[:0], subSpans), byte(lane)), id...)
	return s.read(s.it.SeekLT(s.key), lane)
}

// last is the lane's last span; false if there is none.
func (s *spans) last(lane int) (span, bool, error) {
	s.key = append(s.keys.sub(s.key[:0], subSpans), byte(lane+1))
	return s.read(s.it.SeekLT(s.key), lane)
}

// next is the lane's span after the one that was read.
func (s *spans) next(lane int) (span, bool, error) { return s.read(s.it.Next(), lane) }

func (s *spans) read(ok bool, lane int) (span, bool, error) {
	if !ok {
		return span{}, false, readError(s.it.Error())
	}
	v, err := s.it.ValueAndErr()
	if err != nil {
		return span{}, false, readError(err)
	}
	sp, l, err := parseSpan(s.it.Key(), v)
	return sp, err == nil && l == lane, err
}
