package format

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"logctl/format/token"
)

const (
	maxCaptures = 64      // of one schema
	maxSchema   = 1 << 16 // bytes of its text
	maxNesting  = 32      // of parts in parentheses
	maxAbsent   = 1000    // parts that may be absent: each looks at all that may follow it
)

// item is a part of a schema's text.
type item struct {
	op       op
	from, to int    // its place in the text
	literal  []byte // of an opLiteral
	kind     kind   // of an opTake
	slot     int    // of an opTake: where its span goes; -1: taken and dropped
	spread   bool   // of an opTake: $kv... or $json..., whose members become those of the object
	inner    []item // of an opGroup, which may be absent

	// What compile finds out:
	empty bool // of an opTake: it may take nothing, since a literal stands directly before it
	soft  bool // of an opBlank: nothing, or a blank, may stand directly before it
}

// parser reads a schema's text from left to right.
type parser struct {
	text  string
	pos   int
	delim byte // a character that separates columns, 0 for none
	label string
	names []string
	takes []item // the captures, as names

	absent int          // parts that may be absent, up to pos
	groups map[int]bool // where one in parentheses begins
	depth  int          // of such parts, at pos
}

// parse reads the text of a schema. Its error is a *SyntaxError.
func (p *parser) parse() ([]item, error) {
	if len(p.text) > maxSchema {
		return nil, p.fail(maxSchema, "it is longer than %d bytes", maxSchema)
	}
	if !utf8.ValidString(p.text) {
		return nil, p.fail(validLen(p.text), "it is not UTF-8, and what it took might begin or end within a character")
	}
	p.readLabel()
	p.groups = map[int]bool{}
	p.findGroups()
	items, err := p.sequence()
	if err != nil {
		return nil, err
	}
	if len(p.names) == 0 {
		return nil, p.fail(len(p.text), "it captures nothing; name a part with $name")
	}
	return items, nil
}

// validLen is how long text is UTF-8.
func validLen(text string) int {
	for i, r := range text {
		if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			return i
		}
	}
	return len(text)
}

func (p *parser) fail(pos int, format string, args ...any) error {
	return &SyntaxError{What: "schema", Text: p.text, Pos: pos, Reason: fmt.Sprintf(format, args...)}
}

// readLabel reads "label :=".
func (p *parser) readLabel() {
	before, _, found := strings.Cut(p.text, ":=")
	label := strings.Trim(before, " \t")
	if !found || label == "" || !isNameStart(label[0]) {
		return
	}
	for i := range len(label) {
		if !isNameByte(label[i]) && label[i] != '-' && label[i] != '.' {
			return
		}
	}
	p.label = label
	p.pos = len(before) + len(":=")
	for p.pos < len(p.text) && token.IsBlank(p.text[p.pos]) {
		p.pos++
	}
}

// sequence reads items up to the end of the text or of the part in parentheses.
func (p *parser) sequence() ([]item, error) {
	var items []item
	open := 0 // parentheses in this sequence that stand for themselves
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case c == ')' && p.depth > 0 && open == 0:
			return items, nil
		case c == ')':
			open--
		case c == '(' && !p.groups[p.pos]:
			open++
		}
		start := p.pos
		it, err := p.next()
		if err != nil {
			return nil, err
		}
		if it.op == opGroup {
			if p.absent++; p.absent > maxAbsent {
				return nil, p.fail(start, "more than %d parts that may be absent", maxAbsent)
			}
		}
		it.from, it.to = start, p.pos
		if last := len(items) - 1; last >= 0 && items[last].op == it.op && (it.op == opLiteral || it.op == opBlank) {
			items[last].literal = append(items[last].literal, it.literal...)
			items[last].to = it.to
			continue
		}
		items = append(items, it)
	}
	return items, nil
}

// next reads one blank, literal character, skip, capture or part in parentheses.
func (p *parser) next() (item, error) {
	c := p.text[p.pos]
	switch {
	case token.IsBlank(c):
		p.pos++
		return item{op: opBlank}, nil
	case c == p.delim && c != 0:
		p.pos++
		return item{op: opDelimiter}, nil
	case c == '\\':
		if p.pos+1 == len(p.text) {
			return item{}, p.fail(p.pos, `a backslash at the end takes no character's meaning away; write \\ for itself`)
		}
		p.pos += 2
		return item{op: opLiteral, literal: []byte{p.text[p.pos-1]}}, nil
	case c == '$':
		return p.capture()
	case c == '_' && p.standsAlone():
		p.pos++
		return p.maybe(item{op: opTake, slot: -1, from: p.pos - 1, to: p.pos}), nil
	case c == '(' && p.groups[p.pos]:
		return p.group()
	}
	p.pos++
	return item{op: opLiteral, literal: []byte{c}}, nil
}

