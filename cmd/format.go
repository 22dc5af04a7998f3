package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/format"
	"logctl/internal/lines"
	"logctl/internal/terminal"
)

type formatOptions struct {
	formatFlags
	verbose bool
}

func newFormat(g *globals) *cobra.Command {
	o := &formatOptions{}
	c := &cobra.Command{
		Use:   "format (--schema S | --preset P) [FILE…|-]",
		Short: "Turn lines into JSON objects, one a line",
		Long: `Turn lines of files or of the standard input into JSON objects, one a line (NDJSON).

  logctl format --preset fail2ban /var/log/fail2ban.log*
  logctl format --preset auto /var/log/*.log
  tail -f access.log | logctl format --schema '$ip:ip _ $user [$at:ts] $request:quoted $status:int' --time at
  logctl format --schema '$date $hour _ _ _ \[$process\] _ $ip' --fields "machine=$(hostname)" -v fail2ban.log

In a schema a blank is any white space, $name takes what has no blank in it, _ skips it, $name... takes the
rest of the line, (…)? may be absent, \ makes the next character literal, and everything else stands for itself.
$name:ip and other types take nothing else; $kv... and $json... take what the line holds of its own. It may fit anywhere
in a line; docs/schema.md teaches it by ten lines and tells all of it. "logctl explain" shows where it stops.

Files may be compressed (gzip, zstd, bzip2, xz). A line that does not fit gives no output and is counted as rejected; the
counts go to the standard error. With -v each line is shown before its object, and {NODATA} where there is none.

Exit status: 0 done, 1 failed (a file could not be read; the others were), 2 usage, 3 some lines rejected.`,
		RunE: func(c *cobra.Command, files []string) error { return runFormat(c.Context(), streamsOf(c), g, o, files) },
	}
	o.addFlags(c.Flags())
	return c
}

func (o *formatOptions) addFlags(fs *pflag.FlagSet) {
	o.formatFlags.addFlags(fs)
	fs.BoolVarP(&o.verbose, "verbose", "v", false, "show each line too, and {NODATA} where nothing fits")
}

func runFormat(ctx context.Context, std streams, g *globals, o *formatOptions, files []string) error {
	formatter, err := o.formatter(std.err, g)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		files = []string{"-"}
	}
	s := &format.Stream{Formatter: formatter, Out: std.out, MaxLine: o.maxLine, Verbose: o.verbose, Terminal: terminal.Is(std.out),
		Workers: runtime.GOMAXPROCS(0)}
	if s.Extend, err = o.geoip.extend(noter(std.err)); err != nil {
		return err
	}
	failed := false
	for _, name := range files {
		err := formatFile(ctx, s, std.in, name)
		if ctx.Err() != nil {
			return lines.ErrInterrupted
		}
		if errors.Is(err, format.ErrOutput) {
			return err
		}
		if err != nil {
			failed = true
			fmt.Fprintf(std.err, "logctl: error: %s\n", oneLine(err.Error()))
		}
	}
	sayCounts(std.err, s.Counts, o.maxLine)
	switch {
	case failed:
		return &statusError{status: statusFailed}
	case s.Counts.Rejected > 0:
		return &statusError{status: statusPartly}
	}
	return nil
}

// formatFile writes the objects of one file's lines, "-" being the standard input.
func formatFile(ctx context.Context, s *format.Stream, stdin io.Reader, name string) error {
	s.Name, s.Growing = name, name == "-"
	if name == "-" {
		s.Name = "standard input"
		s.Formatter.SetReference(time.Now())
		in, err := lines.Decompress(lines.Until(ctx, stdin))
		if err != nil {
			return fmt.Errorf("read the standard input: %w", err)
		}
		return s.Copy(ctx, in)
	}
	in, err := lines.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	if info, err := os.Stat(name); err == nil {
		s.Formatter.SetReference(info.ModTime())
	}
	return s.Copy(ctx, in)
}

func sayCounts(w io.Writer, c format.Counts, maxLine int) {
	tooLong := ""
	if c.TooLong > 0 {
		tooLong = fmt.Sprintf(" (%d of more than %d bytes)", c.TooLong, maxLine)
	}
	fmt.Fprintf(w, "logctl: %d matched, %d rejected%s, %d skipped\n", c.Matched, c.Rejected, tooLong, c.Skipped)
}
