package preset

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"logctl/format"
)

// version is the form of the file that we read.
const version = 1

// document is a file of presets.
type document struct {
	Version int                    `toml:"version"`
	Preset  map[string]*Definition `toml:"preset"`
}

// Definition is a preset as it is written; see docs/presets.md.
type Definition struct {
	About     string            `toml:"about"`
	Inside    list              `toml:"inside"`    // the presets whose message this one reads
	Alone     bool              `toml:"alone"`     // with Inside: it reads lines, too
	If        map[string]list   `toml:"if"`        // members that the text must have: patterns, one of which must fit
	Include   list              `toml:"include"`   // presets whose alternatives come before the own ones
	Reader    string            `toml:"reader"`    // one of readers, instead of alternatives
	Members   map[string]list   `toml:"members"`   // of the reader json: a member, and the paths of those it is made of
	Delimiter string            `toml:"delimiter"` // what separates columns; without it schemas are of blanks and literals
	Time      list              `toml:"time"`      // the captures that are the time together
	Layout    string            `toml:"time-layout"`
	Zone      string            `toml:"time-zone"`
	Absent    string            `toml:"absent"` // the text of a member that stands for none
	Only      map[string]list   `toml:"only"`   // captures that must be of some texts: patterns, one of which must fit
	Schema    list              `toml:"schema"` // alternatives without constants of their own
	Line      []alternative     `toml:"line"`
	Fields    map[string]string `toml:"fields"`    // constant members of all alternatives
	Derive    []derivation      `toml:"derive"`    // members that follow from others
	Otherwise map[string]string `toml:"otherwise"` // text that no alternative fits is kept as message, with these members
	Auto      string            `toml:"auto"`      // "no": Choose does not try it; "last": it is for want of something better

	Name string `toml:"-"`
	File string `toml:"-"` // where it stands; "" for a built-in one
	text string // as it stands there
}

// Text is the definition as it stands in its file.
func (d *Definition) Text() string { return d.text }

// alternative is a schema with constant members.
type alternative struct {
	Schema string            `toml:"schema"`
	Fields map[string]string `toml:"fields"`
}

// derivation is a member that follows from the text of another: the first pattern that fits it gives the value.
type derivation struct {
	Member string            `toml:"member"`
	From   string            `toml:"from"`
	Values map[string]string `toml:"values"`
}

// list is strings, or one alone.
type list []string

// UnmarshalTOML is called by package toml.
func (l *list) UnmarshalTOML(v any) error {
	switch v := v.(type) {
	case string:
		*l = list{v}
		return nil
	case []any:
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return fmt.Errorf("want strings, not %v", e)
			}
			*l = append(*l, s)
		}
		return nil
	}
	return fmt.Errorf("want a string or several in brackets, not %v", v)
}

// decode reads a file of presets. Errors are *Error.
func decode(file string, text []byte) ([]*Definition, error) {
	var doc document
	meta, err := toml.NewDecoder(bytes.NewReader(text)).Decode(&doc)
	var parse toml.ParseError
	switch {
	case errors.As(err, &parse):
		return nil, &Error{File: file, Line: parse.Position.Line, Reason: parse.Message, place: lineAt(text, parse.Position)}
	case err != nil:
		return nil, &Error{File: file, Reason: strings.TrimPrefix(err.Error(), "toml: ")}
	case doc.Version != version:
		return nil, &Error{File: file, Reason: fmt.Sprintf("it must say version = %d, the form that this logctl reads", version)}
	}
	for _, key := range meta.Undecoded() {
		return nil, &Error{File: file, Preset: presetOf(key), Reason: fmt.Sprintf("there is no key %s", key)}
	}
	var all []*Definition
	for name, d := range doc.Preset {
		d.Name, d.File, d.text = name, file, section(text, name)
		if err := d.check(); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *Definition) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// section is the part of a file that defines a preset: from its table on up to that of another, with the comments before it.
func section(text []byte, name string) string {
	var b strings.Builder
	var before strings.Builder
	inside := false
	for line := range strings.Lines(string(text)) {
		trimmed := strings.TrimSpace(line)
		if key, ok := tableOf(trimmed); ok {
			inside = key == name
		}
		switch {
		case !inside && strings.HasPrefix(trimmed, "#"):
			before.WriteString(line)
		case inside:
			b.WriteString(before.String())
			before.Reset()
			b.WriteString(line)
		default:
			before.Reset()
		}
	}
	return strings.TrimSpace(b.String()) + "\n"
}

// tableOf is the preset that a line begins a table of.
func tableOf(line string) (name string, ok bool) {
	key := strings.TrimLeft(line, "[ ")
	if key == line {
		return "", false
	}
	key, ok = strings.CutPrefix(key, "preset.")
	end := strings.IndexAny(key, ".] ")
	if strings.HasPrefix(key, `"`) {
		key = key[1:]
		end = strings.IndexByte(key, '"')
	}
	if !ok || end < 0 {
		return "", ok
	}
	return key[:end], true
}

// presetOf is the preset that a key is of, or "".
func presetOf(key toml.Key) string {
	if len(key) > 1 && key[0] == "preset" {
		return key[1]
	}
	return ""
}

// lineAt is the line of text that a position is in, with the byte in it.
func lineAt(text []byte, p toml.Position) place {
	start := bytes.LastIndexByte(text[:min(p.Start, len(text))], '\n') + 1
	end := start
	for end < len(text) && text[end] != '\n' {
		end++
	}
	return place{what: "line", text: string(text[start:end]), pos: p.Start - start}
}

// check refuses what needs no other preset to be seen as wrong.
func (d *Definition) check() error {
	for i := range len(d.Name) {
		if c := d.Name[i]; (c|0x20)-'a' > 25 && c-'0' > 9 && c != '-' && c != '_' && c != '.' {
			return d.fail("a preset's name is of letters, digits, -, _ and .")
		}
	}
	if d.Name == AutoName {
		return d.fail("the name %s chooses among presets", AutoName)
	}
	if d.Reader != "" && (len(d.Schema)+len(d.Line) > 0 || !slices.Contains(readers, d.Reader)) {
		return d.fail("a reader takes the place of alternatives and is one of %s", strings.Join(readers, ", "))
	}
	if d.Reader == "" && len(d.Schema)+len(d.Line)+len(d.Include) == 0 {
		return d.fail("it has no alternatives: schema = ['…'], or [[preset.%s.line]] with schema = '…'", d.Name)
	}
	if len(d.Members) > 0 && d.Reader != readerJSON {
		return d.fail("members are of the reader json")
	}
	if d.Auto != "" && d.Auto != "no" && d.Auto != "last" {
		return d.fail("auto is no or last")
	}
	if d.Delimiter != "" {
		if _, err := format.ParseDelimiter(d.Delimiter); err != nil {
			return d.fail("%s", err)
		}
	}
	for _, v := range d.Derive {
		if v.Member == "" || v.From == "" || len(v.Values) == 0 {
			return d.fail("what is derived needs member, from and values")
		}
	}
	return nil
}

// Alternative is the schema of an own alternative; the first has the number 1.
func (d *Definition) Alternative(number int) string { return d.alternatives()[number-1].Schema }

// fail is an error in the definition as a whole.
func (d *Definition) fail(format string, args ...any) error {
	return &Error{File: d.File, Preset: d.Name, Reason: fmt.Sprintf(format, args...)}
}

// alternatives are the own ones.
func (d *Definition) alternatives() []alternative {
	var all []alternative
	for _, s := range d.Schema {
		all = append(all, alternative{Schema: s})
	}
	return append(all, d.Line...)
}
