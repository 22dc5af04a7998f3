package preset

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"logctl/format"
	"logctl/store"
)

// program is a compiled preset. It is not changed, and shared by Parsers.
type program struct {
	def        *Definition
	alts       []*alt
	first      [256][]*alt // those that may fit text that begins with the byte, in their order
	empty      []*alt      // those that may fit no text
	cond       []condition
	otherwise  []byte   // constant members, each with a comma in front; nil: other text is rejected
	otherNames []string // theirs
	derive     []deriver
	picks      []pick   // of the reader json
	fields     []byte   // of a reader: constant members, each with a comma in front, and
	constant   []string // their names
	absent     string   // the text of a member that stands for none, or ""
}

// alt is a compiled alternative.
type alt struct {
	schema  *format.Schema
	of      string   // the preset that it stands in
	number  int      // its place there, from 1
	members []string // the keys that it may write
	fields  []string // those of constants, which it always writes
	only    []restriction

	ip     int   // the slot of the address, or -1
	texts  []int // the slots of text, which may stand for none
	derive []derivedAlt
}

// restriction is that a capture is of some texts.
type restriction struct {
	slot int
	condition
}

// fits tells whether the captures of a match are of the texts that they must be of.
func (a *alt) fits(m *format.Match) bool {
	for i := range a.only {
		if text, ok := m.Bytes(a.only[i].slot); ok && !a.only[i].condition.fits(text) {
			return false
		}
	}
	return true
}

// derivedAlt is a member that follows from a capture, whose slot it is; -1 says that it follows from something else.
type derivedAlt struct {
	*deriver
	slot int
}

// complete finds out what the alternative of a program needs to know of its captures.
func (a *alt) complete(p *program) {
	a.ip = a.schema.Slot("ip")
	for slot, name := range a.schema.Names() {
		if p.absent != "" && slices.Contains(a.members, name) && !slices.Contains(a.fields, name) {
			a.texts = append(a.texts, slot)
		}
	}
	for i := range p.derive {
		d := &p.derive[i]
		if slices.Contains(a.members, d.name) {
			continue
		}
		slot := a.schema.Slot(d.of)
		if slices.Contains(a.fields, d.of) {
			slot = -1
		}
		a.derive = append(a.derive, derivedAlt{d, slot})
	}
}

// omitted are the slots of the captures whose text stands for none.
func (a *alt) omitted(m *format.Match, absent string) uint64 {
	var omit uint64
	for _, slot := range a.texts {
		if text, ok := m.Bytes(slot); ok && string(text) == absent {
			omit |= 1 << slot
		}
	}
	return omit
}

// compiler compiles presets of a set.
type compiler struct {
	set       *Set
	overrides []format.Field
	zone      string
	done      map[string]*program
}

// program compiles a preset, once. Errors are *Error.
func (c *compiler) program(name string) (*program, error) {
	if p := c.done[name]; p != nil {
		return p, nil
	}
	d, err := c.set.Definition(name)
	if err != nil {
		return nil, err
	}
	p := &program{def: d, cond: conditions(d.If), picks: picks(d.Members)}
	if d.Reader != "" {
		for _, f := range c.constants(d.Fields) {
			p.fields = appendConstant(p.fields, f)
			p.constant = append(p.constant, f.Key)
		}
	}
	if d.Otherwise != nil {
		p.otherwise = []byte{}
		for _, f := range c.constants(d.Otherwise) {
			p.otherwise = appendConstant(p.otherwise, f)
			p.otherNames = append(p.otherNames, f.Key)
		}
	}
	for _, name := range append(slices.Clone(d.Include), d.Name) {
		if err := c.alternatives(p, name); err != nil {
			return nil, err
		}
	}
	for _, a := range p.alts {
		a.complete(p)
		bytes, empty := a.schema.First()
		for b := range bytes {
			if bytes[b] {
				p.first[b] = append(p.first[b], a)
			}
		}
		if empty {
			p.empty = append(p.empty, a)
		}
	}
	c.done[name] = p
	return p, nil
}

// alternatives adds the alternatives of a preset, which is the program's own or included in it.
func (c *compiler) alternatives(p *program, name string) error {
	d := c.set.byName[name]
	if d.Absent != "" {
		p.absent = d.Absent
	}
	p.derive = append(p.derive, derivers(d.Derive)...)
	when, err := c.time(p.def, d)
	if err != nil {
		return err
	}
	var own []*format.Schema
	for i, a := range d.alternatives() {
		fields := map[string]string{}
		maps.Copy(fields, d.Fields)
		maps.Copy(fields, p.def.Fields) // of the including preset
		maps.Copy(fields, a.Fields)
		rules := format.Rules{Whole: d.Delimiter == "", Fields: c.constants(fields), Time: when}
		if len(p.def.Inside) > 0 {
			rules.Taken = headNames[:]
		}
		if d.Delimiter != "" {
			if rules.Delimiter, err = format.ParseDelimiter(d.Delimiter); err != nil {
				return d.fail("%s", err)
			}
		}
		s, err := format.Compile(a.Schema, rules)
		var syntax *format.SyntaxError
		if errors.As(err, &syntax) {
			return &Error{File: d.File, Preset: d.Name, Reason: fmt.Sprintf("alternative %d: %s", i+1, syntax), place: place{"schema", syntax.Text, syntax.Pos}}
		}
		if err != nil {
			return d.fail("alternative %d: %s", i+1, err)
		}
		compiled := &alt{schema: s, of: d.Name, number: i + 1, members: s.Members()}
		for _, c := range conditions(d.Only) {
			if slot := s.Slot(c.member); slot >= 0 {
				compiled.only = append(compiled.only, restriction{slot, c})
			}
		}
		for _, f := range rules.Fields {
			compiled.fields = append(compiled.fields, f.Key)
		}
		p.alts = append(p.alts, compiled)
		own = append(own, s)
	}
	if len(d.Time) > 0 && len(own) > 0 {
		if err := when.Check(own); err != nil {
			return d.fail("%s", err)
		}
	}
	return nil
}

// time is the time of a preset's alternatives; of included ones that have none it is that of the including preset.
func (c *compiler) time(outer, d *Definition) (*format.Time, error) {
	if len(d.Time) == 0 {
		d = outer
	}
	if len(d.Time) == 0 {
		return nil, nil
	}
	zone := d.Zone
	if zone == "" {
		zone = c.zone
	}
	t, err := format.NewTime(d.Time, d.Layout, zone)
	if err != nil {
		return nil, d.fail("%s", err)
	}
	return t, nil
}

// constants are fields in their order, event and outcome first, with those over them that the caller wants.
func (c *compiler) constants(fields map[string]string) []format.Field {
	keys := slices.SortedFunc(maps.Keys(fields), func(a, b string) int {
		return strings.Compare(rank(a)+a, rank(b)+b)
	})
	var all []format.Field
	for _, key := range keys {
		all = append(all, format.Field{Key: key, Value: fields[key]})
	}
	return format.LastOfEach(append(all, c.overrides...))
}

func rank(key string) string {
	switch key {
	case "event":
		return "0"
	case "outcome":
		return "1"
	}
	return "2"
}

// appendConstant appends a comma and a member.
func appendConstant(dst []byte, f format.Field) []byte {
	return store.AppendJSONString(append(store.AppendJSONString(append(dst, ','), f.Key), ':'), f.Value)
}
