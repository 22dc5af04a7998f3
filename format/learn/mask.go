package learn

import (
	"bytes"

	"logctl/format/token"
)

// wild stands in a signature for what was a value.
const wild = 0

// masker makes signatures. Its buffers are reused from line to line.
type masker struct {
	sig   []byte
	spans []span // with keep, where in the message each byte of sig comes from
	keep  bool
}

// span is a part of a line.
type span struct{ start, end int }

// put adds bytes of the message as they are.
func (m *masker) put(b []byte, at int) {
	m.sig = append(m.sig, b...)
	if m.keep {
		for i := range b {
			m.spans = append(m.spans, span{at + i, at + i + 1})
		}
	}
}

// putByte adds one byte that stands for a part of the message.
func (m *masker) putByte(c byte, start, end int) {
	m.sig = append(m.sig, c)
	if m.keep {
		m.spans = append(m.spans, span{start, end})
	}
}

// extend makes the value that ends the first n bytes of the signature reach up to end, and drops what follows it.
func (m *masker) extend(n, end int) {
	m.sig = m.sig[:n]
	if m.keep {
		m.spans = m.spans[:n]
		m.spans[n-1].end = end
	}
}

// Classes of bytes, for the table class.
const (
	isPunct = iota
	isBlankByte
	isAlpha  // letters, underscores and bytes beyond ASCII
	isNumber // digits
	isJoin   // what may stand within a word without ending it
)

var class = func() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case token.IsBlank(b):
			t[c] = isBlankByte
		case isDigit(b):
			t[c] = isNumber
		case isWordByte(b):
			t[c] = isAlpha
		case bytes.IndexByte([]byte(`.-@$/~+%\&`), b) >= 0:
			t[c] = isJoin
		}
	}
	return t
}()

// signature gives msg with every value replaced by wild, runs of blanks by one blank, and lists of values by one. It is
// valid until the next call.
func (m *masker) signature(msg []byte) []byte {
	m.sig, m.spans = m.sig[:0], m.spans[:0]
	for i := 0; i < len(msg); {
		c := msg[i]
		switch class[c] {
		case isBlankByte:
			end := token.SkipBlanks(msg, i)
			if n := len(m.sig); n > 0 && m.sig[n-1] != ' ' {
				m.putByte(' ', i, end)
			}
			i = end
		case isAlpha, isNumber, isJoin:
			i = m.word(msg, i)
		default:
			if n := sizeInBrackets(msg, i); n > 0 {
				i += n
				continue
			}
			if c == '<' && i+1 < len(msg) && isDigit(msg[i+1]) && lessThan(msg[i:]) {
				i++
				continue
			}
			if c == '"' && i > 0 && msg[i-1] == '=' {
				if n := token.Quoted(msg[i:]); n > 2 {
					m.put(msg[i:i+1], i)
					m.putByte(wild, i+1, i+n-1)
					m.put(msg[i:i+1], i+n-1)
					i += n
					continue
				}
			}
			if c == wild {
				c = 1
			}
			m.putByte(c, i, i+1)
			i++
		}
	}
	if n := len(m.sig); n > 0 && m.sig[n-1] == ' ' {
		m.sig = m.sig[:n-1]
	}
	return m.sig
}

// lessThan tells whether b is <1 sec and not the beginning of <1>.
func lessThan(b []byte) bool {
	n := 1 + digitsAt(b, 1)
	return n < len(b) && b[n] == ' ' && unit(b[n:]) > 0
}

// sizeInBrackets is the length of (1.15 KB) with a blank before it: what a number of bytes is about, said once more.
func sizeInBrackets(msg []byte, i int) int {
	if msg[i] != '(' || i < 2 || msg[i-1] != ' ' {
		return 0
	}
	n := i + 1 + digitsAt(msg, i+1)
	if n == i+1 {
		return 0
	}
	if n < len(msg) && msg[n] == '.' {
		n += 1 + digitsAt(msg, n+1)
	}
	if u := unit(msg[n:]); u > 1 && n+u < len(msg) && msg[n+u] == ')' && isSize(msg[n:n+u]) {
		n += u + 1
		return token.SkipBlanks(msg, n) - i
	}
	return 0
}

// value puts a wildcard at the end of the signature. One that follows another with nothing between them but what parts
// the values of a list, or the parts of one value, is the same.
func (m *masker) value(start, end int) {
	if n := m.beforeSeparator(); n > 0 && m.sig[n-1] == wild {
		named := n > 1 && class[m.sig[n-2]] == isAlpha && m.sig[len(m.sig)-1] == ' ' // node12 5 is two
		if !named {
			m.extend(n, end)
			return
		}
	}
	m.putByte(wild, start, end)
}

