package ejson

import (
	"math"
	"strconv"
)

// maxIntDigits bounds integers. CouchDB has no round limit; without one, reading the digits of a doc-sized integer for
// its revision hash would take time quadratic in them.
const maxIntDigits = 10000

// number reads the number at pos. Integers stay as they are, but for -0; other numbers are written as CouchDB prints
// them.
func (p *parser) number() error {
	n, ok := scanNumber(p.src[p.pos:])
	if !ok {
		return invalid(p.pos, "bad number")
	}
	text := p.src[p.pos : p.pos+n.end]
	switch {
	case n.isInt && n.digits > maxIntDigits:
		return invalid(p.pos, "integer too long")
	case n.isInt && string(text) != "-0", !n.isInt && n.plain(text):
		p.pos += n.end
		return nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return invalid(p.pos, "number too large")
	}
	p.flush()
	p.pos += n.end
	p.run = p.pos
	switch {
	case p.quiet:
	case n.isInt:
		p.dst = append(p.dst, '0')
	default:
		p.dst = appendFloat(p.dst, f)
	}
	return nil
}

// scanned is what scanNumber has seen.
type scanned struct {
	end    int // behind the number
	digits int // before the exponent
	point  int // where the point is, 0 if there is none
	isInt  bool
	hasExp bool
}

// scanNumber reads the JSON number that s begins with.
func scanNumber(s []byte) (n scanned, ok bool) {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	first := i
	i = skipDigits(s, i)
	n.digits = i - first
	if n.digits == 0 || n.digits > 1 && s[first] == '0' {
		return n, false
	}
	n.isInt = true
	if i < len(s) && s[i] == '.' {
		n.isInt, n.point = false, i
		i = skipDigits(s, i+1)
		if i == n.point+1 {
			return n, false
		}
		n.digits += i - n.point - 1
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		n.isInt, n.hasExp = false, true
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		start := i
		if i = skipDigits(s, i); i == start {
			return n, false
		}
	}
	n.end = i
	return n, true
}

func skipDigits(s []byte, i int) int {
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	return i
}

// plain tells whether text is a float that is surely printed as it is: up to 15 digits (no two such decimals are the
// same float, so none is shorter), no digit too many, and not so small that it would get an exponent.
func (n scanned) plain(text []byte) bool {
	if n.hasExp || n.digits > 15 {
		return false
	}
	if text[len(text)-1] == '0' && len(text)-n.point > 2 {
		return false
	}
	return text[n.point-1] != '0' || text[n.point+1] != '0' || len(text)-n.point == 2
}

// appendFloat appends f as CouchDB prints it (jiffy, by double-conversion's shortest form): digits with a point and at
// least one behind it from 1e-6 up to below 1e21; 1e+21, 1.5e-7 beyond. The sign of zero is kept, since the
// revision hash depends on it.
func appendFloat(dst []byte, f float64) []byte {
	if abs := math.Abs(f); abs == 0 || abs >= 1e-6 && abs < 1e21 {
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
		for _, c := range dst[start:] {
			if c == '.' {
				return dst
			}
		}
		return append(dst, '.', '0')
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes two digits of exponent at least.
	if n := len(dst); dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
