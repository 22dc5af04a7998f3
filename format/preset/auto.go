package preset

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"logctl/format"
)

// AutoName is the name by which the preset is asked for that fits best.
const AutoName = "auto"

// sampleLines is how many lines of a sample are tried.
const sampleLines = 1000

// Choice is the preset that fits a sample of lines best.
type Choice struct {
	Preset     string
	Fit, Lines int // the lines of the sample that it fits, and all that hold something
}

// String is for a person: syslog, 97.5 % of 1000 lines.
func (c Choice) String() string {
	return fmt.Sprintf("%s, %s of %d lines", c.Preset, c.Share(), c.Lines)
}

// Share is the share of the lines that fit.
func (c Choice) Share() string {
	return fmt.Sprintf("%.1f %%", 100*float64(c.Fit)/float64(max(c.Lines, 1)))
}

// trial is a preset on a sample.
type trial struct {
	Choice
	members int  // of all docs
	last    bool // it is for want of something better
}

// Choose finds the preset that fits the lines at the beginning of a log best: that which fits the most of them and, of several that
// fit about as many, that which takes most of them apart. A program's preset that is inside of a carrier is never chosen: the carrier
// gives the same docs of its lines, and does not stop at the next program's. The result depends on nothing but the lines and
// the set. The error says that none fits at least half of them, or that there are no lines.
func (s *Set) Choose(sample []byte, reference time.Time) (Choice, error) {
	lines := sampled(sample)
	if len(lines) == 0 {
		return Choice{}, errors.New("there are no lines to choose a preset by")
	}
	candidates, err := s.candidates()
	if err != nil {
		return Choice{}, err
	}
	var all []trial
	for _, p := range candidates {
		p = p.clone()
		p.SetReference(reference)
		all = append(all, try(p, lines))
	}
	most := 0
	for _, t := range all {
		most = max(most, t.Fit)
	}
	if most == 0 || 2*most < len(lines) {
		return Choice{}, fmt.Errorf("no preset fits these lines: name one, or say how they look with --schema; logctl learn FILE proposes schemas")
	}
	enough := most - most/50
	all = slices.DeleteFunc(all, func(t trial) bool { return t.Fit < enough })
	slices.SortStableFunc(all, func(a, b trial) int {
		switch {
		case a.last != b.last && a.last:
			return 1
		case a.last != b.last:
			return -1
		case a.members != b.members:
			return b.members - a.members
		}
		return strings.Compare(a.Preset, b.Preset)
	})
	return all[0].Choice, nil
}

// findCandidates makes Parsers of the presets that are to be tried.
func (s *Set) findCandidates() ([]*Parser, error) {
	c := &compiler{set: s, done: map[string]*program{}}
	var all []*Parser
	for _, name := range s.names {
		d := s.byName[name]
		if d.Auto == "no" || len(d.Inside) > 0 && !d.Alone {
			continue
		}
		p, err := c.parser(name, Options{Events: "all"})
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// sampled are the lines of a sample that hold something; the last one may be cut off and is left out if there are others.
func sampled(sample []byte) [][]byte {
	var lines [][]byte
	whole := bytes.HasSuffix(sample, []byte("\n"))
	for len(sample) > 0 && len(lines) < sampleLines {
		line, rest, ended := bytes.Cut(sample, []byte("\n"))
		sample = rest
		if line = bytes.TrimSpace(line); len(line) > 0 && (ended || whole || len(lines) == 0) {
			lines = append(lines, line)
		}
	}
	return lines
}

// try counts what a preset makes of lines. Text that is only kept as it is does not count as fitting, unless a carrier was
// taken off it.
func try(p *Parser, lines [][]byte) trial {
	t := trial{Choice: Choice{Preset: p.def.Name, Lines: len(lines)}, last: p.def.Auto == "last"}
	var buf []byte
	for _, line := range lines {
		var verdict format.Verdict
		buf, verdict = p.Append(buf[:0], line)
		if verdict == format.Matched && p.Fits() {
			t.Fit++
			t.members += bytes.Count(buf, []byte(`":`))
		}
	}
	return t
}

// Auto is a format.Beginner of whatever preset fits each log best.
type Auto struct {
	set       *Set
	o         Options
	say       func(name string, c Choice)
	made      map[string]*Parser
	at        *Parser // for the log at hand
	reference time.Time
}

// Auto gives an Auto that calls say for each log with its choice.
func (s *Set) Auto(o Options, say func(name string, c Choice)) (*Auto, error) {
	if _, err := format.ParseFields(o.Fields); err != nil {
		return nil, err
	}
	return &Auto{set: s, o: o, say: say, made: map[string]*Parser{}, reference: time.Now()}, nil
}

// Begin is format.Beginner's. Where the sample is empty, the first line decides each time that the log goes on.
func (a *Auto) Begin(name string, sample []byte) (again func(), err error) {
	a.at = nil
	if len(bytes.TrimSpace(sample)) > 0 {
		if err := a.begin(name, sample); err != nil {
			return nil, err
		}
	}
	p := a.at
	return func() {
		if a.at = p; p != nil {
			p.SetReference(a.reference)
		}
	}, nil
}

// begin chooses by a sample. Where the log has no name, it is a line alone and nothing is said.
func (a *Auto) begin(name string, sample []byte) error {
	c, err := a.set.Choose(sample, a.reference)
	if err != nil {
		return err
	}
	if name != "" {
		a.say(name, c)
	}
	p := a.made[c.Preset]
	if p == nil {
		if p, err = a.set.Parser(c.Preset, a.o); err != nil {
			return err
		}
		a.made[c.Preset] = p
	}
	p.SetReference(a.reference)
	a.at = p
	return nil
}

// Append is format.Parser's.
func (a *Auto) Append(dst, line []byte) ([]byte, format.Verdict) {
	if a.at == nil && a.begin("", line) != nil {
		return dst, format.Rejected
	}
	return a.at.Append(dst, line)
}

// Reason is format.Parser's.
func (a *Auto) Reason(line []byte) string {
	if a.at == nil {
		return "no preset fits it"
	}
	return a.at.Reason(line)
}

// Made is Parser's.
func (a *Auto) Made() (preset string, number int) {
	if a.at == nil {
		return "", 0
	}
	return a.at.Made()
}

// SetReference is format.Parser's. Another log begins: if Begin does not say how, its first line decides.
func (a *Auto) SetReference(t time.Time) { a.reference, a.at = t, nil }

// Clone is format.Parser's. The clone is for the same log.
func (a *Auto) Clone() format.Parser {
	other := &Auto{set: a.set, o: a.o, say: a.say, made: map[string]*Parser{}, reference: a.reference}
	if a.at != nil {
		other.at = a.at.clone()
	}
	return other
}
