package js

import (
	"errors"

	"github.com/dop251/goja"

	"logctl/store"
)

// fatalError ends a view.
type fatalError struct{ err *store.Error }

func (e *fatalError) Error() string { return e.err.Error() }

// fatal is err or, where a map or reduce function threw "fatal_error" or ["fatal", word, reason], a *fatalError.
func fatal(err error) error {
	var ex *goja.Exception
	if !errors.As(err, &ex) || ex.Value() == nil {
		return err
	}
	if text, ok := ex.Value().(goja.String); ok && text.String() == "fatal_error" {
		return &fatalError{&store.Error{Kind: store.KindInternal, Word: "map_runtime_error", Reason: "function raised 'fatal_error'"}}
	}
	o, ok := ex.Value().(*goja.Object)
	if !ok || o.ClassName() != "Array" {
		return err
	}
	part := func(i string) string {
		if v := o.Get(i); v != nil && goja.IsString(v) {
			return v.String()
		}
		return ""
	}
	if part("0") != "fatal" {
		return err
	}
	return &fatalError{&store.Error{Kind: store.KindInternal, Word: part("1"), Reason: part("2")}}
}
