package js

import (
	"strconv"

	"github.com/dop251/goja"

	"logctl/store/view/js/jstext"
)

// value reads JSON text as JSON.parse does, into objects and arrays that the function may change.
func (m *machine) value(text string) (goja.Value, error) {
	p := jstext.Scanner{Text: text}
	v, err := m.read(&p, 0, false)
	if err != nil {
		return nil, err
	}
	if p.Peek() != 0 {
		return nil, jstext.ErrJSON
	}
	return v, nil
}

// read reads one value; frozen ones refuse changes.
func (m *machine) read(p *jstext.Scanner, depth int, frozen bool) (goja.Value, error) {
	if depth > maxNesting {
		return nil, jstext.ErrJSON
	}
	switch c := p.Peek(); {
	case c == '"':
		s, err := p.ReadString()
		return m.r.ToValue(s), err
	case c == '{' && frozen:
		raw, err := p.Raw()
		return m.r.NewDynamicObject(&frozenObject{m: m, raw: raw, depth: depth}), err
	case c == '{':
		return m.readObject(p, depth)
	case c == '[':
		return m.readArray(p, depth, frozen)
	case c == '-' || c >= '0' && c <= '9':
		return m.number(p.Word())
	case c == 0:
		return nil, jstext.ErrJSON
	}
	switch p.Word() {
	case "null":
		return goja.Null(), nil
	case "true":
		return m.r.ToValue(true), nil
	case "false":
		return m.r.ToValue(false), nil
	}
	return nil, jstext.ErrJSON
}

// number reads a JSON number as a double; integers that it holds exactly stay integers, which the engine handles faster.
func (m *machine) number(s string) (goja.Value, error) {
	if len(s) <= 15 && s != "-0" {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return m.r.ToValue(n), nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, jstext.ErrJSON
	}
	return m.r.ToValue(f), nil
}

func (m *machine) readObject(p *jstext.Scanner, depth int) (goja.Value, error) {
	p.Take('{')
	o := m.r.NewObject()
	for !p.Take('}') {
		key, err := p.ReadString()
		if err != nil {
			return nil, err
		}
		if !p.Take(':') {
			return nil, jstext.ErrJSON
		}
		v, err := m.read(p, depth+1, false)
		if err != nil {
			return nil, err
		}
		if key == "__proto__" {
			err = o.DefineDataProperty(key, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		} else {
			err = o.Set(key, v)
		}
		if err != nil {
			return nil, err
		}
		if !p.Take(',') && p.Peek() != '}' {
			return nil, jstext.ErrJSON
		}
	}
	return o, nil
}

func (m *machine) readArray(p *jstext.Scanner, depth int, frozen bool) (goja.Value, error) {
	p.Take('[')
	items := make([]any, 0, 8)
	for !p.Take(']') {
		v, err := m.read(p, depth+1, frozen)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		if !p.Take(',') && p.Peek() != ']' {
			return nil, jstext.ErrJSON
		}
	}
	a := m.r.NewArray(items...)
	if frozen {
		return m.freeze(goja.Undefined(), a)
	}
	return a, nil
}
