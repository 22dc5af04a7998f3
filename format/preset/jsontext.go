package preset

import (
	"errors"
	"unicode/utf16"
	"unicode/utf8"

	"logctl/store/ejson"
)

// appendUnquoted appends the text of a JSON string in stored form, whose escapes are whole.
func appendUnquoted(dst, s []byte) []byte {
	s = s[1 : len(s)-1]
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hexRune(s[i+1:])
			i += 4
			if utf16.IsSurrogate(r) && i+6 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
				r = utf16.DecodeRune(r, hexRune(s[i+3:]))
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

// hexRune is what the four hexadecimal digits at the front of b say.
func hexRune(b []byte) rune {
	r := rune(0)
	for _, c := range b[:min(4, len(b))] {
		d := rune(c) - '0'
		if c > '9' {
			d = rune(c|0x20) - 'a' + 10
		}
		r = r<<4 | d
	}
	return r
}

var errNoJSON = errors.New("it does not begin with a brace")

// object is a line as a JSON object in stored form, in a buffer that the next call takes; bytes that are not UTF-8 are U+FFFD.
func (p *Parser) object(line []byte) ([]byte, error) {
	if i := firstText(line); i < 0 || line[i] != '{' {
		return nil, errNoJSON
	}
	var err error
	p.json, err = ejson.Compact(p.json[:0], line)
	if err == nil || utf8.Valid(line) {
		return p.json, err
	}
	p.text = p.text[:0]
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		p.text = utf8.AppendRune(p.text, r)
		line = line[n:]
	}
	p.json, err = ejson.Compact(p.json[:0], p.text)
	return p.json, err
}

// firstText is the index of the first byte that is no blank, or -1.
func firstText(b []byte) int {
	for i, c := range b {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return i
		}
	}
	return -1
}

// isString tells whether a JSON value is a string.
func isString(value []byte) bool { return len(value) > 1 && value[0] == '"' }
