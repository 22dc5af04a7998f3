package js

import (
	"math"
	"strings"

	"logctl/store/view/js/jstext"
)

// method is one of String.prototype for strings of ASCII, where a place in the string is a place in its bytes. Arguments that a
// call does not have are undefined; a plan has no call with more than args of them.
type method struct {
	args int
	call func(f *frame, s string, a, b datum) datum
}

var methods = map[string]method{
	"charAt": {1, func(f *frame, s string, a, _ datum) datum { return text(charAt(s, f.toInteger(a, 0))) }},
	"charCodeAt": {1, func(f *frame, s string, a, _ datum) datum {
		c := charAt(s, f.toInteger(a, 0))
		if c == "" {
			return number(math.NaN())
		}
		return number(float64(c[0]))
	}},
	"slice": {2, func(f *frame, s string, a, b datum) datum {
		n := float64(len(s))
		from, to := fromEnd(f.toInteger(a, 0), n), fromEnd(f.toInteger(b, n), n)
		return text(s[int(from):int(max(from, to))])
	}},
	"substring": {2, func(f *frame, s string, a, b datum) datum {
		n := float64(len(s))
		from, to := min(max(f.toInteger(a, 0), 0), n), min(max(f.toInteger(b, n), 0), n)
		return text(s[int(min(from, to)):int(max(from, to))])
	}},
	"substr": {2, func(f *frame, s string, a, b datum) datum {
		n := float64(len(s))
		from := fromEnd(f.toInteger(a, 0), n)
		size := min(max(f.toInteger(b, n), 0), n-from)
		return text(s[int(from):int(from+size)])
	}},
	"indexOf": {1, func(f *frame, s string, a, _ datum) datum { return number(float64(strings.Index(s, f.toString(a)))) }},
	"lastIndexOf": {1, func(f *frame, s string, a, _ datum) datum {
		return number(float64(strings.LastIndex(s, f.toString(a))))
	}},
	"includes":    {1, func(f *frame, s string, a, _ datum) datum { return boolean(strings.Contains(s, f.toString(a))) }},
	"startsWith":  {1, func(f *frame, s string, a, _ datum) datum { return boolean(strings.HasPrefix(s, f.toString(a))) }},
	"endsWith":    {1, func(f *frame, s string, a, _ datum) datum { return boolean(strings.HasSuffix(s, f.toString(a))) }},
	"toLowerCase": {0, func(_ *frame, s string, _, _ datum) datum { return text(strings.ToLower(s)) }},
	"toUpperCase": {0, func(_ *frame, s string, _, _ datum) datum { return text(strings.ToUpper(s)) }},
	"trim":        {0, func(_ *frame, s string, _, _ datum) datum { return text(strings.Trim(s, " \t\n\r\v\f")) }},
	"split":       {1, split},
}

// split gives the parts of s between separators.
func split(f *frame, s string, a, _ datum) datum {
	start := len(f.arena)
	switch sep := f.toString(a); {
	case a.kind == isUndefined:
		f.arena = append(f.arena, text(s))
	case s == "" && sep == "":
	case strings.Count(s, sep) >= 1<<listBits-1:
		return f.giveUp()
	default:
		for part := range strings.SplitSeq(s, sep) {
			f.arena = append(f.arena, text(part))
		}
	}
	return f.list(isArray, start, len(f.arena))
}

func charAt(s string, i float64) string {
	if i < 0 || i >= float64(len(s)) {
		return ""
	}
	return s[int(i) : int(i)+1]
}

// toInteger is ToIntegerOrInfinity of a number; absent is what undefined stands for.
func (f *frame) toInteger(d datum, absent float64) float64 {
	switch {
	case d.kind == isUndefined:
		return absent
	case d.kind != isNumber || math.IsNaN(d.n) || math.Abs(d.n) >= 1<<53:
		f.giveUp()
		return 0
	}
	return math.Trunc(d.n)
}

// fromEnd is the place i of n, counted from the end if it is negative.
func fromEnd(i, n float64) float64 {
	if i < 0 {
		return max(n+i, 0)
	}
	return min(i, n)
}

// property is d.name, for names that no prototype but String's and Array's has.
func (f *frame) property(d datum, name string) datum {
	switch d.kind {
	case isUndefined, isNull:
		return f.throw()
	case isString:
		if name == "length" && jstext.IsASCII(d.s) {
			return number(float64(len(d.s)))
		}
	case isArray:
		if name == "length" {
			from, to := d.span()
			return number(float64(to - from))
		}
	case isRaw:
		if d.s[0] == '{' {
			return f.member(d.s, name)
		}
	}
	return f.giveUp()
}

// member finds a member of a JSON object: the last one of that name.
func (f *frame) member(object, name string) datum {
	p := jstext.Scanner{Text: object}
	p.Take('{')
	found := ""
	for !p.Take('}') {
		if p.Peek() != '"' {
			return f.giveUp()
		}
		key, err := p.RawString()
		if err != nil || !p.Take(':') {
			return f.giveUp()
		}
		raw, err := p.Raw()
		if err != nil {
			return f.giveUp()
		}
		key, ok := memberName(key)
		if !ok || key == name && found != "" {
			return f.giveUp()
		}
		if key == name {
			found = raw
		}
		if !p.Take(',') && p.Peek() != '}' {
			return f.giveUp()
		}
	}
	if found == "" {
		return datum{}
	}
	val, ok := decode(found)
	if !ok {
		return f.giveUp()
	}
	return val
}

// element is d[i].
func (f *frame) element(d, i datum) datum {
	if d.isNullish() {
		return f.throw()
	}
	if i.kind == isString && d.kind == isRaw && d.s[0] == '{' && !jstext.OnPrototype(i.s) {
		return f.member(d.s, i.s)
	}
	if i.kind != isNumber || i.n != math.Trunc(i.n) || i.n < 0 {
		return f.giveUp()
	}
	switch {
	case d.kind == isString && jstext.IsASCII(d.s):
		if c := charAt(d.s, i.n); c != "" {
			return text(c)
		}
		return datum{}
	case d.kind == isArray:
		if from, to := d.span(); i.n < float64(to-from) {
			return f.arena[from+int(i.n)]
		}
		return datum{}
	}
	return f.giveUp()
}
