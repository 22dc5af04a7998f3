package js

import (
	"math/big"
	"reflect"

	"github.com/dop251/goja/ast"
)

// What goja compiles takes it time with the square of how deep it nests, and it works out expressions of literals beforehand,
// which takes time exponential in the number of their operators. Nothing interrupts it, so sources are bounded before.

const (
	maxTree   = 2000 // levels of a source: of statements, expressions, operators that follow each other
	maxFolded = 8    // operators of an expression of literals that is left to the compiler to work out
)

// tame makes a parsed source one that compiles soon and has no integers that grow without end, or tells why it can't.
func tame(tree *ast.Program) (reason string) {
	var t tamer
	t.walk(reflect.ValueOf(tree.Body), 0)
	return t.reason
}

type tamer struct{ reason string }

// notConstant is the number of operators of what is no expression of literals alone.
const notConstant = -1

// walk goes over a part of a source and, of an expression of literals, gives the number of its operators.
func (t *tamer) walk(v reflect.Value, depth int) int {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			t.walk(v.Index(i), depth)
		}
	case reflect.Interface:
		if !v.IsNil() {
			return t.walk(v.Elem(), depth)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return t.node(v.Interface(), v.Elem(), depth+1)
		}
	case reflect.Struct:
		return t.node(nil, v, depth+1)
	}
	return notConstant
}

// node is walk for n, a pointer to v, a struct.
func (t *tamer) node(n any, v reflect.Value, depth int) int {
	if depth > maxTree {
		t.reason = reasonDepth
		return notConstant
	}
	switch n := n.(type) {
	case *ast.NumberLiteral:
		if _, ok := n.Value.(*big.Int); ok {
			t.reason = "BigInt is not supported"
		}
		return 0
	case *ast.RegExpLiteral:
		if reason := checkPattern(n.Pattern); reason != "" {
			t.reason = reason
		}
	case *ast.StringLiteral, *ast.BooleanLiteral, *ast.NullLiteral:
		return 0
	case *ast.BinaryExpression:
		return operators(t.operand(&n.Left, depth), t.operand(&n.Right, depth))
	case *ast.UnaryExpression:
		return operators(t.operand(&n.Operand, depth), 0)
	}
	for i := range v.NumField() {
		// The lists of a function's declarations have what its body has.
		if f := v.Field(i); f.Type() != declarations && v.Type().Field(i).IsExported() {
			t.walk(f, depth)
		}
	}
	return notConstant
}

var declarations = reflect.TypeFor[[]*ast.VariableDeclaration]()

// operators is the number of operators of an expression whose operands have so many.
func operators(left, right int) int {
	if left == notConstant || right == notConstant {
		return notConstant
	}
	return left + right + 1
}

// operand is walk for an operand. One with too many operators becomes what the compiler does not work out: a list of one expression, which has
// the same value.
func (t *tamer) operand(e *ast.Expression, depth int) int {
	n := t.walk(reflect.ValueOf(*e), depth)
	if n < maxFolded {
		return n
	}
	*e = &ast.SequenceExpression{Sequence: []ast.Expression{*e}}
	return notConstant
}
