package jsdate

import (
	"math"
	"strings"
	"time"
)

// absent marks a part of a date that has not been read.
const absent = -1

// freeDate collects the parts of a date written by people.
type freeDate struct {
	year, month, day     int // day and month as met: see settle
	hour, minute, second int
	zone                 int // minutes east of UTC
	hasZone, signedZone  bool
	named                bool // the month was a word
}

// parseFreeDate reads numbers, words and signs in any order that makes sense; NaN if none does.
func parseFreeDate(s string) float64 {
	d := freeDate{year: absent, month: absent, day: absent, hour: absent, minute: absent, second: absent}
	var before byte // the sign or separator just before a number
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c <= ' ' || c == ',' || c == '-':
			if c == '-' && i+1 < len(s) && isDigit(s[i+1]) {
				before = c
			}
			i++
		case c == '(':
			i = skipComment(s, i)
		case isDigit(c):
			n := 0
			for ; i < len(s) && isDigit(s[i]); i++ {
				n = min(n*10+int(s[i]-'0'), 1<<30)
			}
			var after byte
			if i < len(s) {
				after = s[i]
			}
			if !d.number(n, before, after) {
				return math.NaN()
			}
			before = 0
		case c == '/' || c == ':' || c == '+':
			before = c
			i++
		default:
			start := i
			for i < len(s) && isLetter(s[i]) {
				i++
			}
			if i == start || !d.word(strings.ToLower(s[start:i])) {
				return math.NaN()
			}
			before = 0
		}
	}
	return d.settle()
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// skipComment is the offset behind the comment in parentheses, nested ones included, that begins at i.
func skipComment(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return i
}

// number takes a number by what stands around it.
func (d *freeDate) number(n int, before, after byte) bool {
	switch {
	case before == '+' || before == '-':
		return d.offset(n, before)
	case before == '/' && d.month != absent && d.day != absent && d.year == absent:
		d.year = n
		return after <= ' ' || after == ',' || after == '/'
	case after == ':' && d.signedZone:
		return true
	case after == ':':
		return take(n, &d.hour, &d.minute)
	case after == '/':
		return take(n, &d.month, &d.day)
	case after > ' ' && after != ',' && after != '-' && after != '(':
		return false
	case d.signedZone && n < 60 && before == ':':
		if d.zone < 0 {
			n = -n
		}
		d.zone += n
		return true
	case d.hour != absent && d.minute == absent:
		d.minute = n
		return true
	case before == ':' && d.minute != absent && d.second == absent:
		d.second = n
		return true
	}
	return take(n, &d.month, &d.day, &d.year)
}

// take puts n into the first part that is absent.
func take(n int, parts ...*int) bool {
	for _, p := range parts {
		if *p == absent {
			*p = n
			return true
		}
	}
	return false
}

// offset takes a zone as +hh or +hhmm.
func (d *freeDate) offset(n int, sign byte) bool {
	if d.hasZone && d.zone != 0 || d.signedZone {
		return false
	}
	if n < 24 {
		n *= 60
	} else {
		n = n/100*60 + n%100
	}
	if sign == '-' {
		n = -n
	}
	d.zone, d.hasZone, d.signedZone = n, true, true
	return true
}

// word takes the name of a month, day or zone, or AM and PM.
func (d *freeDate) word(w string) bool {
	if m := monthNamed(w); m > 0 {
		return d.namedMonth(m)
	}
	if z, ok := zones[w]; ok {
		d.zone, d.hasZone = z, true
		return true
	}
	switch w {
	case "am", "pm":
		if d.hour < 0 || d.hour > 12 {
			return false
		}
		d.hour %= 12
		if w == "pm" {
			d.hour += 12
		}
		return true
	case "t":
		return false
	}
	return len(w) >= 3 && strings.Contains("sunday monday tuesday wednesday thursday friday saturday", w)
}

// namedMonth takes a month by name: numbers met before it were the day and the year.
func (d *freeDate) namedMonth(m int) bool {
	switch {
	case d.named:
		return false
	case d.month == absent:
	case d.day == absent:
		d.day = d.month
	case d.year == absent:
		d.year, d.day = d.day, d.month
	default:
		return false
	}
	d.month, d.named = m, true
	return true
}

// settle finds out which number is what and gives the milliseconds, or NaN.
func (d *freeDate) settle() float64 {
	if d.year == absent || d.month == absent || d.day == absent {
		return math.NaN()
	}
	if !d.named && d.month > 70 && d.day >= 1 && d.day <= 12 && d.year >= 1 && d.year <= 31 {
		d.year, d.month, d.day = d.month, d.day, d.year // 2017/06/14
	}
	if d.named && d.day > 31 {
		d.year, d.day = d.day, d.year // 2017 Jun 14
	}
	if d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 {
		return math.NaN()
	}
	switch {
	case d.year < 50:
		d.year += 2000
	case d.year < 100:
		d.year += 1900
	}
	if d.year > 300_000 || max(d.hour, d.minute, d.second) > 1<<20 {
		return math.NaN()
	}
	t := time.Date(d.year, time.Month(d.month), d.day, max(d.hour, 0), max(d.minute, 0), max(d.second, 0), 0, time.UTC)
	return float64(t.Unix()-int64(d.zone)*60) * 1000
}
