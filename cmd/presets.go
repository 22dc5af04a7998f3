package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"logctl/format/preset"
	"logctl/internal/lines"
	"logctl/reports"
)

func newPresets(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "presets",
		Short: "List, show and test the presets: known kinds of logs",
		Long: `List, show and test the presets: what --preset takes, the built-in ones and your own.

  logctl presets list
  logctl presets show sshd
  logctl presets test auto /var/log/auth.log

Your own stand in ~/.config/logctl/presets.toml, for root in /etc/logctl/presets.toml, or in the file that --presets names;
one with the name of a built-in one takes its place. docs/presets.md tells how to write them.

Exit status: 0 done, 1 failed, 2 usage, and of test 3 if some lines are rejected.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newPresetsList(g), newPresetsShow(g), newPresetsTest(g))
	return c
}

func newPresetsList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the presets with what they are for",
		Long: `List the presets with where they come from and what they are for, with tabs between them in a pipe.

  logctl presets list

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runPresetsList(streamsOf(c), g) },
	}
}

func runPresetsList(std streams, g *globals) error {
	set, err := g.presets()
	if err != nil {
		return sayPresetError(std.err, err)
	}
	rows := [][]any{{preset.AutoName, "built-in", "whichever of these fits the beginning of a log best"}}
	for _, name := range set.Names() {
		d, err := set.Definition(name)
		if err != nil {
			return err
		}
		rows = append(rows, []any{name, presetSource(set, d), d.About})
	}
	_, err = (&outputFlag{}).write(std.out, reports.Result{
		Columns: []reports.Column{{Name: "name"}, {Name: "from"}, {Name: "for"}},
		Rows:    reports.Each(rows, func(row []any) []any { return row }),
	})
	return err
}

// presetSource says where a preset comes from.
func presetSource(set *preset.Set, d *preset.Definition) string {
	switch {
	case d.File == "":
		return "built-in"
	case set.Replaces(d.Name):
		return "own, replaces the built-in one"
	}
	return "own"
}

func newPresetsShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show how a preset is written",
		Long: `Show how a preset is written, as it would stand in a file of your own.

  logctl presets show nginx-error
  (echo version = 1; logctl presets show sshd) > ~/.config/logctl/presets.toml

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return runPresetsShow(streamsOf(c), g, args[0]) },
	}
}

func runPresetsShow(std streams, g *globals, name string) error {
	set, err := g.presets()
	if err != nil {
		return sayPresetError(std.err, err)
	}
	if name == preset.AutoName {
		return hinted(usagef("auto is none of its own: it takes the one that fits a log best"), "logctl presets test auto FILE says which")
	}
	d, err := set.Definition(name)
	if err != nil {
		return sayPresetError(std.err, err)
	}
	source := presetSource(set, d)
	if d.File != "" {
		source += ", in " + oneLine(d.File)
	}
	_, err = fmt.Fprintf(std.out, "# %s\n%s", source, visibleLines(d.Text()))
	return err
}

// visibleLines is visible of a text of several lines.
func visibleLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(visible(strings.TrimSuffix(line, "\n")) + "\n")
	}
	return b.String()
}

func newPresetsTest(g *globals) *cobra.Command {
	o := &presetTest{}
	c := &cobra.Command{
		Use:   "test NAME FILE…",
		Short: "Say how much of a log a preset fits",
		Long: `Say how many lines of files a preset fits, which of its alternatives do how often, and of the first lines that it rejects
why. A dash is the standard input.

  logctl presets test sshd /var/log/auth.log
  logctl presets test auto /var/log/*.log

Exit status: 0 all lines fit, 1 failed (a file could not be read; the others were), 2 usage, 3 some lines are rejected.`,
		Args: usageArgs(cobra.MinimumNArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			o.name, o.files = args[0], args[1:]
			return runPresetsTest(c.Context(), streamsOf(c), g, o)
		},
	}
	c.Flags().IntVarP(&o.rejects, "rejects", "n", 5, "how many rejected lines to show of each file")
	return c
}

func runPresetsTest(ctx context.Context, std streams, g *globals, o *presetTest) error {
	set, err := g.presets()
	if err != nil {
		return sayPresetError(std.err, err)
	}
	if _, err := set.Definition(o.name); err != nil && o.name != preset.AutoName {
		return sayPresetError(std.err, err)
	}
	failed := false
	for _, file := range o.files {
		if err := o.test(ctx, std, set, file); err != nil {
			if ctx.Err() != nil {
				return lines.ErrInterrupted
			}
			failed = true
			fmt.Fprintf(std.err, "logctl: error: %s\n", oneLine(err.Error()))
		}
	}
	switch {
	case failed:
		return &statusError{status: statusFailed}
	case o.rejected > 0:
		return &statusError{status: statusPartly}
	}
	return nil
}

func (o *presetTest) test(ctx context.Context, std streams, set *preset.Set, file string) error {
	in, written, err := openLines(ctx, std.in, file)
	if err != nil {
		return err
	}
	defer in.Close()
	t := &tally{limit: o.rejects, made: map[madeBy]int64{}}
	if err := t.read(ctx, set, o.name, in, written); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	o.rejected += t.rejected
	return t.write(std.out, file)
}

// presetTest is what presets test is asked for, and what it has found in all files.
type presetTest struct {
	name     string
	files    []string
	rejects  int
	rejected int64
}
