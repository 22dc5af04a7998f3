package js

import (
	"slices"
	"strings"

	"github.com/dop251/goja"

	"logctl/store/view/js/jstext"
)

// frozenObject is a JSON object that is read member by member as a function asks for them, and that refuses changes. Most
// map functions look at three of a doc's ten members: the others cost only a scan.
type frozenObject struct {
	m       *machine
	raw     string
	depth   int
	scanned bool
	members []frozenMember
	index   map[string]int // only for objects of many members
}

type frozenMember struct {
	key string
	raw string
	val goja.Value // nil until asked for
}

// indexFrom is the number of members from which on a map finds one faster than looking through them does.
const indexFrom = 24

// scan finds the members. What is no JSON ends them: docs were validated when they were stored.
func (o *frozenObject) scan() {
	o.scanned = true
	p := jstext.Scanner{Text: o.raw}
	if !p.Take('{') {
		return
	}
	o.members = make([]frozenMember, 0, min(strings.Count(o.raw, `":`), indexFrom))
	for !p.Take('}') {
		key, err := p.ReadString()
		if err != nil || !p.Take(':') {
			return
		}
		raw, err := p.Raw()
		if err != nil {
			return
		}
		o.add(key, raw)
		if !p.Take(',') && p.Peek() != '}' {
			return
		}
	}
	o.order()
}

func (o *frozenObject) add(key, raw string) {
	o.members = append(o.members, frozenMember{key: key, raw: raw})
	if len(o.members) < indexFrom {
		return
	}
	if o.index == nil {
		o.index = make(map[string]int, 2*indexFrom)
		for i := range o.members {
			o.index[o.members[i].key] = i
		}
		return
	}
	o.index[key] = len(o.members) - 1
}

// order puts keys that are array indexes first, ascending, as JavaScript objects have them.
func (o *frozenObject) order() {
	if !slices.ContainsFunc(o.members, func(m frozenMember) bool { return jstext.ArrayIndex(m.key) >= 0 }) {
		return
	}
	slices.SortStableFunc(o.members, func(a, b frozenMember) int {
		x, y := jstext.ArrayIndex(a.key), jstext.ArrayIndex(b.key)
		switch {
		case x >= 0 && y >= 0:
			return x - y
		case x >= 0:
			return -1
		case y >= 0:
			return 1
		}
		return 0
	})
	for i := range o.members {
		if o.index != nil {
			o.index[o.members[i].key] = i
		}
	}
}

func (o *frozenObject) find(key string) *frozenMember {
	if !o.scanned {
		o.scan()
	}
	if o.index != nil {
		if i, ok := o.index[key]; ok {
			return &o.members[i]
		}
		return nil
	}
	for i := range o.members {
		if o.members[i].key == key {
			return &o.members[i]
		}
	}
	return nil
}

// Get implements goja.DynamicObject.
func (o *frozenObject) Get(key string) goja.Value {
	f := o.find(key)
	if f == nil {
		return nil
	}
	if f.val == nil {
		v, err := o.m.read(&jstext.Scanner{Text: f.raw}, o.depth+1, true)
		if err != nil {
			v = goja.Undefined()
		}
		f.val = v
	}
	return f.val
}

// Has implements goja.DynamicObject.
func (o *frozenObject) Has(key string) bool { return o.find(key) != nil }

// Set implements goja.DynamicObject.
func (o *frozenObject) Set(string, goja.Value) bool { return false }

// Delete implements goja.DynamicObject.
func (o *frozenObject) Delete(key string) bool { return !o.Has(key) }

// Keys implements goja.DynamicObject.
func (o *frozenObject) Keys() []string {
	if !o.scanned {
		o.scan()
	}
	keys := make([]string, len(o.members))
	for i := range o.members {
		keys[i] = o.members[i].key
	}
	return keys
}
