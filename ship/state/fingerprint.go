package state

import (
	"crypto/sha256"
	"encoding/binary"
)

// Fingerprint tells a doc from every other: the 80 bits of its content's hash that its id shows. Two docs with the same
// fingerprint would have the same id, so counting by it is exact as far as ids go. time is the id's 17 digits; equal docs
// have equal times, and it serves only to pass over runs that can't hold the doc.
type Fingerprint struct {
	hi   uint64
	lo   uint16
	time uint64 // 0: none
}

// The parts of an id, as ejson.AppendContentID makes it: time, a dash, hash in base32hex.
const (
	idTime = 17
	idHash = 16
)

// OfID reads the fingerprint off an id without repetition.
func OfID(id []byte) Fingerprint {
	var f Fingerprint
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

// OfLine is the fingerprint of a line that is no doc.
func OfLine(line []byte) Fingerprint {
	sum := sha256.Sum256(line)
	return Fingerprint{hi: binary.BigEndian.Uint64(sum[:]), lo: binary.BigEndian.Uint16(sum[8:])}
}
