package js

import (
	"github.com/dop251/goja"
)

// Filter is a filter function of a changes feed. It is safe for concurrent use.
type Filter struct {
	f    *function
	view bool // a map function: what it emits passes
}

// NewFilter compiles a filter function. The error is of KindCompilation.
func NewFilter(src string, o Options) (*Filter, error) { return newFilter(src, o, false) }

// NewViewFilter makes a filter of a map function: a doc passes when the function emits.
func NewViewFilter(src string, o Options) (*Filter, error) { return newFilter(src, o, true) }

func newFilter(src string, o Options, view bool) (*Filter, error) {
	f, err := newFunction(src, o)
	if err != nil {
		return nil, compilationError(err)
	}
	if !view {
		f.thrown = thrown
	}
	return &Filter{f: f, view: view}, nil
}

// Filter calls it with a doc and, for a filter function, the request object; both are JSON. What it throws is an error as
// Validator.Validate gives it, except that a map function that throws lets nothing pass.
func (f *Filter) Filter(doc, req []byte) (bool, error) {
	pass := false
	err := f.f.callOn(f.f.design, func(m *machine) ([]goja.Value, error) {
		if !f.view {
			return parseArguments(m, doc, req)
		}
		m.set("emit", func(goja.FunctionCall) goja.Value {
			pass = true
			return goja.Undefined()
		})
		return parseArguments(m, doc)
	}, func(_ *machine, v goja.Value) error {
		if !f.view {
			pass = v.ToBoolean()
		}
		return nil
	})
	if err == nil {
		return pass, nil
	}
	if _, ok := err.(*goja.Exception); ok && f.view {
		return false, nil
	}
	return false, compilationError(err)
}
