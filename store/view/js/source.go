package js

import (
	"errors"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"

	"logctl/store"
)

// functionName is given to the anonymous function that a design document's source declares.
const functionName = "__couchdb_function"

// CompileError tells why a source is no function: Reason as CouchDB puts it into its answers.
type CompileError struct{ Reason string }

func (e *CompileError) Error() string { return e.Reason }

// Check tells whether src is a function, as a *CompileError.
func Check(src string, o Options) error {
	prog, err := compile(src)
	if err != nil {
		return err
	}
	_, err = newMachine(o).function(prog, src)
	return err
}

// compile makes a program whose completion value is the function that src is.
func compile(src string) (*goja.Program, error) {
	tree, err := parse(src)
	if err != nil {
		return nil, err
	}
	return compileTree(tree, src)
}

// parse reads a source. CouchDB accepts, beside expressions, an anonymous function declaration, possibly after other
// statements, which is no JavaScript: that one gets a name here.
func parse(src string) (*ast.Program, error) {
	if reason := checkSource(src); reason != "" {
		return nil, &CompileError{Reason: reason}
	}
	tree, err := parser.ParseFile(nil, "", src, 0, parser.WithDisableSourceMaps)
	if err != nil {
		at := anonymousAt(src, err)
		if at < 0 {
			return nil, syntaxError(src, err)
		}
		named := src[:at] + " " + functionName + src[at:] + "\n;" + functionName
		if tree, err = parser.ParseFile(nil, "", named, 0, parser.WithDisableSourceMaps); err != nil {
			return nil, syntaxError(src, err)
		}
	}
	return tree, nil
}

func compileTree(tree *ast.Program, src string) (*goja.Program, error) {
	if reason := tame(tree); reason != "" {
		return nil, &CompileError{Reason: reason}
	}
	limitRegexps()
	prog, err := goja.CompileAST(tree, false)
	if err != nil {
		return nil, &CompileError{Reason: err.Error() + " (" + src + ")"}
	}
	return prog, nil
}

// functionOf is the function literal that a program is and nothing else, as parse makes programs; nil if it is something else.
func functionOf(prog *ast.Program) ast.Expression {
	var code []ast.Statement
	for _, s := range prog.Body {
		if _, empty := s.(*ast.EmptyStatement); !empty {
			code = append(code, s)
		}
	}
	if len(code) == 0 || len(code) > 2 {
		return nil
	}
	last, ok := code[len(code)-1].(*ast.ExpressionStatement)
	if !ok {
		return nil
	}
	if len(code) == 1 {
		return last.Expression
	}
	d, ok := code[0].(*ast.FunctionDeclaration) // that was given a name
	id, named := last.Expression.(*ast.Identifier)
	if !ok || !named || id.Name.String() != functionName || d.Function.Name == nil || d.Function.Name.Name.String() != functionName {
		return nil
	}
	anonymous := *d.Function
	anonymous.Name = nil
	return &anonymous
}

// anonymousAt is where a name is missing in src, or -1 if err tells something else.
func anonymousAt(src string, err error) int {
	var list parser.ErrorList
	if !errors.As(err, &list) || len(list) == 0 {
		return -1
	}
	at := offset(src, list[0].Position.Line, list[0].Position.Column)
	if at < 0 || at >= len(src) || src[at] != '(' {
		return -1
	}
	before := strings.TrimRight(src[:at], " \t\r\n")
	if strings.HasSuffix(strings.TrimRight(strings.TrimSuffix(before, "*"), " \t\r\n"), "function") {
		return at
	}
	return -1
}

// offset turns the parser's line and column (bytes, from 1) into an offset, -1 if there is no such place.
func offset(src string, line, col int) int {
	at := 0
	for ; line > 1; line-- {
		nl := strings.IndexByte(src[at:], '\n')
		if nl < 0 {
			return -1
		}
		at += nl + 1
	}
	return at + col - 1
}

func syntaxError(src string, err error) error {
	reason := err.Error()
	var list parser.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		reason = strings.TrimPrefix(list[0].Error(), "(anonymous): ")
	}
	return &CompileError{Reason: reason + " (" + src + ")"}
}

// compilationError is the answer to a function that does not compile where it has no view to name.
func compilationError(err error) error {
	var c *CompileError
	if errors.As(err, &c) {
		return store.NewError(store.KindCompilation, c.Reason)
	}
	return err
}
