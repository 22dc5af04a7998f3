package timefmt

import (
	"bytes"

	"logctl/format/token"
)

// Time is what a text says of a time. It keeps parts of the text.
type Time struct {
	year, month, day   int // 0 where it is not said
	yearDay            int
	hour, min, sec     int
	fraction           []byte // digits
	noon               byte   // 'a' or 'p'
	offset             int    // seconds east of UTC
	hasYear, hasOffset bool
	unix               bool  // the time is seconds since 1970, in the zone asked for
	seconds            int64 // with unix
	nanos              uint32
	hasNanos           bool // then there is no fraction
}

const maxFraction = 18

// Parse reads a time that is the whole of b.
func (l *Layout) Parse(b []byte) (Time, bool) {
	var t Time
	for _, f := range l.forms {
		if f.parse(b, &t) == len(b) && len(b) > 0 {
			return t, true
		}
	}
	return Time{}, false
}

// Prefix is the length of the time that b begins with, the longest that Guess knows, or 0. No letter and no digit follows.
func Prefix(b []byte) int {
	if n := usual(b); n > 0 || len(b) == 0 {
		return n
	}
	return longest(b)
}

// longest is Prefix by trying all forms.
func longest(b []byte) int {
	var t Time
	best := 0
	for i := range guesses[b[0]] {
		g := &guesses[b[0]][i]
		if g.at >= 0 && (g.at >= len(b) || b[g.at] != g.byte) {
			continue
		}
		if n := g.form.parse(b, &t); n > best && (n == len(b) || !isWordByte(b[n])) {
			best = n
		}
	}
	return best
}

func isWordByte(c byte) bool { return (c|0x20)-'a' < 26 || c-'0' < 10 || c >= 0x80 }

// parse gives the length of what the form takes from the front of b, or -1, and what it says.
func (f form) parse(b []byte, t *Time) int {
	*t = Time{}
	at := 0
	for i := range f {
		n := f[i].parse(b[at:], t)
		if n < 0 {
			return -1
		}
		at += n
	}
	if !t.valid() {
		return -1
	}
	return at
}

// parse gives the length of what one directive takes from the front of b, or -1.
func (o *op) parse(b []byte, t *Time) int {
	switch o.code {
	case opLiteral:
		if len(b) == 0 || b[0] != o.literal {
			return -1
		}
		return 1
	case opBlank:
		if n := token.SkipBlanks(b, 0); n > 0 {
			return n
		}
		return -1
	case opISO:
		if len(b) > 0 && (b[0]|0x20 == 't' || b[0] == '_') {
			return 1
		}
		if n := token.SkipBlanks(b, 0); n > 0 {
			return n
		}
		return -1
	case 'Y':
		t.hasYear = true
		return number(b, 4, &t.year)
	case 'y':
		n := number(b, 2, &t.year)
		if t.year += 1900; t.year < 1969 {
			t.year += 100
		}
		t.hasYear = true
		return n
	case 'm':
		return o.number(b, &t.month)
	case 'd':
		return o.number(b, &t.day)
	case 'H', 'I':
		n := o.number(b, &t.hour)
		if o.code == 'I' && (t.hour == 0 || t.hour > 12) {
			return -1
		}
		return n
	case 'M':
		return o.number(b, &t.min)
	case 'S':
		return o.number(b, &t.sec)
	case 'j':
		return number(b, 3, &t.yearDay)
	}
	return o.parseWord(b, t)
}

// parseWord is parse for what is no number of a fixed width.
func (o *op) parseWord(b []byte, t *Time) int {
	switch o.code {
	case 'b':
		return monthName(b, &t.month)
	case 'a':
		return dayName(b)
	case 'p':
		if len(b) < 2 || b[1]|0x20 != 'm' || b[0]|0x20 != 'a' && b[0]|0x20 != 'p' {
			return -1
		}
		t.noon = b[0] | 0x20
		return 2
	case 'f':
		return o.fraction(b, t)
	case 'z', 'Z':
		if o.optional {
			if n := zone(b[token.SkipBlanks(b, 0):], t); n > 0 {
				return token.SkipBlanks(b, 0) + n
			}
			return 0
		}
		if n := zone(b, t); n > 0 {
			return n
		}
		return -1
	case 's':
		n := digits(b)
		return t.count(b, n, n)
	case opMillis, opMicros, opNanos:
		n := digits(b)
		return t.count(b, n, n-int(o.code-'0'))
	case 'u':
		switch n := digits(b); n {
		case 10:
			if t.count(b, n, n) < 0 {
				return -1
			}
			return n + (&op{code: 'f', optional: true}).fraction(b[n:], t)
		case 13, 16, 19:
			return t.count(b, n, 10)
		}
		return -1
	case opTAI:
		return t.tai(b)
	}
	return -1
}

