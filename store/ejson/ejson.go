// Package ejson reads and writes JSON as CouchDB keeps it, bytes in and bytes out: nothing is decoded into Go values,
// and the hot paths append to the caller's buffer.
//
// The stored form of a value is what the stores keep, hash and give back: no white space, members in their order, of a
// repeated key the last one at its own place, strings as store.AppendJSONString writes them, integers of any length as
// they are, other numbers as CouchDB prints a float (1e2 is 100.0, 1.50 is 1.5). Equal docs have equal bodies in it but
// for the order of their members, and the stored form of a stored form is itself.
//
// What is refused is what CouchDB refuses, with its words: text that is not UTF-8, a byte order mark, half a surrogate
// pair, a float that overflows, trailing data. Two limits are our own: values nest at most 10,000 deep (as in
// encoding/json, so that whatever passes here can be read there) and integers have at most 10,000 digits. All functions
// take time linear in their input, but for the sorting of repeated keys, and none keeps or changes what it is given.
package ejson

import (
	"fmt"
	"sync"

	"logctl/store"
)

// maxDepth is how deep arrays and objects may nest.
const maxDepth = 10000

// Compact checks that src is one JSON value and appends its stored form. On an error, of KindBadRequest with CouchDB's
// reason, it gives dst back as it was.
func Compact(dst, src []byte) ([]byte, error) { return compact(dst, src, 0) }

// CompactMember is Compact of what becomes a member of an object, and so may nest one level less deep.
func CompactMember(dst, src []byte) ([]byte, error) { return compact(dst, src, 1) }

func compact(dst, src []byte, depth int) ([]byte, error) {
	p := newParser(dst, src)
	defer p.free()
	if err := p.document(func(int) error { return p.value(depth) }); err != nil {
		return dst, err
	}
	return p.result(), nil
}

// Elements calls fn with the raw text of each element of the JSON array src, in order, and stops at its first error. An
// element is checked before fn sees it, but those after it are not: with an error, what fn has seen is not to be used.
// The error is of KindBadRequest where src is no JSON array. elem is a part of src.
func Elements(src []byte, fn func(elem []byte) error) error {
	p := newReader(src)
	defer p.free()
	return p.document(func(depth int) error {
		return p.array(depth, func(depth int) error {
			start := p.pos
			if err := p.value(depth); err != nil {
				return err
			}
			p.dead = p.dead[:0]
			return fn(src[start:p.pos])
		})
	})
}

// Members calls fn with the decoded key and the raw text of the value of each member of the JSON object src, in order;
// of a repeated key only the last. It stops at fn's first error. All of src is checked before. The error is of
// KindBadRequest where src is no JSON object. value is a part of src; key holds only during the call.
func Members(src []byte, fn func(key, value []byte) error) error {
	p := newReader(src)
	defer p.free()
	if err := p.document(p.readMembers); err != nil {
		return err
	}
	for i := range p.members {
		m := &p.members[i]
		if m.dead {
			continue
		}
		if err := fn(p.name(m), src[m.value:m.valueEnd]); err != nil {
			return err
		}
	}
	return nil
}

// parsers recycles parsers with the memory they have gathered.
var parsers = sync.Pool{New: func() any { return new(parser) }}

func newParser(dst, src []byte) *parser {
	p := parsers.Get().(*parser)
	p.dst, p.src = dst, src
	p.base, p.pos, p.run, p.quiet = len(dst), 0, 0, false
	return p
}

// newReader makes a parser that checks src and writes nothing.
func newReader(src []byte) *parser {
	p := newParser(nil, src)
	p.quiet = true
	return p
}

// maxKept bounds what a pooled parser holds on to after an unusual input.
const maxKept = 1 << 12

func (p *parser) free() {
	p.dst, p.src = nil, nil
	p.members, p.dead, p.scratch = keep(p.members), keep(p.dead), keep(p.scratch)
	parsers.Put(p)
}

// keep empties s for the next time, or drops it where an unusual input has made it large.
func keep[T any](s []T) []T {
	if cap(s) > maxKept {
		return nil
	}
	return s[:0]
}

// invalid is CouchDB's answer to everything that is not JSON.
func invalid(at int, what string) error {
	return &store.Error{
		Kind:   store.KindBadRequest,
		Reason: "invalid UTF-8 JSON",
		Err:    fmt.Errorf("%s at byte %d", what, at),
	}
}
