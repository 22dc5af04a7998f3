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

// Explanation says what a schema took of a line, part by part, and where it stopped.
type Explanation struct {
	Schema *Schema // the first that fits, or else the one that comes farthest
	Taken  []Taken // of all its parts, or of those before the place where it stops
	Stop   *Stop   // nil if it fits
}

// Explain says what becomes of a line. It is for a person to look at, and slow.
func (a *Alternatives) Explain(line []byte) Explanation {
	for _, s := range a.schemas {
		if taken, ok := s.Trace(&a.m, line); ok {
			return Explanation{Schema: s, Taken: taken}
		}
	}
	s, stop := a.nearest(line)
	taken, _ := s.Trace(&a.m, line)
	return Explanation{s, taken, &stop}
}

// Len is the number of schemas.
func (a *Alternatives) Len() int { return len(a.schemas) }

// nearest is the schema that comes farthest in a line that none fits, and where it stops.
func (a *Alternatives) nearest(line []byte) (best *Schema, stop Stop) {
	for _, s := range a.schemas {
		s.Match(&a.m, line)
		if at := s.Stop(&a.m); best == nil || at.Reach > stop.Reach {
			best, stop = s, at
		}
	}
	return best, stop
}

// Reason is Parser's: where the nearest schema stops.
func (a *Alternatives) Reason(line []byte) string {
	s, stop := a.nearest(line)
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
