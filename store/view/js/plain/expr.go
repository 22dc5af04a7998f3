package plain

import (
	"math"
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
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
	case *ast.TemplateLiteral:
		return c.template(e)
	case *ast.DotExpression:
		return c.dot(e.Left, e.Identifier.Name.String())
	case *ast.BracketExpression:
		return c.bracket(e)
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
	case *ast.NewExpression:
		if id, ok := e.Callee.(*ast.Identifier); ok && c.isGlobal(id) && id.Name.String() == "Date" {
			return c.newDate(c.exprs(e.ArgumentList))
		}
	case *ast.SequenceExpression:
		parts := c.exprs(e.Sequence)
		return func(f *frame) (last value) {
			for _, p := range parts {
				last = p(f)
			}
			return last
		}
	}
	return c.refuse()
}

// literal is a text of the source; one that holds half a surrogate is refused.
func (c *compiler) literal(u unistring.String) string {
	s := u.String()
	if strings.ContainsRune(s, '\uFFFD') {
		c.refuse()
	}
	return s
}

func (c *compiler) template(e *ast.TemplateLiteral) expr {
	if e.Tag != nil {
		return c.refuse()
	}
	var texts []string
	for _, el := range e.Elements {
		if !el.Valid {
			c.refuse()
		}
		texts = append(texts, c.literal(el.Parsed))
	}
	parts := c.exprs(e.Expressions)
	return func(f *frame) value {
		all := text(texts[0])
		for i, p := range parts {
			all = f.join(f.join(all.s, f.toText(p(f))).s, texts[i+1])
		}
		return all
	}
}

// name is a variable, the doc, or a global that is a constant.
func (c *compiler) name(id *ast.Identifier) expr {
	name := id.Name.String()
	if v, ok := c.find(name); ok {
		if v.doc {
			return (*frame).wholeDoc
		}
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
	return c.refuse()
}

// dot makes left.name.
func (c *compiler) dot(left ast.Expression, name string) expr {
	if jstext.OnPrototype(name) {
		return c.refuse()
	}
	if id, ok := left.(*ast.Identifier); ok && c.fields != nil {
		if v, _ := c.find(id.Name.String()); v.doc {
			i := c.fields.index(name)
			if i < 0 {
				return c.refuse()
			}
			return func(f *frame) value { return f.field(i) }
		}
	}
	object := c.expr(left)
	return func(f *frame) value { return f.member(object(f), name) }
}

// bracket makes left[key].
func (c *compiler) bracket(e *ast.BracketExpression) expr {
	if s, ok := e.Member.(*ast.StringLiteral); ok && jstext.ArrayIndex(s.Value.String()) < 0 {
		return c.dot(e.Left, c.literal(s.Value))
	}
	object, key := c.expr(e.Left), c.expr(e.Member)
	return func(f *frame) value {
		o := object(f)
		return f.get(o, key(f))
	}
}

// get is o[key].
func (f *frame) get(o, key value) value {
	switch o.kind {
	case isList:
		if i := key.index(); i >= 0 {
			if b := f.open(o); i < len(b.items) {
				return f.item(b, i)
			}
			return value{}
		}
	case isText:
		if i := key.index(); i >= 0 && f.isASCII(o.s) {
			if i < len(o.s) {
				return text(o.s[i : i+1])
			}
			return value{}
		}
	}
	return f.member(o, f.toText(key))
}

// member is o.name.
func (f *frame) member(o value, name string) value {
	switch o.kind {
	case isUndefined, isNull:
		return f.throw()
	case isObject:
		b := f.open(o)
		if i := f.find(b, name); i >= 0 {
			return b.items[i]
		}
		if !jstext.OnPrototype(name) {
			return value{}
		}
	case isList:
		if name == "length" {
			return number(float64(len(f.open(o).items)))
		}
	case isText:
		if name == "length" && f.isASCII(o.s) {
			return number(float64(len(o.s)))
		}
	}
	return f.giveUp() // it is what a prototype has, or what is not known here
}

// index is the place in a list that a key names, -1 if it names none.
func (v value) index() int {
	switch {
	case v.kind == isNumber && v.n >= 0 && v.n < 1<<31 && v.n == math.Trunc(v.n):
		return int(v.n)
	case v.kind == isText:
		return jstext.ArrayIndex(v.s)
	}
	return -1
}

// set makes object[key] = v.
func (f *frame) set(o, key, v value) {
	if o.kind != isObject && o.kind != isList {
		f.giveUp()
	}
	b := f.boxOf(o)
	if b.fixed {
		f.giveUp()
	}
	if o.kind == isObject {
		name := f.toText(key)
		if i := f.find(b, name); i >= 0 {
			b.items[i] = v
		} else {
			f.add(b, name, v)
		}
		return
	}
	switch i := key.index(); {
	case i == len(b.items):
		f.push(b, v)
	case i < 0 || i > len(b.items):
		f.giveUp()
	default:
		b.items[i] = v
	}
}

func (c *compiler) listLiteral(e *ast.ArrayLiteral) expr {
	var elements []expr
	for _, v := range e.Value {
		if v == nil { // a hole
			return c.refuse()
		}
		elements = append(elements, c.expr(v))
	}
	return func(f *frame) value {
		v, b := f.list(len(elements))
		for i, el := range elements {
			b.items[i] = el(f)
		}
		return v
	}
}

func (c *compiler) objectLiteral(e *ast.ObjectLiteral) expr {
	var names []string
	var values []expr
	seen, numbered := map[string]bool{}, false
	for _, p := range e.Value {
		name, v := "", ast.Expression(nil)
		switch p := p.(type) {
		case *ast.PropertyKeyed:
			s, ok := p.Key.(*ast.StringLiteral)
			if !ok || p.Kind != ast.PropertyKindValue || p.Computed {
				return c.refuse()
			}
			name, v = c.literal(s.Value), p.Value
		case *ast.PropertyShort:
			if p.Initializer != nil {
				c.refuse()
			}
			name, v = p.Name.Name.String(), &p.Name
		default:
			return c.refuse()
		}
		if jstext.OnPrototype(name) || seen[name] {
			c.refuse()
		}
		seen[name] = true
		numbered = numbered || jstext.ArrayIndex(name) >= 0
		names, values = append(names, name), append(values, c.expr(v))
	}
	names = slices.Clip(names)
	return func(f *frame) value {
		o, b := f.list(len(values))
		for i, v := range values {
			b.items[i] = v(f)
		}
		o.kind, b.keys, b.numbered = isObject, names, numbered
		return o
	}
}

// exprs makes expressions.
func (c *compiler) exprs(list []ast.Expression) (made []expr) {
	for _, e := range list {
		made = append(made, c.expr(e))
	}
	return made
}
