package learn

import (
	"slices"
	"strconv"
	"strings"

	"logctl/format/token"
)

// A schema whose literals are longer than this ends with a capture of the rest of the line, as does one with more captures.
const (
	maxLiteral  = 800
	maxCaptures = 48
)

// render makes the text of a form's schema of what its slots take. A wide one takes whole words, see widen.
func (f *form) render(t timeRule, wide bool, always map[string]bool) string {
	b := schemaText{time: t, wide: wide, always: always}
	b.hosts = slices.ContainsFunc(f.slots, func(s slot) bool { return s.role == hostRole })
	k, word := 0, 0
	for i := 0; i < len(f.key); i++ {
		c := f.key[i]
		switch {
		case c == ' ' && i >= maxLiteral && f.optional == nil:
			b.literal(c, 0)
			b.rest("rest")
			return b.String()
		case c == ' ':
			word++
			b.blank(f.part(word-1), f.part(word))
		case !isSlot(c):
			b.literal(c, byteAt(f.key, i+1))
		case k == maxCaptures && f.optional == nil:
			b.rest("rest")
			return b.String()
		default:
			if b.slot(f, i, f.slots[k], f.guesses[k]) {
				return b.String()
			}
			k++
		}
	}
	if f.part(word) > 0 {
		b.WriteString(")?")
	}
	if k == 0 {
		b.rest("rest") // a schema has to take something
	}
	return b.String()
}

// part is the part that may be absent to which a word of the key belongs, 0 if it is always there.
func (f *form) part(word int) int {
	if f.optional == nil {
		return 0
	}
	return f.optional[word]
}

// slot adds what takes a slot's text, which stands at i in the form's key. It tells whether that is the rest of the line.
func (b *schemaText) slot(f *form, i int, s slot, g guess) (rest bool) {
	before := f.key[:i]
	name := nameOf(surroundings{before: before, after: f.key[i+1:], guess: g, role: s.role, hosts: b.hosts, last: b.lastName})
	b.lastName = name
	switch {
	case name == "user":
		g.kind = "" // a number by chance
	case g.kind == "ip" && (name == "rhost" || name == "host"):
		g.kind = "host" // an address by chance
	}
	switch {
	case s.role == unitRole && g.same, g.same && isPartOfWord(before, g.value) && (len(f.lines) >= fewLines || b.always[lastWord(before)+g.value]):
		b.literals(g.value)
	case s.role == stampRole:
		b.stamp(s, g)
	case s.role == listRole || s.role == jsonRole || s.role == pairsRole:
		if b.wide {
			b.cut(prefixOfWord(before))
		}
		b.rest(name)
		return true
	case b.wide && s.role == messageRole && !g.port && b.cut(prefixOfWord(before)):
		b.take(name, "")
		b.literals(g.after)
	default:
		b.literals(g.before)
		b.take(name, g.kind)
		if g.port {
			b.literal(':', 0)
			b.take("port", "int")
		}
		b.literals(g.after)
	}
	return false
}

// fewLines are too few to tell that something is always the same.
const fewLines = 3

// isPartOfWord tells whether a value that is the same in all lines is a part of the word before it: ssh2, jk2_init.
func isPartOfWord(before, value string) bool {
	digits := digitsAt([]byte(value), 0)
	return before != "" && isLetter(before[len(before)-1]) && (digits == 1 || digits == 2 && len(value) == 2)
}

func byteAt(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// schemaText builds the text of a schema: literals escaped, each name used once.
type schemaText struct {
	strings.Builder
	names    namer
	time     timeRule
	wide     bool
	always   map[string]bool // words with digits that are the same in all lines
	hosts    bool            // the header has a column of hosts
	lastName string          // of the slot before
	last     byte            // the character before, 0 at the beginning
	taken    bool            // it belongs to a capture
	typed    bool            // with a type
}

// literal adds a character that stands for itself, a blank for blanks. next is the one behind it.
func (b *schemaText) literal(c, next byte) {
	special := c == '$' || c == '\\' || c == '?'
	switch {
	case c == '_':
		special = b.taken || !isNameByte(b.last)
	case b.taken:
		special = special || isNameByte(c) || c == ':' && !b.typed && isLetter(next) || c == '.' && next == '.'
	case c == '=':
		special = b.last == ':' // it would make a label of what is before
	}
	if special {
		b.WriteByte('\\')
	}
	b.WriteByte(c)
	b.last, b.taken = c, false
}

// cut takes a literal off the end again. It tells whether it did.
func (b *schemaText) cut(literal string) bool {
	text := b.String()
	if literal == "" || b.taken || !strings.HasSuffix(text, literal) {
		return false
	}
	text = text[:len(text)-len(literal)]
	b.Reset()
	b.WriteString(text)
	return true
}

func (b *schemaText) literals(s string) {
	for i := range len(s) {
		b.literal(s[i], byteAt(s, i+1))
	}
}

// take adds a capture of a type, or of a run of non-blanks.
func (b *schemaText) take(name, kind string) {
	b.WriteString("$" + b.names.unique(name))
	if kind != "" {
		b.WriteString(":" + kind)
	}
	b.taken, b.typed = true, kind != ""
}

// rest adds a capture of the rest of the line.
func (b *schemaText) rest(name string) {
	b.WriteString("$" + b.names.unique(name) + "...")
}

// blank adds a blank. Words that may be absent are put in parentheses with the blank before them.
func (b *schemaText) blank(before, after int) {
	if before != after && before > 0 {
		b.WriteString(")?")
	}
	if before != after && after > 0 {
		b.WriteByte('(')
	}
	b.literal(' ', 0)
}

// stamp adds the captures of a time of the header: the time, if it is the column of that, and words otherwise.
func (b *schemaText) stamp(s slot, g guess) {
	fields := []string{"date", "hour"}
	if s.column == b.time.column {
		fields = b.time.fields
		if b.time.layout == "" {
			b.take("time", "ts")
			return
		}
	} else if g.kind != "" {
		b.take("time_of_"+strconv.Itoa(s.column+1), g.kind)
		return
	}
	if s.column != b.time.column && token.IsTime([]byte(g.value)) {
		b.take("clock", "time")
		return
	}
	for i := range strings.Fields(g.value) {
		if i > 0 {
			b.literal(' ', 0)
		}
		b.take(fields[min(i, len(fields)-1)], "")
	}
}

func isNameByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }
