package js

import (
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"

	"logctl/store/view/js/jstext"
)

// planner turns a syntax tree into a plan. The first thing that it does not know makes it give up: refused.
type planner struct {
	names   *fieldNames
	doc     string         // the parameter
	scope   map[string]int // variables that may be named here, as places in frame.vars
	fixed   map[int]bool   // those that are constants
	vars    int
	refused bool
}

// compilePlan makes a plan of a program that is a function and nothing else, nil if that function needs the engine. names
// gathers the members of the doc that it reads.
func compilePlan(prog *ast.Program, names *fieldNames) *plan {
	params, declared, body := functionParts(prog)
	if params == nil || len(params.List) != 1 || params.Rest != nil || params.List[0].Initializer != nil {
		return nil
	}
	doc, ok := params.List[0].Target.(*ast.Identifier)
	if !ok {
		return nil
	}
	known := len(*names)
	c := &planner{names: names, doc: doc.Name.String(), scope: map[string]int{}, fixed: map[int]bool{}}
	for _, d := range declared {
		for _, b := range d.List {
			c.declare(b.Target, false)
		}
	}
	steps := c.list(body)
	if c.refused {
		*names = (*names)[:known]
		return nil
	}
	return &plan{body: steps, vars: c.vars}
}

// functionParts finds the parts of the function that a program is, as compile makes programs.
func functionParts(prog *ast.Program) (*ast.ParameterList, []*ast.VariableDeclaration, []ast.Statement) {
	var code []ast.Statement
	for _, s := range prog.Body {
		if _, empty := s.(*ast.EmptyStatement); !empty {
			code = append(code, s)
		}
	}
	if len(code) == 2 { // a declaration that was given a name, and the name
		d, ok := code[0].(*ast.FunctionDeclaration)
		e, ok2 := code[1].(*ast.ExpressionStatement)
		if !ok || !ok2 || d.Function.Name == nil || d.Function.Name.Name.String() != functionName {
			return nil, nil, nil
		}
		if id, ok := e.Expression.(*ast.Identifier); !ok || id.Name.String() != functionName {
			return nil, nil, nil
		}
		return literalParts(d.Function)
	}
	if len(code) != 1 {
		return nil, nil, nil
	}
	e, ok := code[0].(*ast.ExpressionStatement)
	if !ok {
		return nil, nil, nil
	}
	switch f := e.Expression.(type) {
	case *ast.FunctionLiteral:
		return literalParts(f)
	case *ast.ArrowFunctionLiteral:
		if f.Async {
			return nil, nil, nil
		}
		switch body := f.Body.(type) {
		case *ast.BlockStatement:
			return f.ParameterList, f.DeclarationList, body.List
		case *ast.ExpressionBody:
			return f.ParameterList, f.DeclarationList, []ast.Statement{&ast.ReturnStatement{Argument: body.Expression}}
		}
	}
	return nil, nil, nil
}

// literalParts are the parts of a function. One that has a name may mean itself by it, whatever else has that name.
func literalParts(f *ast.FunctionLiteral) (*ast.ParameterList, []*ast.VariableDeclaration, []ast.Statement) {
	if f.Async || f.Generator || f.Name != nil && f.Name.Name.String() != functionName {
		return nil, nil, nil
	}
	return f.ParameterList, f.DeclarationList, f.Body.List
}

func (c *planner) refuse() { c.refused = true }

// declare makes a variable. A name that is taken in an outer scope is refused: which of the two is meant may depend on where
// the function is.
func (c *planner) declare(target ast.BindingTarget, constant bool) int {
	id, ok := target.(*ast.Identifier)
	if !ok {
		c.refuse()
		return 0
	}
	name := id.Name.String()
	at, taken := c.scope[name]
	if taken && c.fixed[at] || taken && constant || name == c.doc || name == "arguments" {
		c.refuse()
	}
	if taken {
		return at
	}
	at = c.vars
	c.vars++
	c.scope[name], c.fixed[at] = at, constant
	return at
}

