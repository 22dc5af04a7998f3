package mango

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"logctl/store/view/collate"
)

// compiled is what matching needs of a condition.
type compiled struct {
	path    path     // of opField
	isID    bool     // of opField: _id, which compares bytewise
	first   constant // of comparisons
	set     set      // of $in and $nin
	list    [][]byte // of $all
	text    string   // of $type and $beginsWith
	size    int      // of $size
	mod     modulo
	pattern pattern // of $regex, from when it is read on
}

// constant is a value that others are compared with.
type constant struct {
	raw  []byte
	rank rank
	num  float64
	key  []byte // its sort key, of strings, arrays and objects
}

// rank is where a type of values stands in CouchDB's order.
type rank uint8

const (
	rankNull rank = iota
	rankFalse
	rankTrue
	rankNumber
	rankString
	rankArray
	rankObject
)

func rankOf(raw []byte) rank {
	switch raw[0] {
	case 'n':
		return rankNull
	case 'f':
		return rankFalse
	case 't':
		return rankTrue
	case '"':
		return rankString
	case '[':
		return rankArray
	case '{':
		return rankObject
	}
	return rankNumber
}

func newConstant(raw []byte) (constant, error) {
	c := constant{raw: raw, rank: rankOf(raw)}
	var err error
	switch {
	case c.rank == rankNumber:
		c.num, _ = strconv.ParseFloat(string(raw), 64) // checked; a huge integer is infinite
	case c.rank >= rankString:
		c.key, _, err = collate.ICU.Append(nil, raw)
	}
	return c, err
}

// compare tells where c stands in CouchDB's order: before o (below zero), with it or after it.
func (c *constant) compare(o *constant) int {
	return cmp.Or(cmp.Compare(c.rank, o.rank), cmp.Compare(c.num, o.num), bytes.Compare(c.key, o.key))
}

// compile prepares a normalized selector for matching.
func (n *node) compile() error {
	var err error
	switch n.op {
	case opField:
		if n.isID = n.field == "_id"; n.field != "" {
			n.path, err = parsePath(n.field)
		}
	case opLt, opLte, opEq, opNe, opGte, opGt:
		n.first, err = newConstant(n.raw)
	case opIn, opNin:
		n.set, err = newSet(n.raw)
	case opAll:
		eachElement(n.raw, func(elem []byte) bool {
			n.list = append(n.list, elem)
			return true
		})
	case opType, opBeginsWith:
		n.text = text(n.raw)
	case opSize:
		if n.size, err = strconv.Atoi(string(n.raw)); err != nil {
			n.size, err = -1, nil // more than any array has
		}
	case opMod:
		n.mod, _ = parseMod(n.raw)
	}
	if err != nil {
		return err
	}
	for _, a := range n.args {
		if err := a.compile(); err != nil {
			return err
		}
	}
	return nil
}

// matching is one run over a doc.
type matching struct {
	buf []byte
	effort
}

var matchings = sync.Pool{New: func() any { return new(matching) }}

// Match tells whether a doc, a JSON object in stored form, meets the selector. It ends with ctx, and with KindTimeout when it takes
// more than maxTime.
func (s *Selector) Match(ctx context.Context, doc []byte) (bool, error) {
	if s.root == nil {
		return true, nil
	}
	m := matchings.Get().(*matching)
	defer matchings.Put(m)
	m.effort = effort{done: ctx.Done()}
	ok := m.match(s.root, doc, false)
	if m.ended {
		return false, m.end(ctx, "The selector's conditions", doc)
	}
	return ok, nil
}

// match tells whether v meets n; bytewise tells that v is or is within an id.
func (m *matching) match(n *node, v []byte, bytewise bool) bool {
	if len(v) == 0 || !m.spend(len(v)) {
		return false
	}
	is := func(a *node) bool { return m.match(a, v, bytewise) }
	switch n.op {
	case opField:
		return m.field(n, v, bytewise)
	case opAnd:
		return !slices.ContainsFunc(n.args, func(a *node) bool { return !is(a) })
	case opOr:
		return len(n.args) == 0 || slices.ContainsFunc(n.args, is)
	case opNot:
		return !is(n.args[0])
	case opElemMatch, opAllMatch:
		return m.elements(n, v, bytewise)
	case opKeyMapMatch:
		found := false
		eachMember(v, func(key, _ []byte) bool {
			found = m.match(n.args[0], key, bytewise)
			return !found
		})
		return found
	case opIn:
		return m.in(n, v, bytewise)
	case opNin:
		return !m.in(n, v, bytewise)
	case opLt:
		return m.compare(v, &n.first, bytewise) < 0
	case opLte:
		return m.compare(v, &n.first, bytewise) <= 0
	case opEq:
		return m.equal(v, &n.first, bytewise)
	case opNe:
		return !m.equal(v, &n.first, bytewise)
	case opGte:
		return m.compare(v, &n.first, bytewise) >= 0
	case opGt:
		return m.compare(v, &n.first, bytewise) > 0
	}
	return m.test(n, v)
}

// field applies the condition of a field.
func (m *matching) field(n *node, v []byte, bytewise bool) bool {
	cond := n.args[0]
	if n.field == "" {
		return m.match(cond, v, bytewise)
	}
	if !m.spend(len(v) * len(n.path)) {
		return false
	}
	if v = n.path.get(v); v == nil {
		return cond.op == opExists && cond.raw[0] == 'f'
	}
	return m.match(cond, v, bytewise || n.isID)
}

