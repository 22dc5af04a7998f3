package learn

import (
	"bytes"

	"logctl/format/token"
)

// isJSON tells whether a message looks like a JSON object.
func isJSON(msg []byte) bool {
	msg = bytes.TrimSpace(msg)
	return len(msg) > 4 && msg[0] == '{' && (msg[1] == '"' || msg[1] == ' ') && msg[len(msg)-1] == '}'
}

// minPairs is how many pairs a message of nothing else has at least.
const minPairs = 3

// isPairs tells whether a message is nothing but key=value, with blanks between.
func isPairs(msg []byte) bool {
	n := 0
	for at := token.SkipBlanks(msg, 0); at < len(msg); at = token.SkipBlanks(msg, at) {
		start := at
		for at < len(msg) && (isWordByte(msg[at]) || msg[at] == '.' || msg[at] == '-') {
			at++
		}
		if at == start || at == len(msg) || msg[at] != '=' {
			return false
		}
		at++
		if q := token.Quoted(msg[at:]); q > 0 {
			at += q
		} else {
			at = token.RunEnd(msg, at)
			if c := msg[at-1]; c == ',' || c == ';' {
				return false
			}
		}
		if at < len(msg) && !token.IsBlank(msg[at]) {
			return false
		}
		n++
	}
	return n >= minPairs
}
