// Package jsdate reads dates as CouchDB's JavaScript does.
package jsdate

import (
	"math"
	"strings"
	"time"
)

// maxMS is the last instant that a Date can hold, in milliseconds since 1970.
const maxMS = 8.64e15

// Clip is ECMAScript's TimeClip.
func Clip(ms float64) float64 {
	if math.IsNaN(ms) || math.Abs(ms) > maxMS {
		return math.NaN()
	}
	return math.Trunc(ms)
}

// Parse reads a date as SpiderMonkey 78 does: ISO 8601 with T or a blank, else the forms of RFC 2822 and of people
// ("14 Jun 2017", "Jun 14, 2017 17:16:12", "2017/06/14", "6/14/2017 5:16 PM"). Texts without a zone are UTC. The result is
// in milliseconds since 1970, NaN for what is no date.
func Parse(s string) float64 {
	if ms, ok := parseISODate(s); ok {
		return Clip(ms)
	}
	return Clip(parseFreeDate(s))
}

// isoScanner reads fixed runs of digits.
type isoScanner struct {
	s string
}

func (p *isoScanner) digits(n int) (int, bool) {
	if len(p.s) < n {
		return 0, false
	}
	v := 0
	for i := range n {
		c := p.s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	p.s = p.s[n:]
	return v, true
}

func (p *isoScanner) skip(c byte) bool {
	if p.s == "" || p.s[0] != c {
		return false
	}
	p.s = p.s[1:]
	return true
}

// parseISODate reads YYYY[-MM[-DD]][(T| )HH:mm[:ss[.s…]][Z|±HH[:]mm]], the year also as ±YYYYYY.
func parseISODate(s string) (float64, bool) {
	p := isoScanner{s: s}
	sign, digits := 1, 4
	if p.skip('-') {
		sign, digits = -1, 6
	} else if p.skip('+') {
		digits = 6
	}
	year, ok := p.digits(digits)
	if !ok {
		return 0, false
	}
	month, day := 1, 1
	if p.skip('-') {
		if month, ok = p.digits(2); !ok {
			return 0, false
		}
		if p.skip('-') {
			if day, ok = p.digits(2); !ok {
				return 0, false
			}
		}
	}
	year *= sign
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	ms := float64(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix()) * 1000
	if p.skip('T') || p.skip(' ') {
		clock, ok := p.clock()
		if !ok {
			return 0, false
		}
		ms += clock
	}
	return ms, p.s == ""
}

// clock reads the time of day and the zone, in milliseconds.
func (p *isoScanner) clock() (float64, bool) {
	hour, ok := p.digits(2)
	if !ok || !p.skip(':') {
		return 0, false
	}
	minute, ok := p.digits(2)
	if !ok {
		return 0, false
	}
	second, fraction := 0, 0.0
	if p.skip(':') {
		if second, ok = p.digits(2); !ok {
			return 0, false
		}
		if p.skip('.') {
			n := 0
			for scale := 0.1; n < len(p.s) && p.s[n] >= '0' && p.s[n] <= '9'; n++ {
				fraction += scale * float64(p.s[n]-'0')
				scale /= 10
			}
			if n == 0 {
				return 0, false
			}
			p.s = p.s[n:]
		}
	}
	if hour > 24 || minute > 59 || second > 59 || hour == 24 && (minute > 0 || second > 0 || fraction > 0) {
		return 0, false
	}
	zone, ok := p.zone()
	return float64((hour*60+minute-zone)*60+second)*1000 + math.Floor(fraction*1000+1e-6), ok
}

// zone reads an optional zone, in minutes east of UTC.
func (p *isoScanner) zone() (int, bool) {
	sign := 1
	switch {
	case p.s == "" || p.skip('Z'):
		return 0, true
	case p.skip('-'):
		sign = -1
	case !p.skip('+'):
		return 0, false
	}
	hours, ok := p.digits(2)
	if !ok {
		return 0, false
	}
	p.skip(':')
	minutes, ok := p.digits(2)
	return sign * (hours*60 + minutes), ok && hours < 24 && minutes < 60
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// zones are the names of zones that dates of mail bear, in minutes east of UTC.
var zones = map[string]int{
	"z": 0, "ut": 0, "utc": 0, "gmt": 0,
	"est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

// monthNamed is the month, from 1, whose name begins with the word's first three letters.
func monthNamed(word string) int {
	if len(word) < 3 {
		return 0
	}
	if i := strings.Index(monthNames, word[:3]); i >= 0 && i%3 == 0 {
		return i/3 + 1
	}
	return 0
}
