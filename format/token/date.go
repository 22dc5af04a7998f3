package token

import "time"

// DatePrefix is the length of the traditional syslog date that b begins with, "Nov 21" or "Nov  1", or 0. It is the
// one date that has a blank in it.
func DatePrefix(b []byte) int {
	if len(b) < 5 || Month(b[:3]) == 0 || b[3] != ' ' {
		return 0
	}
	start := 4
	if b[4] == ' ' {
		start = 5
	}
	end := RunEnd(b, start)
	if end-start > 2 || end-start == 2 && start == 5 {
		return 0
	}
	day, ok := Digits(b[start:end])
	if !ok || day < 1 || day > DaysIn(2000, Month(b[:3])) {
		return 0
	}
	return end
}

// IsDate tells whether b is a date of the calendar, written 2017-06-14, 2017/06/14, 14/Jun/2017 or 14-Jun-2017, alone or
// followed by a time of day: T (or : after a month's name) and 17:16:12, a fraction, a zone (Z, +02:00, +0200).
func IsDate(b []byte) bool {
	n := isoDate(b)
	separator := byte('T')
	if n == 0 {
		n = namedDate(b)
		separator = ':'
	}
	if n == 0 || n == len(b) {
		return n > 0
	}
	if b[n]&^0x20 != separator && b[n] != separator {
		return false
	}
	rest := b[n+1:]
	t := TimePrefix(rest)
	return t > 0 && IsZone(rest[t:])
}

// IsISODate tells whether the ten bytes of b are a date of the calendar, year-month-day.
func IsISODate(b []byte) bool { return len(b) == 10 && b[4] == '-' && isoDate(b) == 10 }

func isoDate(b []byte) int {
	if len(b) < 10 || b[4] != b[7] || b[4] != '-' && b[4] != '/' {
		return 0
	}
	year, ok1 := Digits(b[:4])
	month, ok2 := Digits(b[5:7])
	day, ok3 := Digits(b[8:10])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || day < 1 || day > 28 && day > DaysIn(year, month) {
		return 0
	}
	return 10
}

func namedDate(b []byte) int {
	if len(b) < 11 || b[2] != b[6] || b[2] != '/' && b[2] != '-' {
		return 0
	}
	day, ok1 := Digits(b[:2])
	year, ok2 := Digits(b[7:11])
	month := Month(b[3:6])
	if !ok1 || !ok2 || month == 0 || day < 1 || day > DaysIn(year, month) {
		return 0
	}
	return 11
}

// TimePrefix is the length of the time of day that b begins with, or 0: 17:16:12 and, behind a point or a comma, digits.
func TimePrefix(b []byte) int {
	if len(b) < 8 || b[2] != ':' || b[5] != ':' {
		return 0
	}
	hour, ok1 := Digits(b[:2])
	minute, ok2 := Digits(b[3:5])
	second, ok3 := Digits(b[6:8])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 60 {
		return 0
	}
	if len(b) < 10 || b[8] != ',' && b[8] != '.' {
		return 8
	}
	i := 9
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	if i == 9 {
		return 8
	}
	return i
}

// IsZone tells whether b is nothing or a zone's offset: Z, +02:00, +0200.
func IsZone(b []byte) bool {
	switch {
	case len(b) == 0:
		return true
	case len(b) == 1:
		return b[0] == 'Z' || b[0] == 'z'
	case b[0] != '+' && b[0] != '-':
		return false
	case len(b) == 6 && b[3] == ':':
		return isZoneDigits(b[1:3], b[4:])
	case len(b) == 5:
		return isZoneDigits(b[1:3], b[3:])
	}
	return false
}

func isZoneDigits(hour, minute []byte) bool {
	h, ok1 := Digits(hour)
	m, ok2 := Digits(minute)
	return ok1 && ok2 && h < 24 && m < 60
}

// Digits is the number that b, all digits, at most nine, says.
func Digits(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0 && len(b) <= 9
}

// Month is the number of the month with that English three-letter name ("Nov", in any case), or 0.
func Month(b []byte) int {
	if len(b) != 3 {
		return 0
	}
	switch string([]byte{b[0] | 0x20, b[1] | 0x20, b[2] | 0x20}) {
	case "jan":
		return 1
	case "feb":
		return 2
	case "mar":
		return 3
	case "apr":
		return 4
	case "may":
		return 5
	case "jun":
		return 6
	case "jul":
		return 7
	case "aug":
		return 8
	case "sep":
		return 9
	case "oct":
		return 10
	case "nov":
		return 11
	case "dec":
		return 12
	}
	return 0
}

// DaysIn is the number of days of a month (1 to 12) of a year.
func DaysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// LatestYear is the latest year in which the month has that day and the date is at most a day after the reference.
func LatestYear(month, day int, reference time.Time) int {
	limit := reference.AddDate(0, 0, 1)
	year := limit.Year()
	if m := int(limit.Month()); month > m || month == m && day > limit.Day() {
		year--
	}
	for range 8 { // leap years are at most eight years apart
		if day <= DaysIn(year, month) {
			break
		}
		year--
	}
	return year
}
