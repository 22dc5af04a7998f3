package format

import (
	"slices"

	"logctl/format/kv"
	"logctl/format/token"
	"logctl/store"
)

// elements are the parts of the structured data that a line was last seen to have. They are found when it is matched, and written
// from there.
type elements struct {
	text  []byte // which begins with them; nil: none are known
	parts []kv.Part
	easy  bool // see kv.Structured
}

// find gives the length of the elements that text begins with.
func (e *elements) find(text []byte) int {
	var n int
	e.parts, n, e.easy = kv.Structured(e.parts[:0], text)
	e.text = text
	return n
}

// are tells whether they are those that text begins with.
func (e *elements) are(text []byte) bool { return len(e.text) >= len(text) && &e.text[0] == &text[0] }

// pairs is kv.Prefix.
func (m *Match) pairs(text []byte, last bool) int {
	if len(text) == 0 || text[0] != '[' { // which no pair begins with
		return kv.Prefix(text, last)
	}
	n := m.elements.find(text)
	if last && token.SkipBlanks(text, n) < len(text) {
		return 0
	}
	return n
}

// appendElements appends the elements of structured data as members: the id, and an object of the parameters.
func (m *Match) appendElements(dst, text []byte, s *Schema) []byte {
	e := &m.elements
	if !e.are(text) {
		e.find(text)
	}
	if e.easy && s == nil {
		return e.append(dst)
	}
	for parts := e.parts; len(parts) > 0; {
		key := m.memberKey(parts[0].Key.Of(text))
		params := parts[1:]
		if n := slices.IndexFunc(params, func(p kv.Part) bool { return p.Element }); n >= 0 {
			params = params[:n]
		}
		parts = parts[1+len(params):]
		if s != nil && s.leavesOut(m, key) {
			continue
		}
		dst = m.appendKey(&m.keys, dst, key)
		start := len(dst)
		m.params.reset()
		for _, p := range params {
			dst = token.AppendJSON(m.appendKey(&m.params, dst, m.memberKey(p.Key.Of(text))), p.Value.Of(text))
		}
		dst = closeObject(dst, start)
	}
	return dst
}

// append is appendElements where keys need no care.
func (e *elements) append(dst []byte) []byte {
	room := len(e.text) + len(`},"":""`)*len(e.parts) + len(`}`) + stride
	dst = slices.Grow(dst, room)
	buf, n := dst[:cap(dst)], len(dst)
	for i := range e.parts {
		p := &e.parts[i]
		if p.Element && i > 0 {
			buf[n] = '}'
			n++
		}
		if p.Element || !e.parts[i-1].Element {
			buf[n] = ','
			n++
		}
		buf[n] = '"'
		n = copySpan(buf, n+1, e.text, p.Key)
		if p.Element {
			buf[n], buf[n+1], buf[n+2] = '"', ':', '{'
			n += 3
			continue
		}
		buf[n], buf[n+1] = '"', ':'
		n += 2
		if p.Plain {
			buf[n] = '"'
			n = copySpan(buf, n+1, e.text, p.Value)
			buf[n] = '"'
			n++
			continue
		}
		buf = slices.Grow(store.AppendJSONString(buf[:n], p.Value.Of(e.text)), room)
		n, buf = len(buf), buf[:cap(buf)]
	}
	if len(e.parts) > 0 {
		buf[n] = '}'
		n++
	}
	return buf[:n]
}

// copySpan copies a part of a text into buf[n:], which has room for a stride more, and gives where it ends.
func copySpan(buf []byte, n int, text []byte, at kv.Span) int {
	size := int(at.End - at.Start)
	if size <= stride && int(at.Start)+stride <= len(text) {
		copyStride((*[stride]byte)(buf[n:]), (*[stride]byte)(text[at.Start:]))
		return n + size
	}
	return n + copy(buf[n:], text[at.Start:at.End])
}
