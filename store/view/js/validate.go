package js

import (
	"errors"

	"github.com/dop251/goja"

	"logctl/store"
)

// Validator is a validate_doc_update function. It is safe for concurrent use.
type Validator struct{ f *function }

// NewValidator compiles a validate_doc_update function. The error is of KindCompilation.
func NewValidator(src string, o Options) (*Validator, error) {
	f, err := newFunction(src, o)
	if err != nil {
		return nil, compilationError(err)
	}
	f.thrown = thrown
	return &Validator{f: f}, nil
}

// Validate calls it with JSON texts; a nil oldDoc is null: a new doc. The error is of KindForbidden or KindUnauthorized with
// the thrown reason, or what CouchDB answers to other exceptions, with status 500.
func (v *Validator) Validate(newDoc, oldDoc, userCtx, secObj []byte) error {
	err := v.f.callOn(v.f.design, func(m *machine) ([]goja.Value, error) {
		return parseArguments(m, newDoc, oldDoc, userCtx, secObj)
	}, func(*machine, goja.Value) error { return nil })
	return compilationError(err)
}

// thrown turns what a function threw into the answer: {forbidden: reason} and {unauthorized: reason} by their meaning,
// ["error", word, reason] and {error, reason} with those words, errors by their name, and anything else as unknown_error, an
// object of one member with that as the reason.
func thrown(err error) error {
	var ex *goja.Exception
	if !errors.As(err, &ex) || ex.Value() == nil {
		return compilationError(err)
	}
	o, ok := ex.Value().(*goja.Object)
	if !ok {
		return &store.Error{Kind: store.KindInternal, Word: "unknown_error", Reason: ex.Value().String()}
	}
	text := func(name string) (string, bool) {
		v := o.Get(name)
		if v == nil || goja.IsUndefined(v) {
			return "", false
		}
		return v.String(), true
	}
	if reason, ok := text("forbidden"); ok {
		return store.NewError(store.KindForbidden, reason)
	}
	if reason, ok := text("unauthorized"); ok {
		return store.NewError(store.KindUnauthorized, reason)
	}
	e := &store.Error{Kind: store.KindInternal, Word: "unknown_error"}
	if o.ClassName() == "Array" {
		if kind, _ := text("0"); kind == "error" || kind == "fatal" {
			e.Word, _ = text("1")
			e.Reason, _ = text("2")
			return e
		}
	}
	for _, name := range []string{"name", "error"} {
		if word, ok := text(name); ok {
			e.Word = word
		}
	}
	for _, name := range []string{"message", "reason"} {
		if reason, ok := text(name); ok {
			e.Reason = reason
		}
	}
	if keys := o.Keys(); e.Reason == "" && len(keys) == 1 {
		e.Reason, _ = text(keys[0])
	} else if e.Reason == "" {
		e.Reason = o.String()
	}
	return e
}
