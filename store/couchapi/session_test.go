package couchapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store/engine"
	"logctl/store/password"
)

// anonymous sends a request without a caller of its own.
func anonymous(h http.Handler, method, path, body string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func withBasic(name, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(name, password) }
}

func withCookie(c *http.Cookie) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(c) }
}

func makeUser(t *testing.T, h http.Handler, name, password string) string {
	t.Helper()
	_, rev, _ := strings.Cut(expect(t, h, "PUT", "/_users/org.couchdb.user:"+name,
		fmt.Sprintf(`{"name":%q,"type":"user","roles":["ops"],"password":%q}`, name, password), 201), `"rev":"`)
	rev, _, _ = strings.Cut(rev, `"`)
	return rev
}

func login(t *testing.T, h http.Handler, name, password string) *http.Cookie {
	t.Helper()
	w := anonymous(h, "POST", "/_session", fmt.Sprintf(`{"name":%q,"password":%q}`, name, password))
	if w.Code != 200 || len(w.Result().Cookies()) != 1 {
		t.Fatalf("login of %s: %d %s", name, w.Code, w.Body)
	}
	return w.Result().Cookies()[0]
}

func who(h http.Handler, edit ...func(*http.Request)) string {
	w := anonymous(h, "GET", "/_session", "", edit...)
	if _, rest, ok := strings.Cut(w.Body.String(), `"userCtx":{"name":`); ok && w.Code == 200 {
		name, _, _ := strings.Cut(rest, ",")
		return strings.Trim(name, `"`)
	}
	return fmt.Sprint(w.Code)
}

func TestSessionEndsWithThePassword(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	rev := makeUser(t, h, "jan", "one")
	cookie := login(t, h, "jan", "one")
	if got := who(h, withCookie(cookie)); got != "jan" {
		t.Fatalf("with a cookie: %s", got)
	}
	forged := *cookie
	forged.Value = forged.Value[:len(forged.Value)-2] + "AA"
	if got := who(h, withCookie(&forged)); got == "jan" {
		t.Error("a forged cookie is believed")
	}
	expect(t, h, "PUT", "/_users/org.couchdb.user:jan",
		`{"_rev":"`+rev+`","name":"jan","type":"user","roles":[],"password":"two"}`, 201)
	if got := who(h, withCookie(cookie)); got != "null" {
		t.Errorf("after a new password the old cookie is %s's", got)
	}
	if got := who(h, withBasic("jan", "one")); got != "401" {
		t.Errorf("with the old password: %s", got)
	}
	if got := who(h, withBasic("jan", "two")); got != "jan" {
		t.Errorf("with the new password: %s", got)
	}
}

// TestAdminSession shows that an admin, who has no document, can log in with a cookie.
func TestAdminSession(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	cookie := login(t, h, testAdmin, testAdminPassword)
	if w := anonymous(h, "GET", "/_all_dbs", "", withCookie(cookie)); w.Code != 200 {
		t.Errorf("an admin's cookie: %d %s", w.Code, w.Body)
	}
	other := newTestHandler(t, Options{})
	if got := who(other, withCookie(cookie)); got != "null" {
		t.Errorf("another server takes the cookie for %s's", got)
	}
}

// TestSessionTimes checks when a cookie is renewed and when it is over.
// TestNobody has the name and password that stand for no account: a browser that was sent there has forgotten its own.
func TestNobody(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	if got := who(h, withBasic("_", "_")); got != "null" {
		t.Error(got)
	}
	if got := who(h, withBasic("_", "")); got != "401" {
		t.Error(got)
	}
}

