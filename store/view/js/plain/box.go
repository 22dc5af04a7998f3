package plain

import (
	"cmp"
	"hash/maphash"
	"slices"

	"logctl/store/view/js/jstext"
)

// box is a list or an object.
type box struct {
	items    []value  // of a list, or the values of an object's members
	keys     []string // of the members
	index    *index   // of many members, once one was looked for
	hint     int      // where a member was found last: the next one is often there, or behind it
	loops    int32    // how many go over its members
	raw      string   // what it is in the doc, in JSON, "" for what is not of the doc
	unread   bool     // that is all that there is
	numbered bool     // a key was added that is an array index: such members stand before the others, ascending
	fixed    bool     // it is not changed here
}

// index finds members by the hashes of their keys.
type index struct {
	hashes []uint32 // of the keys
	places []int32  // a table of the members' places by their hashes, each plus one; its length is a power of two
}

// open is the box of a list or an object, which is read now if it was not before.
func (f *frame) open(v value) *box {
	b := f.boxOf(v)
	if b.unread {
		f.readBox(b)
	}
	return b
}

// few is how many members are found by looking through them.
const few = 8

// find is the place of a member, -1 if there is none of that name.
func (f *frame) find(b *box, key string) int {
	f.over(key)
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
	i := f.lookUp(b, key)
	if i >= 0 {
		b.hint = i
	}
	return i
}

// lookUp finds a key in the index: the place of its member, -1 if there is none.
func (f *frame) lookUp(b *box, key string) int {
	hash, x := uint32(maphash.String(f.seed, key)), b.index
	for at := int(hash); ; at++ {
		i := int(x.places[at&(len(x.places)-1)]) - 1
		if i < 0 || x.hashes[i] == hash && b.keys[i] == key {
			return i
		}
	}
}

func (f *frame) makeIndex(b *box) {
	size := 4 * few
	for size < 2*cap(b.keys) {
		size *= 2
	}
	b.index = &index{make([]uint32, 0, cap(b.keys)), make([]int32, size)}
	for _, k := range b.keys {
		f.enter(b.index, k)
	}
}

// enter puts the key of the next member into the index.
func (f *frame) enter(x *index, key string) {
	hash, mask := uint32(maphash.String(f.seed, key)), len(x.places)-1
	at := int(hash) & mask
	for x.places[at] != 0 {
		at = (at + 1) & mask
	}
	x.hashes = append(x.hashes, hash)
	x.places[at] = int32(len(x.hashes))
}

// add adds a member that is not there.
func (f *frame) add(b *box, key string, v value) {
	if b.fixed || b.loops > 0 || jstext.OnPrototype(key) {
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
	case 2*len(b.keys) > len(b.index.places):
		f.makeIndex(b)
	default:
		f.enter(b.index, key)
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
	b.keys = make([]string, len(list)) // those of before may be others' too
	for i, m := range list {
		b.keys[i], b.items[i] = m.key, m.v
	}
	b.index, b.hint, b.numbered = nil, 0, false
}

// push adds an element to a list.
func (f *frame) push(b *box, v value) {
	if b.fixed || b.loops > 0 {
		f.giveUp()
	}
	f.take(1)
	b.items = append(b.items, v)
}
