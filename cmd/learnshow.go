package cmd

import (
	"fmt"
	"strings"

	"logctl/format/learn"
	"logctl/format/token"
	"logctl/internal/lines"
	"logctl/reports"
)

const (
	shownKinds   = 20 // of a summary
	shownSchemas = 20 // of a command that can still be read
)

// groupRows is a row for each line that was read.
func groupRows(s *learn.Sample, r *learn.Result, files []string) reports.Result {
	return reports.Result{
		Columns: []reports.Column{{Name: "file"}, {Name: "line", Number: true}, {Name: "group", Number: true}, {Name: "label"}, {Name: "template"}},
		Rows: func(yield func([]any, error) bool) {
			for i, g := range r.Of {
				_, at := s.Line(i)
				row := []any{files[at.Input], int64(at.Line), int64(g + 1), r.Groups[g].Label, r.Groups[g].Template}
				if !yield(row, nil) {
					return
				}
			}
		},
	}
}

// schemaRows is a row for each schema.
func schemaRows(report *learn.Report) reports.Result {
	return reports.Result{
		Columns: []reports.Column{{Name: "lines", Number: true}, {Name: "share", Number: true}, {Name: "group", Number: true}, {Name: "label"}, {Name: "schema"}},
		Rows: reports.Each(report.Schemas, func(s learn.SchemaUse) []any {
			var group any
			if s.Group > 0 {
				group = int64(s.Group)
			}
			return []any{int64(s.Lines), percent(s.Share), group, s.Label, s.Schema}
		}),
	}
}

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

// summaryOfLearned is for a person.
func summaryOfLearned(r *learn.Report, files []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s, %s of line, %s\n", count(int64(r.Lines), "line"), count(int64(len(files)), "file"),
		count(int64(len(r.Groups)), "kind"), count(int64(len(r.Schemas)), "schema"))
	if r.More {
		b.WriteString("There are more lines; --max-lines looks at more of them.\n")
	}
	if r.Blank > 0 {
		fmt.Fprintf(&b, "Left out: %s.\n", count(int64(r.Blank), "blank line"))
	}
	if r.TooLong > 0 {
		fmt.Fprintf(&b, "Left out: %s of more than %d bytes.\n", count(int64(r.TooLong), "line"), lines.DefaultMax)
	}
	b.WriteString("\n")
	writeKinds(&b, r)
	all := float64(r.Lines)
	fmt.Fprintf(&b, "The schemas match %s of the lines", percent(float64(r.Matched+r.General)/all))
	if r.General > 0 {
		fmt.Fprintf(&b, ", general ones %s of these", percent(float64(r.General)/all))
	}
	b.WriteString(".\n")
	if r.LeftOver > 0 {
		fmt.Fprintf(&b, "Left over: %s, such as\n", count(int64(r.LeftOver), "line"))
		for _, line := range r.LeftLines {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	b.WriteString("\n")
	if len(r.Schemas) > shownSchemas {
		words := shellWords(files)
		b.WriteString("These are many schemas for a command line. To ship them as a preset:\n\n")
		fmt.Fprintf(&b, "  logctl learn --toml NAME %s > NAME.toml\n  logctl ship --app APP --presets NAME.toml --preset NAME %s\n", words, words)
		return b.String()
	}
	b.WriteString("To ship them:\n\n")
	b.WriteString(shipCommand(r, files))
	return b.String()
}

// writeKinds writes the commonest kinds of line with their schemas.
func writeKinds(b *strings.Builder, r *learn.Report) {
	schemas := map[int][]string{}
	for _, s := range r.Schemas {
		for _, g := range append([]int{s.Group}, s.Also...) {
			schemas[g] = append(schemas[g], s.Schema)
		}
	}
	for _, g := range r.Groups[:min(len(r.Groups), shownKinds)] {
		fmt.Fprintf(b, "%7d %6s  %s\n", g.Lines, percent(g.Share), g.Template)
		for _, s := range schemas[g.Group] {
			fmt.Fprintf(b, "%16s%s\n", "", s)
		}
	}
	if n := len(r.Groups) - shownKinds; n > 0 {
		fmt.Fprintf(b, "        and %d more; -o json has all\n", n)
	}
	for _, s := range schemas[0] {
		fmt.Fprintf(b, "   general      %s\n", s)
	}
	b.WriteString("\n")
}

// shipCommand is the command that stores these lines, for a shell.
func shipCommand(r *learn.Report, files []string) string {
	var b strings.Builder
	b.WriteString("  logctl ship --app APP")
	if len(r.Time) > 0 {
		b.WriteString(" --time " + strings.Join(r.Time, ","))
	}
	if r.TimeLayout != "" {
		b.WriteString(" --time-layout " + shellWord(r.TimeLayout))
	}
	b.WriteString(" --schema-field event \\\n")
	for _, s := range r.Schemas {
		fmt.Fprintf(&b, "    --schema %s \\\n", shellWord(s.Label+" := "+s.Schema))
	}
	fmt.Fprintf(&b, "    %s\n", shellWords(files))
	return b.String()
}

func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}

// shellWord is s as a shell takes it for one word.
func shellWord(s string) string {
	plain := s != ""
	for i := range len(s) {
		plain = plain && (token.IsAlnum(s[i]) || strings.IndexByte("-_./,:@+", s[i]) >= 0)
	}
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
