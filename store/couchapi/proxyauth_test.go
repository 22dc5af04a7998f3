package couchapi

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
	"testing"
)

const handlersSetting = "/_node/_local/_config/chttpd/authentication_handlers"

// TestProxyAuth believes the headers of a proxy where there is no door and the settings name the handler, and nowhere else.
func TestProxyAuth(t *testing.T) {
	t.Parallel()
	said := func(name, token string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("X-Auth-CouchDB-UserName", name)
			r.Header.Set("X-Auth-CouchDB-Roles", "ops, _admin")
			r.Header.Set("X-Auth-CouchDB-Token", token)
		}
	}
	token := func(algorithm func() hash.Hash, secret, name string) string {
		m := hmac.New(algorithm, []byte(secret))
		m.Write([]byte(name))
		return hex.EncodeToString(m.Sum(nil))
	}
	behind, bare := newTestHandler(t, Options{}), newTestHandler(t, Options{Bare: true})
	if got := who(bare, said("jan", "")); got != "null" {
		t.Errorf("before it is turned on: %s", got)
	}
	for _, h := range []*Handler{behind, bare} {
		expect(t, h, "PUT", handlersSetting, `"{chttpd_auth, proxy_authentication_handler}, {chttpd_auth, cookie_authentication_handler}"`, 200)
		expect(t, h, "PUT", "/_node/_local/_config/chttpd_auth/proxy_use_secret", `"true"`, 200)
	}
	for _, secret := range []string{"", "s3cret"} {
		for _, h := range []*Handler{behind, bare} {
			expect(t, h, "PUT", "/_node/_local/_config/chttpd_auth/secret", `"`+secret+`"`, 200)
		}
		for given, want := range map[string]string{
			"": "null", "xx": "null", "00": "null", token(sha1.New, secret, "eva"): "null", token(sha1.New, "other", "jan"): "null",
			token(sha1.New, secret, "jan"): "jan", token(sha256.New, secret, "jan"): "jan",
		} {
			if secret == "" {
				want = "null"
			}
			if got := who(bare, said("jan", given)); got != want {
				t.Errorf("secret %q, token %q: %s, want %s", secret, given, got, want)
			}
			if got := who(behind, said("jan", given)); got != "null" {
				t.Errorf("behind a door: %s", got)
			}
		}
	}
	for _, h := range []*Handler{behind, bare} {
		expect(t, h, "PUT", "/_node/_local/_config/chttpd_auth/proxy_use_secret", `"false"`, 200)
	}
	if got := who(behind, said("jan", "")); got != "null" {
		t.Errorf("behind a door, without a secret: %s", got)
	}
	const want = `"userCtx":{"name":"jan","roles":["ops","_admin"]},"info":{"authentication_handlers":["proxy","cookie","default"],"authenticated":"proxy"}`
	if w := anonymous(bare, "GET", "/_session", "", said("jan", "")); !strings.Contains(w.Body.String(), want) {
		t.Errorf("%s, want %s", w.Body, want)
	}
	if w := anonymous(behind, "GET", "/_session", ""); !strings.Contains(w.Body.String(), `"authentication_handlers":["cookie","default"]}`) {
		t.Errorf("behind a door: %s", w.Body)
	}
	expect(t, bare, "DELETE", handlersSetting, "", 200)
	if got := who(bare, said("jan", "")); got != "null" {
		t.Errorf("after it was turned off: %s", got)
	}
}

// TestAccountsElsewhere has the accounts in another database than _users, where there is no door.
func TestAccountsElsewhere(t *testing.T) {
	t.Parallel()
	const setting = "/_node/_local/_config/chttpd_auth/authentication_db"
	for _, bare := range []bool{true, false} {
		h := newTestHandler(t, Options{Bare: bare})
		makeUser(t, h, "jan", "pw")
		expect(t, h, "PUT", "/people", "", 201)
		expect(t, h, "PUT", setting, `"people"`, 200)
		const eva = `{"name":"eva","type":"user","roles":[],"password":"pw"}`
		answer := expect(t, h, "PUT", "/people/org.couchdb.user:eva", eva, 201)
		kept := expect(t, h, "GET", "/people/org.couchdb.user:eva", "", 200)
		if strings.Contains(kept, "derived_key") != bare {
			t.Errorf("bare %v: kept as %s", bare, kept)
		}
		for name, there := range map[string]bool{"eva": bare, "jan": !bare} {
			want := "401"
			if there {
				want = name
			}
			if got := who(h, withBasic(name, "pw")); got != want {
				t.Errorf("bare %v, %s: %s, want %s", bare, name, got, want)
			}
		}
		if got := expect(t, h, "GET", "/_session", "", 200); strings.Contains(got, `"authentication_db":"people"`) != bare {
			t.Errorf("bare %v: %s", bare, got)
		}
		if !bare {
			expect(t, h, "GET", "/people/_design/_auth", "", 404)
			continue
		}
		expect(t, h, "GET", "/people/_design/_auth", "", 404)
		expect(t, h, "DELETE", "/_users", "", 200)
		makeUser(t, h, "jan", "pw")
		expect(t, h, "GET", "/people/_design/_auth", "", 200)
		expect(t, h, "PUT", "/people/_security", "{}", 403)
		expect(t, h, "PUT", "/_node/_local/_config/couchdb/users_db_security_editable", `"true"`, 200)
		expect(t, h, "PUT", "/people/_security", "{}", 200)
		for path, status := range map[string]int{
			"/people/org.couchdb.user:eva": 200, "/people/org.couchdb.user:x": 404, "/people/_all_docs": 401, "/people/_changes": 401, "/people/_design/_auth": 403,
		} {
			if w := anonymous(h, "GET", path, "", withBasic("eva", "pw")); w.Code != status {
				t.Errorf("%s: %d, want %d", path, w.Code, status)
			}
		}
		cookie := login(t, h, "eva", "pw")
		expect(t, h, "DELETE", "/people/org.couchdb.user:eva?rev="+revOf(t, answer), "", 200)
		if got := who(h, withCookie(cookie)); got != "null" {
			t.Errorf("the cookie of nobody any more is %s's", got)
		}
		expect(t, h, "DELETE", "/people", "", 200)
		expect(t, h, "PUT", "/people", "", 201)
		expect(t, h, "GET", "/people/_design/_auth", "", 200)
		expect(t, h, "DELETE", setting, "", 200)
		if got := who(h, withBasic("jan", "pw")); got != "jan" {
			t.Errorf("back again: %s", got)
		}
	}
}
