package plain

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"logctl/store/view/js/jstext"
)

// maxDepth of what is read and written here; deeper is the engine's.
const maxDepth = 64

// reader reads JSON. What is none, and what is not in the form in which it is stored, without blanks, it gives up.
type reader struct {
	f *frame
	s string
	i int
}

// read reads a JSON text.
func (f *frame) read(json []byte) value {
	if n, ok := digits(json); ok {
		return number(float64(n))
	}
	f.take(1 + len(json)/bytesPerPart)
	r := reader{f: f, s: string(json)}
	v := r.value(0)
	if r.i != len(r.s) {
		f.giveUp()
	}
	return v
}

// digits reads an integer of up to maxDigits digits.
func digits(json []byte) (n int, ok bool) {
	for _, c := range json {
		if !jstext.IsDigit(c) {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, len(json) > 0 && len(json) <= maxDigits
}

// peek is the next byte, 0 at the end.
func (r *reader) peek() byte {
	if r.i < len(r.s) {
		return r.s[r.i]
	}
	return 0
}

func (r *reader) skip(c byte) {
	if r.peek() != c {
		r.f.giveUp()
	}
	r.i++
}

func (r *reader) word(w string, v value) value {
	if !strings.HasPrefix(r.s[r.i:], w) {
		r.f.giveUp()
	}
	r.i += len(w)
	return v
}

func (r *reader) value(depth int) value {
	if depth > maxDepth {
		r.f.giveUp()
	}
	switch r.peek() {
	case '{':
		return r.object(depth)
	case '[':
		return r.list(depth)
	case '"':
		return text(r.text())
	case 'n':
		return r.word("null", value{kind: isNull})
	case 't':
		return r.word("true", boolean(true))
	case 'f':
		return r.word("false", boolean(false))
	}
	return r.number()
}

// maxDigits of an integer that is read without further ado.
const maxDigits = 15

func (r *reader) number() value {
	start, n := r.i, 0
	for r.i < len(r.s) && jstext.IsDigit(r.s[r.i]) {
		n = 10*n + int(r.s[r.i]-'0')
		r.i++
		if r.i-start > maxDigits {
			break
		}
	}
	if c := r.peek(); r.i > start && (c == ',' || c == '}' || c == ']' || c == 0) {
		return number(float64(n))
	}
	for r.i < len(r.s) && strings.IndexByte("0123456789.eE+-", r.s[r.i]) >= 0 {
		r.i++
	}
	x, err := strconv.ParseFloat(r.s[start:r.i], 64)
	if err != nil {
		r.f.giveUp()
	}
	return number(x)
}

func (r *reader) text() string {
	r.skip('"')
	n := strings.IndexByte(r.s[r.i:], '"')
	if n < 0 {
		r.f.giveUp()
	}
	raw := r.s[r.i : r.i+n]
	if plain(raw) {
		r.i += n + 1
		return raw
	}
	return r.escaped()
}

// plain tells whether a text is of ASCII and stands in JSON as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '\\' || c == '"' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// escaped reads the rest of a text that is not plain.
func (r *reader) escaped() string {
	start := r.i
	for r.peek() != '"' {
		if r.peek() == '\\' {
			r.i++
		}
		if r.i++; r.i >= len(r.s) {
			r.f.giveUp()
		}
	}
	s, err := jstext.Unescape(r.s[start:r.i])
	if err != nil || !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
		r.f.giveUp() // half a surrogate may be in it
	}
	r.i++
	return s
}

func (r *reader) list(depth int) value {
	r.skip('[')
	f := r.f
	start := len(f.stack)
	for r.peek() != ']' {
		if len(f.stack) > start {
			r.skip(',')
		}
		f.take(1)
		f.stack = append(f.stack, r.value(depth+1))
	}
	r.i++
	v := f.list(len(f.stack) - start)
	copy(v.box.items, f.stack[start:])
	f.stack = f.stack[:start]
	return v
}

// object reads an object. It has no member twice: it was written by JSON.stringify.
func (r *reader) object(depth int) value {
	r.skip('{')
	b := r.f.newBox()
	if depth == 0 {
		if n := strings.Count(r.s, `":`); n <= r.f.room {
			b.keys, b.items = make([]string, 0, n), make([]value, 0, n)
		}
	}
	for r.peek() != '}' {
		if len(b.keys) > 0 {
			r.skip(',')
		}
		key := r.text()
		if jstext.OnPrototype(key) {
			r.f.giveUp()
		}
		if jstext.ArrayIndex(key) >= 0 {
			b.numbered = true
		}
		r.skip(':')
		r.f.take(1)
		b.keys, b.items = append(b.keys, key), append(b.items, r.value(depth+1))
	}
	r.i++
	return value{kind: isObject, box: b}
}
