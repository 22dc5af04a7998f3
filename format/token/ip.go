package token

import "bytes"

// IsIP tells whether b is an IPv4 or IPv6 address in the text form of RFC 4291 (any case, any zero compression, IPv4 in
// the last 32 bits, a zone behind %), and nothing else. IPv4 is four decimal numbers without leading zeros.
func IsIP(b []byte) bool {
	if len(b) < 2 || len(b) > 100 {
		return false
	}
	for i := 0; i < len(b) && i < 5; i++ { // one of the two shows within the first group
		switch b[i] {
		case '.':
			return isIPv4(b)
		case ':':
			return isIPv6(b)
		}
	}
	return false
}

// IsHost tells whether b is an address or the name of a host with at least one point in it: letters, digits, - and _ between
// points, of which one may be last.
func IsHost(b []byte) bool {
	if IsIP(b) {
		return true
	}
	if len(b) < 3 || len(b) > 255 || b[0] == '.' {
		return false
	}
	point := false
	for i, c := range b {
		switch {
		case c == '.' && b[i-1] != '.':
			point = true
		case !IsAlnum(c) && c != '-' && c != '_' && c < 0x80:
			return false
		}
	}
	return point
}

// IsNetwork tells whether b is an address, a slash and a prefix length.
func IsNetwork(b []byte) bool {
	for i := len(b) - 1; i >= 0 && i >= len(b)-4; i-- {
		if b[i] != '/' {
			continue
		}
		addr, size := b[:i], b[i+1:]
		n, ok := smallNumber(size, 128)
		return ok && IsIP(addr) && (n <= 32 || !isIPv4(addr))
	}
	return false
}

// smallNumber reads one to three digits without leading zeros, up to limit.
func smallNumber(b []byte, limit int) (int, bool) {
	if len(b) == 0 || len(b) > 3 || len(b) > 1 && b[0] == '0' {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n <= limit
}

func isIPv4(b []byte) bool {
	n, digits, dots := 0, 0, 0
	for _, c := range b {
		switch {
		case c-'0' < 10:
			if digits > 0 && n == 0 {
				return false
			}
			n = n*10 + int(c-'0')
			digits++
			if n > 255 {
				return false
			}
		case c == '.' && digits > 0 && dots < 3:
			n, digits = 0, 0
			dots++
		default:
			return false
		}
	}
	return dots == 3 && digits > 0
}

func isIPv6(b []byte) bool {
	b, ok := cutZone(b)
	if !ok {
		return false
	}
	groups, compressed := 0, false
	i := 0
	if len(b) >= 2 && b[0] == ':' {
		if b[1] != ':' {
			return false
		}
		compressed, i = true, 2
	}
	for i < len(b) {
		start := i
		for i < len(b) && isHex(b[i]) {
			i++
		}
		if i < len(b) && b[i] == '.' {
			return isIPv4(b[start:]) && whole(groups+2, compressed)
		}
		if i == start || i-start > 4 {
			return false
		}
		groups++
		if i == len(b) {
			break
		}
		if b[i] != ':' {
			return false
		}
		i++
		if i == len(b) {
			return false // a single colon at the end
		}
		if b[i] == ':' {
			if compressed {
				return false
			}
			compressed = true
			i++
		}
	}
	return whole(groups, compressed)
}

// whole tells whether that many groups make an address: eight, or fewer where :: stands for at least one.
func whole(groups int, compressed bool) bool {
	if compressed {
		return groups < 8
	}
	return groups == 8
}

// cutZone takes a zone off an address.
func cutZone(b []byte) ([]byte, bool) {
	i := bytes.IndexByte(b, '%')
	if i < 0 {
		return b, true
	}
	for _, c := range b[i+1:] {
		if !IsAlnum(c) && c != '.' && c != '-' && c != '_' {
			return nil, false
		}
	}
	return b[:i], i+1 < len(b)
}

func isHex(c byte) bool { return c-'0' < 10 || (c|0x20)-'a' < 6 }

// IsAlnum tells whether c is a letter or a digit of ASCII.
func IsAlnum(c byte) bool { return c-'0' < 10 || (c|0x20)-'a' < 26 }
