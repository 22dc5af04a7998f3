package ship

import (
	"errors"
	"math"
	"os"
)

// fingerprint tells a doc from every other: the 80 bits of its content's hash that its id shows. Two docs with the same
// fingerprint would have the same id, so counting by it is exact as far as ids go. time is the id's 17 digits; equal docs
// have equal times, and it serves only to pass over runs that can't hold the doc.
type fingerprint struct {
	hi   uint64
	lo   uint16
	time uint64
}

// The parts of an id, as ejson.AppendContentID makes it: time, a dash, hash in base32hex.
const (
	idTime = 17
	idHash = 16
)

// fingerprintID reads the fingerprint off an id without repetition.
func fingerprintID(id []byte) fingerprint {
	var f fingerprint
	for _, c := range id[:idTime] {
		f.time = f.time*10 + uint64(c-'0')
	}
	for i, c := range id[idTime+1:][:idHash] {
		digit := uint64(c - '0')
		if c >= 'a' {
			digit = uint64(c-'a') + 10
		}
		switch { // 80 bits: the last 16 are of the last three characters and one bit of the one before
		case i < 12:
			f.hi = f.hi<<5 | digit
		case i == 12:
			f.hi = f.hi<<4 | digit>>1
			f.lo = uint16(digit & 1)
		default:
			f.lo = f.lo<<5 | uint16(digit)
		}
	}
	return f
}

// maxSlots is how many slots of 16 bytes a table may have: 64 MiB, which hold three million different docs.
const maxSlots = 1 << 22

// slot is one entry of the table; n is how often the doc came so far, 0 marks a free slot.
type slot struct {
	hi uint64
	lo uint16
	n  uint32
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

// places counts equal docs: an open-addressing table in memory which, when it has grown to its limit, is written to a
// temporary file as a sorted run and begins anew. A doc that is not in the table is looked up in those runs whose times span its
// own, so a log in order of time hardly ever reads the file. It is not safe for concurrent use. The zero places is empty.
type places struct {
	limit int    // slots at most; 0 means maxSlots
	dir   string // where the temporary file goes; "" is the system's place for these

	slots    []slot
	used     int
	min, max uint64 // times of the docs in the table

	file *os.File
	size int64
	runs []run
}

// next is how many equal docs came before this one, which it counts.
func (p *places) next(f fingerprint) (uint32, error) {
	if 4*p.used >= 3*len(p.slots) {
		if err := p.makeRoom(); err != nil {
			return 0, err
		}
	}
	s := p.find(f.hi, f.lo)
	if s.n == 0 {
		n, err := p.countInRuns(f)
		if err != nil {
			return 0, err
		}
		if p.used == 0 {
			p.min, p.max = f.time, f.time
		}
		p.min, p.max = min(p.min, f.time), max(p.max, f.time)
		p.used++
		*s = slot{hi: f.hi, lo: f.lo, n: n}
	}
	if s.n == math.MaxUint32 {
		return 0, errors.New("more than four billion equal lines")
	}
	s.n++
	return s.n - 1, nil
}

// count is how often the doc came so far.
func (p *places) count(f fingerprint) (uint32, error) {
	if len(p.slots) > 0 {
		if s := p.find(f.hi, f.lo); s.n > 0 {
			return s.n, nil
		}
	}
	return p.countInRuns(f)
}

// find is the slot of a doc, or the free one where it belongs. There always is a free one.
func (p *places) find(hi uint64, lo uint16) *slot {
	mask := uint64(len(p.slots) - 1)
	for i := hi & mask; ; i = (i + 1) & mask {
		s := &p.slots[i]
		if s.n == 0 || s.hi == hi && s.lo == lo {
			return s
		}
	}
}

// makeRoom doubles the table or, at its limit, writes it out as a run.
func (p *places) makeRoom() error {
	limit := p.limit
	if limit == 0 {
		limit = maxSlots
	}
	if len(p.slots) >= limit {
		return p.spill()
	}
	old := p.slots
	p.slots = make([]slot, max(2*len(old), min(1024, limit)))
	for _, s := range old {
		if s.n > 0 {
			*p.find(s.hi, s.lo) = s
		}
	}
	return nil
}