// list makes the statements of a block.
func (c *planner) list(list []ast.Statement) []step {
	var steps []step
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

func (c *planner) statement(s ast.Statement) step {
	switch s := s.(type) {
	case *ast.EmptyStatement:
		return nil
	case *ast.ExpressionStatement:
		e := c.expr(s.Expression)
		return func(f *frame) bool { e(f); return true }
	case *ast.VariableStatement:
		return c.bindings(s.List, func(t ast.BindingTarget) int {
			id, ok := t.(*ast.Identifier)
			if !ok {
				c.refuse()
				return 0
			}
			return c.scope[id.Name.String()] // declared at the top
		}, false)
	case *ast.LexicalDeclaration:
		return c.bindings(s.List, c.lexical(s.Token == token.CONST), true)
	case *ast.ReturnStatement:
		if s.Argument == nil {
			return func(*frame) bool { return false }
		}
		e := c.expr(s.Argument)
		return func(f *frame) bool { e(f); return false }
	case *ast.BlockStatement:
		steps := c.block(s)
		return func(f *frame) bool { return block(f, steps) }
	case *ast.IfStatement:
		return c.branch(s)
	}
	c.refuse()
	return nil
}

// lexical declares a variable of let or const, whose name must be new: so it is not seen before its declaration.
func (c *planner) lexical(constant bool) func(ast.BindingTarget) int {
	return func(t ast.BindingTarget) int {
		if id, ok := t.(*ast.Identifier); ok {
			if _, taken := c.scope[id.Name.String()]; taken {
				c.refuse()
			}
		}
		return c.declare(t, constant)
	}
}

// bindings makes a declaration's assignments. A var without an initial value keeps the one that it has; a let gets undefined.
func (c *planner) bindings(list []*ast.Binding, place func(ast.BindingTarget) int, lexical bool) step {
	var steps []step
	for _, b := range list {
		value := expr(func(*frame) datum { return datum{} })
		if b.Initializer != nil {
			value = c.expr(b.Initializer)
		} else if !lexical {
			continue
		}
		at := place(b.Target)
		steps = append(steps, func(f *frame) bool { f.vars[at] = value(f); return true })
	}
	return func(f *frame) bool { return block(f, steps) }
}

// block makes a block with a scope of its own.
func (c *planner) block(b *ast.BlockStatement) []step {
	outer := make(map[string]int, len(c.scope))
	for name, at := range c.scope {
		outer[name] = at
	}
	steps := c.list(b.List)
	c.scope = outer
	return steps
}

func (c *planner) branch(s *ast.IfStatement) step {
	test, then := c.expr(s.Test), c.statement(s.Consequent)
	var other step
	if s.Alternate != nil {
		other = c.statement(s.Alternate)
	}
	return func(f *frame) bool {
		chosen := then
		if !test(f).truthy() {
			chosen = other
		}
		if f.end != ran {
			return false
		}
		return chosen == nil || chosen(f)
	}
}

// assign makes x = e and x op= e for a variable x.
func (c *planner) assign(e *ast.AssignExpression) expr {
	id, ok := e.Left.(*ast.Identifier)
	if !ok {
		c.refuse()
		return nil
	}
	at, known := c.scope[id.Name.String()]
	if !known || c.fixed[at] {
		c.refuse()
		return nil
	}
	value := c.expr(e.Right)
	if e.Operator != token.ASSIGN { // the parser gives the operator alone
		op := c.binary(e.Operator)
		if op == nil {
			return nil
		}
		right := value
		value = func(f *frame) datum {
			left := f.vars[at]
			return op(f, left, right(f))
		}
	}
	return func(f *frame) datum {
		v := value(f)
		f.vars[at] = v
		return v
	}
}

// call makes emit(…), a method of a string, and what else plans know.
func (c *planner) call(e *ast.CallExpression) expr {
	args := make([]expr, len(e.ArgumentList))
	for i, a := range e.ArgumentList {
		args[i] = c.expr(a)
	}
	if c.refused {
		return nil
	}
	switch callee := e.Callee.(type) {
	case *ast.Identifier:
		if c.isGlobal(callee) {
			return c.globalCall(callee.Name.String(), args)
		}
	case *ast.DotExpression:
		name := callee.Identifier.Name.String()
		if id, ok := callee.Left.(*ast.Identifier); ok && c.isGlobal(id) {
			return c.globalCall(id.Name.String()+"."+name, args)
		}
		object := c.expr(callee.Left)
		if c.refused {
			return nil
		}
		if cut := cutConstant(object, name, e.ArgumentList); cut != nil {
			return cut
		}
		return c.methodCall(object, name, args)
	}
	c.refuse()
	return nil
}

// isGlobal tells whether a name is neither a variable nor the doc nor a value that has no members.
func (c *planner) isGlobal(id *ast.Identifier) bool {
	name := id.Name.String()
	_, own := c.scope[name]
	return !own && name != c.doc && name != "undefined" && name != "NaN" && name != "Infinity"
}

// methodCall makes object.name(args).
func (c *planner) methodCall(object expr, name string, args []expr) expr {
	if part, ok := dateGetter(name); ok && len(args) == 0 {
		return func(f *frame) datum {
			switch d := object(f); d.kind {
			case isUndefined, isNull:
				return f.throw()
			case isDate:
				return part(d.n)
			}
			return f.giveUp()
		}
	}
	m, ok := methods[name]
	if !ok || len(args) > m.args {
		c.refuse()
		return nil
	}
	first, second := twoOf(args)
	return func(f *frame) datum {
		d := object(f)
		if d.isNullish() {
			return f.throw()
		}
		if d.kind != isString || !jstext.IsASCII(d.s) {
			return f.giveUp()
		}
		a := first(f)
		b := second(f)
		if f.end != ran {
			return datum{}
		}
		return m.call(f, d.s, a, b)
	}
}

// cutConstant makes charAt and slice at places that are written as numbers, nil for anything else. What is behind the places may be of
// any script.
func cutConstant(object expr, name string, list []ast.Expression) expr {
	var places [2]int
	if len(list) == 0 || len(list) > 2 || name == "charAt" && len(list) != 1 || name != "charAt" && name != "slice" {
		return nil
	}
	for i, a := range list {
		n, ok := a.(*ast.NumberLiteral)
		if !ok {
			return nil
		}
		v, ok := n.Value.(int64)
		if !ok || v < 0 || v > maxStringLen {
			return nil
		}
		places[i] = int(v)
	}
	from, to := places[0], places[1]
	switch {
	case name == "charAt":
		to = from + 1
	case len(list) == 1:
		return nil
	}
	to = max(from, to)
	return func(f *frame) datum {
		d := object(f)
		if d.kind != isString {
			if d.isNullish() {
				return f.throw()
			}
			return f.giveUp()
		}
		end := min(to, len(d.s))
		if !jstext.IsASCII(d.s[:end]) {
			return f.giveUp()
		}
		return text(d.s[min(from, end):end])
	}
}

// dateGetter is what a method of Date.prototype without arguments makes of a time value.
func dateGetter(name string) (func(ms float64) datum, bool) {
	if name == "getTime" || name == "valueOf" {
		return number, name == "getTime" // a valueOf is everybody's
	}
	rest, ok := strings.CutPrefix(name, "get")
	if !ok {
		return nil, false
	}
	part, ok := dateParts[strings.TrimPrefix(rest, "UTC")]
	return func(ms float64) datum { return datePart(ms, part) }, ok
}
