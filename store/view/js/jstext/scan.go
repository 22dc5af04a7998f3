package jstext

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Scanner walks over JSON text. It is lenient about what only a validator has to see; it never reads out of bounds.
type Scanner struct {
	Text string
	i    int
}

// ErrJSON tells that a text is no JSON.
var ErrJSON = errors.New("invalid JSON")

func (p *Scanner) space() {
	for p.i < len(p.Text) && p.Text[p.i] <= ' ' {
		p.i++
	}
}

// Peek is the next byte that is no white space, 0 at the end.
func (p *Scanner) Peek() byte {
	p.space()
	if p.i < len(p.Text) {
		return p.Text[p.i]
	}
	return 0
}

// Take skips c if it is the next byte that is no white space.
func (p *Scanner) Take(c byte) bool {
	if p.Peek() != c || c == 0 {
		return false
	}
	p.i++
	return true
}

// Raw skips one value and gives its text.
func (p *Scanner) Raw() (string, error) {
	p.space()
	start, depth := p.i, 0
	for p.i < len(p.Text) {
		switch c := p.Text[p.i]; c {
		case '"':
			if _, err := p.RawString(); err != nil {
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
				return "", ErrJSON
			}
			p.i++
			continue
		default:
			p.Word()
		}
		if depth == 0 {
			return p.Text[start:p.i], nil
		}
		if depth < 0 {
			return "", ErrJSON
		}
	}
	return "", ErrJSON
}

// Word reads a number or a word.
func (p *Scanner) Word() string {
	start := p.i
	for p.i < len(p.Text) && strings.IndexByte(" \t\r\n,:]}\"", p.Text[p.i]) < 0 {
		p.i++
	}
	if p.i == start {
		p.i++
	}
	return p.Text[start:min(p.i, len(p.Text))]
}

// RawString skips a string and gives what is between its quotes.
func (p *Scanner) RawString() (string, error) {
	p.i++
	n := Quoted(p.Text[p.i:])
	if n < 0 {
		p.i = len(p.Text)
		return "", ErrJSON
	}
	p.i += n + 1
	return p.Text[p.i-n-1 : p.i-1], nil
}

// Quoted is how long the string is that s begins with, behind its first quote, -1 if it does not end.
func Quoted(s string) int {
	for n := 0; ; n++ {
		i := strings.IndexByte(s[n:], '"')
		if i < 0 {
			return -1
		}
		n += i
		escapes := 0
		for escapes < n && s[n-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return n
		}
	}
}

// ReadString reads a string.
func (p *Scanner) ReadString() (string, error) {
	if p.Peek() != '"' {
		return "", ErrJSON
	}
	raw, err := p.RawString()
	if err != nil || strings.IndexByte(raw, '\\') < 0 {
		return raw, err
	}
	return Unescape(raw)
}

// Unescape resolves the escapes of a JSON string.
func Unescape(raw string) (string, error) {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		if i == len(raw) {
			return "", ErrJSON
		}
		at := strings.IndexByte(`"\/bfnrt`, raw[i])
		if at >= 0 {
			out = append(out, "\"\\/\b\f\n\r\t"[at])
			continue
		}
		r, n, ok := unescapeRune(raw[i:])
		if !ok {
			return "", ErrJSON
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
