package app

import (
	"encoding/base64"
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
	trust, err := ClientTLS(cfg)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig:       trust,
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
		Token:     cfg.TokenFile != "",
		Where:     base.String(),
		close:     func() error { transport.CloseIdleConnections(); return nil },
	}
	switch {
	case cfg.User != "" && cfg.TokenFile != "":
		return nil, &store.Error{Kind: store.KindBadRequest, Reason: "both an account and a token are named",
			Hint: "set LOGCTL_USER (--user) or LOGCTL_TOKEN_FILE (--token-file), not both"}
	case cfg.TokenFile != "":
		token, err := cfg.Token()
		if err != nil {
			return nil, badFile("the token", "LOGCTL_TOKEN_FILE (--token-file) names a file whose first line it is; logctl token create makes one", err)
		}
		conn.Transport = authorized{next: transport, host: base.Host, header: "Bearer " + token}
		return conn, nil
	case cfg.User == "":
		return conn, nil
	}
	if cfg.PasswordFile == "" {
		return nil, &store.Error{Kind: store.KindUnauthorized, Reason: "no password for " + cfg.User,
			Hint: "name a file that holds it: LOGCTL_PASSWORD_FILE=FILE or --password-file FILE"}
	}
	password, err := cfg.Password()
	if err != nil {
		return nil, badFile("the password of "+cfg.User, "LOGCTL_PASSWORD_FILE (--password-file) names a file whose first line it is", err)
	}
	conn.Transport = authorized{next: transport, host: base.Host, header: basic(cfg.User, password)}
	return conn, nil
}

// parseBase checks a server's URL. A password in it would show in process lists and errors, so it is refused.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, badURL("the server's URL must begin with http:// or https:// and a host")
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

// authorized signs requests to one host in, and to no other that a redirect may lead to.
type authorized struct {
	next   http.RoundTripper
	host   string
	header string // the value of Authorization
}

func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == a.host {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", a.header)
	}
	return a.next.RoundTrip(r)
}

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}
