package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/proxy/ca"
	"logctl/reports"
)

func newCA(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "ca",
		Short: "Give machines certificates: a small certificate authority",
		Long: `Run a small certificate authority: machines that have the secret word, or a code that is good once, get a
certificate and renew it by themselves. docs/ca.md tells all of it.

  logctl ca init                      once: the root, and its fingerprint to tell to the machines
  logctl ca serve --host ca.example.com --listen :5988
  logctl ca code --for web1           a code that is good once; on web1: logctl join https://ca.example.com:5988
  logctl ca list
  logctl ca revoke web1

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newCAInit(g), newCAServe(g), newCACode(g), newCAList(g), newCARevoke(g), newCAIssue(g))
	return c
}

// caDir is --dir of the commands that work on a CA.
type caDir struct{ dir string }

func (d *caDir) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&d.dir, "dir", "", "directory of the CA (default: ca in the data directory)")
}

// path is the CA's directory.
func (d *caDir) path(g *globals) (string, error) {
	if d.dir != "" {
		return d.dir, nil
	}
	conf, err := g.config()
	if err != nil {
		return "", err
	}
	return filepath.Join(conf.Data, "ca"), nil
}

// open opens the CA; the caller closes it.
func (d *caDir) open(g *globals) (*ca.CA, error) {
	dir, err := d.path(g)
	if err != nil {
		return nil, err
	}
	return ca.Open(dir)
}

// lifeValue is a flag's duration, which may have days: 90d.
type lifeValue time.Duration

func (v *lifeValue) String() string {
	d := time.Duration(*v)
	if day := 24 * time.Hour; d > 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return d.String()
}

func (v *lifeValue) Type() string { return "duration" }

func (v *lifeValue) Set(s string) error {
	const maxDays = 3650
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > maxDays {
			return fmt.Errorf("must be 1d to %dd, or as 12h", maxDays)
		}
		*v = lifeValue(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Minute {
		return fmt.Errorf("must be a minute at least, as in 1h or 90d")
	}
	*v = lifeValue(d)
	return nil
}

func newCAInit(g *globals) *cobra.Command {
	var d caDir
	var name string
	c := &cobra.Command{
		Use:   "init",
		Short: "Make a CA and show its fingerprint",
		Long: `Make a CA: its key, which only you may read, and its root certificate, good for ten years. It prints the root's
fingerprint, by which machines know it; run it again to see that again.

  logctl ca init
  logctl ca init --dir /etc/logctl/ca --name "Example logs"

Exit status: 0 done, or there was one already, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runCAInit(streamsOf(c), g, &d, name) },
	}
	d.addFlags(c.Flags())
	c.Flags().StringVar(&name, "name", "logctl CA", "the root's common name")
	return c
}

func runCAInit(std streams, g *globals, d *caDir, name string) error {
	dir, err := d.path(g)
	if err != nil {
		return err
	}
	if name == "" || len(name) > 64 {
		return usagef("--name must have 1 to 64 characters")
	}
	fingerprint, made, err := ca.Init(dir, name)
	if err != nil {
		return err
	}
	if made {
		fmt.Fprintf(std.err, "logctl: made a CA in %s; keep a copy of the directory where nobody else reads it\n", dir)
	} else {
		fmt.Fprintf(std.err, "logctl: there is a CA in %s\n", dir)
	}
	_, err = fmt.Fprintln(std.out, fingerprint)
	return err
}

func newCACode(g *globals) *cobra.Command {
	var d caDir
	var name string
	life := lifeValue(time.Hour)
	c := &cobra.Command{
		Use:   "code [--for NAME]",
		Short: "Make a code that is good for one certificate",
		Long: `Make a code that is good for one certificate: of the machine that --for names, or of any. The CA keeps only a hash of it.

  logctl ca code --for web1
  logctl ca code --for web1 --expires 1d | ssh web1 'umask 077; cat >code; logctl join https://ca.example.com:5988 --code-file code --fingerprint sha256:…'

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return runCACode(streamsOf(c), g, &d, name, time.Duration(life))
		},
	}
	d.addFlags(c.Flags())
	c.Flags().StringVar(&name, "for", "", "the one name that it is good for")
	c.Flags().Var(&life, "expires", "how long it is good")
	return c
}

func runCACode(std streams, g *globals, d *caDir, name string, life time.Duration) error {
	if name != "" {
		if err := ca.CheckName(name); err != nil {
			return usage(fmt.Errorf("--for: %w", err))
		}
	}
	c, err := d.open(g)
	if err != nil {
		return err
	}
	defer c.Close()
	code, err := c.NewCode(name, life)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.out, code)
	return err
}

func newCAList(g *globals) *cobra.Command {
	var d caDir
	o := &outputFlag{}
	c := &cobra.Command{
		Use:   "list",
		Short: "List the certificates that were given",
		Long: `List all certificates that the CA has given, in that order: whose, until when, why, and whether they are live, expired or
revoked.

  logctl ca list
  logctl ca list -o json

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runCAList(streamsOf(c), g, &d, o) },
	}
	d.addFlags(c.Flags())
	o.addFlags(c.Flags())
	return c
}

