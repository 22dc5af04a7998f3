package couchapi

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"

	"logctl/store"
)

// handlers are the ways to tell who calls, in the order in which they are tried. Cookies and passwords are always among them; the
// setting authentication_handlers adds what it names, as in CouchDB, but only where no door is before the handler.
func (h *Handler) handlers() []string {
	all := []string{"cookie", "default"}
	if named, _ := h.settings.get("chttpd", "authentication_handlers"); h.o.Bare && strings.Contains(named, "proxy_authentication_handler") {
		all = append([]string{"proxy"}, all...)
	}
	return all
}

// identifyProxy takes a proxy's word for who calls: headers with the name and the roles and, with proxy_use_secret, the name's HMAC.
// Without a secret nobody is believed then.
func (h *Handler) identifyProxy(x *exchange) {
	name := x.r.Header.Get("X-Auth-CouchDB-UserName")
	if name == "" {
		return
	}
	if h.settings.flag("chttpd_auth", "proxy_use_secret") {
		secret, _ := h.settings.get("chttpd_auth", "secret")
		token, err := hex.DecodeString(x.r.Header.Get("X-Auth-CouchDB-Token"))
		if secret == "" || err != nil || !signs(sha256.New, secret, name, token) && !signs(sha1.New, secret, name, token) {
			return
		}
	}
	x.caller, x.authed = store.Caller{Name: name, Roles: splitList(x.r.Header.Get("X-Auth-CouchDB-Roles"))}, "proxy"
}

func signs(algorithm func() hash.Hash, secret, text string, mac []byte) bool {
	m := hmac.New(algorithm, []byte(secret))
	m.Write([]byte(text))
	return hmac.Equal(m.Sum(nil), mac)
}
