package reduce

import (
	"bytes"
	"encoding/json"
	"slices"

	"logctl/store"
)

// value is a decoded JSON value: a number, an array, an object with its members in order, or other text.
type value struct {
	kind    kind
	num     number
	items   []value
	members []member
	raw     []byte
}

type member struct {
	name string
	val  value
}

type kind uint8

const (
	isOther kind = iota // a string, true, false or null
	isNumber
	isArray
	isObject
)

// parse decodes JSON; text that is none gives its first part.
func parse(raw []byte) value {
	if n, ok := parseNumber(raw); ok {
		return value{kind: isNumber, num: n}
	}
	if len(raw) == 0 || raw[0] != '[' && raw[0] != '{' {
		return value{raw: raw}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return read(d)
}

func read(d *json.Decoder) value {
	tok, err := d.Token()
	if err != nil {
		return value{raw: []byte("null")}
	}
	switch tok := tok.(type) {
	case json.Number:
		n, _ := parseNumber([]byte(tok))
		return value{kind: isNumber, num: n}
	case json.Delim:
		if tok == '[' {
			v := value{kind: isArray}
			for d.More() {
				v.items = append(v.items, read(d))
			}
			_, _ = d.Token() // the bracket that More saw
			return v
		}
		v := value{kind: isObject}
		for d.More() {
			name, _ := d.Token()
			text, _ := name.(string)
			v.members = append(v.members, member{name: text, val: read(d)})
		}
		_, _ = d.Token()
		return v
	case string:
		return value{raw: store.AppendJSONString(nil, tok)}
	case bool:
		if tok {
			return value{raw: []byte("true")}
		}
		return value{raw: []byte("false")}
	}
	return value{raw: []byte("null")}
}

func (v value) append(dst []byte) []byte {
	switch v.kind {
	case isNumber:
		return v.num.append(dst)
	case isArray:
		dst = append(dst, '[')
		for i, it := range v.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = it.append(dst)
		}
		return append(dst, ']')
	case isObject:
		dst = append(dst, '{')
		for i, m := range v.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(store.AppendJSONString(dst, m.name), ':')
			dst = m.val.append(dst)
		}
		return append(dst, '}')
	}
	return append(dst, v.raw...)
}

// member is the value of that name in an object.
func (v value) member(name string) (value, bool) {
	i := slices.IndexFunc(v.members, func(m member) bool { return m.name == name })
	if i < 0 {
		return value{}, false
	}
	return v.members[i].val, true
}

// sorted is an object with its members in the order of their names.
func (v value) sorted() value {
	v.members = slices.Clone(v.members)
	slices.SortStableFunc(v.members, func(a, b member) int {
		switch {
		case a.name < b.name:
			return -1
		case a.name > b.name:
			return 1
		}
		return 0
	})
	return v
}
