package syslog

import (
	"bytes"
	"strconv"
	"time"

	"logctl/format/token"
)

// cutTime takes a time in any of the forms off a line; what follows still has its blanks.
func (h *Header) cutTime(b []byte, reference time.Time) (rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, false
	}
	if n := h.count(b); n > 0 {
		return b[n:], true
	}
	bracket := b[0] == '['
	if bracket || b[0] == '*' || b[0] == '.' { // Cisco marks a clock that is not set
		b = b[1:]
	}
	if n := weekdayLen(b); n > 0 {
		b = trimBlanks(b[n:])
	}
	if n := token.DatePrefix(b); n > 0 {
		rest, ok = h.cutTraditional(b, n, reference)
	} else {
		rest, ok = h.cutISO(b, reference)
	}
	if bracket && ok {
		return bytes.CutPrefix(rest, []byte("]"))
	}
	return rest, ok
}

// weekdayLen is the length of the "Mon" or "Mon," that b begins with and that a blank follows, or 0.
func weekdayLen(b []byte) int {
	if len(b) < 5 {
		return 0
	}
	switch string(b[:3]) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		if b[3] == ' ' {
			return 3
		}
		if b[3] == ',' && b[4] == ' ' {
			return 4
		}
	}
	return 0
}

// cutISO takes "2026-11-21T01:42:45.9+00:00", the same with a blank for the T, or seconds since 1970 with a fraction off
// the front.
func (h *Header) cutISO(b []byte, reference time.Time) ([]byte, bool) {
	if len(b) < 19 || !token.IsISODate(b[:10]) || b[10]|0x20 != 't' && b[10] != ' ' {
		return nil, false
	}
	n := token.TimePrefix(b[11:])
	if n == 0 {
		return nil, false
	}
	h.Time = b[11 : 11+n]
	h.Year, _ = token.Digits(b[:4])
	h.Month, _ = token.Digits(b[5:7])
	h.Day, _ = token.Digits(b[8:10])
	h.iso, h.weak = true, b[10] == ' '
	return h.cutZone(b[11+n:])
}

// cutZone takes a zone off what follows a time of day: an offset directly behind it, or the name of one behind a blank.
func (h *Header) cutZone(b []byte) ([]byte, bool) {
	end := token.RunEnd(b, 0)
	switch {
	case end == 0:
		if word, _ := cutRun(trimBlanks(b)); IsZoneName(bytes.TrimSuffix(word, []byte(":"))) {
			h.Zone = bytes.TrimSuffix(word, []byte(":"))
			return b[token.SkipBlanks(b, 0)+len(h.Zone):], true
		}
		return b, true
	case b[0] == ':' || b[0] == ']':
		return b, true
	}
	if colon := b[end-1] == ':' || b[end-1] == ']'; colon {
		end--
	}
	if !token.IsZone(b[:end]) {
		return nil, false
	}
	h.Zone = b[:end]
	return b[end:], true
}

// cutTraditional reads "Nov 21 01:42:45", where a year may stand before or behind the time.
func (h *Header) cutTraditional(b []byte, dateLen int, reference time.Time) ([]byte, bool) {
	month := token.Month(b[:3])
	day, _ := token.Digits(b[token.SkipBlanks(b, 4):dateLen])
	b = trimBlanks(b[dateLen:])
	year, b := cutYear(b)
	n := token.TimePrefix(b)
	if n == 0 {
		return nil, false
	}
	h.Time = b[:n]
	rest, ok := h.cutZone(b[n:])
	if !ok {
		return nil, false
	}
	if year == 0 {
		if y, behind := cutYear(trimBlanks(rest)); y > 0 {
			year, rest = y, behind
		}
	}
	if year == 0 {
		year = token.LatestYear(month, day, reference)
	}
	h.Year, h.Month, h.Day = year, month, day
	return rest, day <= token.DaysIn(year, month)
}

// cutYear takes a year, from 1970 to 2199, and the blanks behind it off the front.
func cutYear(b []byte) (year int, rest []byte) {
	if len(b) < 6 || b[4] != ' ' && string(b[4:6]) != ": " {
		return 0, b
	}
	year, ok := token.Digits(b[:4])
	if !ok || year < 1970 || year > 2199 {
		return 0, b
	}
	return year, trimBlanks(b[4:])
}

// IsZoneName tells whether b is one of the names of zones that logs use.
func IsZoneName(b []byte) bool {
	switch string(b) {
	case "UTC", "GMT", "Z", "WET", "WEST", "BST", "CET", "CEST", "EET", "EEST", "MSK", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST",
		"PDT", "JST", "IST", "AEST", "AEDT":
		return true
	}
	return false
}

// count reads a time that is a count: TAI64N's label, as multilog writes it, or seconds since 1970 with a fraction. It gives its
// length, or 0.
func (h *Header) count(b []byte) int {
	end := token.RunEnd(b, 0)
	point := digitsEnd(b)
	switch {
	case end == 25 && b[0] == '@':
		sec, err1 := strconv.ParseUint(string(b[1:17]), 16, 64)
		nano, err2 := strconv.ParseUint(string(b[17:25]), 16, 32)
		const epoch = 1<<62 + 10 // all programs that write them take TAI to be ten seconds ahead of UTC
		if err1 != nil || err2 != nil || sec < epoch || sec-epoch > 99_999_999_999 || nano > 999_999_999 {
			return 0
		}
		h.Instant = time.Unix(int64(sec-epoch), int64(nano))
		return end
	case point == 10 && end > 11 && end < 21 && b[point] == '.':
		sec, _ := strconv.ParseInt(string(b[:point]), 10, 64)
		nano, err := strconv.ParseInt((string(b[point+1:end]) + "000000000")[:9], 10, 64)
		if err != nil || nano < 0 {
			return 0
		}
		h.Instant = time.Unix(sec, nano)
		h.iso, h.weak = true, true
		return end
	}
	return 0
}
