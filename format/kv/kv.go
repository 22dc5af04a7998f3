// Package kv reads pairs as programs write them: logfmt's level=info msg="a b", auditd's type=LOGIN res='ok', the bare flags
// among the packet filter's SPT=22 SYN URGP=0, the pairs with commas between them of mail servers, and the structured data of
// RFC 5424, [id key="value"].
//
// A key is a run of printable characters other than quotes, brackets, =, comma, semicolon, backslash and bar. Its value is
// what follows the =: a string in " or ', in which a backslash takes the next character's meaning away and which ends where
// the pair does, or a run of non-blanks, even an empty one. Between pairs stand blanks, or the byte 0x1d that auditd writes
// before its enriched fields; a comma or semicolon before them belongs to neither pair.
//
// Keys and values are given as they stand, but for a value's quotes. Nothing is allocated.
package kv

import (
	"strings"

	"logctl/format/token"
)

// Pair is one key with its value, or a bare word, which has none.
type Pair struct {
	Key, Value []byte
	Flag       bool // a bare word
}

// groupSeparator stands in an auditd record between what the kernel wrote and what was added.
const groupSeparator = 0x1d

// Next reads the pair or the flag that b begins with; n is its length with what separates it from the next, 0 if b begins with
// neither.
func Next(b []byte) (p Pair, n int) {
	end := 0
	for end < len(b) && isKey(b[end]) {
		end++
	}
	switch {
	case end == 0:
		return Pair{}, 0
	case end < len(b) && b[end] == '=':
		p.Key = b[:end]
		p.Value, end = value(b, end+1)
		return p, skip(b, end)
	case isFlag(b[:end]) && ends(b, end):
		return Pair{Key: b[:end], Flag: true}, skip(b, end)
	}
	return Pair{}, 0
}

// Prefix is the length of the pairs that b begins with, or 0. With last they must reach to the end of b, and flags are allowed
// among them but not alone. Without, they are structured data if there is a bracket, and otherwise end, with the
// last value, before the first thing that is no pair.
func Prefix(b []byte, last bool) int {
	if n := StructuredPrefix(b); n > 0 && (!last || token.SkipBlanks(b, n) == len(b)) {
		return n
	}
	at, end, pairs := 0, 0, 0
	for at < len(b) {
		p, n := Next(b[at:])
		if n == 0 || p.Flag && !last {
			break
		}
		if !p.Flag {
			pairs++
		}
		at += n
		end = trimSeparators(b[:at])
	}
	switch {
	case pairs == 0, last && at < len(b):
		return 0
	case last:
		return at
	}
	return end
}

// trimSeparators is the length of b without what separates its last pair from the next.
func trimSeparators(b []byte) int {
	n := len(b)
	for n > 0 && isGap(b[n-1]) {
		n--
	}
	if n > 0 && isComma(b[n-1]) {
		n--
	}
	return n
}

// value reads the value that begins at i; end is where it ends, with its quotes.
func value(b []byte, i int) (v []byte, end int) {
	if n := token.Quoted(b[i:]); n > 0 && ends(b, i+n) {
		return b[i+1 : i+n-1], i + n
	}
	end = i
	for end < len(b) && !isGap(b[end]) {
		end++
	}
	if end > i && isComma(b[end-1]) {
		end--
	}
	return b[i:end], end
}

// ends tells whether a pair may end at i.
func ends(b []byte, i int) bool {
	if i < len(b) && isComma(b[i]) {
		i++
	}
	return i == len(b) || isGap(b[i])
}

// skip is the index of the next pair, where one ends at i.
func skip(b []byte, i int) int {
	if i < len(b) && isComma(b[i]) {
		i++
	}
	return SkipGap(b, i)
}

// SkipGap is the index of the first byte at or after i that does not separate pairs, or len(b).
func SkipGap(b []byte, i int) int {
	for i < len(b) && isGap(b[i]) {
		i++
	}
	return i
}

func isGap(c byte) bool { return token.IsBlank(c) || c == groupSeparator }

func isComma(c byte) bool { return c == ',' || c == ';' }

func isKey(c byte) bool { return keyBytes[c] }

// keyBytes are the bytes that a key may have.
var keyBytes = func() (is [256]bool) {
	for c := range is {
		is[c] = c > ' ' && c != 0x7f && strings.IndexByte("=\"'()[]{}<>,;\\|", byte(c)) < 0
	}
	return is
}()

// isFlag tells whether a bare word is one that a program sets: a letter, then letters, digits and "_", "-", ".".
func isFlag(word []byte) bool {
	if (word[0]|0x20)-'a' > 25 {
		return false
	}
	for _, c := range word {
		if (c|0x20)-'a' > 25 && c-'0' > 9 && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}
