package format

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Verdict is what became of a line.
type Verdict uint8

// A line is rejected if nothing describes it, matched if an object was made of it, and skipped if it was not asked for.
const (
	Rejected Verdict = iota
	Matched
	Skipped
)

// Options say what a Formatter does. Exactly one of Schema and Preset is given.
type Options struct {
	Schema string // see docs/schema.md
	Preset string // one of Presets
	Fields string // see ParseFields; added to every object, or instead of what the line says
	Match  string // a regular expression; lines that do not match it are skipped
	Events string // of a preset: "all", or events with commas between; "" is the preset's own choice
	// Reference is when the lines were written, or later: dates without a year are at most a day after it. Zero is now.
	Reference time.Time
}

// Formatter makes objects of lines as a command line asks for. It is not safe for concurrent use.
type Formatter struct {
	match   *regexp.Regexp
	schema  *Schema
	preset  *fail2ban
	matcher matcher // of schema
}

// Presets are the names of the presets.
func Presets() []string { return []string{"fail2ban"} }

// New makes a Formatter. An error in Schema or Fields is a *SyntaxError.
func New(o Options) (*Formatter, error) {
	f := &Formatter{}
	if o.Match != "" {
		re, err := regexp.Compile(o.Match)
		if err != nil {
			return nil, fmt.Errorf("bad expression of lines to match: %w", err)
		}
		f.match = re
	}
	constants, err := ParseFields(o.Fields)
	if err != nil {
		return nil, err
	}
	switch {
	case (o.Schema == "") == (o.Preset == ""):
		return nil, errors.New("either a schema or a preset is needed")
	case o.Schema != "" && o.Events != "":
		return nil, errors.New("a schema has no events to choose from; a preset has")
	case o.Schema != "":
		f.schema, err = Compile(o.Schema, constants...)
	case o.Preset == "fail2ban":
		f.preset, err = newFail2ban(o.Events, constants)
	default:
		err = fmt.Errorf("there is no preset %q; there is %s", o.Preset, strings.Join(Presets(), ", "))
	}
	if err != nil {
		return nil, err
	}
	f.SetReference(o.Reference)
	return f, nil
}

// SetReference says anew when the lines that follow were written; see Options.
func (f *Formatter) SetReference(t time.Time) {
	if t.IsZero() {
		t = time.Now()
	}
	if f.preset != nil {
		f.preset.reference = t
	}
}

// Append appends the object that the line makes, without a line end, if the verdict is Matched; otherwise dst comes back
// as it was.
func (f *Formatter) Append(dst, line []byte) ([]byte, Verdict) {
	if f.match != nil && !f.match.Match(line) {
		return dst, Skipped
	}
	if f.preset != nil {
		return f.preset.append(dst, line)
	}
	dst, ok := f.schema.append(&f.matcher, dst, line)
	if ok {
		return dst, Matched
	}
	return dst, Rejected
}
