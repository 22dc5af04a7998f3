package plain

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"logctl/store/view/js/jstext"
)

// maxRawDepth bounds the nesting of JSON that is passed on as it is.
const maxRawDepth = 32

// maxRawNames bounds how many members an object has that is passed on as it is: each name is compared to all before.
const maxRawNames = 64

// isStringified tells whether JSON.stringify(JSON.parse(raw)) is raw for sure: no blanks, no escapes, numbers as
// JavaScript writes them, no members whose names are numbers or come twice. It reads JSON that the doc holds, so brackets match.
func isStringified(raw string) bool {
	type open struct {
		object bool
		names  []string
	}
	var stack [maxRawDepth]open
	depth := 0
	isName := false // a string at this place is a member's name
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '{' || c == '[':
			if depth == maxRawDepth {
				return false
			}
			stack[depth] = open{object: c == '{'}
			depth++
			isName = c == '{'
			i++
		case c == '}' || c == ']':
			if depth--; depth < 0 {
				return false
			}
			isName = false
			i++
		case c == ',':
			isName = depth > 0 && stack[depth-1].object
			i++
		case c == ':':
			isName = false
			i++
		case c == '"':
			n := strings.IndexByte(raw[i+1:], '"')
			if n < 0 {
				return false
			}
			s := raw[i+1 : i+1+n]
			if !isPlainText(s) {
				return false
			}
			if isName {
				o := &stack[depth-1]
				if s == "__proto__" || jstext.ArrayIndex(s) >= 0 || len(o.names) == maxRawNames {
					return false
				}
				for _, other := range o.names {
					if other == s {
						return false
					}
				}
				o.names = append(o.names, s)
			}
			i += n + 2
		case c == '-' || jstext.IsDigit(c):
			start := i
			for i++; i < len(raw) && strings.IndexByte("0123456789.eE+-", raw[i]) >= 0; i++ {
			}
			if !isStringifiedNumber(raw[start:i]) {
				return false
			}
		default:
			n := wordLength(raw[i:])
			if n == 0 {
				return false
			}
			i += n
		}
	}
	return depth == 0
}

// isStringifiedNumber tells whether JavaScript writes the number as it is written here.
func isStringifiedNumber(s string) bool {
	n, err := strconv.ParseFloat(s, 64)
	var buf [32]byte
	return err == nil && string(jstext.AppendNumber(buf[:0], n)) == s
}

// wordLength is the length of the word that s begins with, 0 for none of JSON's.
func wordLength(s string) int {
	for _, w := range [...]string{"null", "true", "false"} {
		if strings.HasPrefix(s, w) {
			return len(w)
		}
	}
	return 0
}

// isPlainText tells whether s stands in JSON as it is.
func isPlainText(s string) bool {
	ascii := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '\\' || s[i] == 0x7f {
			return false
		}
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	return ascii || utf8.ValidString(s)
}
