package cmd

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"logctl/format"
	"logctl/format/preset"
	"logctl/format/timefmt"
	"logctl/internal/lines"
)

// maxMaxLine keeps the memory that one line may take in bounds.
const maxMaxLine = 1 << 30

// formatFlags are the flags that say what a line becomes, the same in every command that reads lines.
type formatFlags struct {
	format.Options
	geoip     geoipFlag
	delimiter string
	time      []string
	layout    string
	zone      string
	maxLine   int
	silent    bool // say nothing of what auto takes
}

func (f *formatFlags) addFlags(fs *pflag.FlagSet) {
	f.addLineFlags(fs)
	f.geoip.addFlags(fs, "MaxMind databases (.mmdb, with commas between): add country, network, ... of addresses")
}

// addLineFlags adds the flags that say how a line is read.
func (f *formatFlags) addLineFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.Schemas, "schema", nil, "what a line looks like: $name captures, _ skips, \\ escapes; of several the first that fits")
	fs.StringVar(&f.LabelKey, "schema-field", "", "member that gets the label of the schema that fits, as in --schema 'login := …'")
	fs.StringVar(&f.delimiter, "delimiter", "", "character between the columns of lines of columns, such as , or | or the word tab")
	fs.StringSliceVar(&f.time, "time", nil, "captures that together are the time; they become the member time, in RFC 3339")
	fs.StringVar(&f.layout, "time-layout", "", "how the time is written: strftime's %Y-%m-%d …, or "+strings.Join(timefmt.Names(), " ")+" (default: whatever is well known)")
	fs.StringVar(&f.zone, "time-zone", "", "zone of times that do not tell theirs, such as UTC or Europe/Berlin (default this machine's)")
	fs.StringVar(&f.Preset, "preset", "", "a known kind of log instead of a schema; logctl presets list shows them, and auto takes the one that fits")
	fs.StringVar(&f.Fields, "fields", "", "fields to add or override: key=value,key=\"a, b\"")
	fs.StringVar(&f.Match, "match", "", "skip the lines that do not match this regular expression")
	fs.StringVar(&f.Events, "events", "", "events that a preset keeps: all, or names with commas between (default ban of fail2ban, all of others)")
	fs.IntVar(&f.maxLine, "max-line", lines.DefaultMax, "reject lines of more than this many bytes")
}

// args are the flags again, as a command line has them.
func (f *formatFlags) args() []string {
	var args []string
	for _, schema := range f.Schemas {
		args = append(args, "--schema", schema)
	}
	for _, flag := range []struct{ name, value string }{
		{"--schema-field", f.LabelKey}, {"--delimiter", f.delimiter}, {"--time", strings.Join(f.time, ",")}, {"--time-layout", f.layout},
		{"--time-zone", f.zone}, {"--preset", f.Preset}, {"--fields", f.Fields}, {"--match", f.Match}, {"--events", f.Events},
	} {
		if flag.value != "" {
			args = append(args, flag.name, flag.value)
		}
	}
	for _, file := range f.geoip.files {
		args = append(args, "--geoip", file)
	}
	if f.maxLine != lines.DefaultMax {
		args = append(args, "--max-line", strconv.Itoa(f.maxLine))
	}
	return args
}

// formatter is what the flags ask for. Where they are wrong, the error is of usage; the place in a schema has then been
// shown on w.
func (f *formatFlags) formatter(w io.Writer, g *globals) (*format.Formatter, error) {
	if f.maxLine < 1 || f.maxLine > maxMaxLine {
		return nil, usagef("--max-line must be from 1 to %d", maxMaxLine)
	}
	if len(f.Schemas) == 0 && f.Preset == "" {
		return nil, hinted(usagef("what do the lines look like? --schema or --preset says it"),
			"--preset auto finds out which known kind of log it is, logctl presets list shows them; logctl learn FILE proposes schemas")
	}
	if err := f.ofSchemas(); err != nil {
		return nil, err
	}
	o := f.Options
	if f.Preset != "" {
		parser, err := f.preset(w, g)
		if err != nil {
			return nil, err
		}
		o = format.Options{Parser: parser, Match: f.Match}
	}
	formatter, err := format.New(o)
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

// preset is the preset that the flags ask for, at work. Which one auto takes is said on w.
func (f *formatFlags) preset(w io.Writer, g *globals) (format.Parser, error) {
	set, err := g.presets()
	if err != nil {
		return nil, sayPresetError(w, err)
	}
	o := preset.Options{Fields: f.Fields, Events: f.Events, Zone: f.zone}
	if f.Preset == preset.AutoName {
		return set.Auto(o, func(name string, c preset.Choice) {
			if !f.silent {
				fmt.Fprintf(w, "logctl: %s: preset %s\n", oneLine(name), c)
			}
		})
	}
	p, err := set.Parser(f.Preset, o)
	if err != nil {
		return nil, sayPresetError(w, err)
	}
	return p, nil
}

// sayPresetError shows where a file of presets, or the text of fields, is wrong.
func sayPresetError(w io.Writer, err error) error {
	var name *preset.NameError
	if errors.As(err, &name) {
		return hinted(usage(err), "logctl presets list shows what there is")
	}
	var caret interface{ Caret() string }
	if !errors.As(err, &caret) || caret.Caret() == "" {
		return usage(err)
	}
	fmt.Fprintf(w, "logctl: error: %s\n%s\n", oneLine(err.Error()), caret.Caret())
	return &statusError{status: statusUsage}
}

// ofSchemas completes the options by the flags that go with --schema only.
func (f *formatFlags) ofSchemas() error {
	if f.Preset != "" && len(f.Schemas) > 0 {
		return usagef("--schema and --preset both say what the lines look like: leave one out")
	}
	if f.Preset != "" && f.LabelKey+f.delimiter+strings.Join(f.time, ",")+f.layout != "" {
		return usagef("--schema-field, --delimiter and --time go with --schema; a preset knows them itself")
	}
	if len(f.time) == 0 && f.layout+f.zone != "" && f.Preset == "" {
		return usagef("--time-layout and --time-zone need --time, which names the captures that are the time")
	}
	if len(f.time) > 0 {
		t, err := format.NewTime(f.time, f.layout, f.zone)
		if err != nil {
			return usage(err)
		}
		f.Time = t
	}
	if f.delimiter == "" {
		return nil
	}
	c, err := format.ParseDelimiter(f.delimiter)
	if err != nil {
		return usagef("--delimiter %q: %w", f.delimiter, err)
	}
	f.Delimiter = c
	return nil
}
