package preset

import (
	"slices"
	"time"

	"logctl/format"
	"logctl/store/ejson"
)

// Carried is a format.Parser of the lines of a carrier, syslog or journald, of which another Formatter makes docs: a schema of their
// messages, and a preset of whole lines or, where it does not fit those, of their messages. What the carrier says around a message is
// added, unless the doc has members of these names.
type Carried struct {
	carrier  *Parser
	inner    *format.Formatter
	messages bool
	object   []byte
}

// Carried is that carrier's. messages says that inner is for messages alone.
func (s *Set) Carried(carrier, zone string, inner *format.Formatter, messages bool) (*Carried, error) {
	p, err := s.Parser(carrier, Options{Zone: zone})
	if err != nil {
		return nil, err
	}
	return &Carried{carrier: p, inner: inner, messages: messages}, nil
}

// Begin is format.Beginner's.
func (c *Carried) Begin(name string, sample []byte) (again func(), err error) {
	return c.inner.Begin(name, func(n int) []byte { return sample[:min(n, len(sample))] })
}

// Append is format.Parser's.
func (c *Carried) Append(dst, line []byte) ([]byte, format.Verdict) {
	if !c.messages {
		if out, verdict := c.inner.Append(dst, line); verdict != format.Rejected {
			return out, verdict
		}
	}
	head, in, ok := c.carrier.open(c.carrier.program, nil, c.object[:0], line)
	if !ok {
		return dst, format.Rejected
	}
	c.object = head
	start := len(dst)
	dst, verdict := c.inner.Append(dst, in.text)
	if verdict != format.Matched {
		return dst, verdict
	}
	// The header comes first, as in the docs of a carrier's own preset.
	body := len(c.object)
	c.object = append(append(c.object, '}'), dst[start:]...)
	header, doc := c.object[:body+1], c.object[body+1:]
	dst = append(dst[:start], '{')
	_ = ejson.Members(header, func(key, value []byte) error { // open made it
		if slices.Contains(headNames[:], string(key)) && !hasMember(doc, key) {
			dst = append(appendKey(dst, string(key)), value...)
		}
		return nil
	})
	if len(doc) > len("{}") && dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(dst, doc[1:]...), format.Matched
}

// hasMember tells whether an object has a member of that name.
func hasMember(object, name []byte) (has bool) {
	_ = ejson.Members(object, func(key, _ []byte) error { // a Formatter's object is one
		has = has || string(key) == string(name)
		return nil
	})
	return has
}

// Reason is format.Parser's.
func (c *Carried) Reason(line []byte) string {
	_, in, ok := c.carrier.open(c.carrier.program, nil, nil, line)
	if !ok {
		return c.carrier.Reason(line)
	}
	return c.inner.Reason(slices.Clone(in.text))
}

// SetReference is format.Parser's.
func (c *Carried) SetReference(t time.Time) {
	c.carrier.SetReference(t)
	c.inner.SetReference(t)
}

// Clone is format.Parser's.
func (c *Carried) Clone() format.Parser {
	return &Carried{carrier: c.carrier.clone(), inner: c.inner.Clone(), messages: c.messages}
}
