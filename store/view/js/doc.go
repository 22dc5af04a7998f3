// Package js runs the JavaScript of design documents as CouchDB's query server does: map and reduce functions,
// validate_doc_update, filters.
//
// Map and reduce functions of a plain kind, as most are, are not run in the JavaScript engine: see package plain. That gives the same rows
// and values.
//
// What holds, whatever the function does:
//   - one call ends after Options.Timeout, with an error of KindOSProcess and CouchDB's words; its runtime is thrown away;
//   - recursion ends at maxCallDepth calls, an exception like any other;
//   - a map call gives at most maxEmits rows and maxEmitBytes bytes; a doc that would give more gives none for that view;
//   - builtins that would make a string longer than maxStringLen, or walk over an array of more than maxArrayLen elements, throw a
//     RangeError, and so do JSON.stringify of more than maxJSONParts values, JSON.parse of more arrays and objects than that, and JSON
//     that nests deeper than maxDepth;
//   - a source longer than maxSource, or that nests deeper than maxDepth brackets or maxTree levels, does not compile, and one within
//     these bounds compiles in seconds at most; eval and Function are not there, as in CouchDB;
//   - there are no BigInts, and no Proxy;
//   - a call while which the memory of the process grows by a quarter of what there is, at most maxHeapGrow, ends with an error of KindOSProcess, too,
//     and what functions keep from one call to the next is gone once it has grown by half of that;
//   - a regular expression that backtracks ends after the default timeout, and one with more than maxGroups parentheses is none;
//   - Date works in UTC whatever the server's time zone, so that keys are the same everywhere, and parses what CouchDB's
//     SpiderMonkey parses, no more: "2017-06-14 17:16:12,329" is an invalid date.
//
// Limits: a call is interrupted between two of its steps, and what one step does is bounded where we know of it: the engine's builtins
// were read for loops and memory that a length alone makes large. Functions are trusted to be an administrator's.
//
// Differences from CouchDB's default engine: object spread, ?. and ?? are accepted (as by its QuickJS), a lone surrogate
// becomes U+FFFD, and Object.isFrozen of the doc given to a map function is false though assignments to it have no effect.
package js

import "time"

// Bounds of what a function may use.
const (
	defaultTimeout = 5 * time.Second
	maxCallDepth   = 1500
	maxEmits       = 200_000
	maxEmitBytes   = 16 << 20
	maxStringLen   = 16 << 20
	maxNesting     = 1000 // of JSON given to a function
)

// Options bound one call of a function and tell what it may require.
type Options struct {
	Timeout time.Duration // 0: 5 s
	Design  []byte        // a JSON object in which require looks up its paths; nil: nothing to require
}

func (o Options) timeout() time.Duration {
	if o.Timeout <= 0 {
		return defaultTimeout
	}
	return o.Timeout
}
