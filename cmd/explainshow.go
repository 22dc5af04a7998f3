package cmd

import (
	"bufio"
	"fmt"
	"strings"
	"unicode/utf8"

	"logctl/format"
)

// explainer shows what becomes of lines.
type explainer struct {
	out       *bufio.Writer
	formatter *format.Formatter // what was asked for, or nil
	name      string            // of its preset
	skips     string            // why it skips lines
	presets   []namedParser

	count, rejected int
}

// explainWidth is how many characters a line of output has at most.
const explainWidth = 80

// explain shows one line. No control character reaches the output.
func (e *explainer) explain(line []byte, tooLong bool) {
	if e.count++; e.count > 1 {
		fmt.Fprintln(e.out)
	}
	if tooLong {
		e.rejected++
		e.printf("line %d is longer than --max-line allows\n", e.count)
		return
	}
	if e.formatter == nil {
		e.printf("line %d\n", e.count)
		e.showLine(line, -1)
		e.suggest(line)
		return
	}
	object, verdict := e.formatter.Append(nil, line)
	switch verdict {
	case format.Skipped:
		e.printf("line %d is skipped: %s\n", e.count, e.skips)
		e.showLine(line, -1)
		return
	case format.Rejected:
		e.rejected++
	}
	alternatives, ok := e.formatter.Parser().(*format.Alternatives)
	if !ok {
		e.showPreset(line, object, verdict)
	} else {
		e.showSchema(alternatives, line)
	}
	if verdict == format.Matched {
		e.showObject(object)
		return
	}
	e.suggestOther(line)
}

func (e *explainer) printf(format string, args ...any) { fmt.Fprintf(e.out, format, args...) }

func (e *explainer) showPreset(line, object []byte, verdict format.Verdict) {
	if verdict == format.Matched {
		e.printf("line %d fits the preset %s%s\n", e.count, e.name, e.alternative())
		e.showLine(line, -1)
		return
	}
	e.printf("line %d does not fit the preset %s: %s\n", e.count, e.name, e.formatter.Reason(line))
	e.showLine(line, -1)
}

// alternative says which alternative of a preset made the last object, if one did.
func (e *explainer) alternative() string {
	p, ok := e.formatter.Parser().(interface{ Made() (string, int) })
	if !ok {
		return ""
	}
	of, number := p.Made()
	if number == 0 {
		return ""
	}
	return fmt.Sprintf(", by alternative %d of %s", number, of)
}

// showSchema shows the parts of the schema that fits, or of the one that comes farthest.
func (e *explainer) showSchema(a *format.Alternatives, line []byte) {
	x := a.Explain(line)
	schema := "the schema"
	if a.Len() > 1 {
		schema = "the schema " + visible(schemaName(x.Schema))
	}
	if x.Stop == nil {
		e.printf("line %d fits %s\n", e.count, schema)
		e.showLine(line, -1)
		e.showParts(line, x.Taken, nil)
		return
	}
	if a.Len() > 1 {
		schema += fmt.Sprintf(", the nearest of %d", a.Len())
	}
	e.printf("line %d does not fit %s:\n", e.count, schema)
	e.printf("%s\n", x.Stop)
	at := x.Stop.Pos
	if x.Stop.Nowhere || x.Stop.GaveUp {
		at = -1
	}
	e.showLine(line, at)
	e.showParts(line, x.Taken, x.Stop)
}

// schemaName is a schema's label, or else its text.
func schemaName(s *format.Schema) string {
	if s.Label() != "" {
		return s.Label()
	}
	return shorten(s.String(), 40)
}

// showLine shows a line, or the part of it around a place with a caret under that place.
func (e *explainer) showLine(line []byte, at int) {
	const most = explainWidth - 2
	before := visible(string(line[:max(at, 0)]))
	after := visible(string(line[max(at, 0):]))
	if n := utf8.RuneCountInString(before); n > most-20 {
		before = "…" + lastRunes(before, most-21)
	}
	e.printf("  %s%s\n", before, shorten(after, most-utf8.RuneCountInString(before)))
	if at >= 0 {
		e.printf("  %s^\n", strings.Repeat(" ", utf8.RuneCountInString(before)))
	}
}

// showParts shows what each part but the blanks took, and what stopped the last.
func (e *explainer) showParts(line []byte, parts []format.Taken, stop *format.Stop) {
	width := 0
	for _, p := range parts {
		width = max(width, utf8.RuneCountInString(p.Part))
	}
	if stop != nil {
		width = max(width, utf8.RuneCountInString(stop.Part))
	}
	width = min(width, 30)
	show := func(part, what string) {
		if strings.TrimSpace(part) == "" {
			part = "blank"
		}
		part = shorten(visible(part), width)
		pad := strings.Repeat(" ", max(width-utf8.RuneCountInString(part), 0))
		e.printf("  %s%s  %s\n", part, pad, shorten(what, explainWidth-4-width))
	}
	for _, p := range parts {
		switch {
		case strings.TrimSpace(p.Part) == "":
		case p.Start < 0:
			show(p.Part, "(absent)")
		case p.Start == p.End:
			show(p.Part, "(empty)")
		default:
			show(p.Part, visible(string(line[p.Start:p.End])))
		}
	}
	if stop != nil && stop.Part != "" {
		show(stop.Part, "<- expects "+stop.Expected)
	}
}

func (e *explainer) showObject(object []byte) { e.printf("%s\n", visible(string(object))) }

// suggestOther names the presets that a line fits which does not fit what was asked for.
func (e *explainer) suggestOther(line []byte) {
	for _, p := range e.presets {
		if _, ok := p.understand(line); ok {
			e.printf("the preset %s fits it: --preset %s\n", p.name, p.name)
		}
	}
}

// suggest names the presets that a line fits, with what they make of it.
func (e *explainer) suggest(line []byte) {
	found := false
	for _, p := range e.presets {
		if object, ok := p.understand(line); ok {
			e.printf("--preset %s makes of it\n", p.name)
			e.showObject(object)
			found = true
		}
	}
	if !found {
		e.rejected++
		e.printf("no preset fits it; --schema says what it looks like, and logctl learn FILE proposes one\n")
	}
}

// visible is text without control characters, which are shown as \x1b, and a tab, which would move the caret, as \t.
func visible(s string) string {
	return strings.ReplaceAll(string(format.AppendVisible(nil, []byte(s))), "\t", `\t`)
}

// shorten cuts text off after so many characters, with an ellipsis in the place of the last.
func shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	r := []rune(s)
	return string(r[:max(most-1, 0)]) + "…"
}

// lastRunes are the last characters of text, at most so many.
func lastRunes(s string, most int) string {
	r := []rune(s)
	return string(r[max(len(r)-most, 0):])
}
