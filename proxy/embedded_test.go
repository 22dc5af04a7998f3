package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"logctl/proxy"
	"logctl/store"
	"logctl/store/couchapi"
	"logctl/store/ejson"
	"logctl/store/engine"
)

type oneAdmin struct{}

func (oneAdmin) Verify(name, password string) bool { return name == "admin" && password == "pw" }

// newEmbedded is a door in front of the embedded store with the app's database log_app.
func newEmbedded(t testing.TB) http.Handler {
	t.Helper()
	e, err := engine.Open(t.TempDir(), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	api := couchapi.New(couchapi.Options{Engine: e, Admins: oneAdmin{}, PasswordRounds: 100})
	t.Cleanup(func() {
		if err := api.Close(); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	door := proxy.New(proxy.Options{Upstream: api, AsWriter: func(r *http.Request) *http.Request {
		return r.WithContext(store.WithCaller(r.Context(), store.Caller{Name: "app_write"}))
	}})
	asAdmin(t, door, "PUT", "/log_app", "", 201)
	if w := do(door, "POST", "/log_app", `{}`); w.Code != 503 || !strings.Contains(w.Body.String(), "not set up") {
		t.Errorf("the writer is no member: %d %s", w.Code, w.Body)
	}
	asAdmin(t, door, "PUT", "/log_app/_security", `{"members":{"names":["app_write"],"roles":["_admin"]}}`, 200)
	return door
}

func do(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func asAdmin(t testing.TB, h http.Handler, method, target, body string, status int) string {
	t.Helper()
	w := do(h, method, target, body, "Authorization", "Basic YWRtaW46cHc=")
	if w.Code != status {
		t.Fatalf("%s %s: %d %s, want %d", method, target, w.Code, w.Body, status)
	}
	return w.Body.String()
}

// TestEmbedded does through the door what the manual shows.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	door := newEmbedded(t)
	w := do(door, "POST", "/log_app/", `{"foo":"foo"}`)
	var said struct{ ID, Rev string }
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || w.Code != 201 || said.Rev != "1-e9fa8b19e6fed270cdacc779e1ba1e36" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got := w.Header().Get("Location"); got != "http://example.com/log_app/"+said.ID {
		t.Errorf("Location %q", got)
	}
	for _, method := range []string{"GET", "POST"} {
		if w := do(door, method, "/log_app/_all_docs", "{}"); w.Code != 401 {
			t.Errorf("%s as a stranger: %d", method, w.Code)
		}
	}
	if got := asAdmin(t, door, "GET", "/log_app/"+said.ID, "", 200); !strings.Contains(got, `"foo":"foo"`) {
		t.Errorf("read %s", got)
	}
	if w := do(door, "POST", "/log_none", `{}`); w.Code != 404 || !strings.Contains(w.Body.String(), "Database does not exist.") {
		t.Errorf("no database: %d %s", w.Code, w.Body)
	}
	if w := do(door, "GET", "/_up", ""); w.Code != 200 {
		t.Errorf("up: %d %s", w.Code, w.Body)
	}
	if w := do(door, "GET", "/_utils/", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "Fauxton") {
		t.Errorf("Fauxton: %d %s", w.Code, w.Body)
	}
	if w := do(door, "GET", "/log_app", "", "Authorization", "Basic YWRtaW46bm8="); w.Code != 401 || !strings.Contains(w.Body.String(), "Name or password is incorrect.") {
		t.Errorf("wrong password: %d %s", w.Code, w.Body)
	}
	w = do(door, "POST", "/_session", `{"name":"admin","password":"pw"}`)
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	if w.Code != 200 || !strings.HasPrefix(cookie, "AuthSession=") {
		t.Fatalf("login: %d %s", w.Code, w.Body)
	}
	if w := do(door, "GET", "/log_app/_all_docs", "", "Cookie", cookie); w.Code != 200 {
		t.Errorf("with the cookie: %d %s", w.Code, w.Body)
	}
	if w := do(door, "DELETE", "/_session", "", "Cookie", cookie); w.Code != 200 {
		t.Errorf("logout: %d %s", w.Code, w.Body)
	}
}

// TestEmbeddedHidesHistory writes a doc that was never there, is there, was changed, was deleted: one answer.
func TestEmbeddedHidesHistory(t *testing.T) {
	t.Parallel()
	door := newEmbedded(t)
	body := []byte(`{"date":"2017-06-14","hour":"17:16:12,329","ip":"59.45.175.88"}`)
	id := string(ejson.AppendContentID(nil, body, 0))
	text := `{"_id":"` + id + `",` + string(body[1:])
	first := do(door, "POST", "/log_app", text).Body.String()
	if !strings.Contains(first, `"ok":true,"id":"`+id) {
		t.Fatal(first)
	}
	many := "[" + strings.TrimSpace(first) + "]\n"
	check := func(when string) {
		t.Helper()
		if w := do(door, "POST", "/log_app", text); w.Code != 201 || w.Body.String() != first {
			t.Errorf("%s: %d %s, want %s", when, w.Code, w.Body, first)
		}
		if w := do(door, "POST", "/log_app", "["+text+"]"); w.Code != 201 || w.Body.String() != many {
			t.Errorf("%s, in an array: %d %s, want %s", when, w.Code, w.Body, many)
		}
	}
	check("there")
	var doc struct {
		Rev string `json:"_rev"`
	}
	rev := func() string {
		if err := json.Unmarshal([]byte(asAdmin(t, door, "GET", "/log_app/"+id, "", 200)), &doc); err != nil {
			t.Fatal(err)
		}
		return doc.Rev
	}
	if r := rev(); !strings.Contains(first, `"rev":"`+r+`"`) {
		t.Errorf("the doc's revision is %s, the answer was %s", r, first)
	}
	asAdmin(t, door, "PUT", "/log_app/"+id, `{"_rev":"`+rev()+`","changed":true}`, 201)
	check("changed")
	if !strings.Contains(asAdmin(t, door, "GET", "/log_app/"+id, "", 200), "changed") {
		t.Error("a stranger has overwritten a change")
	}
	asAdmin(t, door, "DELETE", "/log_app/"+id+"?rev="+rev(), "", 200)
	check("deleted")
}

// TestEmbeddedKeepsEveryForm counts what comes in as an object, an array, lines and from a signed-in caller.
func TestEmbeddedKeepsEveryForm(t *testing.T) {
	t.Parallel()
	door := newEmbedded(t)
	lines, array := "", ""
	for i := range 1000 {
		lines += fmt.Sprintf("{\"line\":%d}\n", i)
		array += fmt.Sprintf(",{\"elem\":%d}", i)
	}
	array = "[" + array[1:] + "]"
	for _, w := range []*httptest.ResponseRecorder{
		do(door, "POST", "/log_app", lines, "Content-Type", "application/x-ndjson"),
		do(door, "POST", "/log_app", array),
		do(door, "POST", "/log_app", lines, "Content-Type", "application/x-ndjson", "Authorization", "Basic YWRtaW46cHc="),
		do(door, "POST", "/log_app", array, "Authorization", "Basic YWRtaW46cHc="),
	} {
		var rows []struct{ OK bool }
		if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil || w.Code != 201 || len(rows) != 1000 || !rows[999].OK {
			t.Errorf("%d, %d rows: %.200s", w.Code, len(rows), w.Body)
		}
	}
	if got := asAdmin(t, door, "GET", "/log_app", "", 200); !strings.Contains(got, `"doc_count":4000`) {
		t.Error(got)
	}
}

// TestEmbeddedOverHTTP reads a continuous feed through a real connection while strangers write.
func TestEmbeddedOverHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newEmbedded(t))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/log_app/_changes?feed=continuous&timeout=10000&limit=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", "pw")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	posted, err := http.Post(server.URL+"/log_app", "application/json", strings.NewReader(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	posted.Body.Close()
	feed, err := io.ReadAll(res.Body)
	if err != nil || posted.StatusCode != 201 || !strings.Contains(string(feed), `"changes"`) {
		t.Errorf("%s, feed %q, %v", posted.Status, feed, err)
	}
}
