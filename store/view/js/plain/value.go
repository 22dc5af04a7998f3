package plain

import (
	"cmp"
	"hash/maphash"
	"math"
	"slices"

	"logctl/store/view/js/jstext"
)

// value is a JavaScript value.
type value struct {
	s    string  // of a text
	n    float64 // of a number; of a boolean 0 or 1; of what is lazy the number of the row
	box  *box    // of a list or an object
	kind kind
}

type kind uint8

const (
	isUndefined kind = iota
	isNull
	isBoolean
	isNumber
	isText
	isList
	isObject
	lazyValue // of a row or an earlier result, not read yet
	lazyPair  // the key and the id of a row
	lazyKey
	lazyID
)

func number(n float64) value { return value{kind: isNumber, n: n} }
func text(s string) value    { return value{kind: isText, s: s} }

func boolean(b bool) value {
	if b {
		return value{kind: isBoolean, n: 1}
	}
	return value{kind: isBoolean}
}

// box is a list or an object.
type box struct {
	items    []value  // of a list, or the values of an object's members
	keys     []string // of the members
	hashes   []uint32 // of the keys, once there is an index
	index    []int32  // a table of places of members by their hashes, each plus one; its length is a power of two
	hint     int      // where a member was found last: the next one is often there, or behind it
	numbered bool     // a key was added that is an array index: such members stand before the others, ascending
	fixed    bool     // a list that is not changed here
	loops    int      // how many go over its members
}

// few is how many members are found by looking through them.
const few = 8

// find is the place of a member, -1 if there is none of that name.
func (f *frame) find(b *box, key string) int {
	if h := b.hint; h < len(b.keys) {
		if b.keys[h] == key {
			return h
		}
		if h++; h < len(b.keys) && b.keys[h] == key {
			b.hint = h
			return h
		}
	}
	if len(b.keys) <= few {
		for i, k := range b.keys {
			if k == key {
				b.hint = i
				return i
			}
		}
		return -1
	}
	if b.index == nil {
		f.makeIndex(b)
	}
	i, _ := f.slot(b, key)
	if i >= 0 {
		b.hint = i
	}
	return i
}

// slot looks a key up in the index: the place of its member or, if there is none, -1 and where in the index it goes.
func (f *frame) slot(b *box, key string) (place, at int) {
	hash := uint32(maphash.String(f.seed, key))
	mask := len(b.index) - 1
	for at = int(hash) & mask; ; at = (at + 1) & mask {
		i := int(b.index[at]) - 1
		if i < 0 || b.hashes[i] == hash && b.keys[i] == key {
			return i, at
		}
	}
}

func (f *frame) makeIndex(b *box) {
	b.hashes = slices.Grow(b.hashes[:0], cap(b.keys))
	for _, k := range b.keys {
		b.hashes = append(b.hashes, uint32(maphash.String(f.seed, k)))
	}
	size := 4 * few
	for size < 2*cap(b.keys) {
		size *= 2
	}
	b.index = make([]int32, size)
	for i := range b.keys {
		b.enter(i)
	}
}

// enter puts a member into the index.
func (b *box) enter(i int) {
	mask := len(b.index) - 1
	at := int(b.hashes[i]) & mask
	for b.index[at] != 0 {
		at = (at + 1) & mask
	}
	b.index[at] = int32(i + 1)
}

// add adds a member that is not there.
func (f *frame) add(b *box, key string, v value) {
	if b.loops > 0 || jstext.OnPrototype(key) {
		f.giveUp() // whether the loop meets it, and what the prototype does, is the engine's matter
	}
	f.take(1)
	if jstext.ArrayIndex(key) >= 0 {
		b.numbered = true
	}
	b.keys, b.items = append(b.keys, key), append(b.items, v)
	b.hint = len(b.keys) - 1
	switch {
	case b.index == nil:
	case 2*len(b.keys) > len(b.index):
		f.makeIndex(b)
	default:
		b.hashes = append(b.hashes, uint32(maphash.String(f.seed, key)))
		b.enter(b.hint)
	}
}

// order puts members where JavaScript has them.
func (b *box) order() {
	if !b.numbered {
		return
	}
	type member struct {
		n   int // -1: no index
		key string
		v   value
	}
	list := make([]member, len(b.keys))
	for i, k := range b.keys {
		list[i] = member{jstext.ArrayIndex(k), k, b.items[i]}
	}
	slices.SortStableFunc(list, func(x, y member) int {
		return cmp.Compare(uint(x.n), uint(y.n)) // -1 is the greatest
	})
	for i, m := range list {
		b.keys[i], b.items[i] = m.key, m.v
	}
	b.index, b.hint, b.numbered = nil, 0, false
}

// truthy is ToBoolean.
func (v value) truthy() bool {
	switch v.kind {
	case isUndefined, isNull:
		return false
	case isBoolean, isNumber:
		return v.n != 0 && v.n == v.n
	case isText:
		return v.s != ""
	}
	return true
}

func (v value) isNullish() bool { return v.kind <= isNull }

// toNumber is ToNumber.
func (f *frame) toNumber(v value) float64 {
	switch v.kind {
	case isNumber, isBoolean:
		return v.n
	case isNull:
		return 0
	case isUndefined:
		return math.NaN()
	case isText:
		if n, ok := jstext.ToNumber(v.s); ok {
			return n
		}
	}
	f.giveUp()
	return 0
}

// toText is ToString, and what a member is named by.
func (f *frame) toText(v value) string {
	switch v.kind {
	case isText:
		return v.s
	case isUndefined:
		return "undefined"
	case isNull:
		return "null"
	case isBoolean:
		if v.n != 0 {
			return "true"
		}
		return "false"
	case isNumber:
		if !math.IsInf(v.n, 0) && !math.IsNaN(v.n) {
			return string(jstext.AppendNumber(nil, v.n))
		}
	}
	f.giveUp()
	return ""
}

// plus is the operator +.
func (f *frame) plus(a, b value) value {
	if a.kind == isNumber && b.kind == isNumber {
		return number(a.n + b.n)
	}
	if a.kind >= isList || b.kind >= isList {
		f.giveUp()
	}
	if a.kind == isText || b.kind == isText {
		x, y := f.toText(a), f.toText(b)
		f.take(1 + (len(x)+len(y))/bytesPerPart)
		return text(x + y)
	}
	return number(f.toNumber(a) + f.toNumber(b))
}

// less is a < b, or a <= b if orEqual.
func (f *frame) less(a, b value, orEqual bool) bool {
	if a.kind == isText && b.kind == isText {
		if !jstext.IsASCII(a.s) || !jstext.IsASCII(b.s) {
			f.giveUp()
		}
		return a.s < b.s || orEqual && a.s == b.s
	}
	x, y := f.toNumber(a), f.toNumber(b)
	return x < y || orEqual && x == y
}

// strictEqual is ===.
func strictEqual(a, b value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case isBoolean, isNumber:
		return a.n == b.n
	case isText:
		return a.s == b.s
	case isList, isObject:
		return a.box == b.box
	}
	return true
}

// equal is ==.
func (f *frame) equal(a, b value) bool {
	switch {
	case a.kind == b.kind:
		return strictEqual(a, b)
	case a.isNullish() || b.isNullish():
		return a.isNullish() && b.isNullish()
	}
	f.giveUp()
	return false
}

func (v value) typeOf() string {
	switch v.kind {
	case isUndefined:
		return "undefined"
	case isBoolean:
		return "boolean"
	case isNumber:
		return "number"
	case isText:
		return "string"
	}
	return "object"
}
