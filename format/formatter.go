package format

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
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

// Parser makes objects of lines: schemas, or a preset. It is for one goroutine.
type Parser interface {
	// Append appends the object that the line makes, in the form that the stores keep and without a line end, if the verdict
	// is Matched; otherwise dst comes back as it was. It does not allocate once dst and the Parser have grown.
	Append(dst, line []byte) ([]byte, Verdict)
	// Reason says in a sentence, without control characters, why Append rejects the line. It may take its time.
	Reason(line []byte) string
	// SetReference says when the lines that follow were written, or later: a date without a year is at most a day after it.
	SetReference(t time.Time)
	// Clone is another Parser that does the same.
	Clone() Parser
}

// Beginner is a Parser that has to see how a log begins before it can make objects of its lines.
type Beginner interface {
	Parser
	// Begin is called with the log's name and its first bytes, at most SampleSize of them. Calling again readies the Parser for more
	// lines of the log, after SetReference or lines of others.
	Begin(name string, sample []byte) (again func(), err error)
}

// SampleSize is how many bytes of a log are enough for a Beginner.
const SampleSize = 256 << 10

// Options say what a Formatter does. Exactly one of Schemas, Preset and Parser is given.
type Options struct {
	Schemas []string // see docs/schema.md; of each line the first that fits
	Preset  string   // one of Presets
	Parser  Parser   // made elsewhere
	Fields  string   // of schemas and presets, see ParseFields: added to every object, or instead of what the line says
	Match   string   // a regular expression; lines that do not match it are skipped
	Events  string   // of a preset: "all", or events with commas between; "" is the preset's own choice

	// Of schemas, as in Rules:
	Delimiter byte
	LabelKey  string
	Time      *Time

	// Reference is when the lines were written, or later: dates without a year are at most a day after it. Zero is now.
	Reference time.Time
}

// Formatter makes objects of lines as a command line asks for. It is not safe for concurrent use.
type Formatter struct {
	match  *regexp.Regexp
	parser Parser
}

// Presets are the names of the presets.
func Presets() []string { return []string{"fail2ban"} }

// New makes a Formatter. An error in a schema or in fields is a *SyntaxError.
func New(o Options) (*Formatter, error) {
	f := &Formatter{parser: o.Parser}
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
	case o.Parser != nil:
	case (len(o.Schemas) == 0) == (o.Preset == ""):
		return nil, errors.New("either a schema or a preset is needed")
	case len(o.Schemas) > 0 && o.Events != "":
		return nil, errors.New("a schema has no events to choose from; a preset has")
	case len(o.Schemas) > 0:
		f.parser, err = o.alternatives(constants)
	case o.Preset == "fail2ban":
		f.parser, err = newFail2ban(o.Events, constants)
	default:
		err = fmt.Errorf("there is no preset %q; there is %s", o.Preset, strings.Join(Presets(), ", "))
	}
	if err != nil {
		return nil, err
	}
	f.SetReference(o.Reference)
	return f, nil
}

// alternatives compiles the schemas.
func (o *Options) alternatives(constants []Field) (Parser, error) {
	var all []*Schema
	for _, text := range o.Schemas {
		s, err := Compile(text, Rules{Delimiter: o.Delimiter, Fields: constants, LabelKey: o.LabelKey, Time: o.Time})
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	if o.LabelKey != "" && !slices.ContainsFunc(all, func(s *Schema) bool { return s.Label() != "" }) {
		return nil, fmt.Errorf("no schema has a label for the member %s: a label := stands in front of a schema", o.LabelKey)
	}
	if err := o.Time.Check(all); err != nil {
		return nil, err
	}
	return NewAlternatives(all...), nil
}

// Begin readies the Formatter for another log, of which ahead gives the first bytes, at most so many. Calling again readies it for more
// lines of that log, after SetReference or lines of others.
func (f *Formatter) Begin(name string, ahead func(int) []byte) (again func(), err error) {
	if b, ok := f.parser.(Beginner); ok {
		return b.Begin(name, ahead(SampleSize))
	}
	return func() {}, nil
}

// SetReference says anew when the lines that follow were written; see Options.
func (f *Formatter) SetReference(t time.Time) {
	if t.IsZero() {
		t = time.Now()
	}
	f.parser.SetReference(t)
}

// Append appends the object that the line makes, without a line end, if the verdict is Matched; otherwise dst comes back
// as it was.
func (f *Formatter) Append(dst, line []byte) ([]byte, Verdict) {
	if f.match != nil && !f.match.Match(line) {
		return dst, Skipped
	}
	return f.parser.Append(dst, line)
}

// Parser is what makes the objects; for schemas it is an *Alternatives.
func (f *Formatter) Parser() Parser { return f.parser }

// Reason says in a sentence why a line was rejected.
func (f *Formatter) Reason(line []byte) string { return f.parser.Reason(line) }

// Clone is another Formatter that does the same, for another goroutine.
func (f *Formatter) Clone() *Formatter { return &Formatter{match: f.match, parser: f.parser.Clone()} }
