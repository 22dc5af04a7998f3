package plain

import (
	"math"
	"strings"

	"github.com/dop251/goja/ast"
)

// call makes the calls that functions may make: of some globals, and of methods of lists and objects.
func (c *compiler) call(e *ast.CallExpression) expr {
	switch callee := e.Callee.(type) {
	case *ast.Identifier:
		if c.isGlobal(callee) {
			return c.globalCall(callee.Name.String(), e.ArgumentList)
		}
	case *ast.DotExpression:
		name := callee.Identifier.Name.String()
		if id, ok := callee.Left.(*ast.Identifier); ok && c.isGlobal(id) {
			return c.globalCall(id.Name.String()+"."+name, e.ArgumentList)
		}
		return c.methodCall(c.expr(callee.Left), name, e.ArgumentList)
	}
	return c.refuse()
}

// isGlobal tells whether a name is no variable and no constant. It is to be none behind this place, either: see lexical.
func (c *compiler) isGlobal(id *ast.Identifier) bool {
	name := id.Name.String()
	if _, own := c.find(name); own || name == "undefined" || name == "NaN" || name == "Infinity" {
		return false
	}
	c.globals[name] = true
	return true
}

// builtin is a function that is known here. What a call does not have of its two arguments is undefined.
type builtin struct {
	least, most int // arguments
	call        func(f *frame, a, b value) value
}

var globals = map[string]builtin{
	"Array.isArray": {1, 1, isArray},
	"Boolean":       {1, 1, func(_ *frame, v, _ value) value { return boolean(v.truthy()) }},
	"Math.abs":      {1, 1, mathOf(math.Abs)},
	"Math.ceil":     {1, 1, mathOf(math.Ceil)},
	"Math.floor":    {1, 1, mathOf(math.Floor)},
	"Math.max":      {2, 2, mathOfTwo(math.Max)},
	"Math.min":      {2, 2, mathOfTwo(math.Min)},
	"Math.trunc":    {1, 1, mathOf(math.Trunc)},
	"Number":        {1, 1, func(f *frame, v, _ value) value { return number(f.toNumber(v)) }},
	"Object.keys":   {1, 1, (*frame).keysOf},
	"String":        {1, 1, func(f *frame, v, _ value) value { return text(f.toText(v)) }},
	"isArray":       {1, 1, isArray},
	"isNaN":         {1, 1, func(f *frame, v, _ value) value { return boolean(math.IsNaN(f.toNumber(v))) }},
	"parseInt":      {1, 2, (*frame).parseInteger},
	"sum":           {1, 1, (*frame).sum},
}

func isArray(_ *frame, v, _ value) value { return boolean(v.kind == isList) }

func mathOf(calc func(float64) float64) func(f *frame, v, _ value) value {
	return func(f *frame, v, _ value) value { return number(calc(f.toNumber(v))) }
}

// mathOfTwo makes a function of two numbers that is NaN where one of them is, which Go's are not beside an infinity.
func mathOfTwo(calc func(x, y float64) float64) func(f *frame, a, b value) value {
	return func(f *frame, a, b value) value {
		x, y := f.toNumber(a), f.toNumber(b)
		if math.IsNaN(x) || math.IsNaN(y) {
			return number(math.NaN())
		}
		return number(calc(x, y))
	}
}

func (c *compiler) globalCall(name string, list []ast.Expression) expr {
	args := c.exprs(list)
	fn, ok := globals[name]
	switch {
	case name == "emit" && c.fields != nil:
		fn, ok = builtin{0, 2, (*frame).emit}, true
	case name == "Date.UTC":
		return c.utc(args)
	}
	if !ok || len(args) < fn.least || len(args) > fn.most {
		return c.refuse()
	}
	call := fn.call
	first, second := twoOf(args)
	return func(f *frame) value {
		a := first(f)
		return call(f, a, second(f))
	}
}

// twoOf gives two expressions for up to two.
func twoOf(args []expr) (first, second expr) {
	two := [2]expr{undefined, undefined}
	copy(two[:], args)
	return two[0], two[1]
}

// keysOf is a list of the names of an object's members.
func (f *frame) keysOf(v, _ value) value {
	if v.kind != isObject {
		f.giveUp()
	}
	b := f.open(v)
	b.order()
	list, made := f.list(len(b.keys))
	for i, k := range b.keys {
		made.items[i] = text(k)
	}
	return list
}

