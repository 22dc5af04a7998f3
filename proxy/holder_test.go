package proxy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/proxy/token"
)

// addToken puts a token into a fake and gives its text.
func addToken(t testing.TB, f *fakeCouch, may string, expires time.Time, apps ...string) string {
	t.Helper()
	id := token.NewID()
	text := token.NewText(id)
	r := token.Record{Apps: apps, May: strings.Fields(may), Secrets: []token.Secret{token.NewSecret(text, time.Now(), expires)}}
	doc, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if f.dbs[string(token.DB)] == nil {
		f.dbs[string(token.DB)] = map[string]string{}
	}
	f.dbs[string(token.DB)][token.DocPrefix+id] = string(doc)
	return text
}

// TestTokens asks with tokens for all kinds of things.
func TestTokens(t *testing.T) {
	t.Parallel()
	const find = `{"selector":{}}`
	tests := []struct {
		method, target, body string
		write, read          int    // the status for a token of app "app"
		asks                 string // what the store is asked where it is let through
	}{
		{"POST", "/log_app", `{"a":1}`, 201, 403, "POST /log_app"},
		{"POST", "/log_app_rejects", `{"a":1}`, 404, 403, "POST /log_app_rejects"},
		{"POST", "/log_app", `{"_rev":"1-a"}`, 403, 403, ""},
		{"POST", "/log_other", `{"a":1}`, 403, 403, ""},
		{"POST", "/log_none", `{"a":1}`, 403, 403, ""},
		{"POST", "/log_app/_bulk_docs", `{"docs":[]}`, 403, 403, ""},
		{"PUT", "/log_app/doc", `{}`, 403, 403, ""},
		{"GET", "/log_app", "", 403, 200, "GET /log_app"},
		{"GET", "/log_app/_all_docs?limit=1&startkey=%22a+b%22", "", 403, 200, "GET /log_app/_all_docs?limit=1&startkey=%22a+b%22"},
		{"GET", "/log_app/%5Fall_docs", "", 403, 200, "GET /log_app/_all_docs"},
		{"GET", "/log_app/_all_docs?limit=1&limit=2", "", 403, 403, ""},
		{"GET", "/log_app/_all_docs?l%69mit=1", "", 403, 403, ""},
		{"GET", "/log_app/_changes?feed=continuous&filter=_view&view=a/b", "", 403, 200, "GET /log_app/_changes?feed=continuous&filter=_view&view=a%2Fb"},
		{"GET", "/log_app/_changes?filter=a/b", "", 403, 403, ""},
		{"GET", "/log_app/_changes?filter=%5Fview%26filter=a", "", 403, 403, ""},
		{"GET", "/log_app/a%2Fb%20+c", "", 403, 200, "GET /log_app/a%2Fb%20%2Bc"},
		{"GET", "/log_app/doc/x.txt", "", 403, 200, "GET /log_app/doc/x.txt"},
		{"GET", "/log_app/_design/report/_view/attacks?group=true", "", 403, 200, "GET /log_app/_design/report/_view/attacks?group=true"},
		{"POST", "/log_app/_find", find, 403, 200, "POST /log_app/_find"},
		{"POST", "/log_app/_find", "{", 403, 400, ""},
		{"POST", "/log_app/_all_docs/queries", `{"queries":[]}`, 403, 200, "POST /log_app/_all_docs/queries"},
		{"GET", "/log_app_rejects/_all_docs", "", 403, 404, "GET /log_app_rejects/_all_docs"},
		{"GET", "/log_app/_design/x/_show/y", "", 403, 403, ""},
		{"GET", "/log_app/_design/x/_list/y/z", "", 403, 403, ""},
		{"GET", "/log_app/_design/x/_rewrite/y", "", 403, 403, ""},
		{"POST", "/log_app/_design/x/_update/y", find, 403, 403, ""},
		{"GET", "/log_app/_security", "", 403, 403, ""},
		{"PUT", "/log_app/_security", "{}", 403, 403, ""},
		{"PUT", "/log_app/_local/x", "{}", 403, 403, ""},
		{"DELETE", "/log_app", "", 403, 403, ""},
		{"GET", "/log_other/_all_docs", "", 403, 403, ""},
		{"GET", "/log_none/_all_docs", "", 403, 403, ""},
		{"GET", "/log_logctl_audit/_all_docs", "", 403, 403, ""},
		{"GET", "/logctl/_all_docs", "", 403, 403, ""},
		{"GET", "/_users/_all_docs", "", 403, 403, ""},
		{"GET", "/_all_dbs", "", 403, 403, ""},
		{"POST", "/_replicate", `{}`, 403, 403, ""},
		{"POST", "/_session", `{"name":"reader","password":"pw"}`, 403, 403, ""},
		{"DELETE", "/_session", "", 403, 403, ""},
		{"GET", "/_session", "", 200, 200, ""},
		{"GET", "/", "", 200, 200, ""},
		{"GET", "//log_app/_all_docs", "", 400, 400, ""},
		{"GET", "/log_app/../log_other/_all_docs", "", 400, 400, ""},
	}
	for _, tt := range tests {
		for may, want := range map[string]int{token.Write: tt.write, token.Read: tt.read} {
			f := newFakeCouch()
			f.dbs["log_other"] = map[string]string{}
			text := addToken(t, f, may, time.Time{}, "app")
			w := call(newDoor(f), tt.method, tt.target, tt.body, "Authorization", "Bearer "+text, "Content-Type", jsonType,
				"Cookie", "AuthSession=good-admin", "X-Custom", "x")
			var asks []string
			if tt.asks != "" && (want < 300 || want == 404) {
				asks = []string{tt.asks}
			}
			if w.Code != want || !slices.Equal(asked(f), asks) {
				t.Errorf("%s %s to %s: %d %s, asked %q; want %d", tt.method, tt.target, may, w.Code, w.Body, asked(f), want)
			}
			for i, h := range f.headers {
				if h.Get("Cookie") != "" || h.Get("X-Custom") != "" || strings.Contains(h.Get("Authorization"), text) {
					t.Errorf("%s %s: request %d came with %v", tt.method, tt.target, i, h)
				}
			}
			if strings.Contains(w.Header().Get("Server"), "Erlang") {
				t.Errorf("%s %s: the answer has %v", tt.method, tt.target, w.Header())
			}
		}
	}
}

