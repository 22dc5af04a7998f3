package replicate

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
	"logctl/store/couchapi"
	"logctl/store/engine"
)

// managed is a server with a Manager, as a serve assembles it.
type managed struct {
	*server
	m *Manager
}

func newManaged(t *testing.T, e *engine.Engine) *managed {
	t.Helper()
	return newManagedBy(t, e, ManagerOptions{})
}

func newManagedBy(t *testing.T, e *engine.Engine, o ManagerOptions) *managed {
	t.Helper()
	s := &managed{server: &server{engine: e}}
	o.Local = func(c store.Caller) http.RoundTripper { return s.Handler.Transport(c) }
	o.Server, o.Node = e.UUID(), "n@h"
	s.m = NewManager(o)
	s.Handler = couchapi.New(couchapi.Options{Engine: e, Admins: oneAdmin{}, PasswordRounds: 100, Replicator: s.m})
	if err := s.m.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *managed) close(t *testing.T) {
	t.Helper()
	if err := s.m.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Handler.Close(); err != nil {
		t.Error(err)
	}
}

func newEngine(t *testing.T) *engine.Engine {
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

// until asks until the answer holds want.
func (s *managed) until(t *testing.T, path, want string) string {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		_, got := s.try(t, "GET", path, "")
		if strings.Contains(got, want) {
			return got
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("GET %s: %s, want %s", path, got, want)
		}
	}
}

// TestReplicatorDocs has what the docs of _replicator bring about, over a restart of the server too.
func TestReplicatorDocs(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	s := newManaged(t, e)
	s.fill(t, "log_a")
	s.ask(t, "PUT", "/_replicator/once", `{"source":"log_a","target":"log_once","create_target":true,"note":12345678901234567890}`)
	doc := s.until(t, "/_replicator/once", `"_replication_state":"completed"`)
	for _, want := range []string{`"docs_written":257`, `"note":12345678901234567890`, `"_replication_id":"`, `"_replication_state_time":"`} {
		if !strings.Contains(doc, want) {
			t.Errorf("%s has no %s", doc, want)
		}
	}
	s.same(t, "log_a", s.server, "log_once")
	s.until(t, "/_scheduler/docs/_replicator/once", `"state":"completed"`)

	if status, got := s.try(t, "PUT", "/_replicator/bad", `{"source":"log_a","target":"ftp://h/x"}`); status != 403 || !strings.Contains(got, "endpoint has an invalid url") {
		t.Errorf("%d %s", status, got)
	}
	s.ask(t, "PUT", "/_replicator/bad?new_edits=false", `{"_rev":"1-abc","source":"log_a","target":"ftp://h/x"}`)
	s.until(t, "/_replicator/bad", `"_replication_state_reason":"invalid_replication: endpoint has an invalid url"`)
	s.until(t, "/_scheduler/docs/_replicator/bad", `"state":"failed"`)
	const odd = `"source":"log_a","target":"log_b","continuous":"perhaps"}`
	if status, got := s.try(t, "PUT", "/_replicator/odd", "{"+odd); status != 403 || !strings.Contains(got, "must be a boolean") {
		t.Errorf("an odd doc: %d %s", status, got)
	}
	s.ask(t, "PUT", "/_replicator/odd?new_edits=false", `{"_rev":"1-abc",`+odd) // as replication may bring it
	s.until(t, "/_replicator/odd", `"_replication_state":"failed"`)
	s.ask(t, "PUT", "/_replicator/away", `{"source":"log_a","target":"log_missing"}`)
	s.until(t, "/_scheduler/docs/_replicator/away", `"state":"crashing","info":{"error":"db_not_found: could not open `)

	s.ask(t, "PUT", "/_replicator/live", `{"source":"log_a","target":"log_live","create_target":true,"continuous":true}`)
	s.until(t, "/log_live", `"doc_count":254`)
	s.ask(t, "PUT", "/log_a/new1", "{}")
	s.until(t, "/log_live/new1", `"_rev"`)
	jobs := s.ask(t, "GET", "/_scheduler/jobs", "")
	if !strings.Contains(jobs, `"doc_id":"live"`) || !strings.Contains(jobs, `+continuous"`) {
		t.Error(jobs)
	}
	tasks := s.ask(t, "GET", "/_active_tasks", "")
	if !strings.Contains(tasks, `"type":"replication"`) || !strings.Contains(tasks, `"continuous":true`) {
		t.Error(tasks)
	}
	if rev := s.rev(t, "_replicator", "odd"); !strings.HasPrefix(rev, "2-") {
		t.Errorf("a doc that makes no sense was written to until %s", rev)
	}
	// The same once more, by another doc.
	s.ask(t, "PUT", "/_replicator/twin", `{"source":"log_a","target":"log_live","create_target":true,"continuous":true}`)
	s.until(t, "/_replicator/twin", `"_replication_state":"failed"`)
	s.close(t)

	s = newManaged(t, e)
	defer s.close(t)
	s.ask(t, "PUT", "/log_a/new2", "{}")
	s.until(t, "/log_live/new2", `"_rev"`)
	s.until(t, "/_scheduler/docs?limit=1", `"total_rows":6,"offset":0`)
	if got := s.ask(t, "GET", "/_scheduler/docs?skip=5", ""); !strings.Contains(got, `"doc_id":"twin"`) || strings.Contains(got, `"doc_id":"live"`) {
		t.Error(got)
	}
	// A doc that is deleted ends its replication; one whose database goes, too.
	s.ask(t, "DELETE", "/_replicator/live?rev="+s.rev(t, "_replicator", "live"), "")
	s.until(t, "/_scheduler/jobs", `"total_rows":1,`)
	s.ask(t, "DELETE", "/_replicator", "")
	s.until(t, "/_scheduler/docs", `"total_rows":0,`)
	s.until(t, "/_scheduler/jobs", `"total_rows":0,`)
}

