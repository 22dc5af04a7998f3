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
	f   *frame
	s   string
	i   int
	doc bool // a part of a doc: what is in its lists and objects is read when it is looked at
}

// read reads a JSON text.
func (f *frame) read(json []byte) value {
	if n, ok := digits(json); ok {
		return number(float64(n))
	}
	f.take(1 + len(json)/bytesPerPart)
	r := reader{f: f, s: string(json)}
	return r.whole()
}

// readPart reads a part of a doc.
func (f *frame) readPart(json string) value {
	switch json[0] {
	case '"':
		return text(f.unquote(json[1 : len(json)-1]))
	case '{', '[':
		return f.unread(json)
	}
	r := reader{f: f, s: json}
	return r.whole()
}

// unread is a list or an object of a doc that is not read yet.
func (f *frame) unread(json string) value {
	v, b := f.newBox(isList)
	if json[0] == '{' {
		v.kind = isObject
	}
	b.raw, b.unread, b.fixed = json, true, true
	return v
}

// readBox reads a list or an object of a doc.
func (f *frame) readBox(b *box) {
	f.over(b.raw)
	r := reader{f: f, s: b.raw, doc: true}
	var made box
	if r.peek() == '{' {
		r.members(&made, 0)
	} else {
		made.items = r.elements(0)
	}
	if r.i != len(r.s) {
		f.giveUp()
	}
	made.raw, made.fixed = b.raw, true
	*b = made
}

func (r *reader) whole() value {
	v := r.value(0)
	if r.i != len(r.s) {
		r.f.giveUp()
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
	switch c := r.peek(); {
	case r.doc && (c == '{' || c == '['):
		p := jstext.Scanner{Text: r.s[r.i:]}
		raw, err := p.Raw()
		if err != nil {
			r.f.giveUp()
		}
		r.i += len(raw)
		return r.f.unread(raw)
	case c == '{':
		v, b := r.f.newBox(isObject)
		r.members(b, depth)
		return v
	case c == '[':
		v, b := r.f.newBox(isList)
		b.items = r.elements(depth)
		return v
	case c == '"':
		return text(r.text())
	case c == 'n':
		return r.word("null", value{kind: isNull})
	case c == 't':
		return r.word("true", boolean(true))
	case c == 'f':
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
	n := jstext.Quoted(r.s[r.i:])
	if n < 0 {
		r.f.giveUp()
	}
	r.i += n + 1
	return r.f.unquote(r.s[r.i-n-1 : r.i-1])
}

// unquote is the text that is between quotes.
func (f *frame) unquote(s string) string {
	if strings.IndexByte(s, '\\') >= 0 {
		var err error
		if s, err = jstext.Unescape(s); err != nil {
			f.giveUp()
		}
	}
	if !utf8.ValidString(s) {
		f.giveUp()
	}
	return s
}

// elements reads a list.
func (r *reader) elements(depth int) []value {
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
	items := f.values.slice(len(f.stack) - start)
	copy(items, f.stack[start:])
	f.stack = f.stack[:start]
	return items
}

// members reads an object into a box. One that was written by JSON.stringify has no member twice, a doc's may have.
func (r *reader) members(b *box, depth int) {
	r.skip('{')
	f := r.f
	if depth == 0 {
		n := strings.Count(r.s, `":`)
		if r.doc { // most of them are in its members
			n = min(n, few)
		}
		if n <= f.room {
			b.keys, b.items = f.keys.slice(n)[:0], f.values.slice(n)[:0]
		}
	}
	for r.peek() != '}' {
		if len(b.keys) > 0 {
			r.skip(',')
		}
		key := r.text()
		if r.doc && f.find(b, key) >= 0 {
			f.giveUp()
		}
		r.skip(':')
		f.add(b, key, r.value(depth+1))
	}
	r.i++
	b.hint = 0
}
