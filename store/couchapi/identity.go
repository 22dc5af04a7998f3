package couchapi

import (
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"logctl/store"
	"logctl/store/password"
)

// identify finds out who sends the request. A caller that the process itself has put into the context wins over all
// that the request says; then a proxy that is believed, the session cookie and basic authentication, as in CouchDB.
func (h *Handler) identify(x *exchange) error {
	if c, ok := store.CallerFrom(x.ctx()); ok {
		x.caller, x.authed = c, "default"
		return nil
	}
	if h.believesProxies() && h.identifyProxy(x) {
		return nil
	}
	if err := h.identifyCookie(x); err != nil || x.authed != "" {
		return err
	}
	if err := h.identifyBasic(x); err != nil || x.authed != "" {
		return err
	}
	but := h.settings.flag("chttpd", "require_valid_user_except_for_up")
	isLogin := x.r.Method == http.MethodPost && x.r.URL.Path == "/_session"
	if (but || h.settings.flag("chttpd", "require_valid_user")) && !isLogin && !(but && x.r.URL.Path == "/_up") {
		return errUnauthorized("Authentication required.")
	}
	return nil
}

func (h *Handler) identifyBasic(x *exchange) error {
	text, ok := cutScheme(x.r.Header.Get("Authorization"), "Basic")
	if !ok || text == "" {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return errBadRequest("Authorization header has invalid base64 value")
	}
	name, plain, ok := strings.Cut(string(raw), ":")
	if !ok || name == "_" && plain == "_" { // how a browser is made to forget an account
		return nil
	}
	caller, err := h.accounts.login(x.ctx(), name, plain, peer(x.r))
	if err != nil {
		return err
	}
	x.caller, x.authed = caller, "default"
	return nil
}

// cutScheme is what follows an authentication scheme in a header's value.
func cutScheme(header, scheme string) (string, bool) {
	if len(header) < len(scheme)+1 || !strings.EqualFold(header[:len(scheme)], scheme) || header[len(scheme)] != ' ' {
		return "", false
	}
	return strings.TrimSpace(header[len(scheme)+1:]), true
}

// identifyCookie reads the session cookie. One that is not of its form is refused, one that is too old or that nobody signed is as none.
func (h *Handler) identifyCookie(x *exchange) error {
	c, err := x.r.Cookie(sessionCookie)
	if err != nil || c.Value == "" {
		return nil
	}
	session, err := password.ParseSession(c.Value)
	if err != nil {
		return errBadRequest("Malformed AuthSession cookie. Please clear your cookies.")
	}
	salt, caller, err := h.accounts.session(session.Name)
	if err != nil {
		if errors.Is(err, errNoAccount) {
			return nil
		}
		return err
	}
	if !session.IsSigned(h.secret, salt) {
		return nil
	}
	left := h.o.SessionTimeout - time.Since(session.At)
	if left <= 0 {
		return nil
	}
	x.caller, x.authed = caller, "cookie"
	if left < h.o.SessionTimeout*9/10 {
		h.setSession(x, session.Name, salt)
	}
	return nil
}

// peer is the address that the request came from, without the port.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
