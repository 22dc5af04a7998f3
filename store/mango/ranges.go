package mango

import "logctl/store"

var jsonNull = []byte("null")

// columnRange is what a selector leaves of a field's values.
type columnRange struct {
	low, high bound
	empty     bool
}

// bound is an end of a range. Without a value (raw) it is open.
type bound struct {
	op op // of low: $gt, $gte or $eq; of high: $lt, $lte or $eq
	constant
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
	eachIndexable(root, func(n *node) { byField[n.field].narrow(n.args[0]) })
	for i := range ranges {
		if ranges[i].empty {
			return ranges[i : i+1 : i+1]
		}
	}
	return ranges
}

// narrow takes a condition into a range.
func (r *columnRange) narrow(cond *node) {
	switch cond.op {
	case opBeginsWith:
		// U+FFFF sorts behind every other character.
		low, err := newConstant(cond.raw)
		high, err2 := newConstant(store.AppendJSONString(nil, cond.text+"\uFFFF"))
		if err == nil && err2 == nil {
			r.raise(bound{opGte, low})
			r.lower(bound{opLte, high})
		}
	case opGt, opGte:
		r.raise(bound{cond.op, cond.first})
	case opLt, opLte:
		r.lower(bound{cond.op, cond.first})
	case opEq:
		r.raise(bound{opGte, cond.first})
		r.lower(bound{opLte, cond.first})
	}
}

// raise moves the low end up.
func (r *columnRange) raise(b bound) {
	if r.low.raw != nil {
		at := b.compare(&r.low.constant)
		if at < 0 || at == 0 && (b.op == opGte || r.low.op == opGt) {
			return
		}
	}
	r.low = b
	r.close()
}

// lower moves the high end down.
func (r *columnRange) lower(b bound) {
	if r.high.raw != nil {
		at := b.compare(&r.high.constant)
		if at > 0 || at == 0 && (b.op == opLte || r.high.op == opLt) {
			return
		}
	}
	r.high = b
	r.close()
}

// close finds out whether the ends have met or passed each other; once they have, that stays.
func (r *columnRange) close() {
	if r.low.raw == nil || r.high.raw == nil {
		return
	}
	at := r.low.compare(&r.high.constant)
	r.empty = r.empty || at > 0 || at == 0 && (r.low.op == opGt || r.high.op == opLt)
}
