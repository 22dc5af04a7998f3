package reports

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible is s as it may be shown to a person: what is no printable character is written as Go writes it in a string, \n or
// \x1b or \u202e. That covers all that a terminal obeys and all that turns the direction of text.
func visible(s string) string {
	if isVisible(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += size
	}
	return b.String()
}

func isVisible(s string) bool {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return false
			}
		}
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// appendVisible appends valid JSON with the control characters that JSON allows as they are, U+007F to U+009F, escaped. They
// can only stand in strings, so it stays the same value.
func appendVisible(dst, json []byte) []byte {
	for i := 0; i < len(json); i++ {
		switch c := json[i]; {
		case c == 0x7f:
			dst = append(dst, `\u007f`...)
		case c == 0xc2 && i+1 < len(json) && json[i+1] >= 0x80 && json[i+1] < 0xa0:
			i++
			dst = fmt.Appendf(dst, `\u%04x`, json[i])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
