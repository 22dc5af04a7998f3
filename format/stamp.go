package format

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"logctl/format/timefmt"
)

// stampKey is the member that a Time makes.
const stampKey = "time"

// Time says which captures together are the time of a line. They are not members of the object; in the place of the first it
// has "time", as RFC 3339 with the wall clock of the line: 2017-06-14T17:16:12.329+02:00. A line whose captures are no
// time does not fit; one without any of them has no "time". What a schema does not capture is looked for among the members of
// its $kv... or $json...
type Time struct {
	fields []string
	layout *timefmt.Layout
	asked  string // the layout as it was given
	zone   *time.Location
}

// NewTime makes a Time of names of captures, in the order in which a line's time is read from them, with a blank between two.
// The layout is one of timefmt's (see timefmt.New), or "" for any that is well known; the zone is that of times that do
// not tell theirs, an IANA name, or "" for the machine's.
func NewTime(fields []string, layout, zone string) (*Time, error) {
	t := &Time{fields: fields, layout: timefmt.Guess(), asked: layout, zone: time.Local}
	var err error
	if len(fields) == 0 {
		return nil, errors.New("a time is made of at least one capture")
	}
	if layout != "" {
		if t.layout, err = timefmt.New(layout); err != nil {
			return nil, err
		}
	}
	if zone != "" {
		if t.zone, err = time.LoadLocation(zone); err != nil {
			return nil, fmt.Errorf("there is no time zone %q: a name like Europe/Berlin, or UTC", zone)
		}
	}
	return t, nil
}

// expected says what the captures have to be.
func (t *Time) expected() string {
	if t.asked == "" {
		return "a time"
	}
	return "a time of the layout " + t.asked
}

// stamper is a Time for one schema.
type stamper struct {
	*Time
	schema *Schema
	slots  []int    // in the order of Time.fields; -1: it is a member of the schema's $kv... or $json...
	keys   [][]byte // of those members
	first  int      // the lowest slot
}

// of gives the stamper for a schema, nil if none of its captures can be part of a time.
func (t *Time) of(s *Schema) *stamper {
	out := &stamper{Time: t, schema: s}
	var used []int
	for _, name := range t.fields {
		slot := s.Slot(name)
		switch {
		case slot >= 0:
			used = append(used, slot)
		case s.spread >= 0:
			used = append(used, s.spread)
			out.keys = append(out.keys, []byte(strings.TrimLeft(name, "_")))
		default:
			continue
		}
		out.slots = append(out.slots, slot)
	}
	if len(used) == 0 {
		return nil
	}
	out.first = slices.Min(used)
	return out
}

func (s *stamper) consumes(slot int) bool { return s != nil && slices.Contains(s.slots, slot) }

// read makes the time of what a match took. It tells false if that is no time.
func (s *stamper) read(m *Match) bool {
	var text []byte
	keys := s.keys
	for _, slot := range s.slots {
		var b []byte
		if slot >= 0 {
			b, _ = m.Bytes(slot)
		} else {
			b = s.schema.spreadText(m, keys[0])
			keys = keys[1:]
		}
		switch {
		case len(b) == 0:
		case text == nil:
			text = b
		default:
			m.text = append(append(append(m.text[:0], text...), ' '), b...)
			text = m.text
		}
	}
	if text == nil {
		return true
	}
	t, ok := s.layout.Parse(text)
	if !ok {
		m.stop = stop{reach: len(m.line), node: -1, at: s.start(m)}
		return false
	}
	start := len(m.arena)
	m.arena = t.AppendRFC3339(m.arena, s.zone, m.Reference)
	m.stamp = span{uint32(start), uint32(len(m.arena))}
	return true
}

// start is where in the line the first of what the time is read from stands.
func (s *stamper) start(m *Match) int {
	at := len(m.line)
	for _, slot := range s.slots {
		if slot < 0 {
			slot = s.schema.spread
		}
		if _, ok := m.Bytes(slot); ok {
			at = min(at, int(m.spans[slot].start))
		}
	}
	return at
}

// Check refuses a time of captures that no schema has. A nil Time is of none.
func (t *Time) Check(schemas []*Schema) error {
	if t == nil {
		return nil
	}
	for _, name := range t.fields {
		if !slices.ContainsFunc(schemas, func(s *Schema) bool { return s.Slot(name) >= 0 || s.spread >= 0 }) {
			return fmt.Errorf("no schema captures $%s, which is to be part of the time", name)
		}
	}
	return nil
}
