package format

import (
	"fmt"
	"slices"
	"strings"

	"logctl/format/token"
)

const (
	maxCaptures = 64      // of one schema
	maxSchema   = 1 << 16 // bytes of its text
)

// kind is the type of what a capture takes.
type kind uint8

const (
	kindRun    kind = iota // any run of non-blanks
	kindIP                 // see token.IsIP
	kindInt                // see token.IsInt
	kindFloat              // see token.IsFloat
	kindDate               // see token.IsDate, token.DatePrefix
	kindQuoted             // see token.Quoted; the one that may hold blanks anywhere
	kindRest               // the rest of the line
)

// kinds are the names of the types, as written behind a colon.
var kinds = map[string]kind{
	"ip": kindIP, "int": kindInt, "float": kindFloat, "date": kindDate, "quoted": kindQuoted,
}

// piece is one part of a word: a literal, or something that takes bytes of the line.
type piece struct {
	literal []byte // nil: it takes bytes
	kind    kind
	slot    int  // where a capture's span goes; -1: taken and dropped
	empty   bool // it may take nothing, since a literal stands directly before it
}

// word is what stands between two blanks of a schema.
type word []piece

// program is a compiled schema.
type program struct {
	words       []word
	blankBefore bool // the schema begins with a blank: the match begins where a run of non-blanks does
	blankAfter  bool // it ends with one: the match ends where a run of non-blanks does
	names       []string
	kinds       []kind // of the captures, as names
}

// parser reads a schema's text from left to right.
type parser struct {
	text string
	pos  int
	prog program
	word word
}

// parse compiles the text of a schema. Its error is a *SyntaxError.
func parse(text string) (*program, error) {
	p := &parser{text: text}
	if len(text) > maxSchema {
		return nil, p.fail(maxSchema, "it is longer than %d bytes", maxSchema)
	}
	for p.pos < len(text) {
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	p.prog.blankAfter = len(p.word) == 0
	p.endWord()
	if len(p.prog.names) == 0 {
		return nil, p.fail(len(text), "it captures nothing; name a part with $name")
	}
	return &p.prog, nil
}

func (p *parser) fail(pos int, format string, args ...any) error {
	return &SyntaxError{What: "schema", Text: p.text, Pos: pos, Reason: fmt.Sprintf(format, args...)}
}

// next reads one blank, literal character, skip or capture.
func (p *parser) next() error {
	c := p.text[p.pos]
	if p.afterRest() && !token.IsBlank(c) {
		return p.fail(p.pos, "nothing may follow a capture of the rest of the line")
	}
	switch {
	case token.IsBlank(c):
		if len(p.word) == 0 && len(p.prog.words) == 0 {
			p.prog.blankBefore = true
		}
		p.endWord()
		p.pos++
		return nil
	case c == '\\':
		if p.pos+1 == len(p.text) {
			return p.fail(p.pos, `a backslash at the end takes no character's meaning away; write \\ for itself`)
		}
		p.literal(p.text[p.pos+1])
		p.pos += 2
		return nil
	case c == '$':
		return p.capture()
	case c == '_' && p.standsAlone():
		p.pos++
		return p.take(p.pos-1, piece{kind: kindRun, slot: -1})
	}
	p.literal(c)
	p.pos++
	return nil
}

func (p *parser) afterRest() bool {
	last := p.word
	if len(last) == 0 && len(p.prog.words) > 0 {
		last = p.prog.words[len(p.prog.words)-1]
	}
	return len(last) > 0 && last[len(last)-1].kind == kindRest
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

func (p *parser) endWord() {
	if len(p.word) > 0 {
		p.prog.words = append(p.prog.words, p.word)
		p.word = nil
	}
}

func (p *parser) literal(c byte) {
	if n := len(p.word); n > 0 && p.word[n-1].literal != nil {
		p.word[n-1].literal = append(p.word[n-1].literal, c)
		return
	}
	p.word = append(p.word, piece{literal: []byte{c}})
}

// take adds a piece that takes bytes of the line; at is its place in the text.
func (p *parser) take(at int, pc piece) error {
	if n := len(p.word); n > 0 {
		if p.word[n-1].literal == nil {
			return p.fail(at, "two parts that take text need a blank or a literal between them")
		}
		pc.empty = pc.kind == kindRun
	}
	p.word = append(p.word, pc)
	return nil
}

// capture reads $name, $name:type or $name... .
func (p *parser) capture() error {
	at := p.pos
	p.pos++
	name := p.name()
	if name == "" || !isNameStart(name[0]) {
		return p.fail(at, `a name must follow: $name, of letters, digits and _, not beginning with a digit; write \$ for the character`)
	}
	if slices.Contains(p.prog.names, name) {
		return p.fail(at, "$%s is captured twice", name)
	}
	if len(p.prog.names) == maxCaptures {
		return p.fail(at, "more than %d captures", maxCaptures)
	}
	k, err := p.kind()
	if err != nil {
		return err
	}
	slot := len(p.prog.names)
	p.prog.names = append(p.prog.names, name)
	p.prog.kinds = append(p.prog.kinds, k)
	return p.take(at, piece{kind: k, slot: slot})
}

// name reads letters, digits and underscores.
func (p *parser) name() string {
	start := p.pos
	for p.pos < len(p.text) && isNameByte(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

// kind reads what may follow a capture's name. A colon is a literal unless a letter follows it.
func (p *parser) kind() (kind, error) {
	rest := p.text[p.pos:]
	if strings.HasPrefix(rest, "...") {
		p.pos += len("...")
		return kindRest, nil
	}
	if len(rest) < 2 || rest[0] != ':' || !isNameStart(rest[1]) || rest[1] == '_' {
		return kindRun, nil
	}
	p.pos++
	at := p.pos
	word := p.name()
	k, ok := kinds[word]
	if !ok {
		return 0, p.fail(at, `there is no type %q: ip, int, float, date, quoted; write \: for the character`, word)
	}
	return k, nil
}
