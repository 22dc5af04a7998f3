package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/format"
	"logctl/format/preset"
	"logctl/internal/lines"
)

type explainOptions struct {
	formatFlags
	lines int
}

func newExplain(g *globals) *cobra.Command {
	o := &explainOptions{}
	c := &cobra.Command{
		Use:   "explain [--schema S | --preset P] [FILE|-]",
		Short: "Show where a schema fits a line, part by part, or where it stops",
		Long: `Show, for the first lines of a file or of the standard input, what each part of a schema takes of the line; or the place
where the schema stops, what is expected there and what stands there. Of several schemas it is the first that fits or the
one that comes farthest. A line that no schema fits is tried with all presets.

  logctl explain --schema '$date $hour _ _ _ \[$process\] _ $ip:ip' fail2ban.log
  grep Accepted auth.log | logctl explain -n 1 --schema '$t:ts $host $tag: $message...' --time t
  logctl explain unknown.log

Without a schema and a preset it says which presets fit.

Exit status: 0 all lines fit, 1 failed, 2 usage, 3 some do not fit.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			name := "-"
			if len(args) == 1 {
				name = args[0]
			}
			return runExplain(c.Context(), streamsOf(c), g, o, name)
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *explainOptions) addFlags(fs *pflag.FlagSet) {
	o.addLineFlags(fs)
	fs.IntVarP(&o.lines, "lines", "n", 5, "how many lines to look at")
}

// skips says why a line is skipped.
func (o *explainOptions) skips() string {
	switch {
	case o.Preset == "":
		return "--match leaves it out"
	case o.Match == "":
		return "it tells of nothing, or of an event that --events leaves out"
	}
	return "--match leaves it out, or --events its event"
}

func runExplain(ctx context.Context, std streams, g *globals, o *explainOptions, name string) error {
	if o.lines < 1 {
		return usagef("--lines must be at least 1")
	}
	e := &explainer{out: bufio.NewWriter(std.out)}
	if len(o.Schemas) > 0 || o.Preset != "" {
		f, err := o.formatter(std.err, g)
		if err != nil {
			return err
		}
		e.formatter, e.name, e.skips = f, o.Preset, o.skips()
	}
	if err := e.addPresets(std.err, g, o.Preset); err != nil {
		return err
	}
	in, written, err := openLines(ctx, std.in, name)
	if err != nil {
		return err
	}
	defer in.Close()
	e.setReference(written)
	r := lines.New(in, o.maxLine)
	if e.formatter != nil {
		if _, err := e.formatter.Begin(name, r.Ahead); err != nil {
			return err
		}
	}
	for range o.lines {
		if ctx.Err() != nil {
			return lines.ErrInterrupted
		}
		line, tooLong, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		e.explain(line, tooLong)
	}
	if err := e.out.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	switch {
	case e.count == 0:
		return errors.New("there are no lines to explain")
	case e.rejected > 0:
		return &statusError{status: statusPartly}
	}
	return nil
}

// openLines opens one file, "-" being the standard input, and tells when it was written.
func openLines(ctx context.Context, stdin io.Reader, name string) (io.ReadCloser, time.Time, error) {
	if name == "-" {
		in, err := lines.Decompress(lines.Until(ctx, stdin))
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("read the standard input: %w", err)
		}
		return io.NopCloser(in), time.Now(), nil
	}
	in, err := lines.Open(name)
	if err != nil {
		return nil, time.Time{}, err
	}
	written := time.Now()
	if info, err := os.Stat(name); err == nil {
		written = info.ModTime()
	}
	return in, written, nil
}

// namedParser is a preset ready to read lines.
type namedParser struct {
	name string
	*preset.Parser
}

// understand gives the object that the preset makes of a line, if it does more than to keep it as it is. Of very long lines it
// gives none: with all presets they would take minutes.
func (p namedParser) understand(line []byte) (object []byte, ok bool) {
	if len(line) > lines.DefaultMax {
		return nil, false
	}
	object, verdict := p.Append(nil, line)
	return object, verdict == format.Matched && p.Fits()
}

// addPresets makes all presets ready, but the one that is asked for anyway.
func (e *explainer) addPresets(w io.Writer, g *globals, but string) error {
	set, err := g.presets()
	if err != nil {
		return sayPresetError(w, err)
	}
	for _, name := range set.Names() {
		if name == but {
			continue
		}
		p, err := set.Parser(name, preset.Options{Events: "all"})
		if err != nil {
			return sayPresetError(w, err)
		}
		e.presets = append(e.presets, namedParser{name, p})
	}
	return nil
}

func (e *explainer) setReference(t time.Time) {
	if e.formatter != nil {
		e.formatter.SetReference(t)
	}
	for _, p := range e.presets {
		p.SetReference(t)
	}
}
