package kv

import (
	"encoding/binary"
	"math/bits"

	"logctl/format/token"
)

// Part is an element of structured data (RFC 5424, 6.3), or a parameter of the element before it, as places in the text.
type Part struct {
	Key     Span // an element's id
	Value   Span // of a parameter: what its quotes hold
	Element bool
	Plain   bool // the value needs no escape in JSON and is ASCII
}

// Span is a part of a text. It is no longer than 4 GiB.
type Span struct{ Start, End uint32 }

// Of is that part of the text.
func (s Span) Of(text []byte) []byte { return text[s.Start:s.End] }

// Structured appends the parts of the structured data that b begins with to parts: elements [id key="value" …] without a blank
// between them. n is their length, 0 if there is none. Easy tells that no object of them has a key twice, and that their keys
// are ASCII and do not begin with an underscore; that it is false says nothing.
func Structured(parts []Part, b []byte) (all []Part, n int, easy bool) {
	s := scan{parts: parts, b: b, easy: true}
	for s.element(n) {
		n = s.at
	}
	return s.parts, n, s.easy
}

// StructuredPrefix is the length of the structured data that b begins with: elements, or a lone hyphen for none; 0 if there is
// neither.
func StructuredPrefix(b []byte) int {
	if len(b) > 0 && b[0] == '-' && ends(b, 1) {
		return 1
	}
	s := scan{b: b, forgets: true}
	n := 0
	for s.element(n) {
		n = s.at
	}
	return n
}

// scan reads elements.
type scan struct {
	b           []byte
	at          int
	parts       []Part
	forgets     bool // keep no parts
	easy        bool
	ids, params seen
}

// seen has a bit for each of the keys of one object, which others may share.
type seen [4]uint64

// add tells whether the key is certainly new.
func (s *seen) add(key []byte) bool {
	hash := uint(key[0])*5 + uint(key[len(key)/2])*23 + uint(key[len(key)-1])*67 + uint(len(key))*3
	word, bit := &s[hash>>6&3], uint64(1)<<(hash&63)
	fresh := *word&bit == 0
	*word |= bit
	return fresh
}

// element reads the element that begins at a place, and tells whether there is one.
func (s *scan) element(at int) bool {
	if at+3 > len(s.b) || s.b[at] != '[' {
		return false
	}
	before := len(s.parts)
	id, ok := s.key(at+1, &s.ids)
	if !ok {
		return false
	}
	if !s.forgets {
		s.parts = append(s.parts, Part{Key: id, Element: true})
		s.params = seen{}
	}
	for s.at < len(s.b) && s.b[s.at] == ' ' {
		if !s.param() {
			s.at++ // before the bracket
			break
		}
	}
	if s.at == len(s.b) || s.b[s.at] != ']' {
		s.parts = s.parts[:before]
		return false
	}
	s.at++
	return true
}

// key reads the key that begins at a place.
func (s *scan) key(start int, among *seen) (Span, bool) {
	b, at, ored := s.b, start, byte(0)
	for at < len(b) && isKey(b[at]) {
		ored |= b[at]
		at++
	}
	if at == start || at == len(b) {
		return Span{}, false
	}
	s.at = at
	if !s.forgets {
		s.easy = among.add(b[start:at]) && b[start] != '_' && ored < 0x80 && s.easy
	}
	return Span{uint32(start), uint32(at)}, true
}

// param reads a parameter, blanks, a key, = and a string in ". Where there is none it stays where it is.
func (s *scan) param() bool {
	start := s.at
	at := start
	for at < len(s.b) && s.b[at] == ' ' {
		at++
	}
	key, ok := s.key(at, &s.params)
	if !ok || s.at+1 >= len(s.b) || s.b[s.at] != '=' || s.b[s.at+1] != '"' {
		s.at = start
		return false
	}
	at = s.at + 2
	end, plain := quoteEnd(s.b, at)
	if end < 0 {
		s.at = start
		return false
	}
	if !s.forgets {
		s.parts = append(s.parts, Part{Key: key, Value: Span{uint32(at), uint32(end)}, Plain: plain})
	}
	s.at = end + 1
	return true
}

// quoteEnd is the index of the quote that ends the string whose text begins at i, or -1, and tells whether the text is plain.
func quoteEnd(b []byte, i int) (end int, plain bool) {
	for ; i+8 <= len(b); i += 8 {
		if marks := token.Special(binary.LittleEndian.Uint64(b[i:])); marks != 0 {
			i += bits.TrailingZeros64(marks) / 8
			if b[i] == '"' {
				return i, true
			}
			break
		}
	}
	start := i
	for ; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i, token.IsPlain(b[start:i])
		}
	}
	return -1, false
}