// elements applies a selector to the elements of an array: one must meet it, or all of at least one.
func (m *matching) elements(n *node, v []byte, bytewise bool) bool {
	one, all := false, true
	eachElement(v, func(elem []byte) bool {
		if m.match(n.args[0], elem, bytewise) {
			one = true
			return n.op == opAllMatch
		}
		all = false
		return n.op == opElemMatch
	})
	if n.op == opElemMatch {
		return one
	}
	return one && all
}

// in tells whether a value, or one of the elements of an array, is in the list of n.
func (m *matching) in(n *node, v []byte, bytewise bool) bool {
	if !isArray(v) {
		return n.set.has(m, v, bytewise)
	}
	found := false
	eachElement(v, func(elem []byte) bool {
		found = len(elem) > 0 && n.set.has(m, elem, bytewise)
		return !found
	})
	return found
}

// test applies a condition that does not compare by order.
func (m *matching) test(n *node, v []byte) bool {
	switch n.op {
	case opExists:
		return n.raw[0] == 't'
	case opType:
		return typeName(v) == n.text
	case opSize:
		return isArray(v) && count(v) == n.size
	case opMod:
		return n.mod.matches(v)
	case opBeginsWith:
		return isString(v) && strings.HasPrefix(text(v), n.text)
	case opRegex:
		return isString(v) && n.pattern.match(text(v), &m.effort)
	case opAll:
		return m.all(n, v)
	}
	return n.op == opDefault
}

// all tells whether an array has every element of the list, or is the list's only element.
func (m *matching) all(n *node, v []byte) bool {
	if !isArray(v) || len(n.list) == 0 {
		return false
	}
	if len(n.list) == 1 && bytes.Equal(n.list[0], v) {
		return true
	}
	for _, want := range n.list {
		found := false
		eachElement(v, func(elem []byte) bool {
			found = bytes.Equal(elem, want)
			return !found
		})
		if !found || !m.spend(len(v)) {
			return false
		}
	}
	return true
}

func typeName(v []byte) string {
	return [...]string{"null", "boolean", "boolean", "number", "string", "array", "object"}[rankOf(v)]
}

// equal tells whether v and c stand at the same place in the order.
func (m *matching) equal(v []byte, c *constant, bytewise bool) bool {
	if c.rank == rankString && v[0] == '"' {
		if bytes.Equal(v, c.raw) {
			return true
		}
		if bytewise || isPlain(v) && isPlain(c.raw) {
			return false
		}
	}
	return m.compare(v, c, bytewise) == 0
}

// isPlain tells a string of printable ASCII, which collates equal to no other one.
func isPlain(s []byte) bool {
	for _, c := range s {
		if c < ' ' || c >= 0x7F || c == '\\' {
			return false
		}
	}
	return true
}

// compare tells where v stands in CouchDB's order: before c (below zero), with it or after it.
func (m *matching) compare(v []byte, c *constant, bytewise bool) int {
	rv := rankOf(v)
	switch {
	case bytewise && (rv == rankString || c.rank == rankString):
		return compareBytewise(v, rv, c)
	case rv != c.rank:
		return cmp.Compare(rv, c.rank)
	case rv < rankNumber:
		return 0
	case rv == rankNumber:
		f, _ := strconv.ParseFloat(string(v), 64)
		return cmp.Compare(f, c.num)
	}
	key, _, err := collate.ICU.Append(m.buf[:0], v)
	if m.buf = key; err != nil {
		return -1
	}
	return bytes.Compare(key, c.key)
}

// compareBytewise compares ids: strings by their bytes and above everything else, as Erlang orders terms.
func compareBytewise(v []byte, rv rank, c *constant) int {
	switch {
	case rv != rankString:
		return -1
	case c.rank != rankString:
		return 1
	}
	return strings.Compare(text(v), text(c.raw))
}

// modulo is the argument of $mod.
type modulo struct{ divisor, remainder int64 }

func parseMod(raw []byte) (modulo, bool) {
	if !isArray(raw) || count(raw) != 2 {
		return modulo{}, false
	}
	d, r := element(raw, 0), element(raw, 1)
	if !isInteger(d) || !isInteger(r) {
		return modulo{}, false
	}
	var m modulo
	var errD, errR error
	m.divisor, errD = strconv.ParseInt(string(d), 10, 64)
	m.remainder, errR = strconv.ParseInt(string(r), 10, 64)
	return m, errD == nil && errR == nil
}

// matches tells whether an integer has the remainder; nothing has one to zero.
func (m modulo) matches(v []byte) bool {
	if !isInteger(v) || m.divisor == 0 {
		return false
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return m.matchesBig(v)
	}
	return n%m.divisor == m.remainder
}

// matchesBig divides an integer of many digits, digit by digit.
func (m modulo) matchesBig(v []byte) bool {
	const half = 1 << 31 // so that ten times a remainder does not overflow
	d := m.divisor
	if d < 0 {
		d = -d
	}
	if d <= 0 || d > half {
		return false
	}
	rem := int64(0)
	for _, c := range bytes.TrimPrefix(v, []byte("-")) {
		rem = (rem*10 + int64(c-'0')) % d
	}
	if v[0] == '-' {
		rem = -rem
	}
	return rem == m.remainder
}
