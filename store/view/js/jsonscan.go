package js

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over JSON text. It is lenient about what only a validator has to see; it never reads out of bounds.
type scanner struct {
	s string
	i int
}

var errJSON = errors.New("invalid JSON")

func (p *scanner) space() {
	for p.i < len(p.s) && p.s[p.i] <= ' ' {
		p.i++
	}
}

// peek is the next byte that is no white space, 0 at the end.
func (p *scanner) peek() byte {
	p.space()
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

func (p *scanner) take(c byte) bool {
	if p.peek() != c || c == 0 {
		return false
	}
	p.i++
	return true
}

// raw skips one value and gives its text.
func (p *scanner) raw() (string, error) {
	p.space()
	start, depth := p.i, 0
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case '"':
			if _, err := p.rawString(); err != nil {
				return "", err
			}
		case '{', '[':
			depth++
			p.i++
		case '}', ']':
			depth--
			p.i++
		case ' ', '\t', '\n', '\r', ',', ':':
			if depth == 0 {
				return "", errJSON
			}
			p.i++
			continue
		default:
			p.scalar()
		}
		if depth == 0 {
			return p.s[start:p.i], nil
		}
		if depth < 0 {
			return "", errJSON
		}
	}
	return "", errJSON
}

// scalar skips a number or a word.
func (p *scanner) scalar() {
	start := p.i
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n,:]}\"", p.s[p.i]) < 0 {
		p.i++
	}
	if p.i == start {
		p.i++
	}
}

// rawString skips a string and gives what is between its quotes.
func (p *scanner) rawString() (string, error) {
	p.i++
	start := p.i
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case '"':
			p.i++
			return p.s[start : p.i-1], nil
		case '\\':
			p.i += 2
		default:
			p.i++
		}
	}
	return "", errJSON
}

// str reads a string.
func (p *scanner) str() (string, error) {
	if p.peek() != '"' {
		return "", errJSON
	}
	raw, err := p.rawString()
	if err != nil || strings.IndexByte(raw, '\\') < 0 {
		return raw, err
	}
	return unescape(raw)
}

// unescape resolves the escapes of a JSON string.
func unescape(raw string) (string, error) {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		if i == len(raw) {
			return "", errJSON
		}
		at := strings.IndexByte(`"\/bfnrt`, raw[i])
		if at >= 0 {
			out = append(out, "\"\\/\b\f\n\r\t"[at])
			continue
		}
		r, n, ok := unescapeRune(raw[i:])
		if !ok {
			return "", errJSON
		}
		out = utf8.AppendRune(out, r)
		i += n - 1
	}
	return string(out), nil
}

// unescapeRune reads uXXXX, or two of them that are a surrogate pair, and gives how many bytes that took.
func unescapeRune(s string) (rune, int, bool) {
	hi, ok := hex4(s)
	if !ok {
		return 0, 0, false
	}
	if utf16.IsSurrogate(hi) && len(s) > 6 && s[5] == '\\' {
		if lo, ok := hex4(s[6:]); ok {
			if r := utf16.DecodeRune(hi, lo); r != utf8.RuneError {
				return r, 11, true
			}
		}
	}
	return hi, 5, true
}

func hex4(s string) (rune, bool) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:5], 16, 16)
	return rune(n), err == nil
}
