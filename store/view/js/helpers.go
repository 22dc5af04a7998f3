package js

import "github.com/dop251/goja"

// installHelpers defines the functions that CouchDB gives to all view code. log is there and says nothing: a line per doc
// helps nobody.
func (m *machine) installHelpers() {
	isArray := m.builtin("Array", "isArray")
	m.set("isArray", func(c goja.FunctionCall) goja.Value { return m.mustCall(isArray, c.Argument(0)) })
	m.set("toJSON", func(c goja.FunctionCall) goja.Value {
		args := []goja.Value{c.Argument(0)}
		if reason := m.checkStringify(&args); reason != "" {
			panic(m.rangeError(reason))
		}
		return m.mustCall(m.stringify, args...)
	})
	m.set("log", func(goja.FunctionCall) goja.Value { return goja.Undefined() })
	m.set("sum", m.sum)
	m.limit()
}

// mustCall calls f from within a running function: what f throws goes on.
func (m *machine) mustCall(f goja.Callable, args ...goja.Value) goja.Value {
	v, err := f(goja.Undefined(), args...)
	if err != nil {
		panic(err)
	}
	return v
}

// sum adds up an array as `rv += values[i]` from 0 does.
func (m *machine) sum(c goja.FunctionCall) goja.Value {
	list := c.Argument(0).ToObject(m.r)
	if reason := tooLong(m.lengthOf(list)); reason != "" {
		panic(m.rangeError(reason))
	}
	n := list.Get("length")
	if n == nil {
		return m.r.ToValue(0)
	}
	total, ints, allInts := 0.0, int64(0), true
	for i := range int(n.ToInteger()) {
		v := list.Get(index(i))
		if v == nil {
			v = goja.Undefined()
		}
		if x, ok := v.Export().(int64); ok && allInts && x > -1<<40 && x < 1<<40 && ints > -1<<52 && ints < 1<<52 {
			ints += x
			continue
		}
		allInts = false
		total += v.ToFloat()
	}
	if allInts {
		return m.r.ToValue(ints)
	}
	return m.r.ToValue(total + float64(ints))
}

func (m *machine) rangeError(text string) goja.Value { return m.newError("RangeError", text) }

func (m *machine) newError(class, text string) goja.Value {
	e, err := m.r.New(m.r.GlobalObject().Get(class), m.r.ToValue(text))
	if err != nil {
		return m.r.ToValue(text)
	}
	return e
}
