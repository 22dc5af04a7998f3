package btree

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"
)

// Doc names the doc that a row is of. Docs whose ids are made of their content (ejson.AppendContentID) are named by the time in
// the id and a small number that tells docs of the same time apart: the hash in the id, which nothing compresses, stands once in
// the tree of docs. All others are named by their ids.
type Doc struct {
	ID   string // may be empty if N is not 0
	Time int64  // of a content id, in milliseconds from 1970, as if it were UTC's
	N    uint8  // which of the docs with that time; 0: the doc is named by its id
}

// The parts of a content id: 17 digits, '-', 16 characters of base32hex, and from the second doc with that content on '-' and a
// number.
const (
	timeDigits = 17
	hashStart  = timeDigits + 1
	hashChars  = 16
	hashBytes  = hashChars * 5 / 8
	contentID  = hashStart + hashChars
	base32hex  = "0123456789abcdefghijklmnopqrstuv"
)

// ContentTime is the time in a content id (see Doc.Time); false for other ids, those with a time that no calendar has among them.
func ContentTime(id string) (int64, bool) {
	if len(id) < contentID || id[timeDigits] != '-' {
		return 0, false
	}
	t := uint64(0)
	for i := range timeDigits {
		if id[i] < '0' || id[i] > '9' {
			return 0, false
		}
		t = 10*t + uint64(id[i]-'0')
	}
	for i := hashStart; i < contentID; i++ {
		if base32Value(id[i]) < 0 {
			return 0, false
		}
	}
	if _, ok := repetition(id); !ok {
		return 0, false
	}
	return milliseconds(t)
}

func base32Value(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'v':
		return int(c-'a') + 10
	}
	return -1
}

// repetition is the number at the end of a content id, 0 for none.
func repetition(id string) (uint64, bool) {
	if len(id) == contentID {
		return 0, true
	}
	digits, ok := strings.CutPrefix(id[contentID:], "-")
	if !ok || digits == "" || digits[0] < '1' || digits[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return n, err == nil
}

// milliseconds from 1970 to a time in digits, as if it were UTC's; false if no calendar has it.
func milliseconds(t uint64) (int64, bool) {
	ms, s, m, h := t%1000, t/1000%100, t/100_000%100, t/10_000_000%100
	day := t / 1_000_000_000
	d, mo, y := day%100, day/100%100, day/10_000
	if s > 59 || m > 59 || h > 23 || d < 1 || d > daysOf(y, mo) {
		return 0, false
	}
	return 1000*(86400*daysSince1970(int64(y), int64(mo), int64(d))+int64(3600*h+60*m+s)) + int64(ms), true
}

func daysOf(y, m uint64) uint64 {
	switch {
	case m < 1 || m > 12:
		return 0
	case m == 2 && y%4 == 0 && (y%100 != 0 || y%400 == 0):
		return 29
	case m == 2:
		return 28
	case m == 4 || m == 6 || m == 9 || m == 11:
		return 30
	}
	return 31
}

// daysSince1970 counts from the first of March, so that a leap day is a year's last.
func daysSince1970(y, m, d int64) int64 {
	if m <= 2 {
		y, m = y-1, m+12
	}
	return 365*y + floorDiv(y, 4) - floorDiv(y, 100) + floorDiv(y, 400) + (153*(m-3)+2)/5 + d - 719469
}

func floorDiv(a, b int64) int64 {
	if a < 0 {
		a -= b - 1
	}
	return a / b
}

// appendTime appends the digits of a content id's time: the inverse of milliseconds.
func appendTime(dst []byte, ms int64) []byte {
	const day = 24 * 60 * 60 * second
	t := time.UnixMilli(ms).UTC()
	y, mo, d := t.Date()
	ms -= floorDiv(ms, day) * day
	s := ms / second
	dst = appendPair(appendPair(dst, y/100), y%100)
	dst = appendPair(appendPair(dst, int(mo)), d)
	dst = appendPair(appendPair(appendPair(dst, int(s/3600)), int(s/60%60)), int(s%60))
	ms %= second
	return append(appendPair(dst, int(ms/10)), byte('0'+ms%10))
}

// appendPair appends two digits.
func appendPair(dst []byte, n int) []byte {
	n %= 100
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// appendHash appends the ten bytes that the hash in a content id stands for.
func appendHash(dst []byte, id string) []byte {
	acc, bits := 0, 0
	for i := hashStart; i < contentID; i++ {
		acc = acc<<5 | base32Value(id[i])
		if bits += 5; bits >= 8 {
			bits -= 8
			dst = append(dst, byte(acc>>bits))
			acc &= 1<<bits - 1
		}
	}
	return dst
}

// makeID puts a content id together.
func makeID(ms int64, hash []byte, repetition uint64) string {
	var room [contentID + 11]byte
	id := append(appendTime(room[:0], ms), '-')
	for ; len(hash) >= 5; hash = hash[5:] {
		v := uint64(binary.BigEndian.Uint32(hash))<<8 | uint64(hash[4])
		for bits := 35; bits >= 0; bits -= 5 {
			id = append(id, base32hex[v>>bits&31])
		}
	}
	if repetition > 0 {
		id = strconv.AppendUint(append(id, '-'), repetition, 10)
	}
	return string(id)
}