func digits(b []byte) int {
	n := 0
	for n < len(b) && b[n]-'0' < 10 {
		n++
	}
	return n
}

// number reads exactly that many digits.
func number(b []byte, width int, value *int) int {
	if len(b) < width {
		return -1
	}
	if width == 2 {
		tens, ones := b[0]-'0', b[1]-'0'
		if tens > 9 || ones > 9 {
			return -1
		}
		*value = int(tens)*10 + int(ones)
		return 2
	}
	n, ok := token.Digits(b[:width])
	if !ok {
		return -1
	}
	*value = n
	return width
}

// number reads two digits, or where the number may be padded one or two behind blanks.
func (o *op) number(b []byte, value *int) int {
	if !o.padded {
		return number(b, 2, value)
	}
	blanks := token.SkipBlanks(b, 0)
	width := min(digits(b[blanks:]), 2)
	if width == 0 {
		return -1
	}
	return blanks + number(b[blanks:], width, value)
}

// fraction reads digits, or with an optional one a point or comma and digits if there are any.
func (o *op) fraction(b []byte, t *Time) int {
	if !o.optional {
		n := digits(b)
		if n == 0 || n > maxFraction {
			return -1
		}
		t.fraction = b[:n]
		return n
	}
	if len(b) < 2 || b[0] != '.' && b[0] != ',' {
		return 0
	}
	n := digits(b[1:])
	if n == 0 || n > maxFraction {
		return 0
	}
	t.fraction = b[1 : 1+n]
	return 1 + n
}

// count takes n digits, of which the last are a fraction, as seconds since 1970.
func (t *Time) count(b []byte, n, whole int) int {
	if n == 0 || n > 21 || whole < 1 || whole > 11 {
		return -1
	}
	t.seconds = 0
	for _, c := range b[:whole] {
		t.seconds = t.seconds*10 + int64(c-'0')
	}
	t.fraction = b[whole:n]
	t.unix = true
	return n
}

// tai reads a label of TAI64N: @ and 24 hexadecimal digits, of which the last eight are nanoseconds. As all programs that write
// them do, it takes the difference between TAI and UTC for ten seconds.
func (t *Time) tai(b []byte) int {
	if len(b) < 25 || b[0] != '@' || !token.IsHex(b[1:25]) || b[2]|0x20 == 'x' {
		return -1
	}
	var sec, nano uint64
	for i, c := range b[1:25] {
		d := uint64(c - '0')
		if d > 9 {
			d = uint64(c|0x20-'a') + 10
		}
		if i < 16 {
			sec = sec<<4 | d
		} else {
			nano = nano<<4 | d
		}
	}
	const epoch = 1<<62 + 10
	if sec < epoch || sec-epoch > 99_999_999_999 || nano > 999_999_999 {
		return -1
	}
	t.seconds, t.unix = int64(sec-epoch), true
	t.nanos, t.hasNanos = uint32(nano), true
	return 25
}

var monthNames = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
	"november", "december"}

func monthName(b []byte, month *int) int {
	if len(b) < 3 {
		return -1
	}
	*month = token.Month(b[:3])
	if *month == 0 {
		return -1
	}
	name := monthNames[*month-1]
	if len(b) >= len(name) && bytes.EqualFold(b[:len(name)], []byte(name)) {
		return len(name)
	}
	return 3
}

func dayName(b []byte) int {
	if len(b) < 3 {
		return -1
	}
	const names = "montuewedthufrisatsun"
	for i := 0; i < len(names); i += 3 {
		if b[0]|0x20 == names[i] && b[1]|0x20 == names[i+1] && b[2]|0x20 == names[i+2] {
			n := 3
			for n < len(b) && n < len("wednesday") && (b[n]|0x20)-'a' < 26 {
				n++
			}
			return n
		}
	}
	return -1
}
