package collate

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"logctl/store"
)

// maxNesting bounds the depth of a value.
const maxNesting = 1000

var errJSON = store.NewError(store.KindBadRequest, "invalid UTF-8 JSON")

// Append appends the key of a JSON value. plain tells that AppendJSON can make the value from its key. Text that is no JSON
// is an error (of KindBadRequest) or gives some key.
func (o Order) Append(dst, value []byte) (key []byte, plain bool, err error) {
	a := appender{dst: dst, s: value, kinds: orders[o], raw: o == Raw, plain: o == ICU}
	if !a.value(0) || a.peek() != 0 {
		return dst, false, errJSON
	}
	return a.dst, a.plain, nil
}

// appender reads JSON and writes its key.
type appender struct {
	dst   []byte
	s     []byte
	i     int
	kinds kinds
	raw   bool
	plain bool
	text  []byte // of a string with escapes
}

// peek is the next byte that is no white space, 0 at the end.
func (a *appender) peek() byte {
	for ; a.i < len(a.s); a.i++ {
		if c := a.s[a.i]; c > ' ' {
			return c
		}
	}
	return 0
}

func (a *appender) value(depth int) bool {
	if depth > maxNesting {
		return false
	}
	switch c := a.peek(); c {
	case '"':
		a.dst = append(a.dst, a.kinds.str)
		return a.str()
	case '[':
		a.dst = append(a.dst, a.kinds.array)
		return a.list(']', func() bool { return a.value(depth + 1) })
	case '{':
		a.dst = append(a.dst, a.kinds.object)
		return a.list('}', func() bool {
			if a.peek() != '"' {
				return false
			}
			a.dst = append(a.dst, a.kinds.str)
			if !a.str() || a.peek() != ':' {
				return false
			}
			a.i++
			return a.value(depth + 1)
		})
	case 'n':
		return a.word("null", a.kinds.null)
	case 'f':
		return a.word("false", a.kinds.no)
	case 't':
		return a.word("true", a.kinds.yes)
	}
	return a.number()
}

func (a *appender) word(text string, kind byte) bool {
	a.dst = append(a.dst, kind)
	ok := bytes.HasPrefix(a.s[a.i:], []byte(text))
	a.i += len(text)
	return ok
}

// list reads what stands between the bracket at the place and end, separated by commas.
func (a *appender) list(end byte, item func() bool) bool {
	a.i++
	if a.peek() == end {
		a.i++
		a.dst = append(a.dst, keyEnd)
		return true
	}
	for {
		if !item() {
			return false
		}
		c := a.peek()
		a.i++
		if c == end {
			a.dst = append(a.dst, keyEnd)
			return true
		}
		if c != ',' {
			return false
		}
	}
}

// number reads a number as a double, as JavaScript does.
func (a *appender) number() bool {
	start := a.i
	for a.i < len(a.s) && (a.s[a.i] >= '0' && a.s[a.i] <= '9' || bytes.IndexByte([]byte("+-.eE"), a.s[a.i]) >= 0) {
		a.i++
	}
	text := a.s[start:a.i]
	f, integer := smallInt(text)
	if !integer {
		var err error
		if f, err = strconv.ParseFloat(string(text), 64); err != nil {
			return false
		}
		a.plain = false
	}
	a.dst = appendNumber(append(a.dst, a.kinds.number), f)
	return true
}

// smallInt reads an integer of at most 15 digits, written as JavaScript writes it.
func smallInt(text []byte) (float64, bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 15 || digits[0] == '0' && len(text) > 1 {
		return 0, false
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(text) {
		n = -n
	}
	return float64(n), true
}

// appendNumber appends a double's bits so that their order is the numbers'.
func appendNumber(dst []byte, f float64) []byte {
	if f == 0 {
		f = 0 // not minus zero
	}
	u := math.Float64bits(f)
	if u>>63 == 1 {
		u = ^u
	} else {
		u |= 1 << 63
	}
	for {
		c := byte(u>>57) << 1
		if u <<= 7; u == 0 {
			return append(dst, c)
		}
		dst = append(dst, c|1)
	}
}

// str reads a string and appends its weights, or its bytes in the raw order.
func (a *appender) str() bool {
	a.i++
	rest := a.s[a.i:]
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return false
	}
	text := rest[:end]
	if bytes.IndexByte(text, '\\') >= 0 {
		a.plain = false
		if text, end = a.unescape(rest); end < 0 {
			return false
		}
	}
	a.i += end + 1
	if a.raw {
		a.dst = AppendBytes(a.dst, text)
		return true
	}
	var plain bool
	a.dst, plain = appendString(a.dst, text)
	a.plain = a.plain && plain
	return true
}

// AppendBytes appends b so that it ends by itself and keeps the order of bytes.
func AppendBytes(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			return append(append(dst, b...), 0, 0)
		}
		dst = append(append(dst, b[:i]...), 0, 0xFF)
		b = b[i+1:]
	}
}

// unescape resolves the escapes of a string up to its quote and gives the text and where the quote stands, or -1.
func (a *appender) unescape(s []byte) ([]byte, int) {
	out := a.text[:0]
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			a.text = out
			return out, i
		case c != '\\':
			out = append(out, c)
			continue
		}
		if i++; i == len(s) {
			break
		}
		if at := bytes.IndexByte([]byte(`"\/bfnrt`), s[i]); at >= 0 {
			out = append(out, "\"\\/\b\f\n\r\t"[at])
			continue
		}
		r, ok := hex4(s[i:])
		if !ok {
			break
		}
		i += 4
		if utf16.IsSurrogate(r) && i+2 < len(s) && s[i+1] == '\\' {
			if lo, ok := hex4(s[i+2:]); ok && utf16.DecodeRune(r, lo) != utf8.RuneError {
				r = utf16.DecodeRune(r, lo)
				i += 6
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return nil, -1
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s[1:5]), 16, 16)
	return rune(n), err == nil
}
