package cmd

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"logctl/format"
	"logctl/internal/lines"
)

// maxMaxLine keeps the memory that one line may take in bounds.
const maxMaxLine = 1 << 30

// formatFlags are the flags that say what a line becomes, the same in every command that reads lines.
type formatFlags struct {
	format.Options
	geoip   geoipFlag
	maxLine int
}

func (f *formatFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&f.Schema, "schema", "", "what a line looks like: $name captures, _ skips, \\ escapes")
	fs.StringVar(&f.Preset, "preset", "", "a known kind of log instead of a schema: "+strings.Join(format.Presets(), ", "))
	fs.StringVar(&f.Fields, "fields", "", "fields to add or override: key=value,key=\"a, b\"")
	fs.StringVar(&f.Match, "match", "", "skip the lines that do not match this regular expression")
	fs.StringVar(&f.Events, "events", "", "events that a preset keeps: all, or names with commas between (default ban)")
	f.geoip.addFlags(fs, "MaxMind databases (.mmdb, with commas between): add country, network, ... of addresses")
	fs.IntVar(&f.maxLine, "max-line", lines.DefaultMax, "reject lines of more than this many bytes")
}

// formatter is what the flags ask for. Where they are wrong, the error is of usage; the place in a schema has then been
// shown on w.
func (f *formatFlags) formatter(w io.Writer) (*format.Formatter, error) {
	if f.maxLine < 1 || f.maxLine > maxMaxLine {
		return nil, usagef("--max-line must be from 1 to %d", maxMaxLine)
	}
	if f.Schema == "" && f.Preset == "" {
		return nil, hinted(usagef("what do the lines look like? --schema or --preset says it"),
			`logctl format --schema '$date $hour _ _ _ \[$process\] _ $ip' FILE, or --preset fail2ban`)
	}
	formatter, err := format.New(f.Options)
	var syntax *format.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Fprintf(w, "logctl: error: %s\n%s\n", oneLine(syntax.Error()), syntax.Caret())
		return nil, &statusError{status: statusUsage}
	}
	if err != nil {
		return nil, usage(err)
	}
	return formatter, nil
}