// sum adds up integers; the order in which others are added is the engine's.
func (f *frame) sum(v, _ value) value {
	const exact, most = 1 << 40, 1 << 12
	b := f.listOf(v)
	if len(b.items) > most {
		f.giveUp()
	}
	total := 0.0
	for i := range b.items {
		x := f.item(b, i)
		if x.kind != isNumber || x.n != math.Trunc(x.n) || math.Abs(x.n) >= exact {
			f.giveUp()
		}
		total += x.n
	}
	return number(total)
}

// methodCall makes object.name(args).
func (c *compiler) methodCall(object expr, name string, list []ast.Expression) expr {
	switch name {
	case "forEach", "map", "filter", "reduce":
		return c.iteration(object, name, list)
	}
	if cut := cutConstant(object, name, list); cut != nil {
		return cut
	}
	if part, ok := dateGetter(name); ok && len(list) == 0 {
		return getDate(object, part)
	}
	args := c.exprs(list)
	m, ok := methods[name]
	if !ok || len(args) < m.least || len(args) > m.most {
		return c.refuse()
	}
	call := m.call
	first, second := twoOf(args)
	return func(f *frame) value {
		o := object(f)
		if o.isNullish() {
			f.throw()
		}
		a := first(f)
		return call(f, o, a, second(f))
	}
}

// method is one of some prototype, as builtin.
type method struct {
	least, most int
	call        func(f *frame, o, a, b value) value
}

var methods = map[string]method{
	"charAt":         {0, 1, ofText(charAt)},
	"charCodeAt":     {0, 1, ofText(charCodeAt)},
	"endsWith":       {0, 1, ofText(search(strings.HasSuffix))},
	"hasOwnProperty": {1, 1, hasOwnProperty},
	"includes":       {0, 1, ofText(search(strings.Contains))},
	"indexOf":        {0, 1, indexOf},
	"lastIndexOf":    {0, 1, ofText(lastIndexOf)},
	"push":           {1, 1, pushOne},
	"slice":          {0, 2, ofText(slice)},
	"split":          {0, 1, ofText(split)},
	"startsWith":     {0, 1, ofText(search(strings.HasPrefix))},
	"substr":         {0, 2, ofText(substr)},
	"substring":      {0, 2, ofText(substring)},
	"toLowerCase":    {0, 0, ofText(inCase(strings.ToLower))},
	"toUpperCase":    {0, 0, ofText(inCase(strings.ToUpper))},
	"trim":           {0, 0, ofText(func(_ *frame, s string, _, _ value) value { return text(strings.Trim(s, " \t\n\r\v\f")) })},
}

func pushOne(f *frame, o, v, _ value) value {
	b := f.listOf(o)
	f.push(b, v)
	return number(float64(len(b.items)))
}

func hasOwnProperty(f *frame, o, name, _ value) value {
	if o.kind != isObject {
		f.giveUp()
	}
	return boolean(f.has(o, name))
}

func indexOf(f *frame, o, v, _ value) value {
	if o.kind == isText {
		return number(float64(strings.Index(f.ascii(o), f.toText(v))))
	}
	b := f.listOf(o)
	for i := range b.items {
		if f.step(); f.strictEqual(f.item(b, i), v) {
			return number(float64(i))
		}
	}
	return number(-1)
}

// listOf is the box of a list that a method is called on.
func (f *frame) listOf(v value) *box {
	if v.kind != isList {
		f.unknown(v)
	}
	return f.open(v)
}

// iteration makes the methods that call a function for each element.
func (c *compiler) iteration(object expr, name string, list []ast.Expression) expr {
	want := 1
	if name == "reduce" {
		want = 2
	}
	if len(list) != want {
		return c.refuse()
	}
	fn := c.function(list[0])
	if c.refused {
		return undefined
	}
	first := expr(undefined)
	if name == "reduce" {
		first = c.expr(list[1])
	}
	return func(f *frame) value {
		all := object(f)
		o := f.listOf(all)
		result := first(f)
		var list value
		var made *box
		if name == "map" || name == "filter" {
			list, made = f.list(0)
		}
		for i, n := 0, len(o.items); i < n; i++ {
			el := f.item(o, i)
			if name == "reduce" {
				result = f.call(fn, result, el, number(float64(i)), all)
				continue
			}
			got := f.call(fn, el, number(float64(i)), all)
			switch {
			case name == "map":
				f.push(made, got)
			case name == "filter" && got.truthy():
				f.push(made, el)
			}
		}
		if made != nil {
			return list
		}
		return result
	}
}
