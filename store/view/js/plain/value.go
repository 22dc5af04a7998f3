package plain

import (
	"math"
	"strconv"

	"logctl/store/view/js/jstext"
)

// value is a JavaScript value. It has the size of what the compiler keeps in registers.
type value struct {
	s    string  // of a text
	n    float64 // of a number or a date; of a boolean 0 or 1; of a list or an object the place of its box; of what is lazy the row
	kind kind
}

type kind uint8

const (
	isUndefined kind = iota
	isNull
	isBoolean
	isNumber
	isText
	isDate // it has no identity
	isList
	isObject
	lazyValue // of a row or an earlier result, not read yet
	lazyPair  // the key and the id of a row
	lazyKey
	lazyID
)

func number(n float64) value { return value{kind: isNumber, n: n} }
func text(s string) value    { return value{kind: isText, s: s} }

func boolean(b bool) value {
	if b {
		return value{kind: isBoolean, n: 1}
	}
	return value{kind: isBoolean}
}

func (v value) isPrimitive() bool { return v.kind <= isText }
func (v value) isNullish() bool   { return v.kind <= isNull }

// truthy is ToBoolean.
func (v value) truthy() bool {
	switch v.kind {
	case isUndefined, isNull:
		return false
	case isBoolean, isNumber:
		return v.n != 0 && v.n == v.n
	case isText:
		return v.s != ""
	}
	return true
}

// toNumber is ToNumber.
func (f *frame) toNumber(v value) float64 {
	switch v.kind {
	case isNumber, isBoolean, isDate:
		return v.n
	case isNull:
		return 0
	case isUndefined:
		return math.NaN()
	case isText:
		f.over(v.s)
		if n, ok := jstext.ToNumber(v.s); ok {
			return n
		}
	}
	f.giveUp()
	return 0
}

// toInt32 is ToInt32 of numbers that are integers for sure.
func (f *frame) toInt32(v value) int32 {
	n := f.toNumber(v)
	switch {
	case math.Abs(n) < 1<<31:
		return int32(n)
	case math.IsNaN(n):
		return 0
	case math.Abs(n) >= 1<<53:
		f.giveUp()
	}
	return int32(uint32(int64(n)))
}

// toInteger is ToIntegerOrInfinity of a number; absent is what undefined stands for.
func (f *frame) toInteger(v value, absent float64) float64 {
	switch {
	case v.kind == isUndefined:
		return absent
	case v.kind != isNumber || math.IsNaN(v.n) || math.Abs(v.n) >= 1<<53:
		f.giveUp()
	}
	return math.Trunc(v.n)
}

// toText is ToString, and what a member is named by.
func (f *frame) toText(v value) string {
	switch v.kind {
	case isText:
		return v.s
	case isUndefined:
		return "undefined"
	case isNull:
		return "null"
	case isBoolean:
		return strconv.FormatBool(v.n != 0)
	case isNumber:
		if math.IsNaN(v.n) {
			return "NaN"
		}
		if !math.IsInf(v.n, 0) {
			return string(jstext.AppendNumber(nil, v.n))
		}
	}
	f.giveUp()
	return ""
}

// maxText is the length of a text that is made here.
const maxText = 16 << 20

// plus is the operator +.
func (f *frame) plus(a, b value) value {
	if a.kind == isNumber && b.kind == isNumber {
		return number(a.n + b.n)
	}
	if !a.isPrimitive() || !b.isPrimitive() {
		f.giveUp()
	}
	if a.kind == isText || b.kind == isText {
		return f.join(f.toText(a), f.toText(b))
	}
	return number(f.toNumber(a) + f.toNumber(b))
}

// join makes a text of two.
func (f *frame) join(a, b string) value {
	if len(a)+len(b) > maxText {
		f.giveUp()
	}
	f.take(1 + (len(a)+len(b))/bytesPerPart)
	return text(a + b)
}

// less is a < b, or a <= b if orEqual.
func (f *frame) less(a, b value, orEqual bool) bool {
	if a.kind == isText && b.kind == isText {
		if !f.isASCII(a.s) || !f.isASCII(b.s) {
			f.giveUp() // the order of UTF-16 is not that of UTF-8
		}
		return a.s < b.s || orEqual && a.s == b.s
	}
	x, y := f.toNumber(a), f.toNumber(b)
	return x < y || orEqual && x == y
}

// strictEqual is ===.
func (f *frame) strictEqual(a, b value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case isText:
		if len(a.s) == len(b.s) {
			f.over(a.s)
		}
		return a.s == b.s
	case isDate:
		f.giveUp()
	case isList, isObject:
		if raw := f.boxOf(a).raw; a.n != b.n && raw != "" && raw == f.boxOf(b).raw {
			f.giveUp() // the same part of the doc may have two boxes
		}
		return a.n == b.n
	case isBoolean, isNumber:
		return a.n == b.n
	}
	return true
}

// equal is ==. What is equal across kinds is left to the engine.
func (f *frame) equal(a, b value) bool {
	switch {
	case a.kind == b.kind:
		return f.strictEqual(a, b)
	case a.isNullish() || b.isNullish():
		return a.isNullish() && b.isNullish()
	}
	f.giveUp()
	return false
}

// typeOf is typeof.
func (v value) typeOf() string {
	switch v.kind {
	case isUndefined:
		return "undefined"
	case isBoolean:
		return "boolean"
	case isNumber:
		return "number"
	case isText:
		return "string"
	}
	return "object"
}
