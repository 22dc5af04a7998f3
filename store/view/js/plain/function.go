package plain

import "github.com/dop251/goja/ast"

// step is a statement.
type step func(f *frame) flow

// expr is an expression.
type expr func(f *frame) value

// function is a function of a source: the whole of it, or one that is given to a method. The latter is called in no other way, so the
// variables of each need one place.
type function struct {
	params []int
	from   int // its variables, parameters included
	to     int
	body   []step
}

// hopeless tells whether a function gives up most of the time: it is left to the engine.
func hopeless(runs, givenUp int64) bool {
	const tries, patient = 32, 2 // one run in so many may give up
	return givenUp > tries && givenUp*patient > runs
}

// compiler turns a syntax tree into closures. The first thing that it does not know makes it give up: refused.
type compiler struct {
	fields  *Fields // of a map function
	scope   *scope
	vars    int
	loops   int             // around the statement at hand, in its function
	globals map[string]bool // that were used
	refused bool
}

// scope has the names of a function or of a block.
type scope struct {
	outer *scope
	names map[string]variable
}

type variable struct {
	at    int // among frame.vars
	fixed bool
	doc   bool // the doc that is mapped; fixed
}

// compile makes a function, nil if it needs the engine.
func (c *compiler) compile(e ast.Expression) *function {
	c.globals = map[string]bool{}
	fn := c.function(e)
	if c.refused {
		return nil
	}
	return fn
}

func (c *compiler) refuse() expr {
	c.refused = true
	return undefined
}

func (c *compiler) enter() { c.scope = &scope{outer: c.scope, names: map[string]variable{}} }

func (c *compiler) leave() { c.scope = c.scope.outer }

func (c *compiler) find(name string) (variable, bool) {
	for s := c.scope; s != nil; s = s.outer {
		if v, ok := s.names[name]; ok {
			return v, true
		}
	}
	return variable{}, false
}

// declare makes a variable of this scope, or finds it there.
func (c *compiler) declare(target ast.BindingTarget, fixed bool) int {
	id, ok := target.(*ast.Identifier)
	if !ok {
		c.refuse()
		return 0
	}
	name := id.Name.String()
	if name == "arguments" || name == "undefined" || name == "NaN" || name == "Infinity" {
		c.refuse()
	}
	if v, ok := c.scope.names[name]; ok {
		if v.fixed || fixed {
			c.refuse()
		}
		return v.at
	}
	v := variable{at: c.vars, fixed: fixed}
	c.vars++
	c.scope.names[name] = v
	return v.at
}

// lexical declares a variable of let or const. A name that can be seen already, or was used as a global's, is refused: what is meant by it
// before the declaration is an error.
func (c *compiler) lexical(target ast.BindingTarget, fixed bool) int {
	if id, ok := target.(*ast.Identifier); ok {
		name := id.Name.String()
		if _, taken := c.find(name); taken || c.globals[name] {
			c.refuse()
		}
	}
	return c.declare(target, fixed)
}

// assignable is the place of a variable that may be set.
func (c *compiler) assignable(x any) int {
	id, ok := x.(*ast.Identifier)
	if !ok {
		c.refuse()
		return 0
	}
	v, ok := c.find(id.Name.String())
	if !ok || v.fixed {
		c.refuse()
	}
	return v.at
}

// function makes a function literal.
func (c *compiler) function(e ast.Expression) *function {
	var params *ast.ParameterList
	var declared []*ast.VariableDeclaration
	var body []ast.Statement
	switch fn := e.(type) {
	case *ast.FunctionLiteral:
		if fn.Async || fn.Generator || fn.Name != nil { // one that has a name may mean itself by it
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
	made := &function{from: c.vars, params: c.parameters(params)}
	for _, d := range declared {
		for _, b := range d.List {
			c.declare(b.Target, false)
		}
	}
	made.body = c.list(body)
	made.to, c.loops = c.vars, loops
	c.leave()
	return made
}

func (c *compiler) parameters(list *ast.ParameterList) (places []int) {
	if list.Rest != nil {
		c.refuse()
	}
	isDoc := c.fields != nil && c.scope.outer == nil // the first
	for _, b := range list.List {
		if b.Initializer != nil {
			c.refuse()
			return nil
		}
		known := len(c.scope.names)
		places = append(places, c.declare(b.Target, isDoc))
		if len(c.scope.names) == known { // the last of a name counts, whether it is given or not
			c.refuse()
		}
		if id, ok := b.Target.(*ast.Identifier); ok && isDoc {
			c.scope.names[id.Name.String()] = variable{at: places[0], fixed: true, doc: true}
		}
		isDoc = false
	}
	return places
}

// call calls a function.
func (f *frame) call(fn *function, args ...value) value {
	f.step()
	clear(f.vars[fn.from:fn.to])
	for i, at := range fn.params {
		if i < len(args) {
			f.vars[at] = args[i]
		}
	}
	f.block(fn.body)
	v := f.ret
	f.ret = value{}
	return v
}
