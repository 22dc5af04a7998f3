package couchapi

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"

	"logctl/store"
	"logctl/store/headers"
)

// believesProxies tells whether a proxy may say who calls: where no door is before the handler, and the setting
// authentication_handlers names that way as a CouchDB's may.
func (h *Handler) believesProxies() bool {
	if !h.o.Bare {
		return false
	}
	named, _ := h.settings.get("chttpd", "authentication_handlers")
	return strings.Contains(named, "proxy_authentication_handler")
}

// identifyProxy takes a proxy's word for who calls: headers with the name and the roles and, with proxy_use_secret, the name's HMAC.
// Without a secret nobody is believed then. It tells whether somebody was named.
func (h *Handler) identifyProxy(x *exchange) bool {
	name := x.r.Header.Get("X-Auth-CouchDB-UserName")
	if name == "" {
		return false
	}
	if h.settings.flag("chttpd_auth", "proxy_use_secret") {
		secret, _ := h.settings.get("chttpd_auth", "secret")
		token, err := hex.DecodeString(x.r.Header.Get("X-Auth-CouchDB-Token"))
		if secret == "" || err != nil || !signs(sha256.New, secret, name, token) && !signs(sha1.New, secret, name, token) {
			return false
		}
	}
	x.caller, x.authed = store.Caller{Name: name, Roles: headers.List(x.r.Header.Get("X-Auth-CouchDB-Roles"))}, "proxy"
	return true
}

func signs(algorithm func() hash.Hash, secret, text string, mac []byte) bool {
	m := hmac.New(algorithm, []byte(secret))
	m.Write([]byte(text))
	return hmac.Equal(m.Sum(nil), mac)
}
