package timefmt

import "logctl/format/token"

// usual is Prefix for the forms that most logs have, a shorter way to the same: 2017-06-14T17:16:12, with a blank or slashes, too,
// and 14/Jun/2017:17:16:12, each with a fraction and a zone or without. It is 0 for all others, and where it is not certain.
func usual(b []byte) int {
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
	clock := b[at:]
	n := token.TimePrefix(clock)
	if n == 0 || n > 8+1+maxFraction {
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
