package plain

import (
	"math"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"

	"logctl/store/view/js/jstext"
)

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
	case token.BITWISE_NOT:
		return func(f *frame) value { return number(float64(^f.toInt32(x(f)))) }
	case token.TYPEOF:
		return func(f *frame) value { return text(x(f).typeOf()) }
	case token.VOID:
		return func(f *frame) value { x(f); return value{} }
	}
	return c.refuse()
}

// count makes x++ and its like.
func (c *compiler) count(e *ast.UnaryExpression, by float64) expr {
	return c.change(e.Operand, e.Postfix, func(f *frame, old value) value { return number(f.toNumber(old) + by) })
}

// assign makes x = e and x op= e.
func (c *compiler) assign(e *ast.AssignExpression) expr {
	right := c.expr(e.Right)
	if e.Operator != token.ASSIGN { // the parser gives the operator alone
		op := c.binary(e.Operator)
		return c.change(e.Left, false, func(f *frame, old value) value { return op(f, old, right(f)) })
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

// change makes an expression that sets x to what it is made to. The value is that, or the number that x was.
func (c *compiler) change(x ast.Expression, givesOld bool, to func(f *frame, old value) value) expr {
	object, key, at := c.place(x)
	if object == nil {
		return func(f *frame) value {
			old := f.vars[at]
			v := to(f, old)
			if f.vars[at] = v; givesOld {
				return number(f.toNumber(old))
			}
			return v
		}
	}
	return func(f *frame) value {
		o := object(f)
		k := key(f)
		old := f.get(o, k)
		v := to(f, old)
		if f.set(o, k, v); givesOld {
			return number(f.toNumber(old))
		}
		return v
	}
}

// place is what can be assigned to: a member of an object, or a variable, then object is nil.
func (c *compiler) place(x ast.Expression) (object, key expr, at int) {
	switch x := x.(type) {
	case *ast.DotExpression:
		return c.expr(x.Left), constant(text(x.Identifier.Name.String())), 0
	case *ast.BracketExpression:
		return c.expr(x.Left), c.expr(x.Member), 0
	}
	return nil, nil, c.assignable(x)
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
	if fast := compareConstant(e.Operator, left, e.Right); fast != nil {
		return fast
	}
	op := c.binary(e.Operator)
	return func(f *frame) value {
		l := left(f)
		return op(f, l, right(f))
	}
}

// compareConstant makes the comparisons that guards are made of, with a constant on the right; nil for others.
func compareConstant(op token.Token, left expr, right ast.Expression) expr {
	switch r := right.(type) {
	case *ast.StringLiteral:
		if s := r.Value.String(); op == token.STRICT_EQUAL {
			return func(f *frame) value { v := left(f); return boolean(v.kind == isText && v.s == s) }
		} else if op == token.STRICT_NOT_EQUAL {
			return func(f *frame) value { v := left(f); return boolean(v.kind != isText || v.s != s) }
		}
	case *ast.NumberLiteral:
		n, ok := r.Value.(int64)
		if !ok {
			return nil
		}
		x := float64(n)
		switch op {
		case token.LESS:
			return func(f *frame) value { return boolean(f.toNumber(left(f)) < x) }
		case token.GREATER:
			return func(f *frame) value { return boolean(f.toNumber(left(f)) > x) }
		case token.LESS_OR_EQUAL:
			return func(f *frame) value { return boolean(f.toNumber(left(f)) <= x) }
		case token.GREATER_OR_EQUAL:
			return func(f *frame) value { return boolean(f.toNumber(left(f)) >= x) }
		}
	}
	return nil
}

// binary is an operator of two values.
func (c *compiler) binary(op token.Token) func(f *frame, a, b value) value {
	if calc, ok := arithmetic[op]; ok {
		return func(f *frame, a, b value) value {
			x := f.toNumber(a)
			return number(calc(x, f.toNumber(b)))
		}
	}
	if calc, ok := bitwise[op]; ok {
		return func(f *frame, a, b value) value {
			x := f.toInt32(a)
			return number(calc(x, f.toInt32(b)))
		}
	}
	switch op {
	case token.PLUS:
		return (*frame).plus
	case token.STRICT_EQUAL:
		return func(f *frame, a, b value) value { return boolean(f.strictEqual(a, b)) }
	case token.STRICT_NOT_EQUAL:
		return func(f *frame, a, b value) value { return boolean(!f.strictEqual(a, b)) }
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

// arithmetic are the operators of numbers.
var arithmetic = map[token.Token]func(a, b float64) float64{
	token.MINUS:     func(a, b float64) float64 { return a - b },
	token.MULTIPLY:  func(a, b float64) float64 { return a * b },
	token.SLASH:     func(a, b float64) float64 { return a / b },
	token.REMAINDER: math.Mod,
}

// bitwise are the operators of 32 bits.
var bitwise = map[token.Token]func(a, b int32) float64{
	token.OR:                   func(a, b int32) float64 { return float64(a | b) },
	token.AND:                  func(a, b int32) float64 { return float64(a & b) },
	token.EXCLUSIVE_OR:         func(a, b int32) float64 { return float64(a ^ b) },
	token.SHIFT_LEFT:           func(a, b int32) float64 { return float64(a << (uint32(b) & 31)) },
	token.SHIFT_RIGHT:          func(a, b int32) float64 { return float64(a >> (uint32(b) & 31)) },
	token.UNSIGNED_SHIFT_RIGHT: func(a, b int32) float64 { return float64(uint32(a) >> (uint32(b) & 31)) },
}

// has tells whether an object has a member of its own of that name. It gives up where a prototype has one.
func (f *frame) has(o, key value) bool {
	switch o.kind {
	case isObject:
		name := f.toText(key)
		if f.find(f.open(o), name) >= 0 {
			return true
		}
		if !jstext.OnPrototype(name) {
			return false
		}
	case isList:
		if i := key.index(); i >= 0 {
			return i < len(f.open(o).items)
		}
	}
	f.giveUp()
	return false
}
