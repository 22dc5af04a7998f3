package proxy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"logctl/store"
)

// Limits are what callers may use of a door. A client, here, is an address (of IPv6 its /64) and, beside it, whoever has an app token or a
// client certificate. The zero value of a field stands for its default.
type Limits struct {
	Body   int64 // bytes of one body of docs, decompressed; 64 MiB
	Doc    int64 // bytes of one doc in stored form; 8,000,000
	Docs   int64 // docs in one body; 100,000
	Fields int64 // members of all objects in one doc; 10,000
	Depth  int64 // arrays and objects of one doc, one in another; 100
	Memory int64 // bytes that all bodies of docs may take together; five times Body, of which a client gets four

	Requests int64 // a second, of one client; 10,000
	Bytes    int64 // of docs a second, decompressed, of one client; 128 MiB

	Connections int64 // open ones; 16,384
	PerAddress  int64 // open ones of one client, unless that is this machine or a trusted proxy; 256
}

// DefaultLimits are those that a small server can bear and that nobody who ships logs meets.
func DefaultLimits() Limits {
	return Limits{
		Body: 64 << 20, Doc: 8_000_000, Docs: 100_000, Fields: 10_000, Depth: 100, Memory: 320 << 20,
		Requests: 10_000, Bytes: 128 << 20, Connections: 16_384, PerAddress: 256,
	}
}

// field is one limit by the name that people give it.
type field struct {
	name  string
	value *int64
}

func (l *Limits) fields() []field {
	return []field{
		{"body", &l.Body}, {"doc", &l.Doc}, {"docs", &l.Docs}, {"fields", &l.Fields}, {"depth", &l.Depth}, {"memory", &l.Memory},
		{"requests", &l.Requests}, {"bytes", &l.Bytes}, {"connections", &l.Connections}, {"per-address", &l.PerAddress},
	}
}

// LimitNames are the names that ParseLimits takes.
func LimitNames() []string {
	var names []string
	for _, f := range new(Limits).fields() {
		names = append(names, f.name)
	}
	return names
}

// ParseLimits reads limits as people write them, name=number, the number with K, M or G for 1,024 of it, of that and so on. The error
// says what is wrong with which.
func ParseLimits(texts []string) (Limits, error) {
	var l Limits
	fields := l.fields()
	for _, text := range texts {
		name, number, ok := strings.Cut(text, "=")
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == strings.TrimSpace(name) })
		if !ok || i < 0 {
			return l, fmt.Errorf("a limit is one of %s with =NUMBER, not %q", strings.Join(LimitNames(), ", "), text)
		}
		n, err := parseAmount(strings.TrimSpace(number))
		if err != nil {
			return l, fmt.Errorf("the limit %s: %w", fields[i].name, err)
		}
		*fields[i].value = n
	}
	return l, nil
}

// parseAmount reads a positive number with K, M or G behind it.
func parseAmount(s string) (int64, error) {
	shift := 0
	if digits := len(s) - 1; digits > 0 {
		if unit := strings.IndexByte("KMG", s[digits]); unit >= 0 {
			s, shift = s[:digits], 10*(unit+1)
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is no number above 0, such as 1000, 64K, 16M or 1G", s)
	}
	return n << shift, nil
}

// leastMemory is what small bodies need even where large ones are not taken.
const leastMemory = 1 << 20

// orDefault gives the fields that are zero their defaults.
func (l Limits) orDefault() Limits {
	def := DefaultLimits()
	if l.Memory == 0 && l.Body > 0 {
		l.Memory = max(leastMemory, l.Body*min(def.Memory/def.Body, math.MaxInt64/l.Body))
	}
	defaults := def.fields()
	for i, f := range l.fields() {
		if *f.value == 0 {
			*f.value = *defaults[i].value
		}
	}
	return l
}

// check refuses a doc that is over a limit.
func (l *Limits) check(id string, size, members, depth int) error {
	switch {
	case int64(size) > l.Doc:
		return store.NewError(store.KindDocTooLarge, id)
	case int64(members) > l.Fields:
		return store.NewError(store.KindDocTooLarge, fmt.Sprintf("A document may have no more than %d members.", l.Fields))
	case int64(depth) > l.Depth:
		return store.NewError(store.KindDocTooLarge, fmt.Sprintf("A document may nest no deeper than %d.", l.Depth))
	}
	return nil
}
