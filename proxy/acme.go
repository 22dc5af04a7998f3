package proxy

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
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
	domains []string
}

// NewACME makes an ACME. Nothing is asked of the CA yet.
func NewACME(o ACMEOptions) *ACME {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Directory == "" {
		o.Directory = acme.LetsEncryptURL
	}
	return &ACME{log: o.Log, domains: o.Domains, manager: &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		HostPolicy: autocert.HostWhitelist(o.Domains...),
		Cache:      autocert.DirCache(o.Cache),
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
	isOurs := func(host string) bool { return a.manager.HostPolicy(context.Background(), host) == nil } // a list, which takes no time
	return a.manager.HTTPHandler(redirect(secure, isOurs))
}

// certificate tells the log why there is none. Names that nobody asked a certificate for are nothing to tell: strangers send them.
func (a *ACME) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	cert, err := a.manager.GetCertificate(hello)
	if err != nil && slices.Contains(a.domains, hello.ServerName) && a.quiet.may(time.Now()) {
		a.log.Warn("no certificate from the CA", "domain", hello.ServerName, "err", err)
	}
	return cert, err
}
