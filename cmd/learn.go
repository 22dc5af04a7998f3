package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/format/learn"
	"logctl/format/preset"
	"logctl/internal/lines"
	"logctl/internal/terminal"
	"logctl/reports"
)

type learnOptions struct {
	outputFlag
	groups bool
	toml   string
	limits learn.Options
}

func newLearn(*globals) *cobra.Command {
	o := &learnOptions{}
	c := &cobra.Command{
		Use:   "learn [FILE…|-]",
		Short: "Propose schemas for lines that nobody has described yet",
		Long: `Propose schemas for the lines of files, or of the standard input: one for each kind of line, with names and types
guessed, what share of the lines each matches, and the command that ships them.

  logctl learn /var/log/auth.log
  logctl learn --toml myapp /var/log/myapp.log*
  logctl learn --groups -o csv /var/log/myapp.log

Kinds of line are found by what all lines of a kind have in common; docs/learn.md tells how. Every schema has been
tried on the lines it was made of, and a line counts for the first schema that matches it, in the given order. Where
some lines have no schema of their own, general ones come last, that take the header and the rest of the line.

-o json gives everything for a program: "groups" are the kinds of line, "schemas" are in the order in which they are to
be tried. -o ndjson, csv, plain, table and markdown give a row for each schema. --groups gives instead a row for each
line that was read: file, line (its number in the file, blank lines counted), group, label and template, in which <*> stands
for values; lines of one kind have one group. --toml NAME gives a file of presets with a preset of that name.

Files given together are of one kind of log. The first --max-lines lines are looked at, 64 MiB at most, of several
files as many of each. Blank lines are left out;
lines without the header that the others have, as of a stack trace, are kinds of their own. Files may be compressed
(gzip, zstd, bzip2, xz). The same lines give the same answer.

Exit status: 0 done, 1 failed, 2 usage, 3 some lines match no schema.`,
		RunE: func(c *cobra.Command, files []string) error { return runLearn(c.Context(), streamsOf(c), o, files) },
	}
	o.addFlags(c.Flags())
	return c
}

func (o *learnOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.groups, "groups", false, "a row for each line: which kind it is of")
	fs.StringVar(&o.toml, "toml", "", "write a preset of this name instead")
	fs.IntVar(&o.limits.MaxLines, "max-lines", learn.DefaultMaxLines, "look at no more than so many lines")
	fs.StringVarP(&o.name, "output", "o", "", "json, or table, plain, ndjson, csv, markdown for rows (default a summary)")
}

func (o *learnOptions) check() error {
	switch {
	case o.limits.MaxLines < 1:
		return usagef("--max-lines must be at least 1")
	case o.toml != "" && (o.groups || o.name != ""):
		return usagef("--toml is a form of its own; leave out --groups and --output")
	case o.toml == preset.AutoName:
		return usagef("--toml auto: the name auto chooses among presets")
	case o.toml != "" && !learn.IsPresetName(o.toml):
		return usagef("--toml %q: a preset's name is letters, digits, - and _, and begins with a letter", o.toml)
	}
	return o.outputFlag.check()
}

func runLearn(ctx context.Context, std streams, o *learnOptions, files []string) error {
	if err := o.check(); err != nil {
		return err
	}
	if len(files) == 0 {
		files = []string{"-"}
	}
	s := learn.NewSample(o.limits)
	for i, name := range files {
		if err := readSample(ctx, s, std.in, name, i, len(files)-i); ctx.Err() != nil {
			return lines.ErrInterrupted
		} else if err != nil {
			return err
		}
	}
	if s.Lines() == 0 {
		return hinted(fmt.Errorf("there are no lines to learn from"), "give a file that has some, or pipe some in")
	}
	r := learn.Learn(s)
	report := r.Report(s)
	if err := o.writeLearned(std.out, s, r, report, files); err != nil {
		return err
	}
	if report.LeftOver > 0 {
		return &statusError{status: statusPartly}
	}
	return nil
}

// readSample reads the lines of one file, "-" being the standard input.
func readSample(ctx context.Context, s *learn.Sample, stdin io.Reader, name string, input, left int) error {
	if name == "-" {
		in, err := lines.Decompress(lines.Until(ctx, stdin))
		if err != nil {
			return fmt.Errorf("read the standard input: %w", err)
		}
		return s.Read(ctx, in, input, left)
	}
	in, err := lines.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := s.Read(ctx, in, input, left); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// writeLearned writes what was learned in the form that was asked for.
func (o *learnOptions) writeLearned(w io.Writer, s *learn.Sample, r *learn.Result, report *learn.Report, files []string) error {
	switch {
	case o.groups:
		_, err := o.write(w, groupRows(s, r, files))
		return err
	case o.toml != "":
		return writeText(w, report.TOML(o.toml, "learned from "+strings.Join(files, ", ")))
	case o.name == string(reports.JSON):
		var text strings.Builder
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(report); err != nil {
			return err
		}
		return writeText(w, text.String())
	case o.name != "":
		_, err := o.write(w, schemaRows(report))
		return err
	}
	return writeText(w, summaryOfLearned(report, files))
}

// writeText writes text with parts of log lines in it, on a terminal without what that would obey.
func writeText(w io.Writer, text string) error {
	if terminal.Is(w) {
		text = reports.VisibleLines(text)
	}
	_, err := io.WriteString(w, text)
	return err
}