// TestReplicatorDBGone shows that a replicator database that is deleted is looked for quietly, and heeded anew when it is there again.
func TestReplicatorDBGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var log bytes.Buffer
		gone, asked := true, 0
		m := NewManager(ManagerOptions{
			Log: slog.New(slog.NewTextHandler(&log, nil)),
			Local: func(store.Caller) http.RoundTripper {
				return answering(func(r *http.Request) (int, string) {
					if r.Method == http.MethodPut {
						return 201, `{"ok":true}`
					}
					time.Sleep(time.Second)
					mu.Lock()
					defer mu.Unlock()
					asked++
					if gone {
						return 404, `{"error":"not_found","reason":"no_db_file"}`
					}
					return 200, `{"results":[{"id":"a","doc":{"_id":"a","_replication_state":"completed"}}],"last_seq":"1-x"}`
				})
			},
		})
		defer m.Close()
		if err := m.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			time.Sleep(time.Hour)
			mu.Lock()
			if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "no_db_file") || asked < 10 {
				t.Errorf("it asks %d times and logs %d lines: %.500s", asked, n, log.String())
			}
			gone = false
			mu.Unlock()
			time.Sleep(time.Minute)
			mu.Lock()
			if n := len(m.Docs()); n != 1 {
				t.Errorf("%d docs are heeded", n)
			}
			log.Reset()
			gone, asked = true, 0
			mu.Unlock()
		}
	})
}

// answering answers requests by itself.
type answering func(r *http.Request) (status int, body string)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := a(r)
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(body))}, nil
}

