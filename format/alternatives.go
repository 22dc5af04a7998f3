package format

import "time"

// Alternatives is a Parser of schemas, of which the first that fits makes the object of a line.
type Alternatives struct {
	schemas []*Schema
	m       Match
}

// NewAlternatives makes a Parser of at least one schema.
func NewAlternatives(schemas ...*Schema) *Alternatives { return &Alternatives{schemas: schemas} }

// Append is Parser's.
func (a *Alternatives) Append(dst, line []byte) ([]byte, Verdict) {
	for _, s := range a.schemas {
		if dst, ok := s.Append(dst, &a.m, line); ok {
			return dst, Matched
		}
	}
	return dst, Rejected
}

// Nearest is the schema that comes farthest in a line that none fits, and where it stops.
func (a *Alternatives) Nearest(line []byte) (*Schema, Stop) {
	best, stop := a.schemas[0], Stop{}
	for i, s := range a.schemas {
		if s.Match(&a.m, line) {
			continue
		}
		if at := s.Stop(&a.m); i == 0 || at.Reach > stop.Reach {
			best, stop = s, at
		}
	}
	return best, stop
}

// Reason is Parser's: where the nearest schema stops.
func (a *Alternatives) Reason(line []byte) string {
	s, stop := a.Nearest(line)
	if label := s.Label(); label != "" {
		return label + ": " + stop.String()
	}
	return stop.String()
}

// SetReference is Parser's.
func (a *Alternatives) SetReference(t time.Time) { a.m.Reference = t }

// Clone is Parser's.
func (a *Alternatives) Clone() Parser {
	return &Alternatives{schemas: a.schemas, m: Match{Reference: a.m.Reference}}
}
