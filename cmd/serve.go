package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/internal/app"
	"logctl/internal/config"
	"logctl/proxy"
	"logctl/proxy/tenants"
)

type serveOptions struct {
	listen, redirectListen string
	couchdb                string
	writerPasswordFile     string
	tlsCert, tlsKey        string
	adminPasswordFile      string
	door                   string
	acme                   acmeFlags
	limits                 []string
	geoip                  geoipFlag
	inputs                 inputFlags

	clientCA, clientCRL, tenants string
	trusted                      []string
}

func newServe(g *globals) *cobra.Command {
	o := &serveOptions{}
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the door and, behind it, the embedded store or a CouchDB",
		Long: `Run the door: everybody may write to it, nobody may read without an account.

Behind it is the embedded store of the data directory or, with --couchdb, an Apache CouchDB 3.5.
The first start makes the account admin with a random password in DATA/admin.password.

  logctl serve
  logctl serve --listen :5984 --tls-cert cert.pem --tls-key key.pem --redirect-listen :80
  logctl serve --listen :443 --acme-domain log.example.com --acme-email me@example.com --redirect-listen :80
  logctl serve --couchdb http://127.0.0.1:5985 --writer-password-file /etc/logctl/writer.password

With --couchdb logs are written as the account app_write, which "logctl app create" makes; its password
comes from --writer-password-file, LOGCTL_WRITER_PASSWORD_FILE or LOGCTL_WRITER_PASSWORD.

--geoip adds to docs that are written without an account what is known of their addresses (docs/geoip.md). The files are read
again when they change.

Certificates are read again when their files change. --acme-domain has a CA give them, Let's Encrypt if --acme-directory names no
other: the CA connects to port 443 or, at --redirect-listen, 80 of the domain. They are kept in DATA/acme and renewed in time; with
--acme-domain you accept the CA's terms.

--client-ca and --tenants let machines in by certificates: those of the CA write or read what the table of tenants says
(docs/security.md); --client-crl names the list of those that are revoked. The files are read again when they change.

Behind a proxy of your own, --trusted-proxy has the address of its clients taken from X-Forwarded-For.

--syslog-udp, --syslog-tcp, --syslog-tls, --lines-tls and --loki take logs in other ways than as docs; docs/inputs.md tells how to
send them, and how --routes chooses their apps. "logctl status" shows what was lost on the way, if anything was.

  logctl serve --syslog-udp :514 --syslog-tcp :514 --loki --routes /etc/logctl/routes.toml

--limit bounds what callers may send, and how fast; --limit requests=100,body=1M gives each address a hundred requests a second and
bodies of a MiB. docs/security.md has the names and what they are by default. Whoever is over a limit is told when to come back,
and ship does so by itself.

--door off serves the embedded store itself, on this machine only, with CouchDB's own rules: nobody writes without an
account. It is for conformance suites and for finding out what the door does to a request.

SIGTERM and Ctrl-C end it cleanly, a second one at once.

Exit status: 0 stopped, 1 failed, 2 usage, 4 not allowed, 5 the data directory is in use.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runServe(c.Context(), streamsOf(c), g, o) },
	}
	o.addFlags(c.Flags())
	return c
}

func (o *serveOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.listen, "listen", "127.0.0.1:5984", "address of the door")
	fs.StringVar(&o.couchdb, "couchdb", "", "URL of an Apache CouchDB to use instead of the embedded store")
	fs.StringVar(&o.writerPasswordFile, "writer-password-file", "", "file with the password of app_write, with --couchdb")
	fs.StringVar(&o.tlsCert, "tls-cert", "", "PEM file with the certificate chain")
	fs.StringVar(&o.tlsKey, "tls-key", "", "PEM file with the certificate's key")
	o.acme.addFlags(fs)
	fs.StringVar(&o.clientCA, "client-ca", "", "PEM file with the CA of client certificates, with --tls-cert")
	fs.StringVar(&o.clientCRL, "client-crl", "", "PEM file with the revocation list of --client-ca")
	fs.StringVar(&o.tenants, "tenants", "", "TOML file that says what client certificates are for")
	fs.StringArrayVar(&o.trusted, "trusted-proxy", nil, "address or network of a proxy whose X-Forwarded headers are believed, may be given again")
	fs.StringVar(&o.redirectListen, "redirect-listen", "", "plain HTTP address that sends callers to the door, with --tls-cert or --acme-domain")
	fs.StringVar(&o.adminPasswordFile, "admin-password-file", "", "file with the admin's password (default DATA/admin.password)")
	fs.StringSliceVar(&o.limits, "limit", nil, "bound what callers send: NAME=NUMBER, with commas between; names are "+strings.Join(proxy.LimitNames(), ", "))
	o.geoip.addFlags(fs, "MaxMind databases (.mmdb, with commas between): add country, network, ... of addresses to what strangers write")
	o.inputs.addFlags(fs)
	fs.StringVar(&o.door, "door", "on", "off: the embedded store without the door, on a loopback address")
}

func runServe(ctx context.Context, s streams, g *globals, o *serveOptions) error {
	conf, err := g.config()
	if err != nil {
		return err
	}
	switch {
	case (o.tlsCert == "") != (o.tlsKey == ""):
		return usagef("--tls-cert and --tls-key go together")
	case o.redirectListen != "" && !o.secure():
		return usagef("--redirect-listen needs --tls-cert and --tls-key, or --acme-domain: there is nothing else to send callers to")
	case o.couchdb == "" && o.writerPasswordFile != "":
		return usagef("--writer-password-file goes with --couchdb")
	case (o.clientCA == "") != (o.tenants == ""), o.clientCA == "" && o.clientCRL != "":
		return usagef("--client-ca and --tenants go together, and --client-crl with them")
	case o.clientCA != "" && !o.secure():
		return usagef("--client-ca needs --tls-cert and --tls-key, or --acme-domain: there are no client certificates without TLS")
	case o.door != "on" && o.door != "off":
		return usagef("--door is on or off, not %q", o.door)
	case o.door == "off" && o.couchdb != "":
		return usagef("--door off is for the embedded store; a CouchDB can be asked without the door at its own address")
	case o.door == "off" && len(o.geoip.files) > 0:
		return usagef("--geoip is for what goes through the door")
	case o.door == "off" && len(o.limits) > 0:
		return usagef("--limit is for what goes through the door")
	case o.door == "off" && !isLoopback(o.listen):
		return hinted(usagef("--door off serves this machine alone, and %q can be reached from elsewhere", o.listen),
			"logctl serve --door off --listen 127.0.0.1:5984")
	}
	if err := o.inputs.check(o); err != nil {
		return err
	}
	so := app.ServeOptions{
		Listen: o.listen, RedirectListen: o.redirectListen, Data: conf.Data, CouchDB: o.couchdb,
		TLSCert: o.tlsCert, TLSKey: o.tlsKey, AdminPasswordFile: o.adminPasswordFile,
		Clients: tenants.Options{CA: o.clientCA, CRL: o.clientCRL, Table: o.tenants},
		Bare:    o.door == "off",
		Log:     slog.New(slog.NewTextHandler(s.err, nil)),
	}
	if so.Trusted, err = prefixes(o.trusted); err != nil {
		return err
	}
	if so.ACME, err = o.acme.options(o.tlsCert != ""); err != nil {
		return err
	}
	if so.Limits, err = proxy.ParseLimits(o.limits); err != nil {
		return usage(fmt.Errorf("--limit: %w", err))
	}
	so.Extend, err = o.geoip.extend(func(err error) { so.Log.Warn("geoip", "err", err) })
	if err != nil {
		return err
	}
	if so.Inputs, err = o.inputs.options(s.err, g); err != nil {
		return err
	}
	if o.couchdb != "" {
		if so.WriterPassword, err = writerPassword(o.writerPasswordFile); err != nil {
			return err
		}
		if so.WriterPassword == "" {
			return hinted(usagef("no password for app_write, the account that writes to the CouchDB"),
				"set LOGCTL_WRITER_PASSWORD_FILE, and run `logctl app create APP` with the same")
		}
	}
	app.BoundMemory()
	return listening(app.Serve(ctx, so))
}

// prefixes reads addresses and networks.
func prefixes(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var addr netip.Addr
			if addr, err = netip.ParseAddr(text); err == nil {
				p = netip.PrefixFrom(addr, addr.BitLen())
			}
		}
		if err != nil {
			return nil, usagef("--trusted-proxy %q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// secure tells whether the door speaks TLS.
func (o *serveOptions) secure() bool { return o.tlsCert != "" || len(o.acme.domains) > 0 }

// isLoopback tells whether an address to listen at can be reached from this machine only.
func isLoopback(address string) bool {
	a, err := net.ResolveTCPAddr("tcp", address)
	return err == nil && a.IP.IsLoopback()
}

// writerPassword is the password of app_write: of the file named, or as the environment says; "" if nobody says.
func writerPassword(file string) (string, error) {
	if file == "" {
		file = os.Getenv("LOGCTL_WRITER_PASSWORD_FILE")
	}
	if file == "" {
		return os.Getenv("LOGCTL_WRITER_PASSWORD"), nil
	}
	return config.ReadSecret(file)
}
