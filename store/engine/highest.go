package engine

import (
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// highest knows, for each first byte of an id, the greatest id of the database that begins with it. Docs come mostly in
// the order of their ids, and one that is greater than all others needs no look whether it is there. The design docs and
// whatever else has ids of its own kind don't spoil it for the others.
type highest struct {
	ids   [256]string
	known [256]bool
	fresh [256]bool // ids share the bytes of a caller
}

// isNew tells whether the id is known not to be there. False means that it may be.
func (d *DB) isNew(id string) (bool, error) {
	h, c := &d.highest, id[0]
	if !h.known[c] {
		last, err := d.lastID(c)
		if err != nil {
			return false, err
		}
		h.ids[c], h.known[c] = last, true
	}
	return id > h.ids[c], nil
}

// raise notes that an id is there.
func (h *highest) raise(id string) {
	if c := id[0]; id > h.ids[c] {
		h.ids[c], h.fresh[c] = id, true
	}
}

// settle copies ids whose bytes are the caller's.
func (h *highest) settle() {
	for c := range h.fresh {
		if h.fresh[c] {
			h.ids[c], h.fresh[c] = strings.Clone(h.ids[c]), false
		}
	}
}

// lastID is the greatest id that begins with c, "" if there is none.
func (d *DB) lastID(c byte) (string, error) {
	lo := d.keys.byID(string([]byte{c}))
	it, err := d.e.pdb.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: successor(lo)})
	if err != nil {
		return "", readError(err)
	}
	defer it.Close()
	last := ""
	if it.Last() {
		last = string(it.Key()[prefixLen:])
	}
	if err := it.Error(); err != nil || d.lanes.used() == 0 {
		return last, readError(err)
	}
	s, err := d.newSpans(d.e.pdb)
	if err != nil {
		return "", err
	}
	defer s.close()
	for lane := range d.lanes.used() {
		read, end := s.before, string([]byte{c + 1})
		if c == 0xff {
			read, end = func(lane int, _ string) (span, bool, error) { return s.last(lane) }, ""
		}
		sp, ok, err := read(lane, end)
		if err != nil {
			return "", err
		}
		if ok && sp.max[0] == c {
			last = max(last, sp.max)
		}
	}
	return last, nil
}
