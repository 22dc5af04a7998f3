package mango

import "logctl/store"

var jsonNull = []byte("null")

// columnRange is what a selector leaves of a field's values.
type columnRange struct {
	low, high bound
	empty     bool
}

// bound is an end of a range. Without a value it is open.
type bound struct {
	op    op // of low: $gt, $gte or $eq; of high: $lt, $lte or $eq
	value []byte
}

type fieldRange struct {
	field string
	columnRange
}

// fieldRanges are the ranges of all fields that have one. If one of them is empty it is the only one.
func fieldRanges(root *node) []fieldRange {
	fields := indexableFields(root)
	ranges := make([]fieldRange, len(fields))
	byField := make(map[string]*columnRange, len(fields))
	for i, f := range fields {
		ranges[i] = fieldRange{f, columnRange{low: bound{op: opGt}, high: bound{op: opLt}}}
		byField[f] = &ranges[i].columnRange
	}
	new(matching).narrowFields(byField, root)
	for i := range ranges {
		if ranges[i].empty {
			return ranges[i : i+1 : i+1]
		}
	}
	return ranges
}

// narrowFields takes the conditions that all hold into the ranges of their fields; n is nil where there are none.
func (m *matching) narrowFields(byField map[string]*columnRange, n *node) {
	switch {
	case n == nil:
	case n.op == opAnd:
		for _, a := range n.args {
			m.narrowFields(byField, a)
		}
	case n.op == opField:
		if r := byField[n.field]; r != nil && !r.empty {
			m.narrow(r, n.args[0])
		}
	}
}

// narrow takes a condition into a range.
func (m *matching) narrow(r *columnRange, cond *node) {
	switch cond.op {
	case opBeginsWith:
		m.raise(r, opGte, &constant{raw: cond.raw})
		// U+FFFF sorts behind every other character.
		m.lower(r, opLte, &constant{raw: store.AppendJSONString(nil, cond.text+"\uFFFF")})
	case opGt, opGte:
		m.raise(r, cond.op, &cond.first)
	case opLt, opLte:
		m.lower(r, cond.op, &cond.first)
	case opEq:
		m.raise(r, opGte, &cond.first)
		m.lower(r, opLte, &cond.first)
	}
}

// against compares a constant with a bound's value.
func (m *matching) against(c *constant, b bound) int {
	other, err := newConstant(b.value)
	if err != nil {
		return 0
	}
	return m.compare(c.raw, &other, false)
}

// raise moves the low end up.
func (m *matching) raise(r *columnRange, o op, c *constant) {
	if r.empty {
		return
	}
	if r.low.value != nil {
		at := m.against(c, r.low)
		if at < 0 || at == 0 && (o == opGte || r.low.op == opGt) {
			return
		}
	}
	r.low = bound{o, c.raw}
	m.close(r)
}

// lower moves the high end down.
func (m *matching) lower(r *columnRange, o op, c *constant) {
	if r.empty {
		return
	}
	if r.high.value != nil {
		at := m.against(c, r.high)
		if at > 0 || at == 0 && (o == opLte || r.high.op == opLt) {
			return
		}
	}
	r.high = bound{o, c.raw}
	m.close(r)
}

// close finds out whether the ends have met or passed each other.
func (m *matching) close(r *columnRange) {
	if r.low.value == nil || r.high.value == nil {
		return
	}
	at := m.against(&constant{raw: r.low.value}, r.high)
	r.empty = at > 0 || at == 0 && (r.low.op == opGt || r.high.op == opLt)
}
