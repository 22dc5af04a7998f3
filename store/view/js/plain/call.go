package plain

import (
	"math"

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
	c.refuse()
	return undefined
}

func (c *compiler) isGlobal(id *ast.Identifier) bool {
	_, own := c.find(id.Name.String())
	return !own
}

func (c *compiler) exprs(list []ast.Expression) (made []expr) {
	for _, e := range list {
		made = append(made, c.expr(e))
	}
	return made
}

// globals are functions that take one argument.
var globals = map[string]func(f *frame, v value) value{
	"isArray":       func(_ *frame, v value) value { return boolean(v.kind == isList) },
	"Array.isArray": func(_ *frame, v value) value { return boolean(v.kind == isList) },
	"Object.keys":   (*frame).keysOf,
	"sum":           (*frame).sum,
	"Number":        func(f *frame, v value) value { return number(f.toNumber(v)) },
	"String":        func(f *frame, v value) value { return text(f.toText(v)) },
	"isNaN":         func(f *frame, v value) value { return boolean(math.IsNaN(f.toNumber(v))) },
	"Math.abs":      func(f *frame, v value) value { return number(math.Abs(f.toNumber(v))) },
	"Math.floor":    func(f *frame, v value) value { return number(math.Floor(f.toNumber(v))) },
	"Math.ceil":     func(f *frame, v value) value { return number(math.Ceil(f.toNumber(v))) },
}

func (c *compiler) globalCall(name string, list []ast.Expression) expr {
	args := c.exprs(list)
	switch name {
	case "Math.max":
		return c.extreme(args, math.Max)
	case "Math.min":
		return c.extreme(args, math.Min)
	}
	call, ok := globals[name]
	if !ok || len(args) != 1 {
		c.refuse()
		return undefined
	}
	return func(f *frame) value { return call(f, args[0](f)) }
}

// extreme is the greatest or the least of some numbers.
func (c *compiler) extreme(args []expr, pick func(x, y float64) float64) expr {
	if len(args) != 2 {
		c.refuse()
		return undefined
	}
	return func(f *frame) value {
		a := args[0](f)
		b := args[1](f)
		x := f.toNumber(a)
		return number(pick(x, f.toNumber(b)))
	}
}

// keysOf is a list of the names of an object's members.
func (f *frame) keysOf(v value) value {
	if v.kind != isObject {
		f.giveUp()
	}
	v.box.order()
	f.take(1 + len(v.box.keys))
	list := f.list(len(v.box.keys))
	for i, k := range v.box.keys {
		list.box.items[i] = text(k)
	}
	return list
}

// sum adds up integers; the order in which others are added is the engine's.
func (f *frame) sum(v value) value {
	const exact, most = 1 << 40, 1 << 12
	if v.kind != isList || len(v.box.items) > most {
		f.giveUp()
	}
	total := 0.0
	for i := range v.box.items {
		x := f.item(v.box, i)
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
	args := c.exprs(list)
	if len(args) != 1 {
		c.refuse()
		return undefined
	}
	switch name {
	case "push":
		return func(f *frame) value {
			o := f.listOf(object(f))
			f.push(o, args[0](f))
			return number(float64(len(o.items)))
		}
	case "hasOwnProperty":
		return func(f *frame) value {
			o := object(f)
			if o.kind != isObject {
				f.giveUp()
			}
			return boolean(f.has(o, args[0](f)))
		}
	case "indexOf":
		return func(f *frame) value {
			o := f.listOf(object(f))
			v := args[0](f)
			for i := range o.items {
				if f.step(); strictEqual(f.item(o, i), v) {
					return number(float64(i))
				}
			}
			return number(-1)
		}
	}
	c.refuse()
	return undefined
}

// listOf is the box of a list that may be changed.
func (f *frame) listOf(v value) *box {
	if v.kind != isList {
		f.giveUp()
	}
	return v.box
}

// callback is a function that is given to a method. It is called in no other way, so its variables need one place each.
type callback struct {
	params []int
	from   int // its variables, parameters included
	to     int
	body   []step
}

// iteration makes the methods that call a function for each element.
func (c *compiler) iteration(object expr, name string, list []ast.Expression) expr {
	want := 1
	if name == "reduce" {
		want = 2
	}
	if len(list) != want {
		c.refuse()
		return undefined
	}
	fn := c.callback(list[0])
	if c.refused {
		return undefined
	}
	first := expr(undefined)
	if name == "reduce" {
		first = c.expr(list[1])
	}
	return func(f *frame) value {
		o := f.listOf(object(f))
		result := first(f)
		made := f.newBox()
		for i, n := 0, len(o.items); i < n; i++ {
			el := f.item(o, i)
			if name == "reduce" {
				result = f.callBack(fn, result, el, number(float64(i)), value{kind: isList, box: o})
				continue
			}
			got := f.callBack(fn, el, number(float64(i)), value{kind: isList, box: o})
			switch {
			case name == "map":
				f.push(made, got)
			case name == "filter" && got.truthy():
				f.push(made, el)
			}
		}
		if name == "map" || name == "filter" {
			return value{kind: isList, box: made}
		}
		return result
	}
}

// callback makes a function literal.
func (c *compiler) callback(e ast.Expression) *callback {
	var params *ast.ParameterList
	var declared []*ast.VariableDeclaration
	var body []ast.Statement
	switch fn := e.(type) {
	case *ast.FunctionLiteral:
		if fn.Async || fn.Generator || fn.Name != nil {
			c.refuse()
		}
		params, declared, body = fn.ParameterList, fn.DeclarationList, fn.Body.List
	case *ast.ArrowFunctionLiteral:
		if fn.Async {
			c.refuse()
		}
		params, declared = fn.ParameterList, fn.DeclarationList
		switch b := fn.Body.(type) {
		case *ast.BlockStatement:
			body = b.List
		case *ast.ExpressionBody:
			body = []ast.Statement{&ast.ReturnStatement{Argument: b.Expression}}
		}
	default:
		c.refuse()
		return nil
	}
	loops := c.loops
	c.loops = 0
	c.enter()
	made := &callback{from: c.vars, params: c.parameters(params)}
	c.hoist(declared)
	made.body = c.list(body)
	made.to, c.loops = c.vars, loops
	c.leave()
	return made
}

// callBack calls a function.
func (f *frame) callBack(fn *callback, args ...value) value {
	f.step()
	clear(f.vars[fn.from:fn.to])
	for i, at := range fn.params {
		if i < len(args) {
			f.vars[at] = args[i]
		}
	}
	f.ret = value{}
	f.block(fn.body)
	v := f.ret
	f.ret = value{}
	return v
}
