package bundle

import (
	"bytes"
	"encoding/binary"
	"slices"

	"logctl/store/ejson"
)

const (
	maxShapes = 16 // in a bundle
	maxValues = 64 // of a shape
)

// shape is what bodies that look alike have in common: the text around their values, which are the texts of strings between
// the quotation marks, numbers, and the words true, false and null. A body is pieces[0] value pieces[1] value … pieces[n].
// Wherever a shape cuts a body, the parts together are the body.
type shape struct {
	pieces [][]byte
	times  [3]int // of the values of the members time, date and hour, those that make the time of a content id; -1: none
}

var timeNames = [3]string{"time", "date", "hour"}

// span is a part of a body.
type span struct{ start, end uint32 }

// match appends the spans of the values that body has by the shape.
func (s *shape) match(dst []span, body []byte) ([]span, bool) {
	at, last := 0, len(s.pieces)-1
	for i, p := range s.pieces {
		if len(body)-at < len(p) || string(body[at:at+len(p)]) != string(p) {
			return dst, false
		}
		at += len(p)
		if i == last {
			break
		}
		end := valueEnd(body, at, p[len(p)-1] == '"')
		if end < 0 {
			return dst, false
		}
		dst = append(dst, span{uint32(at), uint32(end)})
		at = end
	}
	return dst, at == len(body)
}

// valueEnd is where the value ends that begins at at; -1 if it doesn't end.
func valueEnd(body []byte, at int, isText bool) int {
	if !isText {
		for at < len(body) && body[at] != ',' && body[at] != '}' && body[at] != ']' {
			at++
		}
		return at
	}
	for from := at; ; from++ {
		n := bytes.IndexByte(body[from:], '"')
		if n < 0 {
			return -1
		}
		from += n
		escapes := 0
		for from-escapes > at && body[from-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return from
		}
	}
}

// scanShape makes the shape of a body and appends the spans of its values. Bodies that are no JSON, or have too many values,
// have none.
func scanShape(dst []span, body []byte) (shape, []span, bool) {
	var s shape
	start := 0
	for i := 0; i < len(body); {
		first, end := i, 0
		switch c := body[i]; {
		case c == '"':
			first++
			if end = valueEnd(body, first, true); end < 0 {
				return s, dst, false
			}
			i = end + 1
			if i < len(body) && body[i] == ':' { // the name of a member
				continue
			}
		case c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z':
			end = valueEnd(body, i, false)
			i = end
		default:
			i++
			continue
		}
		if len(s.pieces) == maxValues || first == start {
			return s, dst, false
		}
		s.pieces = append(s.pieces, body[start:first])
		dst = append(dst, span{uint32(first), uint32(end)})
		start = end
	}
	s.pieces = append(s.pieces, body[start:])
	return s, dst, s.findTimes(body, dst[len(dst)-len(s.pieces)+1:])
}

// findTimes finds the times in a body that has the shape. All bodies that have it have them at the same places. False: the
// body is no JSON object.
func (s *shape) findTimes(body []byte, values []span) bool {
	s.times = [3]int{-1, -1, -1}
	err := ejson.Members(body, func(name, value []byte) error {
		for i := range timeNames {
			if string(name) == timeNames[i] {
				at := uint32(cap(body) - cap(value)) // value is a part of body
				s.times[i] = slices.IndexFunc(values, func(v span) bool {
					return value[0] == '"' && v.start == at+1 || v.start == at
				})
			}
		}
		return nil
	})
	return err == nil
}

// appendContentID appends the id of a body's content but for the number of its repetition. values are the body's.
func (s *shape) appendContentID(dst, body []byte, values []span) []byte {
	return ejson.AppendContentHash(s.appendContentTime(dst, body, values), body)
}

// appendContentTime appends that id as far as the hash.
func (s *shape) appendContentTime(dst, body []byte, values []span) []byte {
	var times [3][]byte
	for i, k := range s.times {
		if k < 0 {
			continue
		}
		v := values[k]
		if v.start > 0 && int(v.end) < len(body) && body[v.start-1] == '"' {
			v.start, v.end = v.start-1, v.end+1
		}
		times[i] = body[v.start:v.end]
	}
	return append(ejson.AppendContentTime(dst, times[0], times[1], times[2]), '-')
}

func (s *shape) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s.pieces)))
	for _, p := range s.pieces {
		dst = binary.AppendUvarint(dst, uint64(len(p)))
		dst = append(dst, p...)
	}
	return dst
}

func (d *decoder) shape() shape {
	n := d.uvarint()
	if n == 0 || n > maxValues+1 {
		d.fail("pieces of a shape")
		return shape{}
	}
	s := shape{pieces: make([][]byte, n)}
	for i := range s.pieces {
		s.pieces[i] = d.bytes(d.uvarint())
	}
	return s
}
