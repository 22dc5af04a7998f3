package mango

import (
	"bytes"

	"logctl/store"
	"logctl/store/ejson"
)

// Limits of a selector.
const (
	maxDepth      = 500
	maxConditions = 100_000
	maxRead       = 1 << 30   // bytes of conditions, each with those within it: a second or two
	maxListed     = 1_000_000 // elements of all lists that a value is looked for in
	maxPaths      = 16 << 20  // bytes of the whole paths of all conditions: each has those around it in its own
)

// Selector is a checked selector. It is safe for concurrent use.
type Selector struct {
	root *node // nil: matches everything
}

// ParseSelector reads a selector. The error tells what CouchDB would.
func ParseSelector(src []byte) (*Selector, error) {
	raw, err := ejson.Compact(nil, src)
	if err != nil {
		return nil, err
	}
	return parseSelector(raw)
}

// Memory is about how many bytes a query takes at most that is written so: far more than its text where that is short conditions or
// elements of lists.
func Memory(src []byte) int64 {
	const ofCondition, ofElement, ofByte = 768, 128, 4
	conditions := bytes.Count(src, []byte("{")) + bytes.Count(src, []byte(":"))
	elements := bytes.Count(src, []byte(","))
	return int64(ofCondition*min(conditions, maxConditions) + ofElement*min(elements, maxListed) + ofByte*len(src))
}

// parseSelector reads a selector in stored form, whose bytes it keeps.
func parseSelector(raw []byte) (*Selector, error) {
	if !isObject(raw) {
		return nil, refuse("invalid_selector_json", "Selector must be a JSON object, not: "+term(raw))
	}
	if string(raw) == "{}" {
		return &Selector{}, nil
	}
	var r reader
	root, err := r.condition(raw, 0)
	if err != nil {
		return nil, err
	}
	if root, err = r.withPaths(root, nil); err != nil {
		return nil, err
	}
	root = withoutNegations(root)
	if root.op == opField && root.field == "" {
		return nil, refuse("invalid_selector", "One or more conditions is missing a field name.")
	}
	if err := new(reader).countWritten(root, 0); err != nil {
		return nil, err
	}
	if err := root.compile(); err != nil {
		return nil, err
	}
	return &Selector{root}, nil
}

// AppendJSON appends the selector with everything that it implies written out.
func (s *Selector) AppendJSON(dst []byte) []byte {
	if s.root == nil {
		return append(dst, "{}"...)
	}
	return s.root.appendJSON(dst)
}

// IsEmpty tells a selector without conditions.
func (s *Selector) IsEmpty() bool { return s.root == nil }

// node is a condition or a combination of some.
type node struct {
	op    op
	field string  // of opField: the path as it is written
	args  []*node // of $and, $or and $nor; one of $not, the matches of elements and opField
	raw   []byte  // of all others: the argument in stored form

	compiled
}

// op is an operator.
type op string

const (
	opField       op = "" // no operator: a field with the condition that it has to meet
	opAnd         op = "$and"
	opOr          op = "$or"
	opNor         op = "$nor"
	opNot         op = "$not"
	opIn          op = "$in"
	opNin         op = "$nin"
	opExists      op = "$exists"
	opType        op = "$type"
	opMod         op = "$mod"
	opRegex       op = "$regex"
	opAll         op = "$all"
	opElemMatch   op = "$elemMatch"
	opAllMatch    op = "$allMatch"
	opKeyMapMatch op = "$keyMapMatch"
	opSize        op = "$size"
	opBeginsWith  op = "$beginsWith"
	opText        op = "$text"
	opDefault     op = "$default" // what $text becomes
	opLt          op = "$lt"
	opLte         op = "$lte"
	opEq          op = "$eq"
	opNe          op = "$ne"
	opGte         op = "$gte"
	opGt          op = "$gt"
)

// isCombination tells the operators whose argument is a list of conditions.
func (o op) isCombination() bool { return o == opAnd || o == opOr || o == opNor }

// isElements tells the operators whose argument is a selector for something within the value.
func (o op) isElements() bool { return o == opElemMatch || o == opAllMatch || o == opKeyMapMatch }

func (n *node) appendJSON(dst []byte) []byte {
	name := string(n.op)
	if n.op == opField {
		name = n.field
	}
	dst = append(store.AppendJSONString(append(dst, '{'), name), ':')
	switch {
	case n.op.isCombination():
		dst = append(dst, '[')
		for i, a := range n.args {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = a.appendJSON(dst)
		}
		dst = append(dst, ']')
	case len(n.args) == 1:
		dst = n.args[0].appendJSON(dst)
	default:
		dst = append(dst, n.raw...)
	}
	return append(dst, '}')
}
