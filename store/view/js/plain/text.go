package plain

import (
	"math"
	"strings"

	"github.com/dop251/goja/ast"

	"logctl/store/view/js/jstext"
)

// ascii is a text of ASCII, where a place in the text is a place in its bytes.
func (f *frame) ascii(v value) string {
	if v.kind != isText || !f.isASCII(v.s) {
		f.giveUp()
	}
	return v.s
}

func (f *frame) isASCII(s string) bool {
	f.over(s)
	return jstext.IsASCII(s)
}

// inCase makes a method that changes the case of a text.
func inCase(change func(string) string) func(f *frame, s string, _, _ value) value {
	return func(f *frame, s string, _, _ value) value {
		f.take(len(s) / bytesPerPart)
		return text(change(s))
	}
}

// ofText makes a method of one of texts of ASCII.
func ofText(call func(f *frame, s string, a, b value) value) func(f *frame, o, a, b value) value {
	return func(f *frame, o, a, b value) value { return call(f, f.ascii(o), a, b) }
}

func search(is func(s, part string) bool) func(f *frame, s string, a, _ value) value {
	return func(f *frame, s string, a, _ value) value { return boolean(is(s, f.toText(a))) }
}

func charAt(f *frame, s string, a, _ value) value {
	if i := f.toInteger(a, 0); i >= 0 && i < float64(len(s)) {
		return text(s[int(i) : int(i)+1])
	}
	return text("")
}

func charCodeAt(f *frame, s string, a, _ value) value {
	if i := f.toInteger(a, 0); i >= 0 && i < float64(len(s)) {
		return number(float64(s[int(i)]))
	}
	return number(math.NaN())
}

func lastIndexOf(f *frame, s string, a, _ value) value {
	return number(float64(strings.LastIndex(s, f.toText(a))))
}

func slice(f *frame, s string, a, b value) value {
	n := float64(len(s))
	from, to := fromEnd(f.toInteger(a, 0), n), fromEnd(f.toInteger(b, n), n)
	return text(s[int(from):int(max(from, to))])
}

func substring(f *frame, s string, a, b value) value {
	n := float64(len(s))
	from, to := min(max(f.toInteger(a, 0), 0), n), min(max(f.toInteger(b, n), 0), n)
	return text(s[int(min(from, to)):int(max(from, to))])
}

func substr(f *frame, s string, a, b value) value {
	n := float64(len(s))
	from := fromEnd(f.toInteger(a, 0), n)
	size := min(max(f.toInteger(b, n), 0), n-from)
	return text(s[int(from):int(from+size)])
}

// fromEnd is the place i of n, counted from the end if it is negative.
func fromEnd(i, n float64) float64 {
	if i < 0 {
		return max(n+i, 0)
	}
	return min(i, n)
}

// split gives the parts of s between separators.
func split(f *frame, s string, a, _ value) value {
	sep := f.toText(a)
	if a.kind == isUndefined {
		list, b := f.list(1)
		b.items[0] = text(s)
		return list
	}
	n := strings.Count(s, sep) + 1
	if sep == "" {
		n = len(s)
	}
	list, b := f.list(n)
	i := 0
	for part := range strings.SplitSeq(s, sep) {
		b.items[i] = text(part)
		i++
	}
	return list
}

// cutConstant makes charAt and slice at places that are written as numbers, nil for anything else. What is behind the places may be of
// any script.
func cutConstant(object expr, name string, list []ast.Expression) expr {
	var places [2]int
	if len(list) == 0 || len(list) > 2 || name == "charAt" && len(list) != 1 || name != "charAt" && name != "slice" {
		return nil
	}
	for i, a := range list {
		n, ok := a.(*ast.NumberLiteral)
		if !ok {
			return nil
		}
		v, ok := n.Value.(int64)
		if !ok || v < 0 || v > maxText {
			return nil
		}
		places[i] = int(v)
	}
	from, to := places[0], places[1]
	switch {
	case name == "charAt":
		to = from + 1
	case len(list) == 1:
		return nil
	}
	to = max(from, to)
	return func(f *frame) value {
		v := object(f)
		end := min(to, len(v.s))
		if v.kind != isText || !f.isASCII(v.s[:end]) {
			return f.unknown(v)
		}
		return text(v.s[min(from, end):end])
	}
}

// parseInteger is parseInt in base ten.
func (f *frame) parseInteger(a, base value) value {
	if base.kind != isUndefined && (base.kind != isNumber || base.n != 10) {
		return f.giveUp()
	}
	if a.kind == isNumber && a.n == math.Trunc(a.n) && math.Abs(a.n) < 1<<53 {
		return number(a.n + 0) // not minus zero
	}
	s := f.ascii(text(f.toText(a)))
	i := 0
	for i < len(s) && (s[i] == ' ' || s[i] >= '\t' && s[i] <= '\r') {
		i++
	}
	negative := i < len(s) && s[i] == '-'
	if negative || i < len(s) && s[i] == '+' {
		i++
	}
	if i+1 < len(s) && s[i] == '0' && s[i+1]|0x20 == 'x' {
		return f.giveUp()
	}
	n, start := 0.0, i
	for ; i < len(s) && jstext.IsDigit(s[i]); i++ {
		n = n*10 + float64(s[i]-'0')
	}
	switch {
	case i == start:
		return number(math.NaN())
	case i-start > 15:
		return f.giveUp()
	case negative:
		n = -n
	}
	return number(n)
}
