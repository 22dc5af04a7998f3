package format

import (
	"math"

	"logctl/format/token"
	"logctl/store"
)

// Schema is a compiled schema with the fields that its objects have. It is safe for concurrent use.
type Schema struct {
	prog   *program
	fields []field
	tail   []byte // what follows the last captured field: constant fields and the closing brace
}

// field is one captured member of an object.
type field struct {
	prefix []byte // what stands before its value: an opening brace or a comma, constant fields, the key, a colon
	slot   int
	kind   kind
}

// Compile makes a schema of its text (docs/schema.md has the language). Constant fields replace captures of the same name,
// in their place, and follow the captures otherwise, in the given order. The error is a *SyntaxError.
func Compile(text string, constants ...Field) (*Schema, error) {
	prog, err := parse(text)
	if err != nil {
		return nil, err
	}
	s := &Schema{prog: prog}
	constants = lastOfEach(constants)
	prefix := []byte("{")
	comma := func() {
		if len(prefix) != 1 || prefix[0] != '{' {
			prefix = append(prefix, ',')
		}
	}
	for slot, name := range prog.names {
		comma()
		prefix = append(store.AppendJSONString(prefix, name), ':')
		if value, ok := valueOf(constants, name); ok {
			prefix = store.AppendJSONString(prefix, value)
			continue
		}
		s.fields = append(s.fields, field{prefix, slot, prog.kinds[slot]})
		prefix = nil
	}
	for _, c := range constants {
		if !prog.captures(c.Key) {
			comma()
			prefix = append(store.AppendJSONString(prefix, c.Key), ':')
			prefix = store.AppendJSONString(prefix, c.Value)
		}
	}
	s.tail = append(prefix, '}')
	return s, nil
}

func (p *program) captures(name string) bool {
	for _, n := range p.names {
		if n == name {
			return true
		}
	}
	return false
}

// Append appends the JSON object that the schema makes of line, in the form that the stores keep, and tells whether the
// line matched. Without a match dst comes back as it was. It does not allocate once dst is large enough.
func (s *Schema) Append(dst, line []byte) ([]byte, bool) {
	var m matcher
	return s.append(&m, dst, line)
}

// append is Append with a matcher to reuse.
func (s *Schema) append(m *matcher, dst, line []byte) ([]byte, bool) {
	if len(line) > math.MaxUint32 || !s.prog.match(m, line) {
		return dst, false
	}
	for i := range s.fields {
		f := &s.fields[i]
		dst = append(dst, f.prefix...)
		at := m.spans[f.slot]
		value := line[at.start:at.end]
		switch f.kind {
		case kindInt:
			dst = token.AppendInt(dst, value)
		case kindFloat:
			dst = token.AppendFloat(dst, value)
		default:
			dst = token.AppendJSON(dst, value)
		}
	}
	return append(dst, s.tail...), true
}
