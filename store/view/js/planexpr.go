package js

import (
	"math"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"

	"logctl/store"
	"logctl/store/view/js/jstext"
)

func constant(d datum) expr { return func(*frame) datum { return d } }

// expr makes an expression; nil once the plan is refused.
func (c *planner) expr(e ast.Expression) expr {
	if c.refused {
		return nil
	}
	switch e := e.(type) {
	case *ast.NullLiteral:
		return constant(datum{kind: isNull})
	case *ast.BooleanLiteral:
		return constant(boolean(e.Value))
	case *ast.NumberLiteral:
		switch v := e.Value.(type) {
		case int64:
			return constant(number(float64(v)))
		case float64:
			return constant(number(v))
		}
	case *ast.StringLiteral:
		if s, ok := c.literal(e.Value); ok {
			return constant(text(s))
		}
	case *ast.TemplateLiteral:
		return c.template(e)
	case *ast.Identifier:
		return c.name(e)
	case *ast.DotExpression:
		return c.dot(e.Left, e.Identifier.Name.String())
	case *ast.BracketExpression:
		return c.bracket(e)
	case *ast.ArrayLiteral:
		return c.array(e)
	case *ast.ObjectLiteral:
		return c.object(e)
	case *ast.UnaryExpression:
		return c.unary(e)
	case *ast.BinaryExpression:
		return c.binaryExpr(e)
	case *ast.ConditionalExpression:
		test, then, other := c.expr(e.Test), c.expr(e.Consequent), c.expr(e.Alternate)
		return func(f *frame) datum {
			if test(f).truthy() {
				return then(f)
			}
			return other(f)
		}
	case *ast.AssignExpression:
		return c.assign(e)
	case *ast.CallExpression:
		return c.call(e)
	case *ast.NewExpression:
		if id, ok := e.Callee.(*ast.Identifier); ok && c.isGlobal(id) && id.Name.String() == "Date" {
			return c.newDate(e.ArgumentList)
		}
	case *ast.SequenceExpression:
		parts := make([]expr, len(e.Sequence))
		for i, p := range e.Sequence {
			parts[i] = c.expr(p)
		}
		return func(f *frame) (last datum) {
			for _, p := range parts {
				last = p(f)
			}
			return last
		}
	}
	c.refuse()
	return nil
}

// literal is a text of the source, unless it holds half a surrogate.
func (c *planner) literal(u unistring.String) (string, bool) {
	s := u.String()
	return s, !strings.ContainsRune(s, '\uFFFD')
}

func (c *planner) template(e *ast.TemplateLiteral) expr {
	if e.Tag != nil {
		c.refuse()
		return nil
	}
	var texts []string
	for _, el := range e.Elements {
		s, ok := c.literal(el.Parsed)
		if !ok || !el.Valid {
			c.refuse()
			return nil
		}
		texts = append(texts, s)
	}
	parts := make([]expr, len(e.Expressions))
	for i, p := range e.Expressions {
		parts[i] = c.expr(p)
	}
	return func(f *frame) datum {
		d := text(texts[0])
		for i, p := range parts {
			if v := p(f); !v.isPrimitive() {
				return f.giveUp()
			} else {
				d = f.add(f.add(d, text(f.toString(v))), text(texts[i+1]))
			}
		}
		return d
	}
}

// name is a variable, the doc or a global that is a constant.
func (c *planner) name(id *ast.Identifier) expr {
	name := id.Name.String()
	if at, ok := c.scope[name]; ok {
		return func(f *frame) datum { return f.vars[at] }
	}
	switch name {
	case c.doc:
		return func(f *frame) datum { return datum{kind: isRaw, s: f.doc} }
	case "undefined":
		return constant(datum{})
	case "NaN":
		return constant(number(math.NaN()))
	case "Infinity":
		return constant(number(math.Inf(1)))
	}
	c.refuse()
	return nil
}

// dot is left.name. Names that prototypes have are refused, whatever left is.
func (c *planner) dot(left ast.Expression, name string) expr {
	if jstext.OnPrototype(name) {
		c.refuse()
		return nil
	}
	if id, ok := left.(*ast.Identifier); ok && !c.isGlobal(id) && id.Name.String() == c.doc {
		i := c.names.index(name)
		return func(f *frame) datum { return f.field(i) }
	}
	object := c.expr(left)
	return func(f *frame) datum { return f.property(object(f), name) }
}

func (c *planner) bracket(e *ast.BracketExpression) expr {
	if s, ok := e.Member.(*ast.StringLiteral); ok {
		name, ok := c.literal(s.Value)
		if !ok || jstext.ArrayIndex(name) >= 0 {
			c.refuse()
			return nil
		}
		return c.dot(e.Left, name)
	}
	object, place := c.expr(e.Left), c.expr(e.Member)
	return func(f *frame) datum {
		d := object(f)
		return f.element(d, place(f))
	}
}

func (c *planner) array(e *ast.ArrayLiteral) expr {
	elements := make([]expr, len(e.Value))
	for i, v := range e.Value {
		if v == nil { // a hole
			c.refuse()
			return nil
		}
		elements[i] = c.expr(v)
	}
	return func(f *frame) datum {
		base := len(f.stack)
		for _, el := range elements {
			f.stack = append(f.stack, el(f))
		}
		start := len(f.arena)
		f.arena = append(f.arena, f.stack[base:]...)
		f.stack = f.stack[:base]
		return f.list(isArray, start, len(f.arena))
	}
}

func (c *planner) object(e *ast.ObjectLiteral) expr {
	type named struct {
		name string
		val  expr
	}
	var list []named
	seen := map[string]bool{}
	for _, p := range e.Value {
		k, ok := p.(*ast.PropertyKeyed)
		if !ok || k.Kind != ast.PropertyKindValue || k.Computed {
			c.refuse()
			return nil
		}
		s, ok := k.Key.(*ast.StringLiteral)
		if !ok {
			c.refuse()
			return nil
		}
		name, ok := c.literal(s.Value)
		if !ok || seen[name] || jstext.OnPrototype(name) || name == "toJSON" || jstext.ArrayIndex(name) >= 0 {
			c.refuse()
			return nil
		}
		seen[name] = true
		list = append(list, named{string(store.AppendJSONString(nil, name)), c.expr(k.Value)})
	}
	return func(f *frame) datum {
		values := make([]member, 0, len(list))
		for _, m := range list {
			values = append(values, member{m.name, m.val(f)})
		}
		start := len(f.members)
		f.members = append(f.members, values...)
		return f.list(isObject, start, len(f.members))
	}
}

func (c *planner) unary(e *ast.UnaryExpression) expr {
	if e.Postfix {
		c.refuse()
		return nil
	}
	if id, ok := e.Operand.(*ast.Identifier); ok && e.Operator == token.TYPEOF && c.isGlobal(id) {
		c.refuse()
		return nil
	}
	x := c.expr(e.Operand)
	switch e.Operator {
	case token.NOT:
		return func(f *frame) datum { return boolean(!x(f).truthy()) }
	case token.PLUS:
		return func(f *frame) datum { return number(f.toNumber(x(f))) }
	case token.MINUS:
		return func(f *frame) datum { return number(-f.toNumber(x(f))) }
	case token.BITWISE_NOT:
		return func(f *frame) datum { return number(float64(^f.toInt32(x(f)))) }
	case token.TYPEOF:
		return func(f *frame) datum { return text(x(f).typeOf()) }
	case token.VOID:
		return func(f *frame) datum { x(f); return datum{} }
	}
	c.refuse()
	return nil
}

func (c *planner) binaryExpr(e *ast.BinaryExpression) expr {
	left, right := c.expr(e.Left), c.expr(e.Right)
	switch e.Operator {
	case token.LOGICAL_AND:
		return func(f *frame) datum {
			if d := left(f); !d.truthy() {
				return d
			}
			return right(f)
		}
	case token.LOGICAL_OR:
		return func(f *frame) datum {
			if d := left(f); d.truthy() {
				return d
			}
			return right(f)
		}
	case token.COALESCE:
		return func(f *frame) datum {
			if d := left(f); !d.isNullish() {
				return d
			}
			return right(f)
		}
	}
	if fast := compareConstant(e.Operator, left, e.Right); fast != nil {
		return fast
	}
	op := c.binary(e.Operator)
	return func(f *frame) datum {
		l := left(f)
		return op(f, l, right(f))
	}
}

// compareConstant makes the comparisons that guards are made of, with a constant on the right; nil for others.
func compareConstant(op token.Token, left expr, right ast.Expression) expr {
	switch r := right.(type) {
	case *ast.StringLiteral:
		if s := r.Value.String(); op == token.STRICT_EQUAL {
			return func(f *frame) datum { d := left(f); return boolean(d.kind == isString && d.s == s) }
		} else if op == token.STRICT_NOT_EQUAL {
			return func(f *frame) datum { d := left(f); return boolean(d.kind != isString || d.s != s) }
		}
	case *ast.NumberLiteral:
		n, ok := r.Value.(int64)
		if !ok {
			return nil
		}
		x := float64(n)
		switch op {
		case token.LESS:
			return func(f *frame) datum { return boolean(f.toNumber(left(f)) < x) }
		case token.GREATER:
			return func(f *frame) datum { return boolean(f.toNumber(left(f)) > x) }
		case token.LESS_OR_EQUAL:
			return func(f *frame) datum { return boolean(f.toNumber(left(f)) <= x) }
		case token.GREATER_OR_EQUAL:
			return func(f *frame) datum { return boolean(f.toNumber(left(f)) >= x) }
		}
	}
	return nil
}

// binary is an operator of two values.
func (c *planner) binary(op token.Token) func(f *frame, a, b datum) datum {
	if calc, ok := arithmetic[op]; ok {
		return func(f *frame, a, b datum) datum {
			x := f.toNumber(a)
			return number(calc(x, f.toNumber(b)))
		}
	}
	if calc, ok := bitwise[op]; ok {
		return func(f *frame, a, b datum) datum {
			x := f.toInt32(a)
			return number(calc(x, f.toInt32(b)))
		}
	}
	switch op {
	case token.PLUS:
		return (*frame).add
	case token.STRICT_EQUAL:
		return func(f *frame, a, b datum) datum { return boolean(f.strictEqual(a, b)) }
	case token.STRICT_NOT_EQUAL:
		return func(f *frame, a, b datum) datum { return boolean(!f.strictEqual(a, b)) }
	case token.EQUAL:
		return func(f *frame, a, b datum) datum { return boolean(f.equal(a, b)) }
	case token.NOT_EQUAL:
		return func(f *frame, a, b datum) datum { return boolean(!f.equal(a, b)) }
	case token.LESS:
		return func(f *frame, a, b datum) datum { return boolean(f.less(a, b, false)) }
	case token.GREATER:
		return func(f *frame, a, b datum) datum { return boolean(f.less(b, a, false)) }
	case token.LESS_OR_EQUAL:
		return func(f *frame, a, b datum) datum { return boolean(f.less(a, b, true)) }
	case token.GREATER_OR_EQUAL:
		return func(f *frame, a, b datum) datum { return boolean(f.less(b, a, true)) }
	}
	c.refuse()
	return nil
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
