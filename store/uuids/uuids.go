// Package uuids makes the ids that a server gives to docs without one, in the ways that CouchDB knows.
package uuids

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Source makes ids. Unless SetMode says otherwise it does so as CouchDB's "sequential" algorithm: 26 random hex digits that
// stay for some thousand ids, then six digits that grow by random steps. Ids that were made one after the other sort so,
// which keeps inserts at one end of the key space.
type Source struct {
	mode atomic.Pointer[mode] // nil: sequential

	mu     sync.Mutex
	prefix [26]byte // guarded by mu
	next   uint32   // guarded by mu
	last   int64    // guarded by mu; the time that utc gave last
}

const maxSuffix = 0xfff000 // where a new prefix is drawn

// New is a source of sequential ids.
func New() *Source {
	s := &Source{}
	s.draw()
	return s
}

// draw takes a new prefix; mu is held or s not yet shared.
func (s *Source) draw() {
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

// ID is a new id, of 32 hex digits unless a mode says otherwise.
func (s *Source) ID() string {
	if m := s.mode.Load(); m != nil {
		return s.other(m)
	}
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

// mode is another way to make ids.
type mode struct{ algorithm, suffix string }

// SetMode chooses how ids are made from now on, as CouchDB's settings uuids/algorithm and uuids/utc_id_suffix say.
func (s *Source) SetMode(algorithm, suffix string) {
	switch algorithm {
	case "random", "utc_random", "utc_id":
		s.mode.Store(&mode{algorithm, suffix})
	default:
		s.mode.Store(nil)
	}
}

// other is an id that is not sequential.
func (s *Source) other(m *mode) string {
	const timeDigits, restDigits = 14, 18
	switch m.algorithm {
	case "utc_random":
		return s.utc() + randomHex(restDigits)
	case "utc_id":
		return s.utc() + m.suffix
	}
	return randomHex(timeDigits + restDigits)
}

func randomHex(digits int) string {
	raw := make([]byte, digits/2)
	rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}

// utc is the time in microseconds as 14 hex digits; no two are equal.
func (s *Source) utc() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last+1, time.Now().UnixMicro())
	return fmt.Sprintf("%014x", s.last)
}
