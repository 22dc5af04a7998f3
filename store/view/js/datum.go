package js

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"logctl/store/view/js/jstext"
)

// datum is a JavaScript value in a plan.
type datum struct {
	s    string  // of a string; of raw JSON
	n    float64 // of a number, a boolean (0 or 1), a date; where the elements or members of an array or object are: see span
	kind kind
}

type kind uint8

const (
	isUndefined kind = iota
	isNull
	isBool
	isNumber
	isString
	isDate   // made by new Date
	isArray  // made by an array literal
	isObject // made by an object literal
	isRaw    // an object or array of the doc, in JSON
)

// member is one of an object literal.
type member struct {
	name string // as JSON
	val  datum
}

func number(n float64) datum { return datum{kind: isNumber, n: n} }
func text(s string) datum    { return datum{kind: isString, s: s} }

func boolean(b bool) datum {
	if b {
		return datum{kind: isBool, n: 1}
	}
	return datum{kind: isBool}
}

// listBits is how many bits of a span are its length. So a list is shorter than a million.
const listBits = 20

// list is an array of the frame's arena, or an object of its members, from start to end.
func (f *frame) list(k kind, start, end int) datum {
	if end-start >= 1<<listBits || end >= 1<<(52-listBits) {
		return f.giveUp()
	}
	return datum{kind: k, n: float64(start<<listBits | (end - start))}
}

// span is where the elements of an array, or the members of an object, are in the frame.
func (d datum) span() (start, end int) {
	n := int(d.n)
	start = n >> listBits
	return start, start + n&(1<<listBits-1)
}

func (d datum) isPrimitive() bool { return d.kind < isDate }
func (d datum) isNullish() bool   { return d.kind <= isNull }

// memberName decodes the name of a member.
func memberName(raw string) (string, bool) {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw, true
	}
	name, err := jstext.Unescape(raw)
	return name, err == nil
}

// decode reads JSON of the doc. It is false for what only the engine reads.
func decode(raw string) (datum, bool) {
	switch c := raw[0]; c {
	case '"':
		if len(raw) < 2 {
			return datum{}, false
		}
		s := raw[1 : len(raw)-1]
		if strings.IndexByte(s, '\\') >= 0 {
			var err error
			if s, err = jstext.Unescape(s); err != nil {
				return datum{}, false
			}
		}
		return text(s), utf8.ValidString(s)
	case '{', '[':
		return datum{kind: isRaw, s: raw}, true
	case 'n':
		return datum{kind: isNull}, raw == "null"
	case 't':
		return boolean(true), raw == "true"
	case 'f':
		return boolean(false), raw == "false"
	}
	n, err := strconv.ParseFloat(raw, 64)
	return number(n), err == nil && jstext.IsDecimal(raw)
}

// truthy is ToBoolean.
func (d datum) truthy() bool {
	switch d.kind {
	case isUndefined, isNull:
		return false
	case isBool, isNumber:
		return d.n != 0 && d.n == d.n
	case isString:
		return d.s != ""
	}
	return true
}

// toNumber is ToNumber.
func (f *frame) toNumber(d datum) float64 {
	switch d.kind {
	case isNumber, isBool, isDate:
		return d.n
	case isUndefined:
		return math.NaN()
	case isNull:
		return 0
	case isString:
		n, ok := jstext.ToNumber(d.s)
		if !ok {
			f.giveUp()
		}
		return n
	}
	f.giveUp()
	return 0
}

// toString is ToString.
func (f *frame) toString(d datum) string {
	switch d.kind {
	case isString:
		return d.s
	case isUndefined:
		return "undefined"
	case isNull:
		return "null"
	case isBool:
		return strconv.FormatBool(d.n != 0)
	case isNumber:
		if math.IsNaN(d.n) {
			return "NaN"
		}
		if math.IsInf(d.n, 0) {
			f.giveUp()
		}
		return string(jstext.AppendNumber(nil, d.n))
	}
	f.giveUp()
	return ""
}

// strictEqual is ===.
func (f *frame) strictEqual(a, b datum) bool {
	if a.kind != b.kind {
		if !a.isPrimitive() && !b.isPrimitive() {
			f.giveUp()
		}
		return false
	}
	switch a.kind {
	case isUndefined, isNull:
		return true
	case isBool, isNumber:
		return a.n == b.n
	case isString:
		return a.s == b.s
	}
	f.giveUp()
	return false
}

// equal is ==. What is equal across kinds is left to the engine.
func (f *frame) equal(a, b datum) bool {
	if a.isNullish() || b.isNullish() {
		return a.isNullish() && b.isNullish()
	}
	if a.kind != b.kind {
		f.giveUp()
	}
	return f.strictEqual(a, b)
}

// less is a < b, or false with orEqual a <= b.
func (f *frame) less(a, b datum, orEqual bool) bool {
	if a.kind == isString && b.kind == isString {
		if !jstext.IsASCII(a.s) || !jstext.IsASCII(b.s) {
			f.giveUp() // the order of UTF-16 is not that of UTF-8
		}
		return a.s < b.s || orEqual && a.s == b.s
	}
	x, y := f.toNumber(a), f.toNumber(b)
	return x < y || orEqual && x == y
}

// add is +.
func (f *frame) add(a, b datum) datum {
	if !a.isPrimitive() || !b.isPrimitive() {
		return f.giveUp()
	}
	if a.kind == isString || b.kind == isString {
		x, y := f.toString(a), f.toString(b)
		if len(x)+len(y) > maxStringLen {
			return f.giveUp()
		}
		return text(x + y)
	}
	return number(f.toNumber(a) + f.toNumber(b))
}

// toInt32 is ToInt32 of numbers that are integers for sure.
func (f *frame) toInt32(d datum) int32 {
	n := f.toNumber(d)
	switch {
	case math.Abs(n) < 1<<31:
		return int32(n)
	case math.IsNaN(n):
		return 0
	case math.Abs(n) >= 1<<53:
		f.giveUp()
		return 0
	}
	return int32(uint32(int64(n)))
}

// typeOf is typeof.
func (d datum) typeOf() string {
	switch d.kind {
	case isUndefined:
		return "undefined"
	case isBool:
		return "boolean"
	case isNumber:
		return "number"
	case isString:
		return "string"
	}
	return "object"
}
