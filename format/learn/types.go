package learn

import (
	"bytes"

	"logctl/format/timefmt"
	"logctl/format/token"
)

// guess is what the values of a slot have in common.
type guess struct {
	before, after string // punctuation or a unit around all values
	kind          string // the type in the schema's language; "" for any run of non-blanks
	port          bool   // a colon and a number follow what kind describes
	same          bool   // all values are one
	value         string // the first one
}

// guessOf finds the type of values, none of which is empty.
func guessOf(values [][]byte, r role) guess {
	g := guess{same: true, value: string(values[0])}
	for _, v := range values[1:] {
		g.same = g.same && string(v) == g.value
	}
	switch r {
	case quotedRole:
		g.kind = "quoted"
		return g
	case stampRole:
		if kindOfStamps(values) {
			g.kind = "ts"
		}
		return g
	case levelRole, hostRole, unitRole, listRole, jsonRole, pairsRole:
		return g
	case programRole, boxRole, componentRole:
		return g
	}
	if r == messageRole {
		g.before, g.after = affixes(values)
	}
	core := make([][]byte, len(values))
	for i, v := range values {
		core[i] = v[len(g.before) : len(v)-len(g.after)]
	}
	if g.kind = kindOf(core); g.kind != "" {
		return g
	}
	if r == messageRole && allHavePorts(core) {
		for i, v := range core {
			core[i] = v[:bytes.LastIndexByte(v, ':')]
		}
		if g.kind = kindOf(core); g.kind == "" || g.kind == "ip" || g.kind == "host" {
			g.port = true
			return g
		}
		g.kind = ""
	}
	g.before, g.after = "", ""
	return g
}

// kinds are the types that a slot may have, the most telling first.
var kinds = [...]struct {
	name string
	is   func([]byte) bool
}{
	{"ip", token.IsIP},
	{"host", isHost},
	{"uuid", token.IsUUID},
	{"bool", isBool},
	{"int", token.IsInt},
	{"float", token.IsFloat},
	{"time", token.IsTime},
	{"hex", isClearlyHex},
}

// isBool tells whether b is true or false, as programs print them.
func isBool(b []byte) bool { return string(b) == "true" || string(b) == "false" }

// isHost tells whether b is an address or the name of a host that looks like nothing else.
func isHost(b []byte) bool {
	return token.IsIP(b) || token.IsHost(b) && isHostName(b, bytes.Count(b, []byte(".")))
}

// isClearlyHex tells whether b is hexadecimal and cannot be a word or a decimal number.
func isClearlyHex(b []byte) bool {
	if !token.IsHex(b) || len(b) < 4 {
		return false
	}
	return b[1]|0x20 == 'x' || len(b) >= 7
}

func kindOfStamps(values [][]byte) bool {
	for _, v := range values {
		if timefmt.Prefix(v) != len(v) {
			return false
		}
	}
	return true
}

// kindOf is the name of the first type that all values have, or "".
func kindOf(values [][]byte) string {
next:
	for _, k := range kinds {
		for _, v := range values {
			if !k.is(v) {
				continue next
			}
		}
		return k.name
	}
	return ""
}

// affixes gives what all values begin with, if it is one of a few characters, and what they end with, if it is a unit
// directly behind a digit.
func affixes(values [][]byte) (before, after string) {
	first := values[0]
	if len(first) > 1 && bytes.IndexByte([]byte("/#<=@"), first[0]) >= 0 {
		before = string(first[:1])
	}
	n := len(first)
	for n > 1 && (isLetter(first[n-1]) || first[n-1] == '%') {
		n--
	}
	if n < len(first) && n > len(before) && isDigit(first[n-1]) && len(first)-n <= 4 && !bytes.HasPrefix(first, []byte("0x")) {
		after = string(first[n:])
	}
	for _, v := range values[1:] {
		if !bytes.HasPrefix(v, []byte(before)) || len(v) <= len(before) {
			before = ""
		}
		if !bytes.HasSuffix(v, []byte(after)) || len(v) <= len(before)+len(after) {
			after = ""
		}
	}
	return before, after
}

// allHavePorts tells whether all values are something without colons, a colon and a number, or an IPv6 address before that.
func allHavePorts(values [][]byte) bool {
	for _, v := range values {
		i := bytes.LastIndexByte(v, ':')
		if i < 1 || i+1 == len(v) || digitsAt(v, i+1) != len(v)-i-1 || len(v)-i > 6 {
			return false
		}
		if bytes.IndexByte(v[:i], ':') >= 0 && !token.IsIP(v[:i]) {
			return false
		}
	}
	return true
}
