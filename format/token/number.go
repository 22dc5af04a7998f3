package token

import (
	"math"
	"strconv"
)

// maxInt is how many bytes an integer may have; the stores take no more digits.
const maxInt = 10_000

// IsInt tells whether b is a decimal integer of (nearly) any length, a sign allowed.
func IsInt(b []byte) bool {
	if len(b) > maxInt {
		return false
	}
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	for _, c := range b {
		if c-'0' > 9 {
			return false
		}
	}
	return len(b) > 0
}

// AppendInt appends an integer (see IsInt) as a JSON number: its digits as written, without a plus sign and leading zeros,
// which JSON does not have.
func AppendInt(dst, b []byte) []byte {
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	for len(b) > 1 && b[0] == '0' {
		b = b[1:]
	}
	if negative && b[0] != '0' {
		dst = append(dst, '-')
	}
	return append(dst, b...)
}

// maxFloat is the longest text that is taken for a float.
const maxFloat = 400

// IsFloat tells whether b is a decimal number, with or without sign, fraction and exponent, that a double can hold.
func IsFloat(b []byte) bool {
	_, ok := parseFloat(b)
	return ok
}

// AppendFloat appends a float (see IsFloat) as a JSON number: an integer as AppendInt does, anything else as the shortest
// text for the same double, in the form in which CouchDB gives it back (1.50 is 1.5, 1e2 is 100.0).
func AppendFloat(dst, b []byte) []byte {
	if IsInt(b) {
		return AppendInt(dst, b)
	}
	f, ok := parseFloat(b)
	if !ok {
		return append(dst, "null"...)
	}
	if a := math.Abs(f); a == 0 || a >= 1e-6 && a < 1e21 {
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
		for _, c := range dst[start:] {
			if c == '.' {
				return dst
			}
		}
		return append(dst, ".0"...)
	}
	return appendExponent(dst, f)
}

// appendExponent appends f as 1e+21 or 1.5e-7: without a leading zero in the exponent.
func appendExponent(dst []byte, f float64) []byte {
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-2] == '0' && dst[n-3]-'0' > 9 { // Go writes at least two digits
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

func parseFloat(b []byte) (float64, bool) {
	if !isFloatText(b) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}

// isFloatText tells whether b is [+-] digits [. digits] [e [+-] digits], with a digit before or after the point.
func isFloatText(b []byte) bool {
	if len(b) > maxFloat {
		return false
	}
	i := 0
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		i++
	}
	start := i
	i = digitsEnd(b, i)
	digits := i - start
	if i < len(b) && b[i] == '.' {
		start = i + 1
		i = digitsEnd(b, start)
		digits += i - start
	}
	if digits == 0 {
		return false
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start = i
		i = digitsEnd(b, i)
		if i == start {
			return false
		}
	}
	return i == len(b)
}

func digitsEnd(b []byte, i int) int {
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return i
}
