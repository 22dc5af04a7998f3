package learn

import (
	"bytes"

	"logctl/format/token"
)

// stampPrefix is the length of the point in time that b begins with, or 0. It knows many more forms than a schema's
// type ts, since it only has to tell where a column of times is: dates in any order of their numbers, with or without a
// year, a month's name, or digits only; a time behind a blank, T, a dash, a colon or a comma; seconds since 1970.
func stampPrefix(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	if n := namedDay(b); n > 0 { // Sun Dec 04 04:47:44 2005
		if m := stampPrefix(b[n:]); m > 0 && token.Month(b[n:min(n+3, len(b))]) > 0 {
			return n + m
		}
		if m := stampPrefix(b[n:]); m > 0 && isDigit(b[n]) {
			return n + m
		}
		return 0
	}
	if n := monthDay(b); n > 0 {
		return withYear(b, withClock(b, n))
	}
	if !isDigit(b[0]) {
		return 0
	}
	if n := clock(b); n > 0 {
		return n
	}
	if n := numericDate(b); n > 0 {
		return withZone(b, withClock(b, n))
	}
	return digitStamp(b)
}

// namedStamp is stampPrefix of what begins with the name of a day or a month.
func namedStamp(b []byte) int {
	if len(b) < 5 || b[1]|0x20 < 'a' || token.Month(b[:3]) == 0 && namedDay(b) == 0 {
		return 0
	}
	return stampPrefix(b)
}

// namedDay is the length of a weekday's name with what parts it from a date.
func namedDay(b []byte) int {
	const names = "montuewedthufrisatsun"
	if len(b) < 5 {
		return 0
	}
	for i := 0; i < len(names); i += 3 {
		if b[0]|0x20 == names[i] && b[1]|0x20 == names[i+1] && b[2]|0x20 == names[i+2] {
			n := 3
			if b[n] == ',' {
				n++
			}
			if b[n] == ' ' {
				return n + 1
			}
			return 0
		}
	}
	return 0
}

// monthDay is the length of Jun 14, Jun  4 or Jun-14.
func monthDay(b []byte) int {
	if len(b) < 5 || token.Month(b[:3]) == 0 {
		return 0
	}
	i := 3
	for i < len(b) && i < 5 && (b[i] == ' ' || b[i] == '-') {
		i++
	}
	n := digitsAt(b, i)
	if i == 3 || n < 1 || n > 2 {
		return 0
	}
	return i + n
}

// numericDate is the length of a date of digits and - / . or a month's name between them.
func numericDate(b []byte) int {
	first := digitsAt(b, 0)
	if first != 4 && first != 2 && first != 1 || first >= len(b) {
		return 0
	}
	sep := b[first]
	if sep != '-' && sep != '/' && sep != '.' {
		return 0
	}
	i := first + 1
	if i+3 < len(b) && token.Month(b[i:i+3]) > 0 { // 14/Jun/2017
		i += 3
	} else {
		n := digitsAt(b, i)
		if n != 2 && n != 1 {
			return 0
		}
		i += n
	}
	if i < len(b) && b[i] == sep {
		if n := digitsAt(b, i+1); n == 1 || n == 2 || n == 4 {
			return i + 1 + n
		}
		return 0
	}
	if first == 2 && i == 5 && withClock(b, i) > i { // 10.30 16:49:06 has no year
		return i
	}
	return 0
}

// digitStamp is the length of a date and a time, or seconds since 1970, that are nothing but digits.
func digitStamp(b []byte) int {
	switch n := digitsAt(b, 0); {
	case n == 8 && isYear(b):
		if m := withClock(b, n); m > n {
			return m
		}
	case n == 6 && len(b) > 13 && b[6] == ' ' && digitsAt(b, 7) == 6: // 081109 203615
		if isTimeDigits(b[7:13]) && !(b[0] > '3' && b[2] > '1') {
			return 13
		}
	case n == 10 && b[0] == '1', n == 13 && b[0] == '1':
		if n < len(b) && b[n] == '.' && digitsAt(b, n+1) > 0 {
			return n + 1 + digitsAt(b, n+1)
		}
		return n
	case n == 14 && isYear(b) && isTimeDigits(b[8:14]):
		return n
	}
	return 0
}

