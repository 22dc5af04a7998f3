package couchapi

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync"
)

// idSource makes ids as CouchDB's "sequential" algorithm does: 26 random hex digits that stay for some thousand ids, then
// six digits that grow by random steps. Ids that were made one after the other sort so, which keeps inserts at one end of
// the key space.
type idSource struct {
	mu     sync.Mutex
	prefix [26]byte // guarded by mu
	next   uint32   // guarded by mu
}

const maxSuffix = 0xfff000 // where a new prefix is drawn

func newIDSource() *idSource {
	s := &idSource{}
	s.draw()
	return s
}

// draw takes a new prefix; mu is held or s not yet shared.
func (s *idSource) draw() {
	var raw [13]byte
	rand.Read(raw[:]) // never fails
	hex.Encode(s.prefix[:], raw[:])
	s.next = stride()
}

// stride is a random number from 1 to 4094.
func stride() uint32 {
	var raw [2]byte
	rand.Read(raw[:])
	return 1 + uint32(binary.BigEndian.Uint16(raw[:]))%0xffe
}

// id is a new id of 32 hex digits.
func (s *idSource) id() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next > maxSuffix {
		s.draw()
	}
	var out [32]byte
	copy(out[:], s.prefix[:])
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], s.next)
	hex.Encode(out[26:], n[1:])
	s.next += stride()
	return string(out[:])
}