// TestNextPage has where a login and a logout send a browser: to a page of this server, however it is spelled.
func TestNextPage(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	makeUser(t, h, "jan", "one")
	for _, c := range []struct {
		query, location string
		status          int
	}{
		{"", "", 200},
		{"?next=/_utils/%23x", "http://example.com/_utils/#x", 302},
		{"?next=//evil/x", "http://example.com/evil/x", 302},
		{"?next=/%5Cevil", "http://example.com/evil", 302},
		{"?next=", "", 400},
		{"?next=x", "", 400},
		{"?next=http://evil/", "", 400},
	} {
		for method, body := range map[string]string{"POST": `{"name":"jan","password":"one"}`, "DELETE": ""} {
			w := anonymous(h, method, "/_session"+c.query, body)
			if got := w.Header().Get("Location"); w.Code != c.status || got != c.location {
				t.Errorf("%s %s: %d to %q, want %d to %q", method, c.query, w.Code, got, c.status, c.location)
			}
			if set := w.Header().Get("Set-Cookie"); (set != "") != (c.status != 400) {
				t.Errorf("%s %s: %d sets %q", method, c.query, w.Code, set)
			}
		}
	}
	w := anonymous(h, "POST", "/_session?next=/", `{"name":"jan","password":"two"}`)
	if w.Code != 401 || w.Header().Get("Location") != "" {
		t.Errorf("with a wrong password: %d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestSessionTimes(t *testing.T) {
	h := &Handler{o: Options{SessionTimeout: 10 * time.Minute}, secret: []byte("secret")}
	for _, c := range []struct {
		age     time.Duration
		valid   bool
		renewed bool
	}{
		{0, true, false}, {30 * time.Second, true, false}, {2 * time.Minute, true, true}, {11 * time.Minute, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			h.accounts = newAccounts(nil, oneAdmin{}, newSettings(nil), slog.New(slog.DiscardHandler))
			h.accounts.users = &usersDB{engine: openTestEngine(t), settings: h.accounts.settings}
			if _, err := h.accounts.login(t.Context(), testAdmin, testAdminPassword, "here"); err != nil {
				t.Fatal(err)
			}
			salt, _, err := h.accounts.session(testAdmin)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			x := &exchange{h: h, w: w, r: httptest.NewRequest("GET", "/", nil)}
			h.setSession(x, testAdmin, salt)
			time.Sleep(c.age) // the bubble's own clock

			again := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/", nil)
			r.AddCookie(w.Result().Cookies()[0])
			x = &exchange{h: h, w: again, r: r}
			if err := h.identifyCookie(x); err != nil {
				t.Fatal(err)
			}
			if valid := x.caller.Name == testAdmin; valid != c.valid {
				t.Errorf("a cookie of %v is valid: %v", c.age, valid)
			}
			if renewed := len(again.Result().Cookies()) > 0; renewed != c.renewed {
				t.Errorf("a cookie of %v is renewed: %v", c.age, renewed)
			}
		})
	}
}

func TestLockout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccounts(nil, oneAdmin{}, newSettings(nil), slog.New(slog.DiscardHandler))
		a.users = &usersDB{engine: openTestEngine(t), rounds: testRounds, settings: a.settings}
		for range password.LockoutAfter {
			if _, err := a.login(t.Context(), testAdmin, "wrong", "here"); err == nil {
				t.Fatal("a wrong password is right")
			}
		}
		if _, err := a.login(t.Context(), testAdmin, testAdminPassword, "here"); err == nil || !strings.Contains(err.Error(), "locked") {
			t.Errorf("after %d failures: %v", password.LockoutAfter, err)
		}
		if _, err := a.login(t.Context(), testAdmin, testAdminPassword, "elsewhere"); err != nil {
			t.Errorf("from another address: %v", err)
		}
		time.Sleep(password.LockoutFor + time.Second)
		if _, err := a.login(t.Context(), testAdmin, testAdminPassword, "here"); err != nil {
			t.Errorf("after the time: %v", err)
		}
	})
}

// TestLockoutAsSet turns the lockout off, and has a new password open a locked account.
func TestLockoutAsSet(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	const admin, setting = "/_node/_local/_config/admins/jan", "/_node/_local/_config/chttpd_auth_lockout/"
	guess := func() int {
		for range password.LockoutAfter {
			who(h, withBasic("jan", "wrong"))
		}
		return anonymous(h, "GET", "/_session", "", withBasic("jan", "wrong")).Code
	}
	expect(t, h, "PUT", admin, `"pw"`, 200)
	for _, mode := range []string{"warn", "off"} {
		expect(t, h, "PUT", setting+"mode", `"`+mode+`"`, 200)
		if got := guess(); got != 401 {
			t.Errorf("%s: %d", mode, got)
		}
	}
	expect(t, h, "DELETE", setting+"mode", "", 200)
	if got := guess(); got != 403 {
		t.Errorf("as it is unless set: %d", got)
	}
	expect(t, h, "PUT", admin, `"new"`, 200)
	if got := who(h, withBasic("jan", "new")); got != "jan" {
		t.Errorf("the new password: %s", got)
	}
	expect(t, h, "PUT", setting+"threshold", `"1"`, 200)
	who(h, withBasic("jan", "wrong"))
	if got := anonymous(h, "GET", "/_session", "", withBasic("jan", "new")).Code; got != 403 {
		t.Errorf("after as many as are set: %d", got)
	}
}

func openTestEngine(t testing.TB) *engine.Engine {
	t.Helper()
	e, err := engine.Open(t.TempDir(), engine.Options{CacheSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// TestRestart shows what a handler finds again of the one before: the cookies' key and the settings.
func TestRestart(t *testing.T) {
	t.Parallel()
	e := openTestEngine(t)
	open := func() *Handler {
		h := New(Options{Engine: e, Admins: oneAdmin{}, PasswordRounds: testRounds})
		t.Cleanup(func() {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		})
		return h
	}
	first := open()
	makeUser(t, first, "jan", "pw")
	cookie := login(t, first, "jan", "pw")
	expect(t, first, "PUT", "/_node/_local/_config/chttpd/require_valid_user", `"true"`, 200)
	second := open()
	if got := who(second, withCookie(cookie)); got != "jan" {
		t.Errorf("the cookie of before is %s's", got)
	}
	if got := who(second); got != "401" {
		t.Errorf("the setting is forgotten: %s", got)
	}
}

// TestNobodysPasswordIsDerived: a name that nobody has takes as long as one with a wrong password, for the same work is done.
func TestNobodysPasswordIsDerived(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := newTestHandler(t, Options{})
			if known {
				makeUser(t, h, "jan", "one")
			}
			a := h.accounts
			a.deriving = make(chan struct{}, 1)
			a.deriving <- struct{}{} // somebody else's turn
			done := make(chan error, 1)
			go func() {
				_, err := a.login(t.Context(), "jan", "two", "192.0.2.1")
				done <- err
			}()
			synctest.Wait()
			select {
			case err := <-done:
				t.Errorf("known %v: answered without work: %v", known, err)
			default:
			}
			<-a.deriving
			if err := <-done; err == nil || err.Error() != "Name or password is incorrect." {
				t.Errorf("known %v: %v", known, err)
			}
		})
	}
}
