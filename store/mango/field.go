package mango

import (
	"context"
	"strconv"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
)

// path is a parsed field name: the keys on the way to a value, each as the JSON string that it is in a doc.
type path []step

type step struct {
	key   []byte // with quotes
	index int    // as the index of an array, -1 if it is none
}

// parsePath reads a field name: keys are separated by dots, a backslash before a dot makes it a part of the key.
func parsePath(field string) (path, error) {
	var p path
	start := 0
	for i := 0; i <= len(field); i++ {
		if i < len(field) && (field[i] != '.' || i > 0 && field[i-1] == '\\') {
			continue
		}
		part := field[start:i]
		if part == "" {
			return nil, refuse("invalid_field_name", "Invalid field name: "+field)
		}
		part = strings.ReplaceAll(part, `\`, "")
		index, err := strconv.Atoi(part)
		if err != nil || index < 0 {
			index = -1
		}
		p = append(p, step{store.AppendJSONString(nil, part), index})
		start = i + 1
	}
	return p, nil
}

// get is the value at the path, nil if there is none. An index leads into an array.
func (p path) get(v []byte) []byte {
	for _, s := range p {
		switch {
		case isObject(v):
			v = findMember(v, s.key)
		case isArray(v) && s.index >= 0:
			v = element(v, s.index)
		default:
			return nil
		}
	}
	return v
}

// Fields is a query's choice of fields. Nil is all of them.
type Fields []field

type field struct {
	name string
	path path
}

// ParseFields reads the array of the fields of a query; an empty one is all of them.
func ParseFields(src []byte) (Fields, error) {
	raw, err := ejson.Compact(nil, src)
	if err != nil {
		return nil, err
	}
	return parseFields(raw)
}

// parseFields is ParseFields for text in stored form.
func parseFields(raw []byte) (Fields, error) {
	if !isArray(raw) {
		return nil, refuse("invalid_fields", "Fields must be an array of strings, not: "+term(raw))
	}
	var fields Fields
	var err error
	eachElement(raw, func(elem []byte) bool {
		if !isString(elem) {
			err = refuse("invalid_field", "Invalid JSON for field spec: "+term(elem))
			return false
		}
		f := field{name: text(elem)}
		f.path, err = parsePath(f.name)
		fields = append(fields, f)
		return err == nil
	})
	return fields, err
}

// Names are the fields as the query names them.
func (f Fields) Names() []string {
	names := make([]string, len(f))
	for i := range f {
		names[i] = f[i].name
	}
	return names
}

// Append appends the doc with no other fields than these, in their order. It ends as Selector.Match does.
func (f Fields) Append(ctx context.Context, dst, doc []byte) ([]byte, error) {
	if f == nil {
		return append(dst, doc...), nil
	}
	e := effort{done: ctx.Done()}
	var root branch
	for i := range f {
		if !e.spend((len(doc) + i) * len(f[i].path)) {
			return dst, e.end(ctx, "The fields to show", doc)
		}
		if v := f[i].path.get(doc); v != nil {
			root.set(f[i].path, v)
		}
	}
	return root.append(dst), nil
}

// branch is an object that is put together from values of a doc.
type branch struct{ twigs []twig }

type twig struct {
	key   []byte
	value []byte  // nil: below
	below *branch // nil: value
}

func (b *branch) set(p path, v []byte) {
	t := b.twig(p[0].key)
	switch {
	case len(p) == 1:
		t.value, t.below = v, nil
	case t.value != nil: // it holds all that is below
	default:
		if t.below == nil {
			t.below = new(branch)
		}
		t.below.set(p[1:], v)
	}
}

func (b *branch) twig(key []byte) *twig {
	for i := range b.twigs {
		if string(b.twigs[i].key) == string(key) {
			return &b.twigs[i]
		}
	}
	b.twigs = append(b.twigs, twig{key: key})
	return &b.twigs[len(b.twigs)-1]
}

func (b *branch) append(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range b.twigs {
		t := &b.twigs[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, t.key...), ':')
		if t.below != nil {
			dst = t.below.append(dst)
		} else {
			dst = append(dst, t.value...)
		}
	}
	return append(dst, '}')
}