func runCAList(std streams, g *globals, d *caDir, o *outputFlag) error {
	if err := o.check(); err != nil {
		return err
	}
	c, err := d.open(g)
	if err != nil {
		return err
	}
	defer c.Close()
	list, err := c.List()
	if err != nil {
		return err
	}
	now := time.Now()
	n, err := o.write(std.out, reports.Result{
		Columns: []reports.Column{{Name: "name"}, {Name: "state"}, {Name: "issued"}, {Name: "expires"}, {Name: "use", Minor: true}, {Name: "by", Minor: true}, {Name: "from", Minor: true}, {Name: "serial", Minor: true}, {Name: "names", Minor: true}},
		Rows: reports.Each(list, func(i ca.Issued) []any {
			use := "client"
			if i.Server {
				use = "server"
			}
			return []any{i.Name, i.State(now), i.Issued.Format(time.RFC3339), i.Expires.Format(time.RFC3339), use, i.By, i.From, i.Serial, i.DNS}
		}),
	})
	if err == nil && n == 0 {
		fmt.Fprintln(std.err, "logctl: no certificates")
	}
	return err
}

func newCARevoke(g *globals) *cobra.Command {
	var d caDir
	c := &cobra.Command{
		Use:   "revoke SERIAL|NAME",
		Short: "Revoke a certificate, or all of a name",
		Long: `Revoke the certificate with a serial number, or all live ones of a name. They can't be renewed any more, the name is free for
another machine, and the revocation list, which the CA serves at /crl and keeps in crl.pem in its directory, has them at once.

  logctl ca revoke web1
  logctl ca revoke 5f3b0c…

Exit status: 0 done, also if they were revoked already, 1 failed, or there are none, 2 usage.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return runCARevoke(streamsOf(c), g, &d, args[0]) },
	}
	d.addFlags(c.Flags())
	return c
}

func runCARevoke(std streams, g *globals, d *caDir, what string) error {
	c, err := d.open(g)
	if err != nil {
		return err
	}
	defer c.Close()
	revoked, err := c.Revoke(what)
	for _, i := range revoked {
		fmt.Fprintf(std.err, "logctl: revoked %s, %s\n", i.Name, i.Serial)
	}
	if err == nil && len(revoked) == 0 {
		fmt.Fprintln(std.err, "logctl: nothing to revoke: no certificate of it is live")
	}
	return err
}

func newCAIssue(g *globals) *cobra.Command {
	var d caDir
	var hosts []string
	var out string
	life := lifeValue(365 * 24 * time.Hour)
	c := &cobra.Command{
		Use:   "issue --host HOST --out FILE",
		Short: "Make a certificate for a server, such as a logctl serve",
		Long: `Make a key and a certificate for a server that the machines of this CA then trust, in one file with the root. Run it again
before its end; the key stays.

  logctl ca issue --host log.example.com --host 192.0.2.7 --out server.pem
  logctl serve --listen :5984 --tls-cert server.pem --tls-key server.pem

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return runCAIssue(streamsOf(c), g, &d, hosts, out, time.Duration(life))
		},
	}
	d.addFlags(c.Flags())
	c.Flags().StringArrayVar(&hosts, "host", nil, "a name or an address of the server, may be given again")
	c.Flags().StringVar(&out, "out", "", "file to write the key, the certificate and the root to")
	c.Flags().Var(&life, "life", "how long it is good")
	return c
}

func runCAIssue(std streams, g *globals, d *caDir, hosts []string, out string, life time.Duration) error {
	if len(hosts) == 0 || out == "" {
		return hinted(usagef("--host says for which server, --out where to"), "logctl ca issue --host log.example.com --out server.pem")
	}
	c, err := d.open(g)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.IssueServer(out, hosts, life); err != nil {
		return err
	}
	fmt.Fprintf(std.err, "logctl: %s is good until %s\n", out, time.Now().Add(life).Format(time.DateOnly))
	return nil
}

// hostname is this machine's name as certificates have it.
func hostname() (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("find this machine's name: %w", err)
	}
	return strings.ToLower(name), nil
}
