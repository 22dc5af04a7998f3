package reduce

import (
	"bytes"
	"math"
	"strconv"
)

// number is a JSON number: an integer for as long as sums of integers fit, else a double.
type number struct {
	i       int64
	f       float64
	isFloat bool
}

func (n number) float() float64 {
	if n.isFloat {
		return n.f
	}
	return float64(n.i)
}

func (n number) add(o number) number {
	if !n.isFloat && !o.isFloat {
		sum := n.i + o.i
		if (sum > n.i) == (o.i > 0) {
			return number{i: sum}
		}
	}
	return number{f: n.float() + o.float(), isFloat: true}
}

// wide is the first integer whose square is a double.
const wide = 1 << 31

func (n number) square() number {
	if !n.isFloat && n.i > -wide && n.i < wide {
		return number{i: n.i * n.i}
	}
	return number{f: n.float() * n.float(), isFloat: true}
}

func (n number) less(o number) bool {
	if !n.isFloat && !o.isFloat {
		return n.i < o.i
	}
	return n.float() < o.float()
}

// append writes the number as CouchDB does: a double has a point or an exponent.
func (n number) append(dst []byte) []byte {
	if !n.isFloat {
		return strconv.AppendInt(dst, n.i, 10)
	}
	if math.IsInf(n.f, 0) || math.IsNaN(n.f) {
		return append(dst, "null"...)
	}
	start := len(dst)
	format := byte('f')
	if abs := math.Abs(n.f); abs != 0 && (abs < 1e-6 || abs >= 1e16) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, n.f, format, -1, 64)
	if format == 'f' && bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, '.', '0')
	}
	return dst
}

// parseNumber reads a JSON number.
func parseNumber(s []byte) (number, bool) {
	if len(s) == 0 || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return number{}, false
	}
	if bytes.IndexByte(s, '.') < 0 && bytes.IndexByte(s, 'e') < 0 { // else ParseInt would fail, dearly
		if i, err := strconv.ParseInt(string(s), 10, 64); err == nil {
			return number{i: i}, true
		}
	}
	f, err := strconv.ParseFloat(string(s), 64)
	return number{f: f, isFloat: true}, err == nil
}
