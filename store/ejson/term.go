package ejson

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
)

// termWriter writes JSON in stored form as the Erlang term that CouchDB makes of it (EJSON), in the external term
// format:
//
//	{"k":v,…}   h 1  l count (h 2  m len "k"  v)…  j     a tuple of one: a list of pairs; {} is h 1 j
//	[v,…]       l count v… j ; [] is j
//	[1,2,255]   k len bytes                              only bytes, fewer than 65535: Erlang takes the list for a string
//	"text"      m len text                               a binary
//	1           a byte | b int32 | n len sign magnitude | o len sign magnitude
//	            by size; magnitude little endian in as few bytes as it needs, len of n a byte, of o four
//	1.5         F float64
//	true        d len "true"                             an atom
//
// Counts and lengths are four bytes (k and d: two), big endian. Source: erl_ext_dist in the Erlang/OTP documentation.
//
// It trusts its input, but on bytes that are not in stored form it still ends and writes something.
type termWriter struct {
	src, out []byte
	pos      int
	scratch  []byte
}

func (t *termWriter) value(depth int) {
	if t.pos >= len(t.src) || depth > maxDepth {
		t.pos = len(t.src)
		return
	}
	switch c := t.src[t.pos]; c {
	case '"':
		t.str()
	case '{':
		t.object(depth)
	case '[':
		t.array(depth)
	case 't', 'f':
		t.out = appendAtom(t.out, c == 't')
		t.pos += len("true")
		if c == 'f' {
			t.pos++
		}
	case 'n':
		t.out = append(t.out, 'd', 0, 4, 'n', 'u', 'l', 'l')
		t.pos += len("null")
	default:
		t.number()
	}
}

func (t *termWriter) object(depth int) {
	t.out = append(t.out, 'h', 1)
	t.list(depth, '}', func(depth int) {
		t.out = append(t.out, 'h', 2)
		t.str()
		t.pos++ // the colon
		t.value(depth)
	})
}

// array writes a list, or a string where the list holds nothing but bytes.
func (t *termWriter) array(depth int) {
	start := len(t.out)
	count := t.list(depth, ']', t.value)
	elems := t.out[start:]
	// Each byte is two bytes, "a b", between the five of the head and the end.
	const head = 5
	if count == 0 || count >= math.MaxUint16 || len(elems) != head+2*count+1 {
		return
	}
	for i := range count {
		if elems[head+2*i] != 'a' {
			return
		}
	}
	elems[0] = 'k'
	binary.BigEndian.PutUint16(elems[1:], uint16(count))
	for i := range count {
		elems[3+i] = elems[head+2*i+1]
	}
	t.out = t.out[:start+3+count]
}

// list writes the elements up to the closing bracket as a list and gives their number.
func (t *termWriter) list(depth int, closing byte, elem func(depth int)) int {
	t.pos++
	if t.pos < len(t.src) && t.src[t.pos] == closing {
		t.pos++
		t.out = append(t.out, 'j')
		return 0
	}
	at := len(t.out) + 1
	t.out = append(t.out, 'l', 0, 0, 0, 0)
	count := 0
	for t.pos < len(t.src) {
		elem(depth + 1)
		count++
		end := t.pos >= len(t.src) || t.src[t.pos] == closing
		t.pos++
		if end {
			break
		}
	}
	binary.BigEndian.PutUint32(t.out[at:], uint32(count))
	t.out = append(t.out, 'j')
	return count
}

// str writes the string at pos.
func (t *termWriter) str() {
	if t.pos >= len(t.src) {
		return
	}
	text := t.src[t.pos+1:]
	end := bytes.IndexByte(text, '"')
	if end >= 0 && bytes.IndexByte(text[:end], '\\') < 0 {
		t.out = appendBinary(t.out, text[:end])
		t.pos += end + 2
		return
	}
	end, _, err := scanString(t.src, t.pos)
	if err != nil {
		t.pos = len(t.src)
		return
	}
	t.scratch = appendUnquoted(t.scratch[:0], t.src[t.pos+1:end-1])
	t.out = appendBinary(t.out, t.scratch)
	t.pos = end
}

// number writes the number at pos.
func (t *termWriter) number() {
	text := t.src[t.pos:]
	n, ok := scanNumber(text)
	if !ok {
		t.pos = len(t.src)
		return
	}
	text = text[:n.end]
	t.pos += n.end
	switch {
	case !n.isInt:
		f, _ := strconv.ParseFloat(string(text), 64) // in stored form, so in range
		t.out = binary.BigEndian.AppendUint64(append(t.out, 'F'), math.Float64bits(f))
	case n.digits <= 18:
		i, _ := strconv.ParseInt(string(text), 10, 64)
		t.out = appendInt(t.out, i)
	default:
		i, _ := new(big.Int).SetString(string(text), 10)
		mag := i.Bytes()
		t.out = appendBig(t.out, mag, i.Sign() < 0)
	}
}

// appendInt appends an integer in the smallest of its forms.
func appendInt(b []byte, i int64) []byte {
	switch {
	case i >= 0 && i <= math.MaxUint8:
		return append(b, 'a', byte(i))
	case i >= math.MinInt32 && i <= math.MaxInt32:
		return binary.BigEndian.AppendUint32(append(b, 'b'), uint32(i))
	}
	mag := uint64(i)
	if i < 0 {
		mag = -mag
	}
	var buf [8]byte
	binary.BigEndian.PutUint64(buf[:], mag)
	return appendBig(b, bytes.TrimLeft(buf[:], "\x00"), i < 0)
}

// appendBig appends an integer of which mag is the magnitude, big endian without leading zeros.
func appendBig(b, mag []byte, negative bool) []byte {
	if len(mag) <= math.MaxUint8 {
		b = append(b, 'n', byte(len(mag)))
	} else {
		b = appendCount(append(b, 'o'), len(mag))
	}
	sign := byte(0)
	if negative {
		sign = 1
	}
	b = append(b, sign)
	for i := len(mag) - 1; i >= 0; i-- {
		b = append(b, mag[i])
	}
	return b
}

func appendAtom(b []byte, v bool) []byte {
	if v {
		return append(b, 'd', 0, 4, 't', 'r', 'u', 'e')
	}
	return append(b, 'd', 0, 5, 'f', 'a', 'l', 's', 'e')
}

func appendBinary[T string | []byte](b []byte, s T) []byte {
	return append(appendCount(append(b, 'm'), len(s)), s...)
}

func appendCount(b []byte, n int) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }
