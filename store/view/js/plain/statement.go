package plain

import (
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
)

// flow is how it goes on behind a statement.
type flow uint8

const (
	next flow = iota
	breaks
	continues
	returns
)

// sequence makes one statement of several.
func sequence(steps []step) step {
	if len(steps) == 1 {
		return steps[0]
	}
	return func(f *frame) flow { return f.block(steps) }
}

// block runs statements until one leaves the block.
func (f *frame) block(steps []step) flow {
	for _, s := range steps {
		if how := s(f); how != next {
			return how
		}
	}
	return next
}

func (c *compiler) list(list []ast.Statement) (steps []step) {
	for _, s := range list {
		if made := c.statement(s); made != nil {
			steps = append(steps, made)
		}
		if c.refused {
			return nil
		}
	}
	return steps
}

func (c *compiler) statement(s ast.Statement) step {
	switch s := s.(type) {
	case *ast.EmptyStatement:
		return func(*frame) flow { return next }
	case *ast.ExpressionStatement:
		e := c.expr(s.Expression)
		return func(f *frame) flow { e(f); return next }
	case *ast.VariableStatement:
		return c.bindings(s.List)
	case *ast.LexicalDeclaration:
		return c.lexicalBindings(s)
	case *ast.ReturnStatement:
		if s.Argument == nil {
			return func(f *frame) flow { f.ret = value{}; return returns }
		}
		e := c.expr(s.Argument)
		return func(f *frame) flow { f.ret = e(f); return returns }
	case *ast.BlockStatement:
		c.enter()
		steps := c.list(s.List)
		c.leave()
		return sequence(steps)
	case *ast.IfStatement:
		return c.branch(s)
	case *ast.BranchStatement:
		how := continues
		if s.Token == token.BREAK {
			how = breaks
		}
		if s.Label != nil || c.loops == 0 {
			c.refuse()
		}
		return func(*frame) flow { return how }
	case *ast.ForStatement:
		return c.forLoop(s)
	case *ast.WhileStatement:
		test := c.expr(s.Test)
		return loop(test, nil, c.loopBody(s.Body))
	case *ast.ForInStatement:
		return c.forIn(s.Into, s.Source, s.Body, (*frame).names)
	case *ast.ForOfStatement:
		return c.forIn(s.Into, s.Source, s.Body, (*frame).elements)
	}
	c.refuse()
	return nil
}

// bindings makes the assignments of a var, which keeps its value where it has no other.
func (c *compiler) bindings(list []*ast.Binding) step {
	var steps []step
	for _, b := range list {
		at := c.assignable(b.Target)
		if b.Initializer != nil {
			steps = append(steps, assignTo(at, c.expr(b.Initializer)))
		}
	}
	return sequence(steps)
}

func (c *compiler) lexicalBindings(d *ast.LexicalDeclaration) step {
	var steps []step
	for _, b := range d.List {
		value := expr(undefined)
		if b.Initializer != nil {
			value = c.expr(b.Initializer)
		}
		steps = append(steps, assignTo(c.lexical(b.Target, d.Token == token.CONST), value))
	}
	return sequence(steps)
}

func undefined(*frame) value { return value{} }

func assignTo(at int, e expr) step {
	return func(f *frame) flow { f.vars[at] = e(f); return next }
}

func (c *compiler) branch(s *ast.IfStatement) step {
	test, then := c.expr(s.Test), c.statement(s.Consequent)
	if s.Alternate == nil {
		return func(f *frame) flow {
			if test(f).truthy() {
				return then(f)
			}
			return next
		}
	}
	other := c.statement(s.Alternate)
	return func(f *frame) flow {
		if test(f).truthy() {
			return then(f)
		}
		return other(f)
	}
}

func (c *compiler) loopBody(s ast.Statement) step {
	c.loops++
	body := c.statement(s)
	c.loops--
	return body
}

func (c *compiler) forLoop(s *ast.ForStatement) step {
	c.enter()
	defer c.leave()
	first := step(func(*frame) flow { return next })
	switch i := s.Initializer.(type) {
	case nil:
	case *ast.ForLoopInitializerExpression:
		e := c.expr(i.Expression)
		first = func(f *frame) flow { e(f); return next }
	case *ast.ForLoopInitializerVarDeclList:
		first = c.bindings(i.List)
	case *ast.ForLoopInitializerLexicalDecl:
		first = c.lexicalBindings(&i.LexicalDeclaration)
	default:
		c.refuse()
	}
	test, update := expr(func(*frame) value { return boolean(true) }), expr(nil)
	if s.Test != nil {
		test = c.expr(s.Test)
	}
	if s.Update != nil {
		update = c.expr(s.Update)
	}
	rest := loop(test, update, c.loopBody(s.Body))
	return func(f *frame) flow { first(f); return rest(f) }
}

// loop repeats body while test holds; update may be nil.
func loop(test, update expr, body step) step {
	return func(f *frame) flow {
		for test(f).truthy() {
			f.step()
			switch body(f) {
			case breaks:
				return next
			case returns:
				return returns
			}
			if update != nil {
				update(f)
			}
		}
		return next
	}
}

// forIn makes a loop over what each gives.
func (c *compiler) forIn(into ast.ForInto, source ast.Expression, body ast.Statement, each func(f *frame, v value, do func(value) flow)) step {
	from := c.expr(source)
	c.enter()
	defer c.leave()
	at := 0
	switch i := into.(type) {
	case *ast.ForIntoVar:
		if i.Binding.Initializer != nil {
			c.refuse()
		}
		at = c.assignable(i.Binding.Target)
	case *ast.ForDeclaration:
		at = c.lexical(i.Target, i.IsConst)
	case *ast.ForIntoExpression:
		at = c.assignable(i.Expression)
	default:
		c.refuse()
	}
	run := c.loopBody(body)
	return func(f *frame) (end flow) {
		each(f, from(f), func(v value) flow {
			f.step()
			f.vars[at] = v
			how := run(f)
			if how == returns {
				end = returns
			}
			return how
		})
		return end
	}
}

// names calls do for the names of the members of v, until it breaks or returns.
func (f *frame) names(v value, do func(value) flow) {
	switch v.kind {
	case isText:
		f.giveUp()
	case isList, isObject:
	default:
		return
	}
	b := f.open(v)
	b.order()
	b.loops++
	for i := range b.items {
		name := ""
		if v.kind == isList {
			name = f.toText(number(float64(i)))
		} else {
			name, b.hint = b.keys[i], i
		}
		if how := do(text(name)); how == breaks || how == returns {
			break
		}
	}
	b.loops--
}

// elements calls do for the elements of a list.
func (f *frame) elements(v value, do func(value) flow) {
	if v.kind != isList {
		f.giveUp()
	}
	b := f.open(v)
	b.loops++
	for i := range b.items {
		if how := do(f.item(b, i)); how == breaks || how == returns {
			break
		}
	}
	b.loops--
}
