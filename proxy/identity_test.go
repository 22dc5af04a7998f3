package proxy

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
)

// TestSignedIn sends credentials: the request goes through with them, and who is behind them is asked once in a while.
func TestSignedIn(t *testing.T) {
	t.Parallel()
	for _, cred := range [][2]string{
		{"Authorization", "Basic cmVhZGVyOnB3"},
		{"Cookie", "a=b; AuthSession=good-reader; c=d"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeCouch()
			door := newDoor(f)
			get := func() {
				t.Helper()
				w := call(door, "GET", "/log_app/_all_docs?limit=1", "", cred[0], cred[1], "X-Custom", "kept",
					"X-Forwarded-For", "9.9.9.9", "X-Auth-CouchDB-Roles", "_admin", "Connection", cred[0], "Forwarded", "for=9.9.9.9")
				if w.Code != 200 {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
			}
			get()
			get()
			time.Sleep(sessionTime + 1)
			get()
			read := "GET /log_app/_all_docs?limit=1"
			if got, want := f.seen(), []string{"GET /_session", read, read, "GET /_session", read}; !slices.Equal(got, want) {
				t.Errorf("asked %q, want %q", got, want)
			}
			for i, h := range f.headers {
				if h.Get(cred[0]) != cred[1] || h.Get("X-Forwarded-For") != "192.0.2.1" {
					t.Errorf("request %d came with %v", i, h)
				}
				for _, name := range []string{"X-Auth-Couchdb-Roles", "Connection", "Forwarded"} {
					if h.Get(name) != "" {
						t.Errorf("request %d came with %s", i, name)
					}
				}
			}
			if h := f.headers[1]; h.Get("X-Custom") != "kept" {
				t.Errorf("the caller's own header is gone: %v", h)
			}
		})
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	tests := []struct {
		name, kind, body string
		status           int
		cookie           string
	}{
		{"right", form, "name=reader&password=pw", 200, "AuthSession=good-reader; Version=1; Path=/; HttpOnly; SameSite=Lax"},
		{"wrong", form, "name=reader&password=no", 401, ""},
		{"JSON", jsonType, `{"name":"reader","password":"pw"}`, 200, "AuthSession=good-reader; Version=1; Path=/; HttpOnly; SameSite=Lax"},
		{"no form", "text/plain", "name=reader&password=pw", 415, ""},
		{"endless", form, strings.Repeat("x", maxSession+1), 413, ""},
	}
	for _, tt := range tests {
		f := newFakeCouch()
		w := call(newDoor(f), "POST", "/_session?next=//evil", tt.body, "Content-Type", tt.kind)
		if w.Code != tt.status || w.Header().Get("Set-Cookie") != tt.cookie {
			t.Errorf("%s: %d, cookie %q", tt.name, w.Code, w.Header().Get("Set-Cookie"))
		}
		for i, req := range f.seen() {
			if req != "POST /_session" || f.headers[i].Get("X-Forwarded-For") != "192.0.2.1" {
				t.Errorf("%s: asked %q with %v", tt.name, req, f.headers[i])
			}
		}
	}
}

// TestCallerOfTheProcess has the caller in the context, as code in the same process may.
func TestCallerOfTheProcess(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"admin": 200, "": 401} {
		up := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fakeAnswer(w, 200, "{}") })
		r := newRequest("GET", "/log_app/_all_docs", "")
		r = r.WithContext(store.WithCaller(r.Context(), store.Caller{Name: name}))
		w := &statusOnly{discard: discard{http.Header{}}}
		New(Options{Upstream: up}).ServeHTTP(w, r)
		if w.status != want {
			t.Errorf("caller %q: %d, want %d", name, w.status, want)
		}
	}
}

type statusOnly struct {
	discard
	status int
}

func (s *statusOnly) WriteHeader(status int) { s.status = status }

