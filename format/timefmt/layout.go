// Package timefmt reads the times of log lines and writes them as RFC 3339.
//
// A Layout says how a time is written: strftime's directives or a name, such as clf; Guess knows all the names at once. What
// it reads is a Time: the parts that the text says, without an idea of what it does not say. Time.AppendRFC3339 fills these in:
// a year from when the lines were written, a zone from what the caller says. The wall clock stays as the line has it, and
// so do the digits of a fraction.
//
// Nothing is allocated but by New.
package timefmt

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"logctl/format/token"
)

// Layout is one way to write a time, or several of which one has to fit. It is safe for concurrent use.
type Layout struct{ forms []form }

// form is a compiled layout.
type form []op

// op reads one thing: what the directive of that letter stands for, or a literal.
type op struct {
	code     byte // of a directive; opLiteral, opBlank; with optional, what may be absent
	literal  byte
	optional bool // written %?f, %?z
	padded   bool // a number may have one digit, and blanks before it
}

const (
	opLiteral = '='
	opBlank   = ' '
	opISO     = 'T' // what stands between a date and a time: T, a blank or _ ; written %?T
	opMillis  = '3' // the unix time in thousandths, millionths, billionths of a second
	opMicros  = '6'
	opNanos   = '9'
	opTAI     = '@'
)

// names are the layouts that have names. The first form that fits is taken.
var names = map[string][]string{
	"rfc3339":  {"%Y-%m-%d%?T%H:%M:%S%?f%z"},
	"iso8601":  {"%Y-%m-%d%?T%H:%M:%S%?f%?z", "%Y%m%d%?T%H%M%S%?f%?z"},
	"rfc3164":  {"%b %e %H:%M:%S%?f", "%b %e %Y %H:%M:%S%?f"},
	"clf":      {"%d/%b/%Y:%H:%M:%S%?f %z"},
	"nginx":    {"%Y/%m/%d %H:%M:%S"},
	"apache":   {"%a %b %e %H:%M:%S%?f %Y"},
	"ctime":    {"%a %b %e %H:%M:%S %Y", "%a %b %e %H:%M:%S %Z %Y"},
	"rfc2822":  {"%a, %e %b %Y %H:%M:%S %z", "%e %b %Y %H:%M:%S %z"},
	"python":   {"%Y-%m-%d %H:%M:%S,%f"},
	"log4j":    {"%Y-%m-%d %H:%M:%S,%f"},
	"go":       {"%Y/%m/%d %H:%M:%S%?f"},
	"java":     {"%b %e, %Y %l:%M:%S %p"},
	"unix":     {"%s%?f"},
	"unixms":   {"%?3"},
	"unixus":   {"%?6"},
	"unixns":   {"%?9"},
	"tai64n":   {"%?@"},
	"postgres": {"%Y-%m-%d %H:%M:%S%?f%?z"},
}