func isYear(b []byte) bool { return b[0] == '1' && b[1] == '9' || b[0] == '2' && b[1] == '0' }

func isTimeDigits(b []byte) bool {
	return b[0] <= '2' && b[2] <= '5' && b[4] <= '6'
}

// withClock lengthens a date of n bytes by the time behind it, if there is one.
func withClock(b []byte, n int) int {
	if n >= len(b) {
		return n
	}
	i := n
	if b[i] == ' ' && i+5 < len(b) && isYear(b[i+1:]) && digitsAt(b, i+1) == 4 && b[i+5] == ' ' { // Jun 14 2017 17:16:12
		i += 5
	}
	switch b[i] {
	case 'T', ':', '-', '_', ',', ' ':
		if b[i] == ',' && i+1 < len(b) && b[i+1] == ' ' {
			i++
		}
		if c := clock(b[i+1:]); c > 0 {
			return withZone(b, i+1+c)
		}
	}
	return n
}

// clock is the length of a time of day: 17:16:12 and what is finer than a second, or 17.16.12.
func clock(b []byte) int {
	n := digitsAt(b, 0)
	if n != 1 && n != 2 || n >= len(b) {
		return 0
	}
	sep := b[n]
	if sep != ':' && sep != '.' {
		return 0
	}
	i := n
	for range 2 {
		if i >= len(b) || b[i] != sep {
			return 0
		}
		d := digitsAt(b, i+1)
		if d != 2 && (d != 1 || sep == '.') || d == 2 && b[i+1] > '6' {
			return 0
		}
		i += 1 + d
	}
	if sep == ':' && i < len(b) && b[i] == ':' && digitsAt(b, i+1) < 1 { // 0:0:0:: is an address
		return 0
	}
	if i+1 < len(b) && (b[i] == '.' || b[i] == ',' || b[i] == ':') {
		if f := digitsAt(b, i+1); f > 0 {
			i += 1 + f
		}
	}
	if sep == '.' && i < 10 { // 1.23.45 alone is more likely a version
		return 0
	}
	return i
}

// withZone lengthens a time that ends at n by its zone.
func withZone(b []byte, n int) int {
	i := n
	if i < len(b) && b[i] == 'Z' && (i+1 == len(b) || !isWordByte(b[i+1])) {
		return i + 1
	}
	if i < len(b) && b[i] == ' ' {
		i++
	}
	if i+1 < len(b) && (b[i] == '+' || b[i] == '-') {
		d := digitsAt(b, i+1)
		if d == 4 {
			return i + 5
		}
		if d == 2 && i+3 < len(b) && b[i+3] == ':' && digitsAt(b, i+4) == 2 {
			return i + 6
		}
	}
	for _, name := range [...]string{" UTC", " GMT", " CET", " CEST", " EST", " EDT", " PST", " PDT"} {
		if bytes.HasPrefix(b[n:], []byte(name)) && (n+len(name) == len(b) || !isWordByte(b[n+len(name)])) {
			return n + len(name)
		}
	}
	return n
}

// withYear lengthens Dec 04 04:47:44 by a year behind it.
func withYear(b []byte, n int) int {
	n = withZone(b, n)
	if n+5 <= len(b) && b[n] == ' ' && digitsAt(b, n+1) == 4 && isYear(b[n+1:]) {
		return n + 5
	}
	return n
}

// digitsAt is the number of digits from a place on.
func digitsAt(b []byte, i int) int {
	n := 0
	for i+n < len(b) && isDigit(b[i+n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return c-'0' < 10 }

func isLetter(c byte) bool { return (c|0x20)-'a' < 26 }

func isWordByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' || c >= 0x80 }
