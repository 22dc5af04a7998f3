// Package js runs the JavaScript of design documents as CouchDB does.
package js

import "time"

// Options bound one call of a function.
type Options struct {
	Timeout time.Duration // 0: 5 s
	Design  []byte        // the design document as JSON, for require; nil: nothing to require
}

// Validator is a validate_doc_update function. It is safe for concurrent use.
type Validator struct{}

// NewValidator compiles a validate_doc_update function.
func NewValidator(src string, o Options) (*Validator, error) { return &Validator{}, nil }

// Validate calls it with the docs as JSON; oldDoc is nil for a new doc. An error is of KindForbidden or KindUnauthorized with
// the thrown reason, or what CouchDB answers for other exceptions.
func (v *Validator) Validate(newDoc, oldDoc, userCtx, secObj []byte) error { return nil }

// Filter is a filter function of a changes feed. It is safe for concurrent use.
type Filter struct{}

// NewFilter compiles a filter function.
func NewFilter(src string, o Options) (*Filter, error) { return &Filter{}, nil }

// NewViewFilter makes a filter of a map function: a doc passes when it emits.
func NewViewFilter(src string, o Options) (*Filter, error) { return &Filter{}, nil }

// Filter calls it with a doc and the request object as JSON.
func (f *Filter) Filter(doc, req []byte) (bool, error) { return true, nil }
