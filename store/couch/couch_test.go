package couch

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"logctl/store"
)

// serve answers as handle says and gives a client of it.
func serve(t *testing.T, handle http.HandlerFunc) *Client {
	t.Helper()
	return serveAt(t, "", handle)
}

func serveAt(t *testing.T, path string, handle http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(handle)
	t.Cleanup(srv.Close)
	c, err := New(Options{URL: srv.URL + path, Transport: srv.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	c.pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return c
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestNewRefusesBadURLs(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"", "log.example.com", "ftp://x", "http://", "http://a:secret@x", "http://a:sec ret@x"} {
		_, err := New(Options{URL: u})
		if !store.IsKind(err, store.KindBadRequest) {
			t.Errorf("New(%q): %v, want a bad request", u, err)
		}
		if err != nil && strings.Contains(err.Error(), "sec") {
			t.Errorf("New(%q) tells the password: %v", u, err)
		}
	}
}

func TestErrorsHaveKinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		kind   store.Kind
		text   string
	}{
		{"missing db", 404, `{"error":"not_found","reason":"Database does not exist."}`, store.KindNotFound, "Database does not exist."},
		{"signed out", 401, `{"error":"unauthorized","reason":"You are not authorized to access this db."}`, store.KindUnauthorized, "You are not authorized to access this db."},
		{"not a member", 403, `{"error":"forbidden","reason":"no"}`, store.KindForbidden, "no"},
		{"conflict", 409, `{"error":"conflict","reason":"Document update conflict."}`, store.KindConflict, "Document update conflict."},
		{"os process", 500, `{"error":"os_process_error","reason":"OS process timed out."}`, store.KindOSProcess, "OS process timed out."},
		{"unknown 500", 500, `{"error":"badmatch","reason":"x"}`, store.KindInternal, "x"},
		{"reason is no string", 500, `{"error":"no_majority","reason":null}`, store.KindInternal, "no_majority"},
		{"proxy", 502, `<html>bad gateway`, store.KindUnavailable, "502 Bad Gateway"},
		{"too many", 429, `slow down`, store.KindTooManyRequests, "429"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, answer(tt.status, tt.body))
			_, got := c.Get(t.Context(), "log_x", "a")
			_, info := c.Info(t.Context(), "log_x")
			_, sec := c.Security(t.Context(), "log_x")
			_, put := c.Put(t.Context(), "log_x", "a", json.RawMessage(`{}`))
			errs := []error{got, info, sec, put, c.CreateDatabase(t.Context(), "log_x")}
			for _, err := range errs {
				if store.KindOf(err) != tt.kind || err == nil || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("got %v (kind %v), want kind %v and %q", err, store.KindOf(err), tt.kind, tt.text)
				}
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(nil)
	srv.Close()
	c, err := New(Options{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Databases(t.Context()); !store.IsKind(err, store.KindUnavailable) || !strings.Contains(err.Error(), srv.URL) {
		t.Errorf("Databases: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Databases(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestUntrustedCertificateIsNotTriedLater(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = discard()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c, err := New(Options{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Databases(t.Context())
	if err == nil || store.IsKind(err, store.KindUnavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Databases: %v", err)
	}
}

func TestRedirectIsRefused(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/log_x" {
			t.Errorf("followed to %s", r.URL)
		}
		http.Redirect(w, r, "/elsewhere?secret=1", http.StatusMovedPermanently)
	})
	err := c.CreateDatabase(t.Context(), "log_x")
	if err == nil || !strings.Contains(err.Error(), "/elsewhere") || strings.Contains(err.Error(), "secret") {
		t.Errorf("CreateDatabase: %v", err)
	}
}

// A URL with a path, a database whose name has a slash and a plus sign and ids that need escapes reach the server as they were.
func TestPaths(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/couch"} {
		testPaths(t, prefix)
	}
}

func testPaths(t *testing.T, prefix string) {
	t.Helper()
	var paths []string
	c := serveAt(t, prefix+"/", func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.Method+" "+r.URL.EscapedPath())
		answer(202, `{"ok":true,"rev":"1-a","rows":[]}`)(w, r)
	})
	ctx := t.Context()
	rev, err := c.Put(ctx, "log_a/b+c", "_design/x/y", json.RawMessage(`{}`))
	if err != nil || rev != (store.Rev{Gen: 1, Hash: "a"}) {
		t.Errorf("Put: %v, %v", rev, err)
	}
	for _, err := range c.View(ctx, "log_a/b+c", "_design/report", "attacks", store.NewViewQuery()) {
		t.Error(err)
	}
	for _, err := range c.AllDocs(ctx, "log_a/b+c", store.ViewQuery{Limit: -1, Keys: []json.RawMessage{}}) {
		t.Error(err)
	}
	if err := c.SetSecurity(ctx, "log_a/b+c", json.RawMessage(`{}`)); err != nil {
		t.Error(err)
	}
	db := prefix + "/log_a%2Fb%2Bc/"
	want := []string{"PUT " + db + "_design/x%2Fy", "GET " + db + "_design/report/_view/attacks", "POST " + db + "_all_docs", "PUT " + db + "_security"}
	if !reflect.DeepEqual(paths, want) {
		t.Errorf("paths\n got %q\nwant %q", paths, want)
	}
}

