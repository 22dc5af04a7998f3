package token

// Bool is the value of true, yes and on, and of false, no and off, in any case.
func Bool(b []byte) (value, ok bool) {
	switch {
	case foldEqual(b, "true"), foldEqual(b, "yes"), foldEqual(b, "on"):
		return true, true
	case foldEqual(b, "false"), foldEqual(b, "no"), foldEqual(b, "off"):
		return false, true
	}
	return false, false
}

// IsBool tells whether b is a word for true or false; see Bool.
func IsBool(b []byte) bool {
	_, ok := Bool(b)
	return ok
}

// foldEqual tells whether b is word, which is in lower case letters, in any case.
func foldEqual(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if c|0x20 != word[i] {
			return false
		}
	}
	return true
}

// IsHex tells whether b is hexadecimal digits, 0x in front allowed.
func IsHex(b []byte) bool {
	if len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' {
		b = b[2:]
	}
	for _, c := range b {
		if !isHex(c) {
			return false
		}
	}
	return len(b) > 0
}

// IsUUID tells whether b is a UUID in the text form of RFC 9562: 8, 4, 4, 4 and 12 hexadecimal digits with hyphens between.
func IsUUID(b []byte) bool {
	if len(b) != 36 {
		return false
	}
	for i, c := range b {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !isHex(c) {
			return false
		}
	}
	return true
}

// IsTime tells whether b is a time of day, 17:16:12, with a fraction and a zone or without.
func IsTime(b []byte) bool {
	n := TimePrefix(b)
	return n > 0 && IsZone(b[n:])
}
