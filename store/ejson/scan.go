package ejson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"logctl/store"
)

// parser checks JSON text and writes its stored form in one pass. What is in stored form already is not copied piece by
// piece: src[run:pos] is text that has been read, is right as it stands and is not in dst yet.
type parser struct {
	src, dst []byte
	base     int // len(dst) at the start
	pos, run int
	quiet    bool // check only, write nothing
	names    int  // members read, of all objects
	deepest  int  // depth of the innermost array or object

	members []member // of the objects that are open, outermost first
	dead    []span   // parts of dst that are to go, in no order; they are nested or apart
	scratch []byte
}

// out is where in dst the byte at pos will stand.
func (p *parser) out() int { return len(p.dst) + p.pos - p.run }

// flush copies the text up to pos that is right as it stands.
func (p *parser) flush() {
	if !p.quiet {
		p.dst = append(p.dst, p.src[p.run:p.pos]...)
	}
	p.run = p.pos
}

// discard forgets everything written so far.
func (p *parser) discard() {
	p.dst, p.run, p.dead = p.dst[:p.base], p.pos, p.dead[:0]
}

// document reads the only value of src, with white space around it.
func (p *parser) document(value func(depth int) error) error {
	p.space()
	if err := value(0); err != nil {
		return err
	}
	p.space()
	if p.pos < len(p.src) {
		return invalid(p.pos, "more than one value")
	}
	return nil
}

// result is dst with everything read appended, less what is dead.
func (p *parser) result() []byte {
	p.flush()
	if len(p.dead) > 0 {
		p.dst = cut(p.dst, p.dead)
		p.dead = p.dead[:0]
	}
	return p.dst
}

// space steps over white space, which the stored form has none of.
func (p *parser) space() {
	i := p.pos
	for i < len(p.src) && p.src[i] <= ' ' && isSpace(p.src[i]) {
		i++
	}
	if i > p.pos {
		p.flush()
		p.pos, p.run = i, i
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// next is the byte at pos, 0 at the end. (A 0 in the text is no JSON either.)
func (p *parser) next() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

// value reads the value at pos.
func (p *parser) value(depth int) error {
	switch c := p.next(); {
	case c == '"':
		return p.str()
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth, p.value)
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == 't':
		return p.literal("true")
	case c == 'f':
		return p.literal("false")
	case c == 'n':
		return p.literal("null")
	}
	return invalid(p.pos, "no value")
}

func (p *parser) literal(word string) error {
	end := p.pos + len(word)
	if end > len(p.src) || string(p.src[p.pos:end]) != word {
		return invalid(p.pos, "no value")
	}
	p.pos = end
	return nil
}

// array reads the array at pos with elem for each element, which must leave pos behind it.
func (p *parser) array(depth int, elem func(depth int) error) error {
	if p.next() != '[' {
		return invalid(p.pos, "no array")
	}
	if depth >= maxDepth {
		return invalid(p.pos, "too deep")
	}
	p.deepest = max(p.deepest, depth)
	p.pos++
	p.space()
	if p.next() == ']' {
		p.pos++
		return nil
	}
	for {
		if err := elem(depth + 1); err != nil {
			return err
		}
		p.space()
		switch p.next() {
		case ',':
			p.pos++
			p.space()
		case ']':
			p.pos++
			return nil
		default:
			return invalid(p.pos, "no comma in array")
		}
	}
}

// str reads the string at pos.
func (p *parser) str() error {
	end, escaped, err := scanString(p.src, p.pos)
	if err != nil {
		return err
	}
	p.take(end, escaped)
	return nil
}

// take steps behind the checked string that ends at end, and rewrites it where it has escapes.
func (p *parser) take(end int, escaped bool) {
	if escaped && !p.quiet {
		p.flush()
		p.scratch = appendUnquoted(p.scratch[:0], p.src[p.pos+1:end-1])
		p.dst = store.AppendJSONString(p.dst, p.scratch)
		p.run = end
	}
	p.pos = end
}

const (
	low8  = 0x0101010101010101
	high8 = 0x8080808080808080
)

// scanString checks the string whose opening quote is at i; end is behind its closing quote.
func scanString(src []byte, i int) (end int, escaped bool, err error) {
	start := i
	i++
	for {
		// Eight bytes at a time: the lowest set bit of m is in the first byte that is a quote, a backslash, a control
		// character or not ASCII.
		for i+8 <= len(src) {
			w := binary.LittleEndian.Uint64(src[i:])
			m := ((w - low8*' ') | ((w ^ low8*'"') - low8) | ((w ^ low8*'\\') - low8) | w) & high8
			if m != 0 {
				i += bits.TrailingZeros64(m) / 8
				break
			}
			i += 8
		}
		for i < len(src) && src[i] >= ' ' && src[i] < utf8.RuneSelf && src[i] != '"' && src[i] != '\\' {
			i++
		}
		if i >= len(src) {
			return 0, false, invalid(start, "unfinished string")
		}
		switch c := src[i]; {
		case c == '"':
			return i + 1, escaped, nil
		case c == '\\':
			n := escapeLen(src[i:])
			if n == 0 {
				return 0, false, invalid(i, "bad escape")
			}
			escaped = true
			i += n
		case c < ' ':
			return 0, false, invalid(i, "control character")
		default:
			r, n := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && n <= 1 {
				return 0, false, invalid(i, "not UTF-8")
			}
			i += n
		}
	}
}

// escapeLen is the length of the escape that s begins with, both halves of a surrogate pair included; 0 if it is none.
func escapeLen(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		r := hexRune(s)
		switch {
		case r < 0:
			return 0
		case !utf16.IsSurrogate(r):
			return 6
		case utf16.DecodeRune(r, hexRune(s[6:])) != utf8.RuneError:
			return 12
		}
	}
	return 0
}

// hexRune is the value of the \uXXXX that s begins with, or -1.
func hexRune(s []byte) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range s[2:6] {
		d := hexDigit(c)
		if d < 0 {
			return -1
		}
		r = r<<4 | rune(d)
	}
	return r
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// appendUnquoted appends what s, the checked text between the quotes of a string, stands for.
func appendUnquoted(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			start := i
			for i < len(s) && s[i] != '\\' {
				i++
			}
			dst = append(dst, s[start:i]...)
			continue
		}
		n := escapeLen(s[i:])
		if n == 0 {
			return append(dst, s[i:]...) // not checked: only bytes that are no stored form come here
		}
		switch n {
		case 2:
			dst = append(dst, unescaped(s[i+1]))
		case 6:
			dst = utf8.AppendRune(dst, hexRune(s[i:]))
		case 12:
			dst = utf8.AppendRune(dst, utf16.DecodeRune(hexRune(s[i:]), hexRune(s[i+6:])))
		}
		i += n
	}
	return dst
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
