package js

import (
	"errors"

	"github.com/dop251/goja"

	"logctl/store"
)

// fatal is the error of a view whose map or reduce function threw "fatal_error" or ["fatal", word, reason]. Other exceptions are
// nobody's error.
func fatal(err error) error {
	var ex *goja.Exception
	if !errors.As(err, &ex) || ex.Value() == nil {
		return nil
	}
	if text, ok := ex.Value().(goja.String); ok && text.String() == "fatal_error" {
		return &store.Error{Kind: store.KindInternal, Word: "map_runtime_error", Reason: "function raised 'fatal_error'"}
	}
	o, ok := ex.Value().(*goja.Object)
	if !ok || o.ClassName() != "Array" {
		return nil
	}
	part := func(i string) string {
		if v := o.Get(i); v != nil && goja.IsString(v) {
			return v.String()
		}
		return ""
	}
	if part("0") != "fatal" {
		return nil
	}
	return &store.Error{Kind: store.KindInternal, Word: part("1"), Reason: part("2")}
}