// Names are the names of layouts, sorted.
func Names() []string {
	var all []string
	for name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// wellKnown are the forms that Guess tells apart: nothing fits two of them in two ways.
var wellKnown = mustForms(
	"%Y-%m-%d%?T%k:%M:%S%?f%?z", "%Y/%m/%d%?T%H:%M:%S%?f%?z", "%Y.%m.%d%?T%H:%M:%S%?f%?z",
	"%Y%m%dT%H%M%S%?f%?z", "%Y%m%d %H:%M:%S%?f%?z", "%y%m%d %k:%M:%S%?f",
	"%d/%b/%Y:%H:%M:%S%?f%?z", "%d/%b/%Y %H:%M:%S%?f%?z", "%d-%b-%Y %H:%M:%S%?f%?z",
	"%e %b %Y %H:%M:%S%?f%?z", "%e %b %H:%M:%S%?f",
	"%b %e %H:%M:%S%?f", "%b %e %Y %H:%M:%S%?f%?z", "%b %e %H:%M:%S%?f %Y", "%b %e, %Y %l:%M:%S %p",
	"%a %b %e %H:%M:%S%?f %Y", "%a %b %e %H:%M:%S %Z %Y", "%a, %e %b %Y %H:%M:%S%?f%?z",
	"%a %e %b %Y %l:%M:%S %p %Z", "%a %e %b %Y %H:%M:%S%?f%?z", "%a, %d-%b-%y %H:%M:%S%?z",
	"%?@",
)

// guesses are the forms that Prefix tries, by the first byte of a text.
var guesses = func() (by [256][]guess) {
	for _, f := range append(slices.Clone(wellKnown), unixForms...) {
		g := guess{form: f}
		g.at, g.byte = f.firstLiteral()
		for b := range by {
			if f.mayBegin(byte(b)) {
				by[b] = append(by[b], g)
			}
		}
	}
	return by
}()

// guess is a form with the first literal whose place does not depend on the text.
type guess struct {
	form form
	at   int // -1: there is none
	byte byte
}

// firstLiteral is the place of the first literal of a form before which everything has a fixed width, or -1.
func (f form) firstLiteral() (at int, literal byte) {
	for _, o := range f {
		switch {
		case o.code == opLiteral:
			return at, o.literal
		case o.padded || o.optional:
			return -1, 0
		case o.code == 'Y':
			at += 4
		case strings.IndexByte("ymdHIMS", o.code) >= 0:
			at += 2
		default:
			return -1, 0
		}
	}
	return -1, 0
}

// mayBegin tells whether what the form reads may begin with a byte; that it may not is certain. No text with a blank in front
// is asked for.
func (f form) mayBegin(b byte) bool {
	switch f[0].code {
	case 'a':
		return strings.IndexByte("mtwfs", b|0x20) >= 0
	case 'b':
		return strings.IndexByte("jfmasond", b|0x20) >= 0
	case opTAI:
		return b == '@'
	}
	return b-'0' < 10
}

// Guess is the layout of all times that can be told apart without being told how they are written: those of the named
// layouts, their like, and unix times of 10, 13, 16 and 19 digits.
func Guess() *Layout { return &Layout{forms: append(slices.Clone(wellKnown), unixForms...)} }

var unixForms = mustForms("%?u")

func mustForms(texts ...string) []form {
	var forms []form
	for _, text := range texts {
		f, err := compile(text)
		if err != nil {
			panic(err)
		}
		forms = append(forms, f)
	}
	return forms
}

// New makes a layout of a name (see Names) or of a text with strftime's directives. An error says what is wrong with it.
func New(text string) (*Layout, error) {
	if texts, ok := names[strings.ToLower(text)]; ok {
		return &Layout{forms: mustForms(texts...)}, nil
	}
	if !strings.Contains(text, "%") {
		return nil, fmt.Errorf("there is no time layout %q: %s, or a text like %%Y-%%m-%%d %%H:%%M:%%S", text, strings.Join(Names(), ", "))
	}
	f, err := compile(text)
	if err != nil {
		return nil, fmt.Errorf("bad time layout %q: %w", text, err)
	}
	if !f.saysDay() {
		return nil, fmt.Errorf("bad time layout %q: it does not say the day; %%m and %%d, %%Y and %%j, or %%s do", text)
	}
	return &Layout{forms: []form{f}}, nil
}

// composed are the directives that stand for others.
var composed = map[byte]string{
	'F': "%Y-%m-%d", 'T': "%H:%M:%S", 'D': "%m/%d/%y", 'R': "%H:%M", 'c': "%a %b %e %H:%M:%S %Y", 'r': "%I:%M:%S %p", 'h': "%b",
}

func compile(text string) (form, error) {
	var f form
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case token.IsBlank(c):
			if len(f) == 0 || f[len(f)-1].code != opBlank {
				f = append(f, op{code: opBlank})
			}
			continue
		case c != '%':
			f = append(f, op{code: opLiteral, literal: c})
			continue
		}
		o := op{}
		for i++; i < len(text) && strings.IndexByte("?-_0^#369", text[i]) >= 0 && !o.isNumberOf(text, i); i++ {
			o.optional = o.optional || text[i] == '?'
			o.padded = o.padded || text[i] == '-' || text[i] == '_'
		}
		if i == len(text) {
			return nil, errors.New("a directive must follow %; write %% for the character")
		}
		o.code = text[i]
		if sub, ok := composed[o.code]; ok && !o.optional {
			more, err := compile(sub)
			if err != nil {
				return nil, err
			}
			f = append(f, more...)
			continue
		}
		if err := o.check(); err != nil {
			return nil, err
		}
		f = append(f, o)
	}
	return f, nil
}

// isNumberOf tells whether the digit at i is the directive and not the width of one: %?3 and not %3N.
func (o *op) isNumberOf(text string, i int) bool {
	return o.optional && text[i]-'0' < 10
}

// check completes a directive, and refuses one that there is not.
func (o *op) check() error {
	directives := "YmdeHIklMSfLNpPbBaAyjzZs%nt"
	if o.optional {
		directives = "fzT369@u"
	}
	if strings.IndexByte(directives, o.code) < 0 {
		return fmt.Errorf("there is no directive %%%c", o.code)
	}
	switch o.code {
	case 'e':
		o.code, o.padded = 'd', true
	case 'k':
		o.code, o.padded = 'H', true
	case 'l':
		o.code, o.padded = 'I', true
	case 'L', 'N':
		o.code = 'f'
	case 'P':
		o.code = 'p'
	case 'B':
		o.code = 'b'
	case 'A':
		o.code = 'a'
	case 'n', 't':
		o.code = opBlank
	case '%':
		o.code, o.literal = opLiteral, '%'
	}
	return nil
}

// saysDay tells whether what the form reads is of one day, but for its year.
func (f form) saysDay() bool {
	var has [256]bool
	for _, o := range f {
		has[o.code] = true
	}
	switch {
	case has['s'], has[opMillis], has[opMicros], has[opNanos], has[opTAI]:
		return true
	case has['j'] && (has['Y'] || has['y']):
		return true
	}
	return (has['b'] || has['m']) && has['d']
}
