package mango

import "slices"

// What a selector tells about fields. A nil node is the empty selector.

// isFixed tells whether a selector lets a field have one value only.
func isFixed(n *node, field string) bool {
	switch n.op {
	case opField:
		return n.field == field && n.args[0].op == opEq
	case opAnd:
		return slices.ContainsFunc(n.args, func(a *node) bool { return isFixed(a, field) })
	}
	return false
}

// missing are those of fields that a doc may lack and still meet all of the list.
func missing(list []*node, fields []string) []string {
	left := slices.Clone(fields)
	for _, n := range list {
		switch {
		case n == nil || len(left) == 0:
			return left
		case n.op == opAnd:
			left = missing(n.args, left)
		case n.op == opOr:
			var rest []string
			for _, f := range left {
				if slices.ContainsFunc(n.args, func(a *node) bool { return len(missing([]*node{a}, []string{f})) > 0 }) {
					rest = append(rest, f)
				}
			}
			left = rest
		case n.op == opField && !(n.args[0].op == opExists && n.args[0].raw[0] == 'f'):
			if i := slices.Index(left, n.field); i >= 0 {
				left = slices.Delete(left, i, i+1)
			}
		}
	}
	return left
}

// hasText tells a selector that needs a text index.
func hasText(n *node) bool {
	return n != nil && (n.op == opDefault || slices.ContainsFunc(n.args, hasText))
}

// selectorFields are the fields that a selector has conditions for.
func selectorFields(n *node) []string {
	var fields []string
	switch {
	case n == nil:
	case n.op.isCombination():
		for _, a := range n.args {
			fields = append(fields, selectorFields(a)...)
		}
	case n.op == opField:
		fields = []string{n.field}
	default:
		fields = []string{string(n.op)}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// indexableFields are the fields whose conditions leave a range, sorted.
func indexableFields(n *node) []string {
	var fields []string
	switch {
	case n == nil:
	case n.op == opAnd:
		for _, a := range n.args {
			fields = append(fields, indexableFields(a)...)
		}
	case n.op == opField:
		switch n.args[0].op {
		case opLt, opLte, opEq, opGt, opGte, opBeginsWith, opExists:
			fields = []string{n.field}
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}