// TestStoreIsAway has credentials that cannot be checked.
func TestStoreIsAway(t *testing.T) {
	t.Parallel()
	for name, up := range map[string]http.HandlerFunc{
		"fails":      func(w http.ResponseWriter, _ *http.Request) { fakeError(w, 500, "crash", "/opt/couchdb") },
		"no JSON":    func(w http.ResponseWriter, _ *http.Request) { fakeAnswer(w, 200, "<html>") },
		"elsewhere":  func(w http.ResponseWriter, _ *http.Request) { fakeAnswer(w, 302, "") },
		"breaks off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		w := call(New(Options{Upstream: up}), "GET", "/log_app", "", "Authorization", "Basic cmVhZGVyOnB3")
		if word, reason := errorOf(t, w); w.Code != 503 || word != "service_unavailable" || reason != "The store is not available." {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSessions()
	now := time.Now()
	key := func(i int) sessionKey {
		return s.key(http.Header{"Authorization": {fmt.Sprint(i)}})
	}
	has := func(key sessionKey, now time.Time) bool {
		_, ok := s.get(key, now)
		return ok
	}
	for i := range maxSessions + 10 {
		s.add(key(i), caller{name: "a"}, now)
	}
	if len(s.known) != maxSessions || !has(key(0), now) || has(key(maxSessions), now) {
		t.Errorf("%d sessions", len(s.known))
	}
	later := now.Add(sessionTime)
	if has(key(0), later) {
		t.Error("a session is too old and still there")
	}
	s.add(key(maxSessions), caller{name: "a"}, later)
	if len(s.known) != 1 {
		t.Errorf("%d sessions after all but one have ended", len(s.known))
	}
	a := s.key(http.Header{"Authorization": {"a", "b"}})
	b := s.key(http.Header{"Authorization": {"ab"}})
	c := s.key(http.Header{"Cookie": {"a", "b"}})
	if a == b || a == c {
		t.Error("different credentials have one key")
	}
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	door := New(Options{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
	tests := []struct {
		peer      string
		forwarded []string
		proto     string
		client    string
		https     bool
	}{
		{"1.2.3.4:5", nil, "", "1.2.3.4", false},
		{"1.2.3.4:5", []string{"9.9.9.9"}, "https", "1.2.3.4", false},
		{"10.1.1.1:5", nil, "", "10.1.1.1", false},
		{"10.1.1.1:5", []string{"9.9.9.9"}, "https", "9.9.9.9", true},
		{"10.1.1.1:5", []string{"6.6.6.6, 9.9.9.9"}, "http", "9.9.9.9", false},
		{"10.1.1.1:5", []string{"6.6.6.6", "9.9.9.9, 10.2.2.2"}, "", "9.9.9.9", false},
		{"10.1.1.1:5", []string{"10.3.3.3, 10.2.2.2"}, "", "10.3.3.3", false},
		{"10.1.1.1:5", []string{"6.6.6.6, what"}, "", "10.1.1.1", false},
		{"[::ffff:10.1.1.1]:5", []string{"::ffff:9.9.9.9"}, "", "9.9.9.9", false},
		{"[::1]:5", []string{"2001:db8::1"}, "", "2001:db8::1", false},
		{"10.1.1.1:5", []string{"9.9.9.9:443, 10.2.2.2:80"}, "", "9.9.9.9", false},
		{"10.1.1.1:5", []string{"6.6.6.6", "[2001:db8::1]:443"}, "", "2001:db8::1", false},
		{"10.1.1.1:5", []string{"[2001:db8::1]"}, "", "2001:db8::1", false},
		{"10.1.1.1:5", []string{"6.6.6.6, [9.9.9.9:1"}, "", "10.1.1.1", false},
		{"10.1.1.1:5", []string{"6.6.6.6, 9.9.9.9:x"}, "", "10.1.1.1", false},
		{"@", []string{"9.9.9.9"}, "", "127.0.0.1", false},
	}
	for _, tt := range tests {
		r := newRequest("GET", "/", "", "X-Forwarded-Proto", tt.proto)
		r.RemoteAddr = tt.peer
		for _, f := range tt.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		if client, https := door.origin(r); client != tt.client || https != tt.https {
			t.Errorf("%s %q: %s %v, want %s %v", tt.peer, tt.forwarded, client, https, tt.client, tt.https)
		}
	}
}

// TestLoginIsReadOnce: the store is asked about the name that guesses count for and that the trail tells, however often and in whatever
// spelling there are names beside it.
func TestLoginIsReadOnce(t *testing.T) {
	t.Parallel()
	const form, object = "application/x-www-form-urlencoded", "application/json"
	for _, tt := range []struct{ kind, body, want string }{ // what the store gets, or the status of a refusal
		{form, "name=a&password=p", "name=a&password=p"},
		{form, "name=a&name=b&username=c&NAME=d&password=p&password=q", "name=a&password=p"},
		{form, "username=a;password=p", "name=a&password=p"},
		{form, "name=&username=a", "name=a&password="},
		{form, "n%61me=%C3%A4%26b&password=%E9+%00", "name=%C3%A4%26b&password=%E9+%00"},
		{form, "name=a%zz&password=p", "400"},
		{form, "Name=a&password=p", "400"},
		{form, "", "400"},
		{object, `{"name":"a","password":"p","NAME":"admin","Name":"admin"}`, "name=a&password=p"},
		{object, `{"n\u0061me":"b","name":"a","username":"c","password":"\u00e9&x=y"}`, "name=a&password=%C3%A9%26x%3Dy"},
		{object, `{"name":null,"username":"a","password":1}`, "name=a&password="},
		{object, `{"Name":"a"}`, "400"},
		{object, `[]`, "400"},
		{object, `{"name":"a"`, "400"},
	} {
		f := newFakeCouch()
		var got []string
		door := New(Options{Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/_session" {
				f.ServeHTTP(w, r)
				return
			}
			body, _ := io.ReadAll(r.Body)
			got = append(got, string(body))
			if kind := r.Header.Get("Content-Type"); kind != form {
				t.Errorf("the store gets %s", kind)
			}
			fakeAnswer(w, 200, `{"ok":true}`)
		}), Trail: true, AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") })})
		w := call(door, "POST", "/_session", tt.body, "Content-Type", tt.kind)
		if err := door.Close(); err != nil {
			t.Fatal(err)
		}
		if w.Code != 200 {
			got = append(got, strconv.Itoa(w.Code))
		}
		if len(got) != 1 || got[0] != tt.want {
			t.Errorf("%s: the store gets %q, want %q: %s", tt.body, got, tt.want, w.Body)
		}
		if trail := trailOf(t, f); w.Code == 200 && (len(trail) != 1 || !strings.HasPrefix(trail[0], "login a ") && !strings.HasPrefix(trail[0], "login ä&b ")) {
			t.Errorf("%s: the trail tells %q", tt.body, trail)
		}
	}
}

// Nobody gets to try the writer's password, in no way that a store reads one: wrong ones would lock the door's account.
func TestWriterIsNobodysAccount(t *testing.T) {
	t.Parallel()
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	form, object := "application/x-www-form-urlencoded", "application/json"
	for _, c := range []struct {
		want              int
		auth, kind, login string
	}{
		{want: 401, auth: basic("app_write:guess")},
		{want: 401, auth: strings.ToUpper("basic") + basic("app_write:guess")[5:]},
		{want: 400, auth: "Basic !!!!"},
		{want: 400, auth: "Basic"},
		{want: 401, kind: form, login: "name=app_write&password=guess"},
		{want: 401, kind: form, login: "username=app%5Fwrit%65;password=guess"},
		{want: 401, kind: form, login: "name=app_write&name=me&password=guess"},
		{want: 401, kind: object, login: `{"name":"app_write","password":"guess"}`},
		{want: 401, kind: object, login: `{"name":"app\u005fwrite","name":"app_write","password":"guess"}`},
	} {
		f := newFakeCouch()
		door := New(Options{Upstream: f, Writer: "app_write"})
		var w *httptest.ResponseRecorder
		if c.auth != "" {
			w = call(door, "GET", "/log_app", "", "Authorization", c.auth)
		} else {
			w = call(door, "POST", "/_session", c.login, "Content-Type", c.kind)
		}
		if w.Code != c.want || len(f.seen()) > 0 {
			t.Errorf("%+v: %d %s, the store saw %q", c, w.Code, w.Body, f.seen())
		}
	}
	f := newFakeCouch()
	if w := call(New(Options{Upstream: f, Writer: "app_write"}), "POST", "/_session", "name=reader&password=pw", "Content-Type", form); len(f.seen()) != 1 {
		t.Errorf("somebody else's login: %d, the store saw %q", w.Code, f.seen())
	}
}
