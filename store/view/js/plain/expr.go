package plain

import (
	"math"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"

	"logctl/store/view/js/jstext"
)

func constant(v value) expr { return func(*frame) value { return v } }

// expr makes an expression. Once the function is refused it is of no use.
func (c *compiler) expr(e ast.Expression) expr {
	switch e := e.(type) {
	case *ast.NullLiteral:
		return constant(value{kind: isNull})
	case *ast.BooleanLiteral:
		return constant(boolean(e.Value))
	case *ast.NumberLiteral:
		switch n := e.Value.(type) {
		case int64:
			return constant(number(float64(n)))
		case float64:
			return constant(number(n))
		}
	case *ast.StringLiteral:
		return constant(text(c.literal(e.Value)))
	case *ast.Identifier:
		return c.name(e)
	case *ast.DotExpression:
		return c.get(c.expr(e.Left), constant(text(e.Identifier.Name.String())))
	case *ast.BracketExpression:
		return c.get(c.expr(e.Left), c.expr(e.Member))
	case *ast.ArrayLiteral:
		return c.listLiteral(e)
	case *ast.ObjectLiteral:
		return c.objectLiteral(e)
	case *ast.UnaryExpression:
		return c.unary(e)
	case *ast.BinaryExpression:
		return c.binaryExpr(e)
	case *ast.ConditionalExpression:
		test, then, other := c.expr(e.Test), c.expr(e.Consequent), c.expr(e.Alternate)
		return func(f *frame) value {
			if test(f).truthy() {
				return then(f)
			}
			return other(f)
		}
	case *ast.AssignExpression:
		return c.assign(e)
	case *ast.CallExpression:
		return c.call(e)
	case *ast.SequenceExpression:
		var parts []expr
		for _, p := range e.Sequence {
			parts = append(parts, c.expr(p))
		}
		return func(f *frame) (last value) {
			for _, p := range parts {
				last = p(f)
			}
			return last
		}
	}
	c.refuse()
	return undefined
}

// literal is a text of the source; one that holds half a surrogate is refused.
func (c *compiler) literal(u unistring.String) string {
	s := u.String()
	if strings.ContainsRune(s, '\uFFFD') {
		c.refuse()
	}
	return s
}

// name is a variable, or a global that is a constant.
func (c *compiler) name(id *ast.Identifier) expr {
	name := id.Name.String()
	if v, ok := c.find(name); ok {
		at := v.at
		return func(f *frame) value { return f.vars[at] }
	}
	switch name {
	case "undefined":
		return undefined
	case "NaN":
		return constant(number(math.NaN()))
	case "Infinity":
		return constant(number(math.Inf(1)))
	}
	c.refuse()
	return undefined
}

// get makes object[key].
func (c *compiler) get(object, key expr) expr {
	return func(f *frame) value {
		o := object(f)
		return f.get(o, key(f))
	}
}

func (f *frame) get(o, key value) value {
	switch o.kind {
	case isObject:
		name := key.s
		if key.kind != isText {
			name = f.toText(key)
		}
		if i := f.find(o.box, name); i >= 0 {
			return o.box.items[i]
		}
		if jstext.OnPrototype(name) {
			f.giveUp()
		}
		return value{}
	case isList:
		if key.kind == isText && key.s == "length" {
			return number(float64(len(o.box.items)))
		}
		if i := f.index(key); i < len(o.box.items) {
			return f.item(o.box, i)
		}
		return value{}
	case isText:
		if key.kind == isText && key.s == "length" && jstext.IsASCII(o.s) {
			return number(float64(len(o.s)))
		}
	}
	f.giveUp() // it throws, or it is what a prototype has
	return value{}
}

// index is the place in a list that a key names.
func (f *frame) index(key value) int {
	switch {
	case key.kind == isNumber && key.n >= 0 && key.n < 1<<31 && key.n == math.Trunc(key.n):
		return int(key.n)
	case key.kind == isText:
		if i := jstext.ArrayIndex(key.s); i >= 0 {
			return i
		}
	}
	f.giveUp()
	return 0
}

