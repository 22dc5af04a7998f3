package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/internal/config"
	"logctl/proxy/ca"
)

type caServeOptions struct {
	caDir
	listen     string
	hosts      []string
	secretFile string
	allow      []string
	life       lifeValue
}

func newCAServe(g *globals) *cobra.Command {
	o := &caServeOptions{life: lifeValue(ca.DefaultLife)}
	c := &cobra.Command{
		Use:   "serve",
		Short: "Give and renew certificates over HTTPS",
		Long: `Give certificates over HTTPS to machines that send a CSR whose challengePassword is the secret word or a code made
with "logctl ca code", and renew them for machines that show the old one. Its own certificate comes from the same CA.

  logctl ca serve --listen :5988 --host ca.example.com --allow '*.example.com'
  logctl ca serve --listen :5988 --host ca.example.com --secret-file /etc/logctl/ca.word

  POST /sign   a CSR in PEM, gives a certificate in PEM      GET /ca    the root in PEM
  POST /renew  the same, over TLS with the old certificate   GET /crl   the revocation list in PEM

--secret-file holds a word of 12 characters at least, in its first line, that is good any number of times; it is read anew for each request. Without it only codes
are good. A certificate has one name, the CSR's common name, which nobody else holds; with --allow names must fit one of
the patterns, and the CSR may ask for more of them. Ten wrong secrets make an address wait.

SIGTERM and Ctrl-C end it.

Exit status: 0 stopped, 1 failed, 2 usage, 4 not allowed.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runCAServe(c.Context(), streamsOf(c), g, o) },
	}
	o.addFlags(c.Flags())
	return c
}

func (o *caServeOptions) addFlags(fs *pflag.FlagSet) {
	o.caDir.addFlags(fs)
	fs.StringVar(&o.listen, "listen", "127.0.0.1:5988", "address to listen at")
	fs.StringArrayVar(&o.hosts, "host", nil, "a name or an address that machines reach it by, may be given again (default: this machine's, localhost)")
	fs.StringVar(&o.secretFile, "secret-file", "", "file with the secret word")
	fs.StringArrayVar(&o.allow, "allow", nil, "pattern of names, as '*.example.com', may be given again (default: any name)")
	fs.Var(&o.life, "life", "how long certificates are good")
}

// minWord is how long a secret word must be: many know it, and it is good for ever.
const minWord = 12

func (o *caServeOptions) policy() (ca.Policy, error) {
	p := ca.Policy{Allow: o.allow, Life: time.Duration(o.life)}
	for _, pattern := range o.allow {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			return p, usagef("--allow %q is no pattern", pattern)
		}
	}
	if o.secretFile == "" {
		return p, nil
	}
	p.Word = func() (string, error) {
		word, err := config.ReadSecret(o.secretFile)
		if err == nil && len(word) < minWord {
			err = fmt.Errorf("the secret word in %s has fewer than %d characters", o.secretFile, minWord)
		}
		return word, err
	}
	_, err := p.Word()
	return p, err
}

func runCAServe(ctx context.Context, std streams, g *globals, o *caServeOptions) error {
	p, err := o.policy()
	if err != nil {
		return err
	}
	hosts := o.hosts
	if len(hosts) == 0 {
		name, err := hostname()
		if err != nil {
			return err
		}
		hosts = []string{name, "localhost", "127.0.0.1", "::1"}
	}
	c, err := o.open(g)
	if err != nil {
		return err
	}
	defer c.Close()
	log := slog.New(slog.NewTextHandler(std.err, nil))
	signer, err := ca.NewSigner(ca.SignerOptions{CA: c, Hosts: hosts, Policy: p, Log: log})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return listening(err)
	}
	log.Info("listening", "url", "https://"+l.Addr().String(), "fingerprint", c.Fingerprint())
	return signer.Serve(ctx, l)
}