// TestTokensEnd: one that is revoked or too old is none from the next request on, and the answer is always the same.
func TestTokensEnd(t *testing.T) {
	t.Parallel()
	f := newFakeCouch()
	door := newDoor(f)
	good := addToken(t, f, token.Read, time.Now().Add(time.Hour), "app")
	stale := addToken(t, f, token.Read, time.Now(), "app")
	get := func(authorization string) (int, string) {
		w := call(door, "GET", "/log_app/_all_docs", "", "Authorization", authorization)
		return w.Code, w.Body.String()
	}
	if code, body := get("bearer  " + good); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	const none = `{"error":"unauthorized","reason":"The token is not valid."}` + "\n"
	id, _ := token.ID(good)
	for name, text := range map[string]string{
		"too old": stale, "unknown": token.NewText(token.NewID()), "another secret": token.NewText(id), "cut": good[:40], "long": good + "a",
	} {
		if code, body := get("Bearer " + text); code != 401 || body != none {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	f.mu.Lock()
	delete(f.dbs[string(token.DB)], token.DocPrefix+id)
	f.mu.Unlock()
	if code, body := get("Bearer " + good); code != 401 || body != none {
		t.Errorf("revoked: %d %s", code, body)
	}
	f.mu.Lock()
	delete(f.dbs, string(token.DB))
	f.mu.Unlock()
	if code, body := get("Bearer " + good); code != 401 || body != none {
		t.Errorf("no database: %d %s", code, body)
	}
}

// TestTokenStoreAway: while the door can't see whether a token is one, it is neither taken nor called wrong.
func TestTokenStoreAway(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 500, 200} {
		up := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fakeError(w, status, "x", "node1@10.0.0.7") })
		w := call(New(Options{Upstream: up}), "GET", "/log_app", "", "Authorization", "Bearer "+token.NewText(token.NewID()))
		if _, reason := errorOf(t, w); w.Code != 503 || reason != "The store is not available." {
			t.Errorf("%d: %d %s", status, w.Code, w.Body)
		}
	}
}

// TestHolderLimits: who has a token has its limits wherever the requests come from.
func TestHolderLimits(t *testing.T) {
	t.Parallel()
	f := newFakeCouch()
	text := addToken(t, f, token.Write, time.Time{}, "app")
	door := New(Options{Upstream: f, AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") }), Limits: Limits{Requests: 2}})
	refused := 0
	for i := range 20 {
		r := newRequest("POST", "/log_app", `{"a":1}`, "Authorization", "Bearer "+text, "Content-Type", jsonType)
		r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", i)
		w := httptest.NewRecorder()
		if door.ServeHTTP(w, r); w.Code == 429 {
			refused++
		} else if w.Code != 201 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if refused < 10 {
		t.Errorf("%d of 20 refused", refused)
	}
	r := newRequest("POST", "/log_app", `{"a":1}`, "Content-Type", jsonType)
	w := httptest.NewRecorder()
	if door.ServeHTTP(w, r); w.Code != 201 {
		t.Errorf("somebody else: %d", w.Code)
	}
}

// TestHolderFeed reads a feed's line while the feed goes on.
func TestHolderFeed(t *testing.T) {
	t.Parallel()
	f := newFakeCouch()
	text := addToken(t, f, token.Read, time.Time{}, "app")
	read := make(chan struct{})
	up := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/_changes") {
			f.ServeHTTP(w, r)
			return
		}
		w.Header().Set("X-Secret", "x")
		_, _ = w.Write([]byte("{\"seq\":1}\n"))
		_ = http.NewResponseController(w).Flush() // a failure shows as a line that does not come
		select {
		case <-read:
		case <-r.Context().Done():
		}
	})
	s := httptest.NewServer(newDoor(up))
	defer s.Close()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/log_app/_changes?feed=continuous", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+text)
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	line := make([]byte, len("{\"seq\":1}\n"))
	if _, err := io.ReadFull(res.Body, line); err != nil || res.StatusCode != 200 || res.Header.Get("X-Secret") != "" {
		t.Errorf("%s %q, %v", res.Status, line, err)
	}
	close(read)
}
