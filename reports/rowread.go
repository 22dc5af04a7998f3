package reports

import (
	"bytes"
	"strconv"
	"strings"

	"logctl/store"
)

// keyReader takes keys apart, JSON arrays that come in order: what the next one begins with as the one before did is not read again. An
// answer has many rows whose keys differ in their last elements.
type keyReader struct {
	text   []byte // the last key
	parts  [][]byte
	starts []int // of the parts
}

// elements are those of key, as they are written without white space around them. They hold until the next call.
func (k *keyReader) elements(key []byte) (parts [][]byte, ok bool) {
	n := len(key)
	if n < 2 || key[0] != '[' || key[n-1] != ']' {
		return nil, false
	}
	same, keep, from := store.Shared(k.text, key), len(k.parts)-1, 0
	for keep >= 0 && k.starts[keep] > same {
		keep--
	}
	if cap(k.text) < n {
		k.text, keep = make([]byte, 0, 2*n), -1
	}
	if keep < 0 {
		keep = 0
	} else {
		from = k.starts[keep]
	}
	k.text = append(k.text[:from], key[from:]...)
	k.parts, k.starts = k.parts[:keep], k.starts[:keep]
	from = max(from, 1)
	depth := 0
	for i := from; i < n-1; i++ {
		switch key[i] {
		case '"':
			for i++; i < n-1 && key[i] != '"'; i++ {
				if key[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',':
			if depth == 0 {
				k.add(from, i)
				from = i + 1
			}
		}
	}
	if len(trim(key[from:n-1])) > 0 || len(k.parts) > 0 {
		k.add(from, n-1)
	}
	return k.parts, depth == 0
}

func (k *keyReader) add(from, to int) {
	k.parts, k.starts = append(k.parts, trim(k.text[from:to])), append(k.starts, from)
}

func trim(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// statistics are count, min and max of a value of _stats, an object that holds nothing but numbers.
func statistics(object []byte) (count, least, most float64, ok bool) {
	// CouchDB writes integers, in this order.
	rest, ok := bytes.CutPrefix(object, []byte(`{"sum":`))
	if at := bytes.IndexByte(rest, ','); ok && at >= 0 {
		rest = rest[at:]
		if count, rest, ok = integer(rest, `,"count":`); ok {
			if least, rest, ok = integer(rest, `,"min":`); ok && count != 1 {
				most, _, ok = integer(rest, `,"max":`)
			} else {
				most = least
			}
		}
		if ok {
			return count, least, most, true
		}
	}
	if count, ok = member(object, `"count":`); ok {
		if least, ok = member(object, `"min":`); ok {
			most, ok = member(object, `"max":`)
		}
	}
	return count, least, most, ok
}

// exact is how many digits a double holds whatever they are.
const exact = 15

// integer reads the integer between name, which text begins with, and a comma.
func integer(text []byte, name string) (n float64, rest []byte, ok bool) {
	if len(text) < len(name) || string(text[:len(name)]) != name {
		return 0, nil, false
	}
	text = text[len(name):]
	value := 0
	for i, c := range text {
		if c < '0' || c > '9' {
			return float64(value), text[i:], c == ',' && i > 0
		}
		if i == exact {
			break
		}
		value = 10*value + int(c-'0')
	}
	return 0, nil, false
}

// member is the number after name.
func member(object []byte, name string) (float64, bool) {
	_, rest, ok := bytes.Cut(object, []byte(name))
	end := bytes.IndexAny(rest, ",}")
	if !ok || end < 0 {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(string(rest[:end])), 64)
	return f, err == nil
}
