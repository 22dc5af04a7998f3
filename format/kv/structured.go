package kv

import "logctl/format/token"

// Element reads the element of structured data (RFC 5424, 6.3) that b begins with, [id key="value" …]; n is its length, 0 if
// there is none. The parameters are for NextParam.
func Element(b []byte) (id, params []byte, n int) {
	if len(b) < 3 || b[0] != '[' {
		return nil, nil, 0
	}
	i := 1
	for i < len(b) && isKey(b[i]) {
		i++
	}
	id = b[1:i]
	if len(id) == 0 || i == len(b) {
		return nil, nil, 0
	}
	start := i
	for i < len(b) && b[i] == ' ' {
		_, size := NextParam(b[i:])
		if size == 0 {
			i++ // before the bracket
			break
		}
		i += size
	}
	if i == len(b) || b[i] != ']' {
		return nil, nil, 0
	}
	return id, b[start:i], i + 1
}

// NextParam reads the parameter that b begins with, a blank, a key, = and a string in "; n is its length, 0 if there is none.
func NextParam(b []byte) (p Pair, n int) {
	i := 0
	for i < len(b) && b[i] == ' ' {
		i++
	}
	start := i
	for i < len(b) && isKey(b[i]) {
		i++
	}
	if i == start || i+1 >= len(b) || b[i] != '=' || b[i+1] != '"' {
		return Pair{}, 0
	}
	n = token.Quoted(b[i+1:])
	if n == 0 {
		return Pair{}, 0
	}
	p.Key, p.Value = b[start:i], b[i+2:i+n]
	return p, i + 1 + n
}

// StructuredPrefix is the length of the structured data that b begins with: elements without a blank between them, or a lone
// hyphen for none; 0 if there is neither.
func StructuredPrefix(b []byte) int {
	if len(b) > 0 && b[0] == '-' && ends(b, 1) {
		return 1
	}
	at := 0
	for {
		_, _, n := Element(b[at:])
		if n == 0 {
			return at
		}
		at += n
	}
}
