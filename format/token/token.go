// Package token recognizes the small things that log lines are made of: runs of non-blanks, addresses, numbers, dates and
// quoted strings.
//
// Every function looks at bytes in place and allocates nothing. A function named IsX tells whether the whole of its
// argument is an X; one named Xs at the front (Quoted, DatePrefix) gives the length of the X that its argument begins with.
package token

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"logctl/store"
)

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// IsBlank tells whether c is white space: blank, tab, line feed, carriage return, form feed, vertical tab.
func IsBlank(c byte) bool { return c == ' ' || c-'\t' < 5 }

// RunEnd is where the run of non-blanks that begins at i ends: the index of the next blank, or len(b).
func RunEnd(b []byte, i int) int {
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		low := (w - lowBits*0x21) & ^w & highBits // marks bytes below 0x21; exact up to the first mark
		if low == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(low) / 8
		if IsBlank(b[i]) {
			return i
		}
		i++ // a control character is part of the run
	}
	for i < len(b) && !IsBlank(b[i]) {
		i++
	}
	return i
}

// SkipBlanks is the index of the first non-blank at or after i, or len(b).
func SkipBlanks(b []byte, i int) int {
	for i < len(b) && IsBlank(b[i]) {
		i++
	}
	return i
}

// AppendJSON appends s as store.AppendJSONString does, faster where it is plain ASCII.
func AppendJSON(dst, s []byte) []byte {
	if !IsPlain(s) {
		return store.AppendJSONString(dst, s)
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// IsPlain tells whether s may stand in a JSON string as it is and holds ASCII only.
func IsPlain(s []byte) bool {
	var bad uint64
	i := 0
	for ; i+8 <= len(s); i += 8 {
		bad |= Special(binary.LittleEndian.Uint64(s[i:]))
	}
	if i == len(s) {
		return bad == 0
	}
	if len(s) >= 8 { // the last eight, some of them seen already
		return bad|Special(binary.LittleEndian.Uint64(s[len(s)-8:])) == 0
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

// Special is not zero if one of w's bytes is below 0x20, above 0x7f, a quote or a backslash; the lowest bit is that of the first.
func Special(w uint64) uint64 {
	quote := w ^ lowBits*'"'
	slash := w ^ lowBits*'\\'
	return ((w - lowBits*0x20) | (quote - lowBits) | (slash - lowBits) | w) & highBits
}

// Quoted is the length of the quoted string that b begins with, its quotes included, or 0. The quote is " or '; a
// backslash takes the next byte's meaning away.
func Quoted(b []byte) int {
	if len(b) < 2 || b[0] != '"' && b[0] != '\'' {
		return 0
	}
	end := bytes.IndexByte(b[1:], b[0]) + 1
	if end == 0 {
		return 0
	}
	i := bytes.IndexByte(b[1:end], '\\') + 1
	if i == 0 {
		return end + 1
	}
	for ; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case b[0]:
			return i + 1
		}
	}
	return 0
}