// set makes object[key] = v.
func (f *frame) set(o, key, v value) {
	switch {
	case o.kind == isObject:
		name := key.s
		if key.kind != isText {
			name = f.toText(key)
		}
		if i := f.find(o.box, name); i >= 0 {
			o.box.items[i] = v
			return
		}
		f.add(o.box, name, v)
		return
	case o.kind == isList && !o.box.fixed:
		i := f.index(key)
		if i < len(o.box.items) {
			o.box.items[i] = v
			return
		}
		if i == len(o.box.items) {
			f.push(o.box, v)
			return
		}
	}
	f.giveUp()
}

// push adds an element to a list.
func (f *frame) push(b *box, v value) {
	if b.fixed || b.loops > 0 {
		f.giveUp()
	}
	f.take(1)
	b.items = append(b.items, v)
}

func (c *compiler) listLiteral(e *ast.ArrayLiteral) expr {
	var elements []expr
	for _, v := range e.Value {
		if v == nil { // a hole
			c.refuse()
			return undefined
		}
		elements = append(elements, c.expr(v))
	}
	return func(f *frame) value {
		f.take(1 + len(elements))
		v := f.list(len(elements))
		for i, el := range elements {
			v.box.items[i] = el(f)
		}
		return v
	}
}

func (c *compiler) objectLiteral(e *ast.ObjectLiteral) expr {
	var names []string
	var values []expr
	for _, p := range e.Value {
		name, v := "", ast.Expression(nil)
		switch p := p.(type) {
		case *ast.PropertyKeyed:
			s, ok := p.Key.(*ast.StringLiteral)
			if !ok || p.Kind != ast.PropertyKindValue || p.Computed {
				c.refuse()
				return undefined
			}
			name, v = c.literal(s.Value), p.Value
		case *ast.PropertyShort:
			if p.Initializer != nil {
				c.refuse()
			}
			name, v = p.Name.Name.String(), &p.Name
		default:
			c.refuse()
			return undefined
		}
		if jstext.OnPrototype(name) {
			c.refuse()
		}
		names, values = append(names, name), append(values, c.expr(v))
	}
	return func(f *frame) value {
		f.take(1)
		o := value{kind: isObject, box: f.newBox()}
		for i, name := range names {
			f.set(o, text(name), values[i](f))
		}
		return o
	}
}

func (c *compiler) unary(e *ast.UnaryExpression) expr {
	switch e.Operator {
	case token.INCREMENT:
		return c.count(e, 1)
	case token.DECREMENT:
		return c.count(e, -1)
	}
	x := c.expr(e.Operand)
	switch e.Operator {
	case token.NOT:
		return func(f *frame) value { return boolean(!x(f).truthy()) }
	case token.PLUS:
		return func(f *frame) value { return number(f.toNumber(x(f))) }
	case token.MINUS:
		return func(f *frame) value { return number(-f.toNumber(x(f))) }
	case token.TYPEOF:
		return func(f *frame) value { return text(x(f).typeOf()) }
	}
	c.refuse()
	return undefined
}

// count makes x++ and its like.
func (c *compiler) count(e *ast.UnaryExpression, by float64) expr {
	return c.change(e.Operand, func(f *frame, old value) (is, gives value) {
		n := f.toNumber(old)
		is, gives = number(n+by), number(n+by)
		if e.Postfix {
			gives = number(n)
		}
		return is, gives
	})
}

// assign makes x = e and x op= e.
func (c *compiler) assign(e *ast.AssignExpression) expr {
	right := c.expr(e.Right)
	if e.Operator != token.ASSIGN { // the parser gives the operator alone
		op := c.binary(e.Operator)
		return c.change(e.Left, func(f *frame, old value) (is, gives value) {
			v := op(f, old, right(f))
			return v, v
		})
	}
	object, key, at := c.place(e.Left)
	if object == nil {
		return func(f *frame) value {
			v := right(f)
			f.vars[at] = v
			return v
		}
	}
	return func(f *frame) value {
		o := object(f)
		k := key(f)
		v := right(f)
		f.set(o, k, v)
		return v
	}
}