func TestDocsAreSentAsTheyAre(t *testing.T) {
	t.Parallel()
	const doc = `{"z":1,"a":12345678901234567890,"b":"<&>"}`
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			answer(200, doc+"\n")(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if string(body) != doc || r.Header.Get("Content-Encoding") != "" {
			t.Errorf("sent %s (%s)", body, r.Header)
		}
		answer(201, `{"ok":true,"id":"a","rev":"1-b"}`)(w, r)
	})
	if _, err := c.Put(t.Context(), "log_x", "a", json.RawMessage(doc)); err != nil {
		t.Fatal(err)
	}
}

func TestGetKeepsBytes(t *testing.T) {
	t.Parallel()
	const doc = `{"_id":"a","_rev":"1-b","z":1,"a":12345678901234567890}`
	c := serve(t, answer(200, doc+"\n"))
	got, err := c.Get(t.Context(), "log_x", "a")
	if err != nil || string(got) != doc {
		t.Errorf("Get: %s, %v", got, err)
	}
}

// roundTrip is a transport.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestSentBodyIsDoneWith: kivik closes a body when the answer begins, when net/http may still look for more of it; an error then would
// cost the connection.
func TestSentBodyIsDoneWith(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	go func() {
		io.WriteString(out, "{}")
		out.Close()
	}()
	next := roundTrip(func(r *http.Request) (*http.Response, error) {
		in.Close()
		if text, err := io.ReadAll(r.Body); err != nil || string(text) != "{}" {
			t.Errorf("the body is %q, %v", text, err)
		}
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/", in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&transport{next: next}).RoundTrip(r); err != nil {
		t.Fatal(err)
	}
}

// TestBodiesHaveLengths: behind a body in chunks a server may close the connection.
func TestBodiesHaveLengths(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		bytes int
		sized bool
	}{{0, true}, {maxSized / 2, true}, {maxSized, false}, {3 * maxSized, false}} {
		doc := json.RawMessage(`{"_id":"a","text":"` + strings.Repeat("x", tt.bytes) + `"}`)
		want := `{"new_edits":false,"docs":[` + string(doc) + "]}\n"
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(r.Body)
			if err != nil || string(got) != want {
				t.Errorf("the body has %d bytes, %v, want %d", len(got), err, len(want))
			}
			if sized := r.ContentLength == int64(len(want)); sized != tt.sized {
				t.Errorf("a body of %d bytes comes with the length %d", len(want), r.ContentLength)
			}
			answer(http.StatusCreated, "[]")(w, r)
		})
		if err := c.PutLeaves(t.Context(), "log_x", []json.RawMessage{doc}); err != nil {
			t.Error(err)
		}
	}
}
