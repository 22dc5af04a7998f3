package format

import "hash/maphash"

// keySet knows the keys of one object by their hashes: two keys that it takes for one cost the later a needless number. It is
// emptied without touching its memory.
type keySet struct {
	seed  maphash.Seed
	table []keyEntry // its length is a power of two, at least twice used
	used  int
	round uint32 // entries of other rounds are empty
}

type keyEntry struct {
	hash  uint64
	round uint32
	next  uint32 // the number to try next for another key of this name
}

const firstTable = 64 // entries

// reset makes the set empty.
func (s *keySet) reset() {
	if s.table == nil {
		s.seed = maphash.MakeSeed()
		s.table = make([]keyEntry, firstTable)
	}
	s.used = 0
	if s.round++; s.round == 0 {
		clear(s.table)
		s.round = 1
	}
}

// add gives the entry of a key, good until the next add, and tells whether it is new.
func (s *keySet) add(key []byte) (e *keyEntry, fresh bool) {
	if 2*(s.used+1) > len(s.table) {
		s.grow()
	}
	hash := maphash.Bytes(s.seed, key)
	e = s.find(hash)
	if e.round == s.round {
		return e, false
	}
	s.used++
	*e = keyEntry{hash: hash, round: s.round, next: 2}
	return e, true
}

// find gives the entry of a hash, or the empty one where it belongs.
func (s *keySet) find(hash uint64) *keyEntry {
	mask := uint64(len(s.table) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if e := &s.table[i]; e.round != s.round || e.hash == hash {
			return e
		}
	}
}

func (s *keySet) grow() {
	old := s.table
	s.table = make([]keyEntry, 2*len(old))
	for i := range old {
		if old[i].round == s.round {
			*s.find(old[i].hash) = old[i]
		}
	}
}