func TestReplicateAndCancel(t *testing.T) {
	t.Parallel()
	s := newManaged(t, newEngine(t))
	defer s.close(t)
	s.ask(t, "PUT", "/log_a", "")
	const spec = `"source":"log_a","target":"log_b","continuous":true,"create_target":true`
	got := s.ask(t, "POST", "/_replicate", `{`+spec+`}`)
	if !strings.HasPrefix(got, `{"ok":true,"_local_id":"`) {
		t.Fatal(got)
	}
	if again := s.ask(t, "POST", "/_replicate", `{`+spec+`}`); again != got {
		t.Errorf("again: %s", again)
	}
	s.ask(t, "PUT", "/log_a/x", "{}")
	s.until(t, "/log_b/x", `"_rev"`)
	var begun started
	if err := json.Unmarshal([]byte(got), &begun); err != nil {
		t.Fatal(err)
	}
	s.until(t, "/_scheduler/jobs/"+strings.ReplaceAll(begun.LocalID, "+", "%2B"), `"target":"log_b"`)
	cancel := `{"cancel":true,"replication_id":"` + begun.LocalID + `"}`
	if _, _, err := s.m.Replicate(t.Context(), store.Caller{Name: "jan"}, []byte(cancel)); !store.IsKind(err, store.KindUnauthorized) {
		t.Errorf("somebody else cancels it: %v", err)
	}
	s.ask(t, "POST", "/_replicate", cancel)
	if status, got := s.try(t, "POST", "/_replicate", `{"cancel":true,`+spec+`}`); status != 404 {
		t.Errorf("cancelled twice: %d %s", status, got)
	}
	if got := s.ask(t, "GET", "/_scheduler/jobs", ""); !strings.Contains(got, `"jobs":[]`) {
		t.Error(got)
	}
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"source":"log_a"}`, 500, "Missing replicator database"},
		{`{"source":"log_a","target":7}`, 400, "endpoint has an invalid url"},
		{`{"source":"log_a","target":"b","doc_ids":["a"],"filter":"a/b"}`, 400, "mutually exclusive"},
		{`{"source":"log_a","target":"b","doc_ids":7}`, 400, "parameter `doc_ids` must be an array"},
		{`{"source":"log_a","target":"b","proxy":"http://p"}`, 400, "Proxies are not supported"},
		{`{"source":"log_nope","target":"log_b"}`, 500, `"db_not_found","reason":"could not open log_nope"`},
	} {
		if status, got := s.try(t, "POST", "/_replicate", c.body); status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.body, status, got, c.status, c.want)
		}
	}
}

// TestWhoMayReplicate shows that an account that is no admin can't have the server call anybody, and can do within the
// server what it may do itself.
func TestWhoMayReplicate(t *testing.T) {
	t.Parallel()
	s := newManaged(t, newEngine(t))
	defer s.close(t)
	asked := make(chan string, 10)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	defer other.Close()
	for _, db := range []string{"log_a", "log_b", "log_closed"} {
		s.ask(t, "PUT", "/"+db, "")
		s.ask(t, "PUT", "/"+db+"/d", "{}")
	}
	for _, db := range []string{"log_a", "log_b"} {
		s.ask(t, "PUT", "/"+db+"/_security", `{"members":{"names":["jan"]},"admins":{}}`)
	}
	s.ask(t, "PUT", "/_replicator/_security", `{"members":{"names":["jan"]},"admins":{"names":["jan"]}}`)
	jan := func(method, path, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		res, err := s.Transport(store.Caller{Name: "jan"}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var text json.RawMessage
		if err := json.NewDecoder(res.Body).Decode(&text); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/_replicate", `{"source":"log_a","target":"` + other.URL + `/x"}`, 403},
		{"POST", "/_replicate", `{"source":"` + other.URL + `/x","target":"log_a"}`, 403},
		{"POST", "/_replicate", `{"source":{"url":"` + other.URL + `/x"},"target":"log_a","continuous":true}`, 403},
		{"POST", "/_replicate", `{"source":"log_a","target":"log_b"}`, 200},
		{"POST", "/_replicate", `{"source":"log_closed","target":"log_b"}`, 500},
		{"POST", "/_replicate", `{"source":"log_a","target":"log_new","create_target":true}`, 500},
		{"PUT", "/_replicator/mine", `{"source":"` + other.URL + `/x","target":"log_a"}`, 403},
		{"GET", "/_replicator/_all_docs", "", 401},
		{"GET", "/_scheduler/jobs", "", 401},
		{"GET", "/_active_tasks", "", 401},
	} {
		if status, got := jan(c.method, c.path, c.body); status != c.status {
			t.Errorf("%s %s %s: %d %s, want %d", c.method, c.path, c.body, status, got, c.status)
		}
	}
	select {
	case path := <-asked:
		t.Errorf("the server was made to ask for %s", path)
	default:
	}
}

// TestEscapedDocIDs has ids of docs to replicate escaped as in a URL, as CouchDB takes them.
func TestEscapedDocIDs(t *testing.T) {
	t.Parallel()
	s := newManaged(t, newEngine(t))
	defer s.close(t)
	for _, path := range []string{"/log_a", "/log_b", "/log_a/_design%2Fd", "/log_a/a%20b", "/log_a/p%25q", "/log_a/other"} {
		s.ask(t, "PUT", path, "{}")
	}
	got := s.ask(t, "POST", "/_replicate", `{"source":"log_a","target":"log_b","doc_ids":["_design%2Fd","a+b","p%q","p%25q"]}`)
	if !strings.Contains(got, `"docs_written":3`) {
		t.Error(got)
	}
	if got := s.ask(t, "GET", "/log_b/_all_docs", ""); strings.Contains(got, `"other"`) || strings.Count(got, `"id"`) != 3 {
		t.Error(got)
	}
}
