package app

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"logctl/internal/config"
	"logctl/store"
)

func connectRemote(cfg config.Config) (*Conn, error) {
	base, err := parseBase(cfg.URL)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
	conn := &Conn{
		BaseURL:   strings.TrimSuffix(base.String(), "/"),
		Transport: transport,
		Anonymous: cfg.User == "",
		Where:     base.String(),
		close:     func() error { transport.CloseIdleConnections(); return nil },
	}
	if cfg.User == "" {
		return conn, nil
	}
	if cfg.PasswordFile == "" {
		return nil, &store.Error{Kind: store.KindUnauthorized, Reason: "no password for " + cfg.User,
			Hint: "name a file that holds it: LOGCTL_PASSWORD_FILE=FILE or --password-file FILE"}
	}
	password, err := cfg.Password()
	if err != nil {
		return nil, err
	}
	conn.Transport = basicAuth{next: transport, host: base.Host, name: cfg.User, password: password}
	return conn, nil
}

// parseBase checks a server's URL. A password in it would show in process lists and errors, so it is refused.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, badURL("the server's URL is not one")
	case u.User != nil:
		return nil, &store.Error{Kind: store.KindBadRequest, Reason: "the server's URL holds a name or a password",
			Hint: "leave them out of it; set LOGCTL_USER and LOGCTL_PASSWORD_FILE"}
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, badURL(fmt.Sprintf("the server's URL %q must begin with http:// or https:// and a host", s))
	case u.RawQuery != "" || u.Fragment != "":
		return nil, badURL(fmt.Sprintf("the server's URL %q must have no query and no fragment", s))
	}
	return u, nil
}

func badURL(reason string) error {
	return &store.Error{Kind: store.KindBadRequest, Reason: reason, Hint: "LOGCTL_URL or --url looks like https://log.example.com"}
}

// basicAuth signs requests to one host in, and to no other that a redirect may lead to.
type basicAuth struct {
	next           http.RoundTripper
	host           string
	name, password string
}

func (b basicAuth) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == b.host {
		r = r.Clone(r.Context())
		r.SetBasicAuth(b.name, b.password)
	}
	return b.next.RoundTrip(r)
}
