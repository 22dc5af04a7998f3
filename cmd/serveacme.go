package cmd

import (
	"net"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"logctl/proxy"
)

// acmeFlags name the CA that a serve gets its certificates from.
type acmeFlags struct {
	domains          []string
	directory, email string
}

func (a *acmeFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&a.domains, "acme-domain", nil, "get a certificate for the name from a CA by ACME, may be given again")
	fs.StringVar(&a.directory, "acme-directory", "", "URL of the CA's ACME directory (default Let's Encrypt's)")
	fs.StringVar(&a.email, "acme-email", "", "where the CA can reach you, with --acme-domain")
}

// options checks the flags. certFiles tells whether there are certificates of one's own.
func (a *acmeFlags) options(certFiles bool) (proxy.ACMEOptions, error) {
	o := proxy.ACMEOptions{Domains: a.domains, Directory: a.directory, Email: a.email}
	switch {
	case len(a.domains) == 0 && (a.directory != "" || a.email != ""):
		return o, usagef("--acme-directory and --acme-email go with --acme-domain")
	case len(a.domains) > 0 && certFiles:
		return o, usagef("--acme-domain gets a certificate, --tls-cert names one: give one of them")
	}
	for _, name := range a.domains {
		if !strings.Contains(name, ".") || strings.ContainsAny(name, "*/:@ ") || net.ParseIP(name) != nil {
			return o, usagef("--acme-domain: %q is no name of a domain, such as log.example.com", name)
		}
	}
	if u, err := url.Parse(a.directory); a.directory != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return o, usagef("--acme-directory: %q is no URL", a.directory)
	}
	return o, nil
}