// change makes an expression that sets x to what it is made to.
func (c *compiler) change(x ast.Expression, to func(f *frame, old value) (is, gives value)) expr {
	object, key, at := c.place(x)
	if object == nil {
		return func(f *frame) value {
			is, gives := to(f, f.vars[at])
			f.vars[at] = is
			return gives
		}
	}
	return func(f *frame) value {
		o := object(f)
		k := key(f)
		is, gives := to(f, f.get(o, k))
		f.set(o, k, is)
		return gives
	}
}

// place is what can be assigned to: a member of an object, or a variable, then object is nil.
func (c *compiler) place(x ast.Expression) (object, key expr, at int) {
	switch x := x.(type) {
	case *ast.Identifier:
		v, ok := c.find(x.Name.String())
		if !ok || v.fixed {
			c.refuse()
		}
		return nil, nil, v.at
	case *ast.DotExpression:
		return c.expr(x.Left), constant(text(x.Identifier.Name.String())), 0
	case *ast.BracketExpression:
		return c.expr(x.Left), c.expr(x.Member), 0
	}
	c.refuse()
	return nil, nil, 0
}

func (c *compiler) binaryExpr(e *ast.BinaryExpression) expr {
	left, right := c.expr(e.Left), c.expr(e.Right)
	switch e.Operator {
	case token.LOGICAL_AND:
		return func(f *frame) value {
			if v := left(f); !v.truthy() {
				return v
			}
			return right(f)
		}
	case token.LOGICAL_OR:
		return func(f *frame) value {
			if v := left(f); v.truthy() {
				return v
			}
			return right(f)
		}
	case token.COALESCE:
		return func(f *frame) value {
			if v := left(f); !v.isNullish() {
				return v
			}
			return right(f)
		}
	}
	op := c.binary(e.Operator)
	return func(f *frame) value {
		l := left(f)
		return op(f, l, right(f))
	}
}

// binary is an operator of two values.
func (c *compiler) binary(op token.Token) func(f *frame, a, b value) value {
	switch op {
	case token.PLUS:
		return (*frame).plus
	case token.MINUS:
		return arithmetic(func(x, y float64) float64 { return x - y })
	case token.MULTIPLY:
		return arithmetic(func(x, y float64) float64 { return x * y })
	case token.SLASH:
		return arithmetic(func(x, y float64) float64 { return x / y })
	case token.REMAINDER:
		return arithmetic(math.Mod)
	case token.STRICT_EQUAL:
		return func(_ *frame, a, b value) value { return boolean(strictEqual(a, b)) }
	case token.STRICT_NOT_EQUAL:
		return func(_ *frame, a, b value) value { return boolean(!strictEqual(a, b)) }
	case token.EQUAL:
		return func(f *frame, a, b value) value { return boolean(f.equal(a, b)) }
	case token.NOT_EQUAL:
		return func(f *frame, a, b value) value { return boolean(!f.equal(a, b)) }
	case token.LESS:
		return func(f *frame, a, b value) value { return boolean(f.less(a, b, false)) }
	case token.GREATER:
		return func(f *frame, a, b value) value { return boolean(f.less(b, a, false)) }
	case token.LESS_OR_EQUAL:
		return func(f *frame, a, b value) value { return boolean(f.less(a, b, true)) }
	case token.GREATER_OR_EQUAL:
		return func(f *frame, a, b value) value { return boolean(f.less(b, a, true)) }
	case token.IN:
		return func(f *frame, a, b value) value { return boolean(f.has(b, a)) }
	}
	c.refuse()
	return func(*frame, value, value) value { return value{} }
}

func arithmetic(calc func(x, y float64) float64) func(f *frame, a, b value) value {
	return func(f *frame, a, b value) value {
		x := f.toNumber(a)
		return number(calc(x, f.toNumber(b)))
	}
}

// has tells whether an object has a member of its own of that name. It gives up where a prototype has one.
func (f *frame) has(o, key value) bool {
	switch o.kind {
	case isObject:
		name := f.toText(key)
		if f.find(o.box, name) >= 0 {
			return true
		}
		if jstext.OnPrototype(name) {
			f.giveUp()
		}
		return false
	case isList:
		return f.index(key) < len(o.box.items)
	}
	f.giveUp()
	return false
}