// standsAlone tells whether the character at hand has no letter, digit or underscore beside it. What a name or a type
// took does not count as its neighbour: it would have taken the underscore too.
func (p *parser) standsAlone() bool {
	before := p.pos > 0 && isNameByte(p.text[p.pos-1])
	after := p.pos+1 < len(p.text) && isNameByte(p.text[p.pos+1])
	return !before && !after
}

func isNameByte(c byte) bool { return isNameStart(c) || c-'0' < 10 }

func isNameStart(c byte) bool { return (c|0x20)-'a' < 26 || c == '_' }

// findGroups notes each parenthesis whose closing one is directly followed by a question mark.
func (p *parser) findGroups() {
	var open []int
	for i := 0; i < len(p.text); i++ {
		switch p.text[i] {
		case '\\':
			i++
		case '(':
			open = append(open, i)
		case ')':
			if len(open) == 0 {
				continue
			}
			if i+1 < len(p.text) && p.text[i+1] == '?' {
				p.groups[open[len(open)-1]] = true
			}
			open = open[:len(open)-1]
		}
	}
}

// group reads (…)?.
func (p *parser) group() (item, error) {
	start := p.pos
	if p.depth == maxNesting {
		return item{}, p.fail(start, "parts in parentheses nest more than %d deep", maxNesting)
	}
	p.pos++
	p.depth++
	inner, err := p.sequence()
	p.depth--
	if err != nil {
		return item{}, err
	}
	p.pos += len(")?")
	if len(inner) == 0 {
		return item{}, p.fail(start, `nothing stands in the parentheses; write \( for the character`)
	}
	return item{op: opGroup, inner: inner}, nil
}

// maybe makes an item that a question mark follows one that may be absent. Before a $ the mark stands for itself.
func (p *parser) maybe(it item) item {
	if p.pos == len(p.text) || p.text[p.pos] != '?' || p.pos+1 < len(p.text) && p.text[p.pos+1] == '$' {
		return it
	}
	p.pos++
	return item{op: opGroup, inner: []item{it}}
}

// capture reads $name, $name:type or $name... .
func (p *parser) capture() (item, error) {
	at := p.pos
	p.pos++
	name := p.name()
	if name == "" || !isNameStart(name[0]) {
		return item{}, p.fail(at, `a name must follow: $name, of letters, digits and _, not beginning with a digit; write \$ for the character`)
	}
	if slices.Contains(p.names, name) {
		return item{}, p.fail(at, "$%s is captured twice", name)
	}
	if len(p.names) == maxCaptures {
		return item{}, p.fail(at, "more than %d captures", maxCaptures)
	}
	it := item{op: opTake, slot: len(p.names), from: at}
	if strings.HasPrefix(p.text[p.pos:], "...") {
		p.pos += len("...")
		it.kind = kindRest
		if tail, _ := kindNamed(name); tail == kindKV || tail == kindJSON {
			it.kind, it.spread = tail, true
		}
	} else if err := p.kind(&it); err != nil {
		return item{}, err
	}
	it.to = p.pos
	p.names = append(p.names, name)
	p.takes = append(p.takes, it)
	return p.maybe(it), nil
}

// name reads letters, digits and underscores.
func (p *parser) name() string {
	start := p.pos
	for p.pos < len(p.text) && isNameByte(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

// kind reads the type that may follow a capture's name. A colon is a literal unless a letter follows it.
func (p *parser) kind(it *item) error {
	rest := p.text[p.pos:]
	if len(rest) < 2 || rest[0] != ':' || !isNameStart(rest[1]) || rest[1] == '_' {
		return nil
	}
	p.pos++
	at := p.pos
	word := p.name()
	k, ok := kindNamed(word)
	if !ok {
		return p.fail(at, `there is no type %q: %s; write \: for the character`, word, kindList())
	}
	it.kind = k
	return nil
}

// kindList are the names of the types in a sentence.
func kindList() string {
	var names []string
	for _, k := range kinds {
		if k.name != "" {
			names = append(names, k.name)
		}
	}
	return strings.Join(names, ", ")
}