// beforeSeparator is the length of the signature without what may part values at its end.
func (m *masker) beforeSeparator() int {
	n := len(m.sig)
	if n > 0 && isListByte(m.sig[n-1]) {
		n--
		if n > 0 && (m.sig[n] != ' ' && m.sig[n-1] != ' ' || m.sig[n-1] == ',') && isListByte(m.sig[n-1]) {
			n--
		}
	}
	return n
}

// named puts a wildcard behind a word's constant beginning, which stands at start. A list of such words is like one of them.
func (m *masker) named(prefix []byte, start, end int) {
	if len(prefix) == 0 {
		m.value(start, end)
		return
	}
	n := m.beforeSeparator()
	if n < len(m.sig) && n > len(prefix) && m.sig[n-1] == wild && bytes.HasSuffix(m.sig[:n-1], prefix) {
		if before := n - 2 - len(prefix); before < 0 || class[m.sig[before]] != isAlpha {
			m.extend(n, end)
			return
		}
	}
	m.put(prefix, start)
	m.putByte(wild, start+len(prefix), end)
}

func isListByte(c byte) bool {
	switch c {
	case ' ', ',', ':', '/', '-', '.', '@', '#', '~', '+', '|':
		return true
	}
	return false
}

// word masks the word that begins at i and gives the place behind it.
func (m *masker) word(msg []byte, i int) int {
	if n := pathLen(msg, i); n > 0 {
		m.value(i, i+n)
		return i + n
	}
	start := i
	c := class[msg[i]]
	if c == isAlpha {
		if n := namedStamp(msg[i:]); n > 0 {
			m.value(i, i+n)
			return i + n
		}
	}
	if c == isJoin { // a sign, or punctuation
		signed := (msg[i] == '-' || msg[i] == '+') && i+1 < len(msg) && isDigit(msg[i+1])
		if !signed {
			m.put(msg[i:i+1], i)
			return i + 1
		}
		i++
	}
	end, digits, hexOnly := runEnd(msg, i)
	if bytes.HasPrefix(msg[end:], []byte("://")) && digits == 0 {
		for end < len(msg) && class[msg[end]] != isBlankByte && !endsURL(msg[end]) {
			end++
		}
		end = trimEnd(msg, i, trimColon(msg, end))
		m.value(i, end)
		return end
	}
	word := msg[i:end]
	if digits == 0 {
		if isValueWord(word, hexOnly) {
			m.value(i, end)
		} else {
			m.put(word, i)
		}
		return end
	}
	if isProtocol(word) {
		m.put(word, i)
		return end
	}
	prefix := constantPrefix(word, hexOnly)
	if prefix == 0 {
		if end < len(msg) {
			end += unit(msg[end:])
		}
		m.value(start, end)
		return end
	}
	if start < i {
		m.put(msg[start:i], start)
	}
	m.named(word[:prefix], i, end)
	return end
}

// isProtocol tells whether a word is a protocol's name, whose number tells one kind of message from another.
func isProtocol(word []byte) bool {
	return len(word) == 4 && (word[3] == '4' || word[3] == '6') && word[0]|0x20 == 'i' && word[1]|0x20 == 'p' && word[2]|0x20 == 'v'
}

// runEnd is where the word that begins at i ends, with how many digits it has and whether its letters are all
// hexadecimal digits. A colon belongs to a word if a digit follows, or between hexadecimal digits; punctuation at the
// end does not.
func runEnd(msg []byte, i int) (end, digits int, hexOnly bool) {
	hexOnly = true
	start := i
	for i < len(msg) {
		c := msg[i]
		switch class[c] {
		case isNumber:
			digits++
		case isAlpha:
			if (c|0x20)-'a' >= 6 {
				hexOnly = false
			}
		case isJoin:
		default:
			if c != ':' || i+1 >= len(msg) || i == start {
				return trimEnd(msg, start, i), digits, hexOnly
			}
			if !colonGoesOn(msg[i+1:], hexOnly && digits > 0) {
				return trimEnd(msg, start, i), digits, hexOnly
			}
		}
		i++
	}
	return trimEnd(msg, start, i), digits, hexOnly
}

// colonGoesOn tells whether a word goes on behind a colon, before which hexadecimal digits stand or not.
func colonGoesOn(behind []byte, hex bool) bool {
	if c := behind[0]; hex && (isDigit(c) || (c|0x20)-'a' < 6 || c == ':') {
		return true
	}
	n := digitsAt(behind, 0)
	return n > 0 && (n == len(behind) || class[behind[n]] != isAlpha)
}

// trimColon takes a colon off the end of a word.
func trimColon(msg []byte, end int) int {
	if msg[end-1] == ':' {
		end--
	}
	return end
}

func trimEnd(msg []byte, start, end int) int {
	for end > start+1 && class[msg[end-1]] == isJoin && msg[end-1] != '%' {
		end--
	}
	return end
}
