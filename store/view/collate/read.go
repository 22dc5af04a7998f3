package collate

import (
	"bytes"
	"math"
	"strconv"
)

// Skip is the length of the key at the beginning of k, 0 if there is none.
func Skip(k []byte) int {
	depth := 0
	for i := 0; i < len(k); {
		switch k[i] {
		case keyEnd:
			depth--
			i++
		case kindArray, kindObject, rawArray, rawObject:
			depth++
			i++
		case kindNull, kindFalse, kindTrue, rawNull, rawFalse, rawTrue:
			i++
		case kindNumber, rawNumber:
			for i++; i < len(k) && k[i]&1 == 1; i++ {
			}
			i++
		case kindString:
			i += 1 + skipString(k[i+1:])
		case rawString:
			i += 1 + skipBytes(k[i+1:])
		default:
			return 0
		}
		if i > len(k) || depth < 0 {
			return 0
		}
		if depth == 0 {
			return i
		}
	}
	return 0
}

// skipString is the length of a string's weights with their end, more than there is if that is missing.
func skipString(k []byte) int {
	i := 0
	for i < len(k) && k[i] >= firstPrimary {
		if (k[i]-firstPrimary)%2 == 0 {
			i += 3 // a weight that no ASCII character has
		}
		i++
	}
	if i >= len(k) || k[i] == keyEnd {
		return i + 1
	}
	for i++; i < len(k) && k[i] >= secondaryBase; {
		i += 2
	}
	end := -1
	if i < len(k) {
		end = bytes.IndexByte(k[i:], keyEnd)
	}
	if end < 0 {
		return len(k) + 1
	}
	return i + end + 1
}

// skipBytes is the length of what AppendBytes appended.
func skipBytes(k []byte) int {
	for i := 0; ; i += 2 {
		at := bytes.IndexByte(k[min(i, len(k)):], 0)
		if i += at; at < 0 || i+1 >= len(k) {
			return len(k) + 1
		}
		if k[i+1] == 0 {
			return i + 2
		}
	}
}

// Group is the length of what the keys of the same group at level begin with: the whole key, or an array's first level
// elements. Level 0 is one group of all.
func Group(k []byte, level int) int {
	if level == 0 {
		return 0
	}
	if scope := scopeLen(k); scope > 0 {
		return scope + Group(k[scope:], level)
	}
	if len(k) == 0 || k[0] != kindArray && k[0] != rawArray {
		return Skip(k)
	}
	at := 1
	for range level {
		if at >= len(k) {
			return len(k)
		}
		if k[at] == keyEnd {
			return at + 1
		}
		n := Skip(k[at:])
		if n == 0 {
			return len(k)
		}
		at += n
	}
	return at
}

// TextBytes gives back what AppendBytes appended at the beginning of k, and how long that was; 0 if it is not there.
func TextBytes(k []byte) ([]byte, int) {
	n := skipBytes(k)
	if n > len(k) {
		return nil, 0
	}
	b := k[:n-2]
	if bytes.IndexByte(b, 0) >= 0 {
		b = bytes.ReplaceAll(b, []byte{0, 0xFF}, []byte{0})
	}
	return b, n
}

// AppendJSON appends the value that a plain key (see Order.Append) was made from. It is false for other keys.
func AppendJSON(dst, key []byte) ([]byte, bool) {
	r := reader{k: key[scopeLen(key):], t: tables()}
	dst, ok := r.value(dst)
	return dst, ok && len(r.k) == 0
}

type reader struct {
	k []byte
	t *asciiTable
}

func (r *reader) value(dst []byte) ([]byte, bool) {
	if len(r.k) == 0 {
		return dst, false
	}
	kind := r.k[0]
	r.k = r.k[1:]
	switch kind {
	case kindNull:
		return append(dst, "null"...), true
	case kindFalse:
		return append(dst, "false"...), true
	case kindTrue:
		return append(dst, "true"...), true
	case kindNumber:
		return r.number(dst)
	case kindString:
		return r.str(dst)
	case kindArray:
		return r.list(append(dst, '['), ']', r.value)
	case kindObject:
		return r.list(append(dst, '{'), '}', func(dst []byte) ([]byte, bool) {
			dst, ok := r.value(dst)
			if !ok {
				return dst, false
			}
			return r.value(append(dst, ':'))
		})
	}
	return dst, false
}

func (r *reader) list(dst []byte, end byte, item func([]byte) ([]byte, bool)) ([]byte, bool) {
	for n := 0; ; n++ {
		if len(r.k) == 0 {
			return dst, false
		}
		if r.k[0] == keyEnd {
			r.k = r.k[1:]
			return append(dst, end), true
		}
		if n > 0 {
			dst = append(dst, ',')
		}
		var ok bool
		if dst, ok = item(dst); !ok {
			return dst, false
		}
	}
}

func (r *reader) number(dst []byte) ([]byte, bool) {
	u, shift := uint64(0), 57
	for i, c := range r.k {
		if shift >= 0 {
			u |= uint64(c>>1) << shift
		} else {
			u |= uint64(c>>1) >> -shift
		}
		shift -= 7
		if c&1 == 0 {
			r.k = r.k[i+1:]
			if u>>63 == 1 {
				u &^= 1 << 63
			} else {
				u = ^u
			}
			return strconv.AppendInt(dst, int64(math.Float64frombits(u)), 10), true
		}
	}
	return dst, false
}

func (r *reader) str(dst []byte) ([]byte, bool) {
	start := len(dst)
	dst = append(dst, '"')
	for i, code := range r.k {
		c := r.t.common[code]
		if c == 0 {
			if code == keyEnd {
				r.k = r.k[i+1:]
				return append(dst, '"'), true
			}
			break
		}
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return r.cased(dst[:start])
}

// cased is str where there are other weights than primary ones.
func (r *reader) cased(dst []byte) ([]byte, bool) {
	primaries := 0
	for primaries < len(r.k) && r.k[primaries] > levelsFollow {
		primaries++
	}
	n := skipString(r.k)
	if n > len(r.k) {
		return dst, false
	}
	var tertiaries []byte
	if n > primaries+1 {
		if r.k[primaries+1] != levelsFollow {
			return dst, false
		}
		tertiaries = r.k[primaries+2 : n-1]
	}
	dst = append(dst, '"')
	for i, code := range r.k[:primaries] {
		t := byte(commonTertiary)
		if i < len(tertiaries) {
			t = tertiaries[i] - tertiaryBase
		}
		c := r.t.char[code][t%32]
		if c == 0 || t >= 32 {
			return dst, false
		}
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	r.k = r.k[n:]
	return append(dst, '"'), true
}

// Scalars calls fn for each null, boolean, number and string of the key at the beginning of k, a scope included, with its place in
// k. It gives the length of the key, 0 if there is none.
func Scalars(k []byte, fn func(from, to int)) int {
	depth := 0
	for i := scopeLen(k); i < len(k); {
		switch k[i] {
		case keyEnd:
			depth--
			i++
		case kindArray, kindObject, rawArray, rawObject:
			depth++
			i++
		default:
			n := Skip(k[i:])
			if n == 0 {
				return 0
			}
			fn(i, i+n)
			i += n
		}
		if depth < 0 {
			return 0
		}
		if depth == 0 {
			return i
		}
	}
	return 0
}
