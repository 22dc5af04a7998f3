// Package reduce has CouchDB's builtin reducers that need more than the number of rows: _sum, _stats, _approx_count_distinct,
// _first, _last, _top_N and _bottom_N.
//
// A reduction is JSON, except that of _approx_count_distinct, a sketch; Final makes the answer's value of it. Errors that
// CouchDB gives as a row's value (_sum of a string) are values here; those that break the whole index there (_stats of a
// string) are errors.
package reduce

import (
	"strings"

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

// CountPrefix is what the names of the builtin begin with that needs nothing but the number of rows: it has no Reducer.
const CountPrefix = "_count"

// Builtin is the reducer of that name, nil if there is none. What follows the name of one does not matter, as in CouchDB.
func Builtin(name string) Reducer {
	if r, reason, ok := rankOf(name); ok && reason == "" {
		return r
	}
	for prefix, r := range map[string]Reducer{
		"_sum": Sum{}, "_stats": Stats{}, "_approx_count_distinct": Distinct{}, "_first": First{}, "_last": Last{},
	} {
		if strings.HasPrefix(name, prefix) {
			return r
		}
	}
	return nil
}

// Check tells, in CouchDB's words, what is wrong with the name of a builtin; "" if there is one.
func Check(name string) string {
	if _, reason, ok := rankOf(name); ok {
		return reason
	}
	if strings.HasPrefix(name, CountPrefix) || Builtin(name) != nil {
		return ""
	}
	return "`" + name + "` is not a supported reduce function."
}

func invalid(reason string) error {
	return store.NewError(store.KindInvalidValue, reason)
}
