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
// gets a number behind it, the second _2; one that a constant member has is left out.
func (s *Schema) appendSpread(dst []byte, m *Match) []byte {
	m.keys.reset()
	for _, key := range s.reserved {
		m.keys.add(key)
	}
	if s.prog.takes[s.spread].kind == kindKV {
		return m.appendMembers(dst, m.bytes(s.spread), s.constants)
	}
	err := ejson.Members(m.value(s.spread), func(key, value []byte) error {
		if key = bytes.TrimLeft(key, "_"); !contains(s.constants, key) {
			dst = append(m.appendKey(&m.keys, dst, key), value...)
		}
		return nil
	})
	if err != nil {
		panic("format: what was JSON is none: " + err.Error())
	}
	return dst
}

// appendMembers appends pairs as members, each with a comma in front, but those whose key is among omit.
func (m *Match) appendMembers(dst, text []byte, omit [][]byte) []byte {
	if len(text) > 0 && text[0] == '[' { // which no pair begins with
		return m.appendElements(dst, text, omit)
	}
	for len(text) > 0 {
		p, n := kv.Next(text)
		if n == 0 {
			return dst // the end, or the hyphen that stands for no structured data
		}
		text = text[n:]
		key := m.memberKey(p.Key)
		switch {
		case contains(omit, key):
		case p.Flag:
			dst = append(m.appendKey(&m.keys, dst, key), "true"...)
		default:
			dst = token.AppendJSON(m.appendKey(&m.keys, dst, key), p.Value)
		}
	}
	return dst
}

// appendElements appends the elements of structured data as members: the id, and an object of the parameters.
func (m *Match) appendElements(dst, text []byte, omit [][]byte) []byte {
	for {
		id, params, n := kv.Element(text)
		if n == 0 {
			return dst
		}
		text = text[n:]
		key := m.memberKey(id)
		if contains(omit, key) {
			continue
		}
		dst = m.appendKey(&m.keys, dst, key)
		start := len(dst)
		m.params.reset()
		for {
			p, n := kv.NextParam(params)
			if n == 0 {
				break
			}
			params = params[n:]
			dst = token.AppendJSON(m.appendKey(&m.params, dst, m.memberKey(p.Key)), p.Value)
		}
		dst = closeObject(dst, start)
	}
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
