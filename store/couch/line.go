package couch

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"logctl/store"
)

// line reads a row that has a line to itself, as CouchDB writes rows, and whose line is all in the buffer:
// {"key":[…],"value":…} with an "id" before it or none, nothing but arrays nested in the key, and a value that is a number or an object
// with nothing nested in it. That is most rows of a report, and they are found by looking for a few bytes. Of any other row it reads nothing and
// is false. The row's bytes are the buffer's.
func (s *scanner) line(row *store.Row) bool {
	b := s.buf[s.pos:s.end]
	end := firstSpace(b)
	if end < 0 || b[end] != '\n' && !bytes.HasPrefix(b[end:], []byte("\r\n")) {
		return false
	}
	if end > 0 && b[end-1] == ',' {
		end--
	}
	if b = b[:end]; end == 0 || b[end-1] != '}' {
		return false
	}
	rest, ok := bytes.CutPrefix(b[:end-1], []byte(`{"key":`))
	id := ""
	if !ok {
		if id, rest, ok = cutID(b[:end-1]); !ok {
			return false
		}
	}
	at := bytes.Index(rest, []byte(`],"value":`))
	// Where no string has a colon behind it, there is neither an object with members nor another member of the row.
	if at < 0 || rest[0] != '[' || bytes.IndexByte(rest[:at], ':') >= 0 && bytes.Contains(rest[:at], []byte(`":`)) {
		return false
	}
	value := rest[at+len(`],"value":`):]
	if len(value) == 0 || !isInteger(value) && !isFlat(value) {
		return false
	}
	*row = store.Row{ID: id, Key: rest[: at+1 : at+1], Value: value}
	s.pos += end
	return true
}

// cutID cuts the beginning of a row with an id, up to its key.
func cutID(b []byte) (id string, rest []byte, ok bool) {
	rest, ok = bytes.CutPrefix(b, []byte(`{"id":"`))
	end := bytes.IndexByte(rest, '"')
	if !ok || end < 0 {
		return "", nil, false
	}
	raw := rest[:end]
	rest, ok = bytes.CutPrefix(rest[end:], []byte(`","key":`))
	if !ok || bytes.IndexByte(raw, '\\') >= 0 || !utf8.Valid(raw) {
		return "", nil, false
	}
	return string(raw), rest, true
}

// isFlat tells whether text, which a closing brace and the end of a line follow, is one object with nothing nested in it.
func isFlat(text []byte) bool {
	last := len(text) - 1
	return last > 0 && text[0] == '{' && bytes.IndexByte(text[1:], '{') < 0 && bytes.IndexByte(text, '}') == last
}

// firstSpace is where the first white space is, or any other byte below it; -1 if there is none.
func firstSpace(b []byte) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; len(b)-i >= 32; i += 32 {
		w := b[i : i+32]
		v0, v1 := binary.LittleEndian.Uint64(w), binary.LittleEndian.Uint64(w[8:])
		v2, v3 := binary.LittleEndian.Uint64(w[16:]), binary.LittleEndian.Uint64(w[24:])
		if ((v0-0x21*ones)&^v0|(v1-0x21*ones)&^v1|(v2-0x21*ones)&^v2|(v3-0x21*ones)&^v3)&high != 0 {
			break
		}
	}
	for ; len(b)-i >= 8; i += 8 {
		// The high bit of a byte is set where it is less than 0x21, and maybe above one that is.
		v := binary.LittleEndian.Uint64(b[i:])
		if low := (v - 0x21*ones) &^ v & high; low != 0 {
			return i + bits.TrailingZeros64(low)/8
		}
	}
	for ; i < len(b); i++ {
		if b[i] <= ' ' {
			return i
		}
	}
	return -1
}
