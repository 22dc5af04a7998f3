package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"logctl/internal/config"
	"logctl/reports"
	"logctl/store"
)

// The states of a check.
const (
	wellState = "ok"
	warnState = "warn"
	failState = "fail"
)

// diagnosis is what a check has found, and what to do about it.
type diagnosis struct{ check, state, found, next string }

// doctor gathers diagnoses.
type doctor struct {
	conf config.Config
	app  string
	list []diagnosis
}

func (d *doctor) well(check, format string, args ...any) {
	d.list = append(d.list, diagnosis{check, wellState, fmt.Sprintf(format, args...), ""})
}

func (d *doctor) warn(check, next, format string, args ...any) {
	d.list = append(d.list, diagnosis{check, warnState, fmt.Sprintf(format, args...), next})
}

func (d *doctor) fail(check, next, format string, args ...any) {
	d.list = append(d.list, diagnosis{check, failState, fmt.Sprintf(format, args...), next})
}

// failed is fail of an error, whose own hint goes before next.
func (d *doctor) failed(check, next string, err error) {
	if hint := hintOf(err); hint != "" {
		next = hint
	}
	d.fail(check, next, "%s", oneLine(err.Error()))
}

func newDoctor(g *globals) *cobra.Command {
	o := &outputFlag{}
	var app string
	c := &cobra.Command{
		Use:   "doctor [--app APP]",
		Short: "Test everything from this machine to the store and back",
		Long: `Test what has to be right for logs to arrive and be read: the configuration, the data directory, the disk, the store, clocks,
certificates, the door, a doc that is written as ship does, read and deleted again, design documents, the schedule, what waits in a
spool, rejects, the journal. Each line says ok, warn or fail, and what to do. It is for admins: other accounts see less.

  logctl doctor
  logctl doctor --app fail2ban -o json

The doc goes to --app, by default the first one there is, and has a member "doctor".

Exit status: 0 all is well, 1 something is broken, 2 usage, 3 something needs a look.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runDoctor(c.Context(), streamsOf(c), g, o, app) },
	}
	o.addFlags(c.Flags())
	c.Flags().StringVar(&app, "app", "", "the app to test with")
	return c
}

func runDoctor(ctx context.Context, std streams, g *globals, o *outputFlag, app string) error {
	if err := o.check(); err != nil {
		return err
	}
	if app != "" {
		if err := checkApp(app); err != nil {
			return err
		}
	}
	d := &doctor{app: app}
	var err error
	if d.conf, err = g.config(); err != nil {
		d.failed("configuration", "correct the file that LOGCTL_CONFIG names, or ~/.config/logctl.conf", err)
	} else {
		d.examine(ctx, std, g)
	}
	worst := statusDone
	_, err = o.write(std.out, reports.Result{
		Columns: []reports.Column{{Name: "check"}, {Name: "state"}, {Name: "found"}, {Name: "next"}},
		Rows: func(yield func([]any, error) bool) {
			for _, l := range d.list {
				switch {
				case l.state == failState:
					worst = statusFailed
				case l.state == warnState && worst == statusDone:
					worst = statusPartly
				}
				if !yield([]any{l.check, l.state, l.found, l.next}, nil) {
					return
				}
			}
		},
	})
	if err != nil || worst == statusDone {
		return err
	}
	return &statusError{status: worst}
}

// examine makes all checks, from here to the store and back.
func (d *doctor) examine(ctx context.Context, std streams, g *globals) {
	d.configuration()
	d.directory()
	d.disk()
	d.certificate()
	c, err := g.client(ctx, std)
	if err != nil {
		d.failed("store", "logctl status", err)
	} else {
		defer c.Close()
		d.store(ctx, c)
	}
	d.schedule(ctx)
	d.spool()
	d.journal(ctx)
}

// configuration tells where commands go to.
func (d *doctor) configuration() {
	if d.conf.URL == "" {
		d.well("configuration", "the store is the directory %s", d.conf.Data)
		return
	}
	who := "as a stranger"
	switch {
	case d.conf.User != "":
		who = "as " + d.conf.User
	case d.conf.TokenFile != "":
		who = "with a token"
	case d.conf.CertFile != "":
		who = "with a certificate"
	}
	d.well("configuration", "the store is %s, %s", d.conf.URL, who)
}

// notAllowed tells errors of accounts that may not know.
func notAllowed(err error) bool {
	return store.IsKind(err, store.KindUnauthorized) || store.IsKind(err, store.KindForbidden)
}
