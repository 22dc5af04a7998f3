package js

import (
	"strconv"

	"github.com/dop251/goja"
)

// value reads JSON text as JSON.parse does, into objects and arrays that the function may change.
func (m *machine) value(text string) (goja.Value, error) {
	p := scanner{s: text}
	v, err := m.read(&p, 0, false)
	if err != nil {
		return nil, err
	}
	if p.peek() != 0 {
		return nil, errJSON
	}
	return v, nil
}

// read reads one value; frozen ones refuse changes.
func (m *machine) read(p *scanner, depth int, frozen bool) (goja.Value, error) {
	if depth > maxNesting {
		return nil, errJSON
	}
	switch c := p.peek(); {
	case c == '"':
		s, err := p.str()
		return m.r.ToValue(s), err
	case c == '{' && frozen:
		raw, err := p.raw()
		return m.r.NewDynamicObject(&frozenObject{m: m, raw: raw, depth: depth}), err
	case c == '{':
		return m.readObject(p, depth)
	case c == '[':
		return m.readArray(p, depth, frozen)
	case c == '-' || c >= '0' && c <= '9':
		start := p.i
		p.scalar()
		return m.number(p.s[start:p.i])
	case c == 0:
		return nil, errJSON
	}
	start := p.i
	p.scalar()
	switch p.s[start:p.i] {
	case "null":
		return goja.Null(), nil
	case "true":
		return m.r.ToValue(true), nil
	case "false":
		return m.r.ToValue(false), nil
	}
	return nil, errJSON
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
		return nil, errJSON
	}
	return m.r.ToValue(f), nil
}

func (m *machine) readObject(p *scanner, depth int) (goja.Value, error) {
	p.i++
	o := m.r.NewObject()
	for !p.take('}') {
		key, err := p.str()
		if err != nil {
			return nil, err
		}
		if !p.take(':') {
			return nil, errJSON
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
		if !p.take(',') && p.peek() != '}' {
			return nil, errJSON
		}
	}
	return o, nil
}

func (m *machine) readArray(p *scanner, depth int, frozen bool) (goja.Value, error) {
	p.i++
	items := make([]any, 0, 8)
	for !p.take(']') {
		v, err := m.read(p, depth+1, frozen)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		if !p.take(',') && p.peek() != ']' {
			return nil, errJSON
		}
	}
	a := m.r.NewArray(items...)
	if frozen {
		return m.freeze(goja.Undefined(), a)
	}
	return a, nil
}
