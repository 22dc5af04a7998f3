package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/internal/app"
	"logctl/internal/config"
	"logctl/internal/storebench"
	"logctl/reports"
	"logctl/store/couch"
)

func newBench(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure a store",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newBenchStore(g))
	return c
}

type benchStoreOptions struct {
	outputFlag
	docs int
}

func newBenchStore(g *globals) *cobra.Command {
	o := &benchStoreOptions{}
	c := &cobra.Command{
		Use:   "store",
		Short: "How fast a store takes docs and answers, and what it needs for that",
		Long: `Measure the server at --url, a logctl serve or an Apache CouchDB: single and bulk writes over one and several
connections, building the views of the reports, what the reports ask, and bytes on disk. Without --url a logctl
serve is started for it with an embedded store in a temporary directory ($TMPDIR), and its memory and the time it
takes to start are measured too.

  logctl bench store
  logctl bench store --docs 1000000 -o json > after.json
  logctl bench store --url http://127.0.0.1:5984 --user admin --password-file admin.password

The docs are made up: a year of fail2ban's bans of 2,000 addresses on three machines. They go to databases whose
names begin with log_bench_, which takes an admin's account and which are deleted afterwards. The same things have
the same names in every run, so that the figures of two can be laid side by side; compare what ran on the same
machine at about the same time.

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runBenchStore(c.Context(), streamsOf(c), g, o) },
	}
	o.addFlags(c.Flags())
	return c
}

func (o *benchStoreOptions) addFlags(fs *pflag.FlagSet) {
	o.outputFlag.addFlags(fs)
	fs.IntVar(&o.docs, "docs", 300_000, "docs to store and to ask about")
}

func runBenchStore(ctx context.Context, std streams, g *globals, o *benchStoreOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.docs < 1 {
		return usagef("--docs must be above zero")
	}
	conf, err := g.config()
	if err != nil {
		return err
	}
	bo := storebench.Options{Docs: o.docs, Progress: func(what string) { fmt.Fprintf(std.err, "logctl: %s\n", what) }}
	if conf.URL == "" {
		program, err := programPath()
		if err != nil {
			return err
		}
		if bo.Local, err = storebench.StartServer(ctx, program, "--limit", storebench.NoLimit); err != nil {
			return fmt.Errorf("start a server to measure: %w", err)
		}
		defer func() { err = errors.Join(err, bo.Local.Close()) }()
		conf = config.Config{URL: bo.Local.URL(), User: "admin", PasswordFile: bo.Local.PasswordFile()}
	}
	conn, err := app.Connect(ctx, conf, noter(std.err))
	if err != nil {
		return err
	}
	defer conn.Close()
	c, err := couch.New(couch.Options{URL: conn.BaseURL, Transport: conn.Transport})
	if err != nil {
		return err
	}
	bo.URL, bo.User, bo.Client = conn.BaseURL, conf.User, c
	if conf.User != "" {
		if bo.Password, err = conf.Password(); err != nil {
			return err
		}
	}
	measures, err := storebench.Run(ctx, bo)
	err = (&client{Client: c, conn: conn}).explain(err, "")
	if len(measures) > 1 { // the first one is the number of docs
		_, writeErr := o.write(std.out, measuresResult(measures))
		err = errors.Join(err, writeErr)
	}
	return err
}

func measuresResult(measures []storebench.Measure) reports.Result {
	return reports.Result{
		Columns: []reports.Column{{Name: "measure"}, {Name: "value", Number: true}, {Name: "unit"}},
		Rows: reports.Each(measures, func(m storebench.Measure) []any {
			value := json.RawMessage(strconv.AppendFloat(nil, m.Value, 'f', digits(m.Value), 64))
			return []any{m.Name, value, m.Unit}
		}),
	}
}

// digits is how many of a figure's decimals say something.
func digits(v float64) int {
	switch {
	case v == float64(int64(v)), v >= 1000:
		return 0
	case v >= 10:
		return 1
	}
	return 3
}
