package format

import (
	"encoding/binary"
	"slices"

	"logctl/format/token"
	"logctl/store"
)

// piece is a part of an object of which all members are there: text that is always the same, up to where a value begins, and
// the value. The quotes of strings are in the text, so that a string that needs no escape is only copied.
type piece struct {
	text   []byte
	start  [stride]byte // of the text
	slot   int          // of the value; -1: none, it is the last piece
	kind   kind
	copies bool // the value is what the line has, if that needs no escape; that of an integer is if it has no sign and no zero in front
}

// cut makes pieces of the fields, if the object can be made of such.
func (s *Schema) cut() {
	if s.stamp != nil || s.spread >= 0 || s.prog.delimiter != 0 {
		return
	}
	var pieces []piece
	var text []byte
	for _, f := range s.fields {
		text = append(append(text, f.lead...), f.key...)
		if f.kind.isString() {
			text = append(text, '"')
		}
		pieces = append(pieces, piece{text: text, slot: f.slot, kind: f.kind, copies: f.kind.isString()})
		text = nil
		if f.kind.isString() {
			text = []byte{'"'}
		}
	}
	pieces = append(pieces, piece{text: append(append(text, s.tail...), '}'), slot: -1})
	pieces[0].text[0] = '{' // in the place of the first comma
	for i := range pieces {
		copy(pieces[i].start[:], pieces[i].text)
		s.room += len(pieces[i].text)
	}
	s.pieces, s.room = pieces, s.room+stride
}

// isString tells whether what a capture of the kind takes becomes a string.
func (k kind) isString() bool {
	return k != kindInt && k != kindFloat && k != kindBool && k != kindJSON && k != kindKV
}

// appendValue appends a piece's value that is no copy of what the line has; without the quotes, if it is a string.
func (m *Match) appendValue(dst []byte, p *piece) []byte {
	value := m.bytes(p.slot)
	switch p.kind {
	case kindInt:
		return token.AppendInt(dst, value)
	case kindFloat:
		return token.AppendFloat(dst, value)
	case kindBool:
		return appendBool(dst, value)
	case kindJSON:
		return append(dst, m.value(p.slot)...)
	case kindKV:
		return m.appendPairs(dst, value)
	}
	dst = store.AppendJSONString(dst[:len(dst)-1], value) // which writes the quotes
	return dst[:len(dst)-1]
}

// stride is how many bytes are copied at once where it is known that there are as many: most texts and values are shorter,
// and what is copied too much is overwritten by what comes next.
const stride = 32

// appendPieces appends the object of a match that took something for every slot.
func (s *Schema) appendPieces(dst []byte, m *Match) []byte {
	dst = slices.Grow(dst, s.room+len(m.line))
	buf, n := dst[:cap(dst)], len(dst)
	for i := range s.pieces {
		p := &s.pieces[i]
		if len(p.text) <= stride {
			copyStride((*[stride]byte)(buf[n:]), &p.start)
			n += len(p.text)
		} else {
			n += copy(buf[n:], p.text)
		}
		if p.slot < 0 {
			break
		}
		at := m.spans[p.slot]
		if !p.copies && (p.kind != kindInt || m.line[at.start]-'1' > 8) ||
			!m.isClean(at) && !token.IsPlain(m.line[at.start:at.end]) {
			buf = m.appendValue(buf[:n], p)
			n = len(buf)
			buf = slices.Grow(buf, s.room+len(m.line))
			buf = buf[:cap(buf)]
			continue
		}
		if size := int(at.end - at.start); size <= stride && int(at.start)+stride <= len(m.line) {
			copyStride((*[stride]byte)(buf[n:]), (*[stride]byte)(m.line[at.start:]))
			n += size
		} else {
			n += copy(buf[n:], m.line[at.start:at.end])
		}
	}
	return buf[:n]
}

// copyStride copies what does not overlap, without a call.
func copyStride(dst, src *[stride]byte) {
	a, b := binary.LittleEndian.Uint64(src[0:8]), binary.LittleEndian.Uint64(src[8:16])
	c, d := binary.LittleEndian.Uint64(src[16:24]), binary.LittleEndian.Uint64(src[24:32])
	binary.LittleEndian.PutUint64(dst[0:8], a)
	binary.LittleEndian.PutUint64(dst[8:16], b)
	binary.LittleEndian.PutUint64(dst[16:24], c)
	binary.LittleEndian.PutUint64(dst[24:32], d)
}
