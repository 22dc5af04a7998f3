package mango

import (
	"encoding/json"
	"strconv"
	"strings"
)

// reader reads conditions and counts them.
type reader struct {
	conditions int
	bytes      int // of all conditions, each with those within it, which is about how many are read
	listed     int // elements of all lists
	paths      int // bytes of all
	regex      int // size of all regular expressions, see regexSize
}

// condition reads an object of conditions, or a value that a field must be equal to.
func (r *reader) condition(raw []byte, depth int) (*node, error) {
	if err := r.count(depth); err != nil {
		return nil, err
	}
	if r.bytes += len(raw); r.bytes > maxRead {
		return nil, refuse("invalid_selector", "The selector's conditions nest too deep for its length.")
	}
	if !isObject(raw) || string(raw) == "{}" {
		return &node{op: opEq, raw: raw}, nil
	}
	var list []*node
	var err error
	eachMember(raw, func(key, value []byte) bool {
		var n *node
		if n, err = r.member(text(key), value, depth); err == nil {
			list = append(list, n)
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return &node{op: opAnd, args: list}, nil
}

// count takes one more condition.
func (r *reader) count(depth int) error {
	if r.conditions++; r.conditions > maxConditions {
		return refuse("invalid_selector", "The selector has too many conditions.")
	}
	if depth > maxDepth {
		return refuse("invalid_selector", "The selector's conditions nest too deep.")
	}
	return nil
}

// countWritten counts the conditions of a selector that is written out, as it will be read again: there are more of them, and deeper.
func (r *reader) countWritten(n *node, depth int) error {
	err := r.count(depth)
	for i := 0; i < len(n.args) && err == nil; i++ {
		err = r.countWritten(n.args[i], depth+1)
	}
	return err
}

// member reads one member of an object of conditions: an operator with its argument, or a field with its condition.
func (r *reader) member(name string, arg []byte, depth int) (*node, error) {
	if !strings.HasPrefix(name, "$") {
		cond, err := r.condition(arg, depth+1)
		return &node{op: opField, field: name, args: []*node{cond}}, err
	}
	n := &node{op: op(name), raw: arg}
	var err error
	switch {
	case n.op.isCombination():
		if !isArray(arg) {
			return nil, badArg(name, arg)
		}
		eachElement(arg, func(elem []byte) bool {
			var a *node
			if a, err = r.condition(elem, depth+1); err == nil {
				n.args = append(n.args, a)
			}
			return err == nil
		})
	case n.op == opNot || n.op.isElements():
		if !isObject(arg) {
			return nil, badArg(name, arg)
		}
		var a *node
		a, err = r.condition(arg, depth+1)
		n.args = []*node{a}
	default:
		err = r.checkArg(n)
	}
	return n, err
}

// checkArg checks the argument of an operator that ends a branch.
func (r *reader) checkArg(n *node) error {
	name := string(n.op)
	ok := true
	switch n.op {
	case opLt, opLte, opEq, opNe, opGte, opGt, opDefault:
	case opIn, opNin, opAll:
		ok = isArray(n.raw)
		if r.listed += count(n.raw); r.listed > maxListed {
			return refuse("invalid_selector", "The selector's lists are longer than "+strconv.Itoa(maxListed)+" elements in all: ask several times.")
		}
	case opExists:
		ok = n.raw[0] == 't' || n.raw[0] == 'f'
	case opType:
		ok = isString(n.raw)
	case opMod:
		_, ok = parseMod(n.raw)
	case opSize:
		ok = isInteger(n.raw) && n.raw[0] != '-'
	case opRegex, opBeginsWith:
		if !isString(n.raw) {
			return refuse("invalid_operator", "Invalid operator: "+name)
		}
		if n.op == opRegex {
			src := text(n.raw)
			size := regexSize(src)
			if r.regex += size; r.regex > maxRegex {
				return refuse("invalid_selector", "The selector's regular expressions are too large.")
			}
			var err error
			n.pattern, err = compileRegex(src, size)
			ok = err == nil
		}
	case opText:
		if ok = !isObject(n.raw) && !isArray(n.raw) && n.raw[0] != 'n'; ok {
			n.op = opDefault
			n.raw = append(append([]byte(`{"$text":`), n.raw...), '}')
		}
	case "$where", "$geoWithin", "$geoIntersects", "$near", "$nearSphere":
		return refuse("not_supported", "Unsupported operator: "+name)
	default:
		return refuse("invalid_operator", "Invalid operator: "+name)
	}
	if !ok {
		return badArg(name, n.raw)
	}
	return nil
}

// withPaths gives every condition the whole path of its field: {a: {b: c}} is {"a.b": c}, {a: {$and: […]}} is
// {$and: [{a: …}, …]}.
func (r *reader) withPaths(n *node, path []byte) (*node, error) {
	switch {
	case n.op.isCombination() || n.op == opNot:
		for i := range n.args {
			a, err := r.withPaths(n.args[i], path)
			if err != nil {
				return nil, err
			}
			n.args[i] = a
		}
		return n, nil
	case n.op.isElements():
		a, err := r.withPaths(n.args[0], nil)
		if err != nil {
			return nil, err
		}
		n.args[0] = a
		return r.at(path, n)
	case n.op == opDefault:
		var d map[string]json.RawMessage
		if len(path) > 0 || json.Unmarshal(n.raw, &d) != nil || len(d) != 1 || d["$text"] == nil {
			return nil, refuse("bad_field", "Invalid field normalization on selector: "+term(n.appendJSON(nil)))
		}
		return n, nil
	case n.op != opField:
		return r.at(path, n)
	case len(path) == 0:
		return r.withPaths(n.args[0], append(path, n.field...))
	}
	return r.withPaths(n.args[0], append(append(path, '.'), n.field...))
}

// at is the condition on the field of a path.
func (r *reader) at(path []byte, n *node) (*node, error) {
	if r.paths += len(path); r.paths > maxPaths {
		return nil, refuse("invalid_selector", "The names of the selector's fields are too long.")
	}
	return &node{op: opField, field: string(path), args: []*node{n}}, nil
}

// withoutNegations moves negations inwards as far as they go.
func withoutNegations(n *node) *node {
	switch {
	case n.op == opNot:
		return negated(n.args[0])
	case n.op == opNor:
		return &node{op: opAnd, args: each(n.args, negated)}
	case n.op == opAnd, n.op == opOr, n.op.isElements():
		each(n.args, withoutNegations)
	}
	return n
}

// negated is what holds where n does not, but that a field that is not there meets neither.
func negated(n *node) *node {
	opposite := map[op]op{
		opLt: opGte, opGte: opLt, opLte: opGt, opGt: opLte, opEq: opNe, opNe: opEq, opIn: opNin, opNin: opIn,
	}
	switch {
	case n.op == opNot:
		return withoutNegations(n.args[0])
	case n.op == opNor:
		return &node{op: opOr, args: each(n.args, withoutNegations)}
	case n.op == opAnd:
		return &node{op: opOr, args: each(n.args, negated)}
	case n.op == opOr:
		return &node{op: opAnd, args: each(n.args, negated)}
	case n.op == opField:
		n.args[0] = negated(n.args[0])
		return n
	case n.op == opExists:
		if n.raw[0] == 't' {
			return &node{op: opExists, raw: []byte("false")}
		}
		return &node{op: opExists, raw: []byte("true")}
	case opposite[n.op] != "":
		return &node{op: opposite[n.op], raw: n.raw}
	}
	return &node{op: opNot, args: []*node{n}}
}

func each(list []*node, fn func(*node) *node) []*node {
	for i := range list {
		list[i] = fn(list[i])
	}
	return list
}
