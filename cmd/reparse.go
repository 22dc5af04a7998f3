package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/ship"
	"logctl/store"
)

type reparseOptions struct {
	formatFlags
	container containerFlags
	wait      time.Duration
}

func newReparse(g *globals) *cobra.Command {
	o := &reparseOptions{}
	c := &cobra.Command{
		Use:   "reparse APP (--schema S | --preset P)",
		Short: "Make docs of an app's rejects with a better schema",
		Long: `Run an app's rejects through a better schema. Lines that fit become docs, as if they had been shipped with it, and are
rejects no longer; the others stay.

  logctl status web
  logctl reparse web --schema '$ip:ip _ $user \[$time:date _\] $request:quoted $status:int' --schema '$ip:ip $request...'

Give the --fields that the lines were shipped with. Lines of which only the beginning is kept stay rejects, and so do those that
--match or a preset's --events leave out. A scheduled ship keeps rejecting the same lines until it has the better schema, too.

It may be killed at any moment and run again: a doc's id is the one that ship gives it, so none is stored twice, and no reject is
removed before all docs are stored. It takes an admin's account, or an analyst's of the app.

Exit status: 0 done, 1 failed, 2 usage, 3 some rejects stay, 4 not allowed, 5 the server is away: try again later.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return runReparse(c.Context(), streamsOf(c), g, o, args[0])
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *reparseOptions) addFlags(fs *pflag.FlagSet) {
	o.formatFlags.addFlags(fs)
	o.container.addFlags(fs)
	fs.DurationVar(&o.wait, "wait", time.Minute, "how long to wait for a server that is away")
}

func runReparse(ctx context.Context, std streams, g *globals, o *reparseOptions, app string) error {
	if err := checkApp(app); err != nil {
		return err
	}
	if o.wait < 0 {
		return usagef("--wait must not be below zero")
	}
	formatter, _, err := o.container.formatter(&o.formatFlags, std.err, g)
	if err != nil {
		return err
	}
	extend, err := o.geoip.extend(noter(std.err))
	if err != nil {
		return err
	}
	rejects, err := store.RejectsDB(app)
	if err != nil {
		return usage(err)
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	q := store.NewViewQuery()
	q.IncludeDocs = true
	sum, err := ship.Reparse(ctx, ship.ReparseOptions{
		Endpoint: ship.Endpoint{BaseURL: c.conn.BaseURL, Transport: c.conn.Transport, Compress: !c.conn.InProcess},
		App:      app, Rejects: c.AllDocs(ctx, rejects, q), Extend: extend, Wait: o.wait,
		Format: func(reference time.Time) ship.Formatter {
			formatter.SetReference(reference)
			return shipFormatter{formatter}
		},
	})
	sayReparsed(std.err, sum)
	if store.IsKind(err, store.KindDocValidation) {
		err = hinted(usage(err), "give it another name in --schema or --fields")
	}
	switch {
	case store.IsKind(err, store.KindForbidden):
		return hinted(err, "this takes an account that may change it: logctl user add NAME --analyst "+app)
	case err != nil:
		return c.explain(err, app)
	case sum.Stored+sum.There < sum.Rejects:
		return &statusError{status: statusPartly}
	}
	return nil
}

// sayReparsed tells on w what became of the rejects.
func sayReparsed(w io.Writer, s ship.Reparsed) {
	for _, r := range s.Reasons {
		fmt.Fprintf(w, "logctl: error: the server refuses %s: %s\n", count(r.Lines, "line"), oneLine(r.Text))
	}
	var stay []string
	for _, left := range []struct {
		n   int64
		why string
	}{{s.NoFit, "do not fit"}, {s.Cut, "too long to be whole"}, {s.Refused, "refused"}, {s.Skipped, "skipped"}, {s.Odd, "no lines"}} {
		if left.n > 0 {
			stay = append(stay, fmt.Sprintf("%d %s", left.n, left.why))
		}
	}
	fmt.Fprintf(w, "logctl: %s: %d stored, %d already there", count(s.Rejects, "reject"), s.Stored, s.There)
	if len(stay) > 0 {
		fmt.Fprintf(w, "; these stay: %s", strings.Join(stay, ", "))
	}
	fmt.Fprintln(w)
	if moved := s.Stored + s.There; s.Removed < moved {
		fmt.Fprintf(w, "logctl: %s still among the rejects, their docs are safe: run it again\n", count(moved-s.Removed, "moved line"))
	}
}
