package js

import (
	"math"

	"github.com/dop251/goja/ast"

	"logctl/store/view/js/jstext"
)

// globals are the functions that plans know, and how many arguments they take at least and at most. What a call does not have is
// undefined.
var globals = map[string]struct {
	least, most int
	call        func(f *frame, a, b datum) datum
}{
	"emit":          {0, 2, func(f *frame, a, b datum) datum { f.emit(a, b); return datum{} }},
	"Math.floor":    {1, 1, mathOf(math.Floor)},
	"Math.ceil":     {1, 1, mathOf(math.Ceil)},
	"Math.trunc":    {1, 1, mathOf(math.Trunc)},
	"Math.abs":      {1, 1, mathOf(math.Abs)},
	"Number":        {1, 1, func(f *frame, a, _ datum) datum { return number(f.toNumber(a)) }},
	"String":        {1, 1, func(f *frame, a, _ datum) datum { return text(f.toString(a)) }},
	"Boolean":       {1, 1, func(_ *frame, a, _ datum) datum { return boolean(a.truthy()) }},
	"isNaN":         {1, 1, func(f *frame, a, _ datum) datum { return boolean(math.IsNaN(f.toNumber(a))) }},
	"parseInt":      {1, 2, parseInteger},
	"isArray":       {1, 1, func(_ *frame, a, _ datum) datum { return boolean(a.isList()) }},
	"Array.isArray": {1, 1, func(_ *frame, a, _ datum) datum { return boolean(a.isList()) }},
}

func mathOf(calc func(float64) float64) func(f *frame, a, _ datum) datum {
	return func(f *frame, a, _ datum) datum { return number(calc(f.toNumber(a))) }
}

func (d datum) isList() bool { return d.kind == isArray || d.kind == isRaw && d.s[0] == '[' }

// parseInteger is parseInt in base ten.
func parseInteger(f *frame, a, base datum) datum {
	if base.kind != isUndefined && (base.kind != isNumber || base.n != 10) {
		return f.giveUp()
	}
	if a.kind == isNumber && a.n == math.Trunc(a.n) && math.Abs(a.n) < 1<<53 {
		return number(a.n + 0) // not minus zero
	}
	s := f.toString(a)
	if !jstext.IsASCII(s) {
		return f.giveUp()
	}
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

// globalCall makes a call of a function of that name.
func (c *planner) globalCall(name string, args []expr) expr {
	if name == "Date.UTC" && len(args) > 0 && len(args) <= maxDateParts {
		return withAll(args, func(f *frame, args []datum) datum { return number(f.utc(args)) })
	}
	g, ok := globals[name]
	if !ok || len(args) < g.least || len(args) > g.most {
		c.refuse()
		return nil
	}
	first, second := twoOf(args)
	return func(f *frame) datum {
		a := first(f)
		b := second(f)
		if f.end != ran {
			return datum{}
		}
		return g.call(f, a, b)
	}
}

// twoOf gives two expressions for up to two.
func twoOf(args []expr) (first, second expr) {
	two := [2]expr{constant(datum{}), constant(datum{})}
	copy(two[:], args)
	return two[0], two[1]
}

// withAll calls fn with the values of all args, which hold only during the call.
func withAll(args []expr, fn func(f *frame, args []datum) datum) expr {
	return func(f *frame) datum {
		base := len(f.stack)
		for _, a := range args {
			f.stack = append(f.stack, a(f))
		}
		d := datum{}
		if f.end == ran {
			d = fn(f, f.stack[base:])
		}
		f.stack = f.stack[:base]
		return d
	}
}

// maxDateParts is how many parts of a date there are.
const maxDateParts = 7

// newDate makes new Date(args…). Without any it is another date each time.
func (c *planner) newDate(list []ast.Expression) expr {
	if len(list) == 0 || len(list) > maxDateParts {
		c.refuse()
		return nil
	}
	args := make([]expr, len(list))
	for i, a := range list {
		args[i] = c.expr(a)
	}
	return withAll(args, (*frame).newDate)
}
