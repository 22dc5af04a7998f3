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

// missing are those of fields, which are sorted, that a doc may lack and still meet all of the list.
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
			if i, ok := slices.BinarySearch(left, n.field); ok {
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

// selectorFields are the fields that a selector has conditions for, sorted.
func selectorFields(n *node) []string {
	var fields []string
	var add func(n *node)
	add = func(n *node) {
		switch {
		case n.op.isCombination():
			for _, a := range n.args {
				add(a)
			}
		case n.op == opField:
			fields = append(fields, n.field)
		default:
			fields = append(fields, string(n.op))
		}
	}
	if n != nil {
		add(n)
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// indexableFields are the fields whose conditions leave a range, sorted.
func indexableFields(n *node) []string {
	var fields []string
	eachIndexable(n, func(n *node) { fields = append(fields, n.field) })
	slices.Sort(fields)
	return slices.Compact(fields)
}

// eachIndexable calls fn for the conditions of fields, all of which hold, that leave a range.
func eachIndexable(n *node, fn func(*node)) {
	switch {
	case n == nil:
	case n.op == opAnd:
		for _, a := range n.args {
			eachIndexable(a, fn)
		}
	case n.op == opField:
		switch n.args[0].op {
		case opLt, opLte, opEq, opGt, opGte, opBeginsWith, opExists:
			fn(n)
		}
	}
}
