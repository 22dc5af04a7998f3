package timefmt

import (
	"strconv"
	"time"

	"logctl/format/token"
)

// valid completes what follows from what is said, and tells whether there is such a time.
func (t *Time) valid() bool {
	if t.unix {
		return true
	}
	switch {
	case t.noon == 'p' && t.hour < 12:
		t.hour += 12
	case t.noon == 'a' && t.hour == 12:
		t.hour = 0
	}
	if t.yearDay > 0 && t.hasYear {
		d := time.Date(t.year, 1, t.yearDay, 0, 0, 0, 0, time.UTC)
		if d.Year() != t.year {
			return false
		}
		t.month, t.day = int(d.Month()), d.Day()
	}
	year := t.year
	if !t.hasYear {
		year = 2000 // a leap year
	}
	return t.month >= 1 && t.month <= 12 && t.day >= 1 && t.day <= token.DaysIn(year, t.month) &&
		t.hour < 24 && t.min < 60 && t.sec <= 60
}

// Of is the time of a date, a time of day as in a line (17:16:12,329) and a zone as in a line, which may be missing. It tells false
// if there is no such time.
func Of(year, month, day int, clock, offset []byte) (Time, bool) {
	t := Time{year: year, month: month, day: day, hasYear: true}
	n := token.TimePrefix(clock)
	if n == 0 || n < len(clock) {
		return t, false
	}
	t.hour, _ = token.Digits(clock[:2])
	t.min, _ = token.Digits(clock[3:5])
	t.sec, _ = token.Digits(clock[6:8])
	if n > 9 {
		t.fraction = clock[9:]
	}
	if len(offset) > 0 && zone(offset, &t) < len(offset) {
		return t, false
	}
	return t, len(t.fraction) <= maxFraction && t.valid()
}

// AppendRFC3339 appends the time: 2017-06-14T17:16:12.329+02:00. Without a year it is the latest year that puts the date at
// most a day after the reference; without a zone it is the wall clock of the given one, which unix times are shown in, too.
func (t *Time) AppendRFC3339(dst []byte, zone *time.Location, reference time.Time) []byte {
	if t.unix {
		return t.appendUnix(dst, zone)
	}
	year := t.year
	if !t.hasYear {
		year = token.LatestYear(t.month, t.day, reference)
	}
	offset := t.offset
	if !t.hasOffset {
		_, offset = time.Date(year, time.Month(t.month), t.day, t.hour, t.min, t.sec, 0, zone).Zone()
	}
	dst = appendClock(dst, year, t.month, t.day, t.hour, t.min, t.sec)
	return appendOffset(t.appendFraction(dst), offset)
}

func (t *Time) appendUnix(dst []byte, zone *time.Location) []byte {
	u := time.Unix(t.seconds, 0).In(zone)
	_, offset := u.Zone()
	year, month, day := u.Date()
	hour, minute, sec := u.Clock()
	dst = appendClock(dst, year, int(month), day, hour, minute, sec)
	return appendOffset(t.appendFraction(dst), offset)
}

// appendFraction appends a point and the digits that the text has.
func (t *Time) appendFraction(dst []byte) []byte {
	if t.hasNanos {
		dst = append(dst, '.')
		start := len(dst)
		dst = strconv.AppendUint(dst, uint64(t.nanos)+1_000_000_000, 10)
		return append(dst[:start], dst[start+1:]...)
	}
	if len(t.fraction) == 0 {
		return dst
	}
	return append(append(dst, '.'), t.fraction...)
}

func appendClock(dst []byte, year, month, day, hour, minute, sec int) []byte {
	dst = append(dst, byte('0'+year/1000%10), byte('0'+year/100%10))
	dst = append(appendTwo(dst, year%100), '-')
	dst = append(appendTwo(dst, month), '-')
	dst = append(appendTwo(dst, day), 'T')
	dst = append(appendTwo(dst, hour), ':')
	dst = append(appendTwo(dst, minute), ':')
	return appendTwo(dst, sec)
}

func appendTwo(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// appendOffset appends Z or +02:00; seconds, which zones had long ago, are left out.
func appendOffset(dst []byte, offset int) []byte {
	if offset == 0 {
		return append(dst, 'Z')
	}
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	dst = appendTwo(append(dst, sign), offset/3600)
	return appendTwo(append(dst, ':'), offset/60%60)
}
