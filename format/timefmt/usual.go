package timefmt

import "logctl/format/token"

// usual is Prefix for the forms that most logs have, a shorter way to the same: 2017-06-14T17:16:12, with a blank or slashes, too,
// and 14/Jun/2017:17:16:12, each with a fraction and a zone or without, and syslog's Jun 14 17:16:12. It is 0 for all others, and
// where it is not certain.
func usual(b []byte) int {
	if len(b) < len("Jun 14 17:16:12") {
		return 0
	}
	if b[0] > '9' {
		return syslog(b)
	}
	if len(b) < len("2017-06-14T17:16:12") {
		return 0
	}
	at := 0
	switch {
	case b[4] == '-' || b[4] == '/':
		if !token.IsISODate(b[:10]) && (b[4] != '/' || b[7] != '/' || !token.IsDate(b[:10])) {
			return 0
		}
		if at = 11; b[10]|0x20 != 't' && b[10] != '_' && b[10] != ' ' {
			return 0
		}
	case b[2] == '/' && b[6] == '/' && b[11] == ':':
		if !token.IsDate(b[:11]) {
			return 0
		}
		at = 12
	default:
		return 0
	}
	n := usualClock(b[at:])
	if n == 0 {
		return 0
	}
	at += n
	var t Time
	blanks := token.SkipBlanks(b[at:], 0)
	if size := zone(b[at+blanks:], &t); size > 0 {
		at += blanks + size
	}
	if at < len(b) && isWordByte(b[at]) {
		return 0
	}
	return at
}

// syslog is usual for Jun 14 17:16:12 and Jun  4 17:16:12, with a fraction or without. A year may follow,
// which another form takes.
func syslog(b []byte) int {
	month := token.Month(b[:3])
	if month == 0 || b[3] != ' ' || b[6] != ' ' {
		return 0
	}
	tens := int(b[4] - '0')
	if b[4] == ' ' {
		tens = 0
	}
	ones := b[5] - '0'
	if day := 10*tens + int(ones); tens > 3 || ones > 9 || day == 0 || day > token.DaysIn(2000, month) {
		return 0
	}
	n := usualClock(b[7:])
	if n == 0 {
		return 0
	}
	at := 7 + n
	if at < len(b) && isWordByte(b[at]) || digits(b[token.SkipBlanks(b, at):]) >= 4 {
		return 0
	}
	return at
}

// usualClock is the length of 17:16:12 with a fraction or without, or 0.
func usualClock(b []byte) int {
	n := token.TimePrefix(b)
	if n > 8+1+maxFraction {
		return 0
	}
	return n
}
