package jstext

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// IsDecimal tells whether s is a number as JavaScript writes them, with an optional sign, that Go reads in the same way.
func IsDecimal(s string) bool {
	i, digits := 0, 0
	run := func() {
		for i < len(s) && IsDigit(s[i]) {
			i++
			digits++
		}
	}
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	run()
	if i < len(s) && s[i] == '.' {
		i++
		run()
	}
	if digits == 0 {
		return false
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		digits = 0
		if run(); digits == 0 {
			return false
		}
	}
	return i == len(s)
}

// IsASCII tells whether s has no other characters.
func IsASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// ToNumber is ToNumber of a string; ok is false for what the engine has to read: other scripts' white space, numbers to
// other bases.
func ToNumber(s string) (n float64, ok bool) {
	if len(s) > 0 && len(s) <= 15 { // the usual case: a few digits
		v := int64(0)
		for i := 0; ; i++ {
			if i == len(s) {
				return float64(v), true
			}
			if !IsDigit(s[i]) {
				break
			}
			v = v*10 + int64(s[i]-'0')
		}
	}
	if !IsASCII(s) {
		return 0, false
	}
	s = strings.Trim(s, " \t\n\r\v\f")
	switch {
	case s == "":
		return 0, true
	case IsDecimal(s):
		n, _ = strconv.ParseFloat(s, 64) // out of range: ±Inf, as in JavaScript
		return n, true
	case len(s) > 1 && s[0] == '0' && !IsDigit(s[1]), strings.Contains(s, "nfinity"):
		return 0, false
	}
	return math.NaN(), true
}

// AppendNumber writes a finite number as JavaScript does.
func AppendNumber(dst []byte, n float64) []byte {
	if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
		return strconv.AppendInt(dst, int64(n), 10)
	}
	if abs := math.Abs(n); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, n, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, n, 'e', -1, 64)
	if i := len(dst) - 2; dst[i] == '0' && (dst[i-1] == '-' || dst[i-1] == '+') { // e-07
		dst = append(dst[:i], dst[i+1])
	}
	return dst
}

// ArrayIndex is the number that s writes as JavaScript does, -1 if it is none.
func ArrayIndex(s string) int {
	if s == "" || len(s) > 10 || s[0] == '0' && len(s) > 1 {
		return -1
	}
	n := int64(0)
	for i := range len(s) {
		if !IsDigit(s[i]) {
			return -1
		}
		n = 10*n + int64(s[i]-'0')
	}
	if n >= 1<<32-1 {
		return -1
	}
	return int(n)
}

// OnPrototype tells whether objects have something of that name without it being their own.
func OnPrototype(name string) bool {
	switch name {
	case "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf",
		"__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__":
		return true
	}
	return false
}

// IsDigit tells whether c is a decimal digit.
func IsDigit(c byte) bool { return c >= '0' && c <= '9' }
