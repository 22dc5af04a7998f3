package state

import (
	"errors"
	"math"
)

// slot is one entry of the table; n is how often the doc came so far, 0 marks a free slot.
type slot struct {
	hi    uint64
	lo    uint16
	timed bool
	n     uint32
}

func (s slot) compare(hi uint64, lo uint16) int {
	switch {
	case s.hi < hi || s.hi == hi && s.lo < lo:
		return -1
	case s.hi == hi && s.lo == lo:
		return 0
	}
	return 1
}

// table counts docs in memory, by open addressing. There always is a free slot. The zero table is empty.
type table struct {
	slots    []slot
	used     int
	min, max uint64 // times of the docs with one
}

// find is the slot of a doc, or the free one where it belongs.
func (t *table) find(hi uint64, lo uint16) *slot {
	mask := uint64(len(t.slots) - 1)
	for i := hi & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.n == 0 || s.hi == hi && s.lo == lo {
			return s
		}
	}
}

// count is how often a doc came, 0 if it is not here.
func (t *table) count(f Fingerprint) uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	return t.find(f.hi, f.lo).n
}

// full tells whether there is no room for one more doc.
func (t *table) full() bool { return 4*t.used >= 3*len(t.slots) }

// set puts a doc that is not here, and came n times.
func (t *table) set(hi uint64, lo uint16, timed bool, n uint32) {
	t.used++
	*t.find(hi, lo) = slot{hi: hi, lo: lo, timed: timed, n: n}
}

// span widens the times of the docs.
func (t *table) span(oldest, newest uint64) {
	if t.max == 0 {
		t.min = oldest
	}
	t.min, t.max = min(t.min, oldest), max(t.max, newest)
}

// grow makes the table of twice the size.
func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, max(2*len(old), 1024))
	t.used = 0
	for _, s := range old {
		if s.n > 0 {
			t.set(s.hi, s.lo, s.timed, s.n)
		}
	}
}

// keep empties the table but for some docs.
func (t *table) keep(some []slot) {
	clear(t.slots)
	t.used = 0
	for _, s := range some {
		t.set(s.hi, s.lo, s.timed, s.n)
	}
}

var errTooMany = errors.New("more than four billion equal lines")

// add counts a doc that is here.
func (s *slot) add() error {
	if s.n == math.MaxUint32 {
		return errTooMany
	}
	s.n++
	return nil
}
