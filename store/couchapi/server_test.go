package couchapi

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

func TestUtils(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"index.html":           {Data: []byte("<p>Fauxton")},
		"dashboard/app/app.js": {Data: []byte("let x")},
	}
	with, without := newTestHandler(t, Options{Fauxton: files}), newTestHandler(t, Options{})
	for _, c := range []struct {
		h      http.Handler
		path   string
		status int
		want   string
	}{
		{with, "/_utils/", 200, "<p>Fauxton"},
		{with, "/_utils", 301, ""},
		{with, "/_utils/dashboard/app/app.js", 200, "let x"},
		{with, "/_utils/dashboard", 404, ""},
		{with, "/_utils/nope", 404, ""},
		{with, "/_utils/..%2f..%2fetc/passwd", 404, ""},
		{without, "/_utils/", 200, "logctl fauxton install"},
	} {
		w := anonymous(c.h, "GET", c.path, "")
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.path, w.Code, w.Body, c.status, c.want)
		}
	}
}

// TestBrowserIsSentToTheLogin shows what a client that takes HTML and no JSON gets in place of a 401.
func TestBrowserIsSentToTheLogin(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	for accept, status := range map[string]int{"text/html": 302, "text/html,*/*;q=0.8": 401, "application/json": 401, "": 401} {
		w := anonymous(h, "GET", "/_all_dbs?limit=1", "", func(r *http.Request) { r.Header.Set("Accept", accept) })
		if w.Code != status {
			t.Errorf("Accept: %s: %d, want %d", accept, w.Code, status)
		}
		to := w.Header().Get("Location")
		if status == 302 && to != "/_utils/session.html?return=%2F_all_dbs%3Flimit%3D1&reason=You%20are%20not%20a%20server%20admin." {
			t.Errorf("the login page is %s", to)
		}
	}
}

func TestEventSource(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/a", "{}", 201)
	expect(t, h, "PUT", "/db/b", "{}", 201)
	all := expect(t, h, "GET", "/db/_changes?feed=eventsource&limit=2", "", 200)
	first, second, ok := strings.Cut(all, "\n\n")
	if !ok || !strings.HasPrefix(first, `data: {"seq":"1-`) || !strings.Contains(second, `"id":"b"`) {
		t.Fatalf("%q", all)
	}
	_, id, _ := strings.Cut(first, "\nid: ")
	again := expect(t, h, "GET", "/db/_changes?feed=eventsource&limit=1", "", 200,
		func(r *http.Request) { r.Header.Set("Last-Event-ID", id) })
	if again != second {
		t.Errorf("after %s: %q, want %q", id, again, second)
	}
}

// TestSequenceOfAnotherDatabase shows that a sequence of a database that was deleted skips nothing of its successor.
func TestSequenceOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/a", "{}", 201)
	_, seq, _ := strings.Cut(expect(t, h, "GET", "/db/_changes", "", 200), `"last_seq":"`)
	seq, _, _ = strings.Cut(seq, `"`)
	expect(t, h, "DELETE", "/db", "", 200)
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/b", "{}", 201)
	if got := expect(t, h, "GET", "/db/_changes?since="+seq, "", 200); !strings.Contains(got, `"id":"b"`) {
		t.Errorf("since %s: %s", seq, got)
	}
}

// TestVersions tells what the JavaScript and the order of keys are, and an index which order its keys have.
func TestVersions(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	if w := anonymous(h, "GET", "/_node/_local/_versions", ""); w.Code != 401 {
		t.Errorf("to a stranger: %d %s", w.Code, w.Body)
	}
	all := expect(t, h, "GET", "/_node/_local/_versions", "", 200)
	for _, want := range []string{`"javascript_engine":{"name":"goja"}`, `"collation_driver"`} {
		if !strings.Contains(all, want) {
			t.Errorf("%s lacks %s", all, want)
		}
	}
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/_design/d", `{"views":{"v":{"map":"function(doc) {}"}}}`, 201)
	if got := expect(t, h, "GET", "/db/_design/d/_info", "", 200); !strings.Contains(got, `"collator_versions":["`) {
		t.Error(got)
	}
}

// TestBodyTime has whole answers, streamed ones and those to HEAD tell the time that they took.
func TestBodyTime(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/a", "{}", 201)
	for _, path := range []string{"/db/a", "/db/_all_docs", "/db/a?open_revs=all", "/db/_changes", "/db/missing"} {
		for _, method := range []string{"GET", "HEAD"} {
			w := anonymous(h, method, path, "", withBasic(testAdmin, testAdminPassword))
			if _, err := strconv.Atoi(w.Header().Get("X-CouchDB-Body-Time")); err != nil {
				t.Errorf("%s %s: %v", method, path, w.Header())
			}
		}
	}
}

// TestNothingBackwards: who goes on from a feed backwards that had nothing to show does not begin anew.
func TestNothingBackwards(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/a", "{}", 201)
	for _, q := range []string{"limit=0", "filter=_design"} {
		_, seq, _ := strings.Cut(expect(t, h, "GET", "/db/_changes?descending=true&"+q, "", 200), `"last_seq":"`)
		seq, _, _ = strings.Cut(seq, `"`)
		if got := expect(t, h, "GET", "/db/_changes?since="+seq, "", 200); strings.Contains(got, `"id"`) {
			t.Errorf("%s: %s", q, got)
		}
	}
}
