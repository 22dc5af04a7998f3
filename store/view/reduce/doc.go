// Package reduce has CouchDB's builtin reducers that need more than the number of rows: _sum, _stats and
// _approx_count_distinct.
//
// A reduction is JSON, except that of _approx_count_distinct, a sketch; Final makes the answer's value of it. Errors that
// CouchDB gives as a row's value (_sum of a string) are values here; those that break the whole index there (_stats of a
// string) are errors.
package reduce

import (
	"logctl/store"
)

// Reducer computes one builtin. It has no state and is safe for concurrent use.
type Reducer interface {
	// Reduce appends the reduction of at least one row: sort keys and values as JSON.
	Reduce(dst []byte, keys, values [][]byte) ([]byte, error)
	// Rereduce appends the reduction of reductions.
	Rereduce(dst []byte, reductions [][]byte) ([]byte, error)
	// Final appends the value of a reduction as JSON.
	Final(dst, reduction []byte) []byte
}

// Builtin is the reducer of that name, nil if there is none.
func Builtin(name string) Reducer {
	switch name {
	case "_sum":
		return Sum{}
	case "_stats":
		return Stats{}
	case "_approx_count_distinct":
		return Distinct{}
	}
	return nil
}

func invalid(reason string) error {
	return store.NewError(store.KindInvalidValue, reason)
}
