package cmd

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"logctl/format"
	"logctl/format/preset"
	"logctl/internal/app"
	"logctl/proxy/lines"
)

// inputFlags are what serve takes besides what is posted to its door.
type inputFlags struct {
	app.Inputs
	routes string
}

func (f *inputFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&f.SyslogUDP, "syslog-udp", "", "address to take syslog at over UDP, such as :514")
	fs.StringVar(&f.SyslogTCP, "syslog-tcp", "", "address to take syslog at over TCP, such as :514")
	fs.StringVar(&f.SyslogTLS, "syslog-tls", "", "address to take syslog at over TLS, such as :6514, with --tls-cert")
	fs.StringVar(&f.LinesTLS, "lines-tls", "", "address to take plain lines at over TLS, with --tls-cert")
	fs.StringVar(&f.ClientCA, "input-client-ca", "", "PEM file of those who sign clients' certificates, which --syslog-tls and --lines-tls then ask for")
	fs.BoolVar(&f.Loki, "loki", false, "take pushes of Grafana Loki's senders at the door's address")
	fs.StringVar(&f.routes, "routes", "", "TOML file that says which app gets what (docs/inputs.md)")
}

// check finds flags that do not go together.
func (f *inputFlags) check(o *serveOptions) error {
	listens := f.SyslogUDP+f.SyslogTCP+f.SyslogTLS+f.LinesTLS != ""
	switch {
	case f.SyslogTLS+f.LinesTLS != "" && o.tlsCert == "":
		return usagef("--syslog-tls and --lines-tls need --tls-cert and --tls-key")
	case f.ClientCA != "" && f.SyslogTLS+f.LinesTLS == "":
		return usagef("--input-client-ca goes with --syslog-tls or --lines-tls")
	case f.routes != "" && !listens && !f.Loki:
		return usagef("--routes goes with --syslog-udp, --syslog-tcp, --syslog-tls, --lines-tls or --loki")
	case o.door == "off" && (listens || f.Loki):
		return usagef("inputs store what strangers send, and --door off serves none")
	}
	return nil
}

// options are what the flags ask for. Where a route's schema is wrong, the place has been shown on w.
func (f *inputFlags) options(w io.Writer, g *globals) (app.Inputs, error) {
	in := f.Inputs
	in.EnsureApp = func(ctx context.Context, conn *app.Conn, name string) error { return ensureApp(ctx, conn, name) }
	in.Compile = func(lf lines.Format) (func() lines.Formatter, error) { return compileRoute(w, g, lf) }
	if f.routes != "" {
		t, err := lines.ReadTable(f.routes)
		if err != nil {
			return in, usage(err)
		}
		in.Table = t
	}
	return in, nil
}

// compileRoute makes ready what a route says of a format, as flags of the same names would.
func compileRoute(w io.Writer, g *globals, lf lines.Format) (func() lines.Formatter, error) {
	if lf.Preset == preset.AutoName {
		return nil, hinted(usagef("routes: preset auto looks at how a log begins, and messages come one by one"),
			`preset = "syslog", which is what there is without one, chooses by the program's name`)
	}
	f := formatFlags{delimiter: lf.Delimiter, time: lf.Time, layout: lf.TimeLayout, zone: lf.TimeZone, maxLine: maxMaxLine, silent: true}
	f.Schemas, f.Preset, f.Events = lf.Schema, lf.Preset, lf.Events
	var fields []string
	for key, value := range lf.Fields {
		fields = append(fields, key+`="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)+`"`)
	}
	slices.Sort(fields)
	f.Fields = strings.Join(fields, ",")
	formatter, err := f.formatter(w, g)
	if err != nil {
		return nil, err
	}
	return func() lines.Formatter { return inputFormatter{formatter.Clone()} }, nil
}

// inputFormatter is a format.Formatter as inputs want one. What comes has just been written.
type inputFormatter struct{ *format.Formatter }

func (f inputFormatter) Append(dst, line []byte) ([]byte, lines.Verdict) {
	f.SetReference(time.Now())
	dst, verdict := f.Formatter.Append(dst, line)
	switch verdict {
	case format.Matched:
		return dst, lines.Doc
	case format.Skipped:
		return dst, lines.Skip
	}
	return dst, lines.Reject
}
