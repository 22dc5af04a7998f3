package format

import (
	"fmt"
	"math"
	"slices"

	"logctl/format/token"
	"logctl/store"
)

// Rules say how a schema's text is read and what its objects have besides what it captures. The zero Rules are those of a
// schema alone.
type Rules struct {
	Delimiter byte    // what separates columns; 0: the schema is one of blanks and literals
	Whole     bool    // the schema begins where the line does and ends where it does, blanks aside
	Fields    []Field // constant members; they replace captures of the same name, in their place
	LabelKey  string  // the member that gets the schema's label, if it has one; "" for none
	Time      *Time   // nil: no capture is a time
	// Taken are keys that something else writes into the same object: members of $kv... and $json... do not get them.
	Taken []string
}

// Schema is a compiled schema with what its objects have. It is safe for concurrent use, each goroutine with a Match of
// its own.
//
// Append makes a whole object of a line. Who wants more takes the steps one by one: Match reads bytes, a line or what a
// capture of another schema took of one; Match.Bytes has what each capture took; AppendMembers writes the members onto an
// object that may have some already, without those that something else replaces. None of them allocates once the Match and
// the buffer have grown.
type Schema struct {
	prog   *program
	stamp  *stamper // nil: no capture is a time
	fields []field
	tail   []byte   // constant members behind the last captured one
	pieces []piece  // the same, where no member may be absent; else nil
	room   int      // how many bytes an object takes at most besides its values
	known  []string // the keys of all these

	spread    int      // the slot of $kv... or $json..., or -1
	reserved  [][]byte // keys that its members may not have, and
	constants [][]byte // those whose members are left out
}

// field is a member of an object that a line decides on.
type field struct {
	lead []byte // constant members in front of it, each with a comma in front
	key  []byte // a comma, the key, a colon
	slot int    // of what it has, or stampSlot
	kind kind
}

const stampSlot = -1

// Compile makes a schema of its text (docs/schema.md has the language). The error is a *SyntaxError, or says what is wrong
// with the rules.
func Compile(text string, r Rules) (*Schema, error) {
	prog, err := compile(text, r.Delimiter, r.Whole)
	if err != nil {
		return nil, err
	}
	s := &Schema{prog: prog, spread: slices.IndexFunc(prog.takes, func(it item) bool { return it.spread })}
	if r.Time != nil {
		s.stamp = r.Time.of(s)
	}
	constants := LastOfEach(r.Fields)
	if r.LabelKey != "" && prog.label != "" {
		constants = LastOfEach(append(slices.Clone(constants), Field{r.LabelKey, prog.label}))
	}
	if err := s.layOut(constants, r.Taken); err != nil {
		return nil, err
	}
	s.cut()
	return s, nil
}

// layOut decides which members stand where.
func (s *Schema) layOut(constants []Field, taken []string) error {
	var lead []byte
	for slot, name := range s.prog.names {
		it := &s.prog.takes[slot]
		f := field{slot: slot, kind: it.kind}
		switch {
		case it.spread && (s.stamp == nil || s.stamp.first != slot), s.stamp.consumes(slot) && s.stamp.first != slot:
			continue
		case it.spread, s.stamp.consumes(slot):
			name, f.slot = stampKey, stampSlot
		case name == stampKey && s.stamp != nil:
			return fmt.Errorf("a schema captures $%s and has a time made of other captures; name the capture otherwise", name)
		}
		s.known = append(s.known, name)
		f.key = append(store.AppendJSONString([]byte{','}, name), ':')
		if value, ok := valueOf(constants, name); ok {
			lead = store.AppendJSONString(append(lead, f.key...), value)
			continue
		}
		f.lead, lead = lead, nil
		s.fields = append(s.fields, f)
	}
	s.tail = lead
	for _, c := range constants {
		if !slices.Contains(s.known, c.Key) {
			s.known = append(s.known, c.Key)
			s.tail = append(store.AppendJSONString(append(s.tail, ','), c.Key), ':')
			s.tail = store.AppendJSONString(s.tail, c.Value)
		}
	}
	for _, key := range append(slices.Clone(s.known), taken...) {
		s.reserved = append(s.reserved, []byte(key))
	}
	for _, c := range constants {
		s.constants = append(s.constants, []byte(c.Key))
	}
	return nil
}

// Label is the label in front of the schema's text, or "".
func (s *Schema) Label() string { return s.prog.label }

// String is the schema's text.
func (s *Schema) String() string { return s.prog.text }

// Names are the names of the captures; their indices are the slots of a Match.
func (s *Schema) Names() []string { return s.prog.names }

// Slot is the slot of the capture of that name, or -1.
func (s *Schema) Slot(name string) int { return slices.Index(s.prog.names, name) }

// Members are the keys that the schema's objects may have, in their order, but for those of $kv... and $json..., which
// stand in the lines.
func (s *Schema) Members() []string { return s.known }

// Match tells whether the schema fits bytes, a line or a part of one, and leaves in m what it took.
func (s *Schema) Match(m *Match, line []byte) bool {
	if len(line) > math.MaxUint32 || !s.prog.match(m, line) {
		return false
	}
	return s.stamp == nil || s.stamp.read(m)
}

// Append appends the JSON object that the schema makes of line, in the form that the stores keep, and tells whether the
// line matched. Without a match dst comes back as it was.
func (s *Schema) Append(dst []byte, m *Match, line []byte) ([]byte, bool) {
	if !s.Match(m, line) {
		return dst, false
	}
	if s.pieces != nil && m.present == s.prog.all {
		return s.appendPieces(dst, m), true
	}
	return append(s.AppendMembers(append(dst, '{'), m, 0), '}'), true
}

// AppendMembers appends what m, a successful Match of the schema, makes of the line: members, those of the captures whose
// slots are not among omit (1<<slot | …) and the constant ones, with commas between. dst ends with the object so far: an
// opening brace, or a member.
func (s *Schema) AppendMembers(dst []byte, m *Match, omit uint64) []byte {
	// Each member is written with a comma in front; the first one's becomes the brace.
	start := len(dst)
	first := start > 0 && dst[start-1] == '{'
	if first {
		start--
		dst = dst[:start]
	}
	for i := range s.fields {
		f := &s.fields[i]
		dst = append(dst, f.lead...)
		if f.slot == stampSlot {
			if m.stamp.end > 0 && omit>>s.stamp.first&1 == 0 {
				dst = token.AppendJSON(append(dst, f.key...), m.arena[m.stamp.start:m.stamp.end])
			}
			continue
		}
		if (m.present&^omit)>>f.slot&1 == 0 {
			continue
		}
		dst = append(dst, f.key...)
		switch f.kind {
		case kindInt:
			dst = token.AppendInt(dst, m.bytes(f.slot))
		case kindFloat:
			dst = token.AppendFloat(dst, m.bytes(f.slot))
		case kindBool:
			dst = appendBool(dst, m.bytes(f.slot))
		case kindJSON:
			dst = append(dst, m.value(f.slot)...)
		case kindKV:
			dst = m.appendPairs(dst, m.bytes(f.slot))
		default:
			dst = token.AppendJSON(dst, m.bytes(f.slot))
		}
	}
	if s.spread >= 0 && (m.present&^omit)>>s.spread&1 != 0 {
		dst = s.appendSpread(dst, m)
	}
	dst = append(dst, s.tail...)
	if first {
		if len(dst) == start {
			return append(dst, '{')
		}
		dst[start] = '{'
	}
	return dst
}

func appendBool(dst, word []byte) []byte {
	if value, _ := token.Bool(word); value {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}
