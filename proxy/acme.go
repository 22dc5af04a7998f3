package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACMEOptions say who gives a door its certificates, by the protocol of RFC 8555. Domains and Cache have no defaults.
type ACMEOptions struct {
	Domains   []string     // names that there will be a certificate for
	Directory string       // URL of the CA's directory; "": Let's Encrypt's
	Email     string       // where the CA can reach a person; "" is none
	Cache     string       // directory for the account's key and the certificates, made with 0700, its files with 0600
	Log       *slog.Logger // nil: nothing is logged
}

// ACME gets certificates when they are first asked for, keeps them in a directory and renews them a month before they end. Using it
// accepts the CA's terms. It is safe for concurrent use.
type ACME struct {
	manager *autocert.Manager
	log     *slog.Logger
	quiet   quiet
	late    quiet
}

// NewACME makes an ACME. Nothing is asked of the CA yet.
func NewACME(o ACMEOptions) *ACME {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Directory == "" {
		o.Directory = acme.LetsEncryptURL
	}
	return &ACME{log: o.Log, quiet: quiet{every: time.Minute}, late: quiet{every: time.Hour}, manager: &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		HostPolicy: autocert.HostWhitelist(o.Domains...),
		Cache:      acmeCache{autocert.DirCache(o.Cache)},
		Email:      o.Email,
		Client:     &acme.Client{DirectoryURL: o.Directory, UserAgent: "logctl"},
	}}
}

// TLSConfig is TLS 1.2 and later with the CA's certificates. It also answers the CA's challenge tls-alpn-01, for which the CA
// connects to port 443 of each domain.
func (a *ACME) TLSConfig() *tls.Config {
	conf := a.manager.TLSConfig()
	conf.MinVersion = tls.VersionTLS12
	conf.GetCertificate = a.certificate
	return conf
}

// Redirect is the function of that name for the ACME's domains alone; it also answers the CA's challenge http-01. Serve it at port 80 of
// each domain.
func (a *ACME) Redirect(secure net.Addr) http.Handler {
	return a.manager.HTTPHandler(redirect(secure, a.isOurs))
}

// isOurs tells whether a name, in small letters, is one of the ACME's domains.
func (a *ACME) isOurs(name string) bool {
	return a.manager.HostPolicy(context.Background(), name) == nil // a list, which takes no time
}

// certificate tells the log why there is none, and when one is not renewed, of which autocert says nothing. Names that nobody asked a
// certificate for are nothing to tell: strangers send them.
func (a *ACME) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	cert, err := a.manager.GetCertificate(hello)
	now := time.Now()
	switch {
	case !a.isOurs(strings.ToLower(hello.ServerName)):
	case err != nil:
		if a.quiet.may(now) {
			a.log.Warn("no certificate from the CA", "domain", hello.ServerName, "err", err)
		}
	case isLate(cert.Leaf, now) && a.late.may(now):
		a.log.Warn("certificate not renewed: see whether this server reaches the CA, and the CA port 443 or 80 of the domain",
			"domain", hello.ServerName, "until", cert.Leaf.NotAfter)
	}
	return cert, err
}

// isLate tells whether a certificate should have been renewed: half of the time for that, the last third of its life or 30 days, is over.
// The answers to challenges have no leaf.
func isLate(leaf *x509.Certificate, now time.Time) bool {
	const month = 30 * 24 * time.Hour
	return leaf != nil && leaf.NotAfter.Sub(now) < min(leaf.NotAfter.Sub(leaf.NotBefore)/3, month)/2
}

// acmeCache keeps what keeps it from reading the answer to a challenge to itself: autocert sends that, with the name of the file, to whoever
// asks at port 80.
type acmeCache struct{ autocert.DirCache }

func (c acmeCache) Get(ctx context.Context, key string) ([]byte, error) {
	data, err := c.DirCache.Get(ctx, key)
	if err != nil && strings.HasSuffix(key, "+http-01") {
		err = autocert.ErrCacheMiss
	}
	return data, err
}
