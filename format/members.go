package format

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"

	"logctl/format/kv"
	"logctl/format/token"
	"logctl/store/ejson"
)

// appendPairs appends the object of a capture of the type kv.
func (m *Match) appendPairs(dst, text []byte) []byte {
	m.keys.reset()
	start := len(dst)
	return closeObject(m.appendMembers(dst, text, nil), start)
}

// appendSpread appends the members of $kv... or $json... to an object, each with a comma in front. A key that the object has
// gets a number behind it, the second _2; one that a constant member has, or that has become part of the time, is left out.
func (s *Schema) appendSpread(dst []byte, m *Match) []byte {
	m.keys.reset()
	for _, key := range s.reserved {
		m.keys.add(key)
	}
	for _, key := range m.Taken {
		m.keys.add([]byte(key))
	}
	m.left = 0
	if s.prog.takes[s.spread].kind == kindKV {
		return m.appendMembers(dst, m.bytes(s.spread), s)
	}
	s.eachMember(m, func(key, value []byte) {
		if key = bytes.TrimLeft(key, "_"); !s.leavesOut(m, key) {
			dst = append(m.appendKey(&m.keys, dst, key), value...)
		}
	})
	return dst
}

// leavesOut tells whether a member of that key stands in the object already: as a constant, or as a part of the time, which only
// the first of its key is.
func (s *Schema) leavesOut(m *Match, key []byte) bool {
	if contains(s.constants, key) {
		return true
	}
	if m.stamp.end == 0 {
		return false
	}
	for i, k := range s.stamp.keys {
		if m.left>>i&1 == 0 && bytes.Equal(k, key) {
			m.left |= 1 << i
			return true
		}
	}
	return false
}

// eachMember calls fn for the members of $json... .
func (s *Schema) eachMember(m *Match, fn func(key, value []byte)) {
	err := ejson.Members(m.value(s.spread), func(key, value []byte) error {
		fn(key, value)
		return nil
	})
	if err != nil {
		panic("format: what was JSON is none: " + err.Error())
	}
}

// spreadText is the text of the first member of that key of $kv... or $json..., or nil.
func (s *Schema) spreadText(m *Match, key []byte) (found []byte) {
	if m.present>>s.spread&1 == 0 {
		return nil
	}
	if s.prog.takes[s.spread].kind == kindKV {
		for text := m.bytes(s.spread); ; {
			p, n := kv.Next(text)
			if n == 0 || bytes.Equal(bytes.TrimLeft(p.Key, "_"), key) {
				return p.Value
			}
			text = text[n:]
		}
	}
	s.eachMember(m, func(k, value []byte) {
		if found == nil && bytes.Equal(bytes.TrimLeft(k, "_"), key) {
			found = bytes.Trim(value, `"`)
		}
	})
	return found
}

// appendMembers appends pairs as members, each with a comma in front, but those that s, if there is one, leaves out.
func (m *Match) appendMembers(dst, text []byte, s *Schema) []byte {
	if len(text) > 0 && text[0] == '[' { // which no pair begins with
		return m.appendElements(dst, text, s)
	}
	for len(text) > 0 {
		p, n := kv.Next(text)
		if n == 0 {
			return dst // the end, or the hyphen that stands for no structured data
		}
		text = text[n:]
		key := m.memberKey(p.Key)
		switch {
		case s != nil && s.leavesOut(m, key):
		case p.Flag:
			dst = append(m.appendKey(&m.keys, dst, key), "true"...)
		default:
			dst = token.AppendJSON(m.appendKey(&m.keys, dst, key), p.Value)
		}
	}
	return dst
}

// closeObject makes an object of the members in dst[start:], each with a comma in front.
func closeObject(dst []byte, start int) []byte {
	if len(dst) == start {
		return append(dst, "{}"...)
	}
	dst[start] = '{'
	return append(dst, '}')
}

func contains(keys [][]byte, key []byte) bool {
	return slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) })
}

// memberKey is a key as a doc may have it: without underscores in front, which CouchDB keeps for itself, and with U+FFFD for
// bytes that are not UTF-8. It is good until the next.
func (m *Match) memberKey(key []byte) []byte {
	key = bytes.TrimLeft(key, "_")
	if token.IsPlain(key) || utf8.Valid(key) {
		return key
	}
	m.text = appendRepaired(m.text[:0], key)
	return m.text
}

// appendKey appends a comma, the key and a colon. A key that is in the set already gets a number.
func (m *Match) appendKey(set *keySet, dst, key []byte) []byte {
	e, fresh := set.add(key)
	if fresh {
		return append(token.AppendJSON(append(dst, ','), key), ':')
	}
	next := e.next
	for ; ; next++ {
		m.numbered = strconv.AppendUint(append(append(m.numbered[:0], key...), '_'), uint64(next), 10)
		if _, fresh := set.add(m.numbered); fresh {
			break
		}
	}
	e, _ = set.add(key) // the table may have grown
	e.next = next + 1
	return append(token.AppendJSON(append(dst, ','), m.numbered), ':')
}

// appendRepaired appends s with U+FFFD for each byte that is not UTF-8.
func appendRepaired(dst, s []byte) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		dst = utf8.AppendRune(dst, r)
		s = s[n:]
	}
	return dst
}
