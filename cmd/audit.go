package cmd

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/internal/app"
	"logctl/proxy/audit"
	"logctl/reports"
	"logctl/store"
)

type auditOptions struct {
	outputFlag
	db    string
	as    string
	plant bool
	all   bool
}

func newAudit(g *globals) *cobra.Command {
	o := &auditOptions{}
	c := &cobra.Command{
		Use:   "audit URL --db DB",
		Short: "Try as a stranger what a door in front of a CouchDB lets through",
		Long: `Ask a server, as a stranger, for everything that CouchDB has to read or to change, in every spelling that some
server on the way may understand differently, and show what was let through. It knows CouchDB's API and nothing of the
server: it works on a logctl serve, on an nginx in front of a CouchDB, on a CouchDB itself.

  logctl audit https://log.example.com --db log_shop --plant
  logctl audit https://log.example.com --db log_shop --user alice --password-file alice.password
  logctl audit https://log.example.com --db log_shop --token-file web1.token --as writer --plant
  logctl audit https://log.example.com --db log_mail --token-file web1.token --as outsider --plant

A stranger may write docs to DB and nothing else. --plant writes one first, with a secret word in it, so that a leak is
proven by what an answer shows.

--user, --token-file or --cert-file makes the same round as somebody, and --as says what that somebody may do: a writer
writes docs to DB, a reader reads it (the default with --user), an analyst changes what is in it, too, an outsider neither
reads nor writes it.

What is let through does no harm: it is a doc, a database or an account with a random name, or a change that no server can
carry out. Docs that a round writes stay there, with a member "audit".

Shown is a row for each route with the worst that was found and in which spellings; --all shows those too that were refused
in all. -o json has every request.

Exit status: 0 nothing was let through, 1 something was, or the server does not answer, 2 usage.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return runAudit(c.Context(), streamsOf(c), g, o, args[0])
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *auditOptions) addFlags(fs *pflag.FlagSet) {
	o.outputFlag.addFlags(fs)
	fs.StringVar(&o.db, "db", "", "a database that the caller may write to, such as log_shop")
	fs.StringVar(&o.as, "as", "", "what the caller may do: stranger, writer, outsider, reader or analyst")
	fs.BoolVar(&o.plant, "plant", false, "write a doc first and look for it in all answers")
	fs.BoolVar(&o.all, "all", false, "show routes that were refused, too")
}

func runAudit(ctx context.Context, s streams, g *globals, o *auditOptions, address string) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.db == "" {
		return hinted(usagef("--db names the database to ask for"), "logctl audit "+address+" --db log_shop --plant")
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return usagef("the address to ask must look like https://log.example.com")
	}
	if u.User != nil {
		return hinted(usagef("the address holds a name or a password"), "set LOGCTL_USER and LOGCTL_PASSWORD_FILE")
	}
	ao := audit.Options{URL: u, DB: o.db, Plant: o.plant}
	if err := o.caller(g, &ao); err != nil {
		return err
	}
	report, err := audit.Run(ctx, ao)
	if errors.As(err, new(*tls.CertificateVerificationError)) {
		return hinted(err, store.HintCertificate)
	} else if err != nil {
		return err
	}
	if err := o.show(s, report); err != nil {
		return err
	}
	leaks := report.Leaks()
	fmt.Fprintf(s.err, "logctl: %d requests, %d let through that should not be\n", len(report.Findings), leaks)
	if slices.Contains([]audit.Role{"", audit.Stranger, audit.Writer}, ao.As) && !report.Wrote() {
		fmt.Fprintf(s.err, "logctl: note: no doc could be written to %s: is it a database that takes some, such as log_shop?\n", o.db)
	}
	if leaks > 0 {
		return &statusError{status: statusFailed}
	}
	return nil
}

// caller says who asks: somebody with a token, an account or a certificate, or a stranger.
func (o *auditOptions) caller(g *globals, ao *audit.Options) error {
	conf, err := g.config()
	if err != nil {
		return err
	}
	if ao.TLS, err = app.ClientTLS(conf); err != nil {
		return err
	}
	switch {
	case conf.TokenFile != "":
		token, err := conf.Token()
		if err != nil {
			return err
		}
		ao.Authorization = "Bearer " + token
	case conf.User != "":
		password, err := conf.Password()
		if err != nil {
			return err
		}
		ao.Authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(conf.User+":"+password))
		ao.As = audit.Reader
	}
	if o.as != "" {
		ao.As = audit.Role(o.as)
	}
	if ao.As != "" && !slices.Contains(audit.Roles, ao.As) {
		return usagef("--as is stranger, writer, outsider, reader or analyst, not %q", o.as)
	}
	if ao.As == "" && (ao.Authorization != "" || conf.CertFile != "") {
		return hinted(usagef("say what the token or the certificate is for"), "logctl audit "+ao.URL.String()+" --db "+o.db+" --as writer")
	}
	return nil
}

// show writes every request for a program, and a row for each route for a person.
func (o *auditOptions) show(s streams, report *audit.Report) error {
	if reports.Format(o.name) == reports.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetEscapeHTML(false)
		return enc.Encode(report)
	}
	_, err := o.write(s.out, auditResult(report, o.all))
	return err
}

// auditRow is what was found about one route.
type auditRow struct {
	worst     audit.Finding
	spellings []string
}

// auditResult has a row for each route, the worst finding first.
func auditResult(report *audit.Report, all bool) reports.Result {
	var rows []*auditRow
	byRoute := map[string]*auditRow{}
	for _, f := range report.Findings {
		key := f.Method + " " + f.Path + " " + f.What
		row := byRoute[key]
		if row == nil {
			row = &auditRow{worst: f}
			byRoute[key] = row
			rows = append(rows, row)
		}
		if f.Verdict.Worse(row.worst.Verdict) {
			row.worst, row.spellings = f, nil
		}
		if f.Verdict == row.worst.Verdict && f.Verdict.Leak() {
			row.spellings = append(row.spellings, f.Spelling)
		}
	}
	if !all {
		rows = slices.DeleteFunc(rows, func(r *auditRow) bool { return r.worst.Verdict == audit.Refused || r.worst.Verdict == audit.Silent })
	}
	slices.SortStableFunc(rows, func(a, b *auditRow) int {
		switch {
		case a.worst.Verdict.Worse(b.worst.Verdict):
			return -1
		case b.worst.Verdict.Worse(a.worst.Verdict):
			return 1
		}
		return 0
	})
	return reports.Result{
		Columns: []reports.Column{{Name: "verdict"}, {Name: "method"}, {Name: "path"}, {Name: "what"}, {Name: "status", Number: true}, {Name: "spellings"}, {Name: "detail"}},
		Rows: reports.Each(rows, func(r *auditRow) []any {
			f := r.worst
			return []any{string(f.Verdict), f.Method, f.Path, f.What, int64(f.Status), strings.Join(r.spellings, ", "), f.Detail}
		}),
	}
}
