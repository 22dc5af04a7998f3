package replicate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"logctl/store"
	"logctl/store/couchapi"
	"logctl/store/couchpath"
	"logctl/store/engine"
)

// server is an embedded store with an admin.
type server struct {
	*couchapi.Handler
	engine *engine.Engine
}

const adminPassword = "s3cret"

type oneAdmin struct{}

func (oneAdmin) Verify(name, password string) bool {
	return name == "admin" && password == adminPassword
}

func newServer(t testing.TB, o couchapi.Options) *server {
	t.Helper()
	e, err := engine.Open(t.TempDir(), engine.Options{CacheSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	o.Engine, o.Admins, o.PasswordRounds = e, oneAdmin{}, 100
	h := couchapi.New(o)
	t.Cleanup(func() {
		if err := errors.Join(h.Close(), e.Close()); err != nil {
			t.Error(err)
		}
	})
	return &server{h, e}
}

// peer is a database of the server as its admin sees it.
func (s *server) peer(db string) Peer {
	return Peer{URL: "http://" + db + ".example" + couchpath.Of(db), Transport: s.Transport(admin)}
}

// ask sends a request as the admin and gives the answer's body; the status has to be one of 2xx.
func (s *server) ask(t testing.TB, method, path, body string, header ...string) string {
	t.Helper()
	status, answer := s.try(t, method, path, body, header...)
	if status/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}

func (s *server) try(t testing.TB, method, path, body string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := s.Transport(admin).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(raw))
}

// everything is all that a database holds: every leaf of every doc with its history and attachments.
func (s *server) everything(t *testing.T, db string) []string {
	t.Helper()
	var feed page
	if err := json.Unmarshal([]byte(s.ask(t, "GET", "/"+db+"/_changes?style=all_docs", "")), &feed); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range feed.Results {
		for _, r := range c.Changes {
			path := "/" + db + "/" + docPath(c.ID) + "?revs=true&attachments=true&att_encoding_info=true&rev=" + r.Rev
			all = append(all, s.ask(t, "GET", path, ""))
		}
	}
	slices.Sort(all)
	return all
}

func (s *server) same(t *testing.T, db string, other *server, otherDB string) {
	t.Helper()
	if a, b := s.everything(t, db), other.everything(t, otherDB); !slices.Equal(a, b) {
		t.Errorf("%s has\n%s\nand %s\n%s", db, strings.Join(a, "\n"), otherDB, strings.Join(b, "\n"))
	}
}

// fill makes a database with docs of all kinds.
func (s *server) fill(t *testing.T, db string) {
	t.Helper()
	s.ask(t, "PUT", "/"+db, "")
	var docs []string
	for i := range 250 {
		docs = append(docs, fmt.Sprintf(`{"_id":"doc%03d","n":%d,"big":12345678901234567890,"f":1e2}`, i, i))
	}
	s.ask(t, "POST", "/"+db+"/_bulk_docs", `{"docs":[`+strings.Join(docs, ",")+`]}`)
	s.ask(t, "PUT", "/"+db+"/_design/d", `{"language":"javascript","filters":{"even":"function(doc,req){return doc.n%2==(req.query.odd?1:0)}"},"views":{"v":{"map":"function(doc){emit(doc.n)}"}}}`)
	// A conflict, a tombstone, a conflict with a tombstone.
	s.ask(t, "POST", "/"+db+"/_bulk_docs", `{"new_edits":false,"docs":[
		{"_id":"torn","_revisions":{"start":2,"ids":["aaaa","0001"]},"side":"a"},
		{"_id":"torn","_revisions":{"start":3,"ids":["bbbb","bbb2","0001"]},"side":"b"},
		{"_id":"torn","_revisions":{"start":2,"ids":["cccc","0001"]},"_deleted":true},
		{"_id":"gone","_revisions":{"start":2,"ids":["dddd","0002"]},"_deleted":true,"why":"old"},
		{"_id":"a/b ü?&#+%","_revisions":{"start":1,"ids":["eeee"]},"odd":"id","_attachments":{"c+d":{"data":"eHl6"}}}]}`)
	// Attachments: text, which is compressed, one of several chunks, one that stays while the doc changes.
	s.ask(t, "PUT", "/"+db+"/files/notes.txt", strings.Repeat("all quiet\n", 500), "Content-Type", "text/plain")
	s.attach(t, db, "files", "d/e/big.bin", strings.Repeat("0123456789abcdef", 40_000))
	s.attach(t, db, "files", "empty", "")
}

func (s *server) attach(t *testing.T, db, id, name, data string) {
	t.Helper()
	s.ask(t, "PUT", "/"+db+"/"+id+"/"+name+"?rev="+s.rev(t, db, id), data, "Content-Type", "application/x-thing")
}

func (s *server) rev(t *testing.T, db, id string) string {
	t.Helper()
	rev, err := revOf([]byte(s.ask(t, "GET", "/"+db+"/"+docPath(id), "")))
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func TestRun(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a, b := newServer(t, couchapi.Options{}), newServer(t, couchapi.Options{})
	a.fill(t, "log_a")
	o := Options{Source: a.peer("log_a"), Target: b.peer("log_b"), Page: 37}
	if _, err := Run(ctx, o); !store.IsKind(err, store.KindNotFound) {
		t.Fatalf("a target that is missing: %v", err)
	}
	o.CreateTarget = true
	res, err := Run(ctx, o)
	if err != nil || !res.OK || res.NoChanges {
		t.Fatalf("%+v %v", res, err)
	}
	a.same(t, "log_a", b, "log_b")
	h := res.History[0]
	if h.Read != 257 || h.Written != 257 || h.Found != 257 || h.Failures != 0 || string(h.RecordedAt) != string(res.Seq) {
		t.Errorf("%+v", h)
	}
	if docs, missing, err := Missing(ctx, o); docs != 255 || missing != 0 || err != nil {
		t.Errorf("%d docs, %d missing, %v", docs, missing, err)
	}

	if res, err = Run(ctx, o); err != nil || !res.NoChanges || len(res.History) != 1 {
		t.Errorf("again: %+v %v", res, err)
	}
	a.attach(t, "log_a", "files", "late", "late")
	a.ask(t, "DELETE", "/log_a/doc007?rev="+a.rev(t, "log_a", "doc007"), "")
	if _, missing, err := Missing(ctx, o); missing != 2 || err != nil {
		t.Errorf("%d missing, %v", missing, err)
	}
	var run, all Stats
	o.Progress = func(r, a Stats) { run, all = r, a }
	if res, err = Run(ctx, o); err != nil || len(res.History) != 2 || run.Checked != 2 || run.Written != 2 {
		t.Errorf("two changes: %+v %+v %v", run, res, err)
	}
	// A session counts on from the one before it.
	if n := res.History[0]; n.Checked != h.Checked+2 || n.Written != h.Written+2 || n.Read != h.Read+2 || n.Found != h.Found+2 || n.Failures != 0 || all.Written != n.Written {
		t.Errorf("two changes after %+v: %+v, %+v", h, n, all)
	}
	a.same(t, "log_a", b, "log_b")

	// And back, into a database of its own.
	back := Options{Source: b.peer("log_b"), Target: a.peer("log_c"), CreateTarget: true}
	if _, err := Run(ctx, back); err != nil {
		t.Fatal(err)
	}
	a.same(t, "log_a", a, "log_c")
}

// TestRunOverHTTP replicates between two real servers, with passwords.
func TestRunOverHTTP(t *testing.T) {
	t.Parallel()
	a, b := newServer(t, couchapi.Options{}), newServer(t, couchapi.Options{})
	a.fill(t, "log_a")
	peer := func(s *server, db string) Peer {
		srv := httptest.NewServer(s)
		t.Cleanup(srv.Close)
		u, err := url.Parse(srv.URL + "/" + db)
		if err != nil {
			t.Fatal(err)
		}
		transport := NewTransport()
		t.Cleanup(transport.CloseIdleConnections)
		return Peer{URL: u.String(), Transport: basicAuth{transport, u.Host, url.UserPassword("admin", adminPassword)}}
	}
	o := Options{Source: peer(a, "log_a"), Target: peer(b, "log_b"), CreateTarget: true}
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	a.same(t, "log_a", b, "log_b")
}

// flaky fails some requests: before they are sent, or by cutting their answers off.
type flaky struct {
	next http.RoundTripper
	n    atomic.Int64
	fail func(n int64, r *http.Request) string // "", "refuse", "cut"
}

func (f *flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	how := f.fail(f.n.Add(1), r)
	if how == "refuse" {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, errors.New("connection refused")
	}
	res, err := f.next.RoundTrip(r)
	if err == nil && how == "cut" {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(res.Body, 40), errReader{}), res.Body}
	}
	return res, err
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestRunResumes cuts every so many requests off; runs go on from the last checkpoint until all is there.
func TestRunResumes(t *testing.T) {
	t.Parallel()
	a, b := newServer(t, couchapi.Options{}), newServer(t, couchapi.Options{})
	a.fill(t, "log_a")
	b.ask(t, "PUT", "/log_b", "")
	o := Options{Source: a.peer("log_a"), Target: b.peer("log_b"), Page: 20, Every: 1}
	var since []string
	source := &flaky{next: o.Source.Transport, fail: func(n int64, r *http.Request) string {
		if strings.HasSuffix(r.URL.Path, "/_changes") {
			since = append(since, r.URL.Query().Get("since"))
		}
		switch {
		case n%5 == 0:
			return "refuse"
		case n%13 == 0:
			return "cut"
		}
		return ""
	}}
	target := &flaky{next: o.Target.Transport, fail: func(n int64, _ *http.Request) string {
		if n%7 == 0 {
			return "refuse"
		}
		return ""
	}}
	o.Source.Transport, o.Target.Transport = source, target
	runs := 0
	for ; runs < 50; runs++ {
		if _, err := Run(context.Background(), o); err == nil {
			break
		} else if !store.IsKind(err, store.KindUnavailable) {
			t.Fatal(err)
		}
	}
	if runs == 0 || runs == 50 {
		t.Errorf("%d runs", runs)
	}
	a.same(t, "log_a", b, "log_b")
	fromStart := 0
	for _, s := range since {
		if s == "0" {
			fromStart++
		}
	}
	if fromStart > len(since)/2 {
		t.Errorf("%d of %d pages were read from the start: %v", fromStart, len(since), since)
	}
}

// TestRunRefused has docs that the target does not take: they are counted, everything else arrives.
func TestRunRefused(t *testing.T) {
	t.Parallel()
	a, b := newServer(t, couchapi.Options{}), newServer(t, couchapi.Options{MaxDoc: 1000, MaxRequest: 200_000})
	a.ask(t, "PUT", "/log_a", "")
	var docs []string
	for i := range 400 { // more than one request of the target can take
		docs = append(docs, fmt.Sprintf(`{"_id":"d%03d","n":%d,"pad":%q}`, i, i, strings.Repeat("x", 900)))
	}
	docs = append(docs, `{"_id":"huge","pad":"`+strings.Repeat("x", 2000)+`"}`)
	a.ask(t, "POST", "/log_a/_bulk_docs", `{"docs":[`+strings.Join(docs, ",")+`]}`)
	a.ask(t, "PUT", "/log_a/d007/file", "x", "Content-Type", "image/png", "If-Match", a.rev(t, "log_a", "d007"))
	b.ask(t, "PUT", "/log_b", "")
	b.ask(t, "PUT", "/log_b/_design/v", `{"validate_doc_update":"function(d){if(d.n===7||d.n===8)throw({forbidden:'no '+d.n})}"}`)
	var refused []string
	o := Options{Source: a.peer("log_a"), Target: b.peer("log_b"), Refused: func(id string, err error) {
		refused = append(refused, id+": "+err.Error())
	}}
	res, err := Run(context.Background(), o)
	if err != nil || res.History[0].Failures != 3 || res.History[0].Written != 398 {
		t.Errorf("%+v %v", res, err)
	}
	slices.Sort(refused)
	if len(refused) != 3 || !strings.HasPrefix(refused[0], "d007: no 7") || !strings.HasPrefix(refused[1], "d008: no 8") || !strings.HasPrefix(refused[2], "huge: ") {
		t.Errorf("%q", refused)
	}
	if got := b.ask(t, "GET", "/log_b", ""); !strings.Contains(got, `"doc_count":399`) {
		t.Error(got)
	}
}

func TestRunSome(t *testing.T) {
	t.Parallel()
	a := newServer(t, couchapi.Options{})
	a.fill(t, "log_a")
	for name, c := range map[string]struct {
		o    Options
		want int
	}{
		"docids":   {Options{DocIDs: []string{"doc003", "files", "nope", "doc003"}}, 2},
		"selector": {Options{Selector: json.RawMessage(`{"n":{"$lt":10}}`)}, 10},
		"filter":   {Options{Filter: "d/even"}, 125},
		"params":   {Options{Filter: "d/even", Params: url.Values{"odd": {"1"}}}, 125},
	} {
		db := "log_" + name
		o := c.o
		o.Source, o.Target, o.CreateTarget = a.peer("log_a"), a.peer(db), true
		res, err := Run(context.Background(), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		answer, err := json.Marshal(res)
		if counted := strings.Contains(string(answer), `GMT","docs_read":2,"docs_written":2,"doc_write_failures":0,"history":[`); err != nil || counted != (name == "docids") {
			t.Errorf("%s: %s %v", name, answer, err)
		}
		if got := a.ask(t, "GET", "/"+db, ""); !strings.Contains(got, fmt.Sprintf(`"doc_count":%d,`, c.want)) {
			t.Errorf("%s: %s, want %d", name, got, c.want)
		}
	}
	// Docs that are not there, however much else changes.
	none := Options{Source: a.peer("log_a"), Target: a.peer("log_none"), CreateTarget: true, DocIDs: []string{"nope"}}
	for range 2 {
		a.ask(t, "POST", "/log_a", "{}")
		if res, err := Run(context.Background(), none); err != nil || !res.NoChanges || res.idsResult != nil {
			t.Errorf("%+v %v", res, err)
		}
	}
	ids := map[string]bool{}
	for _, o := range []Options{{}, {DocIDs: []string{"a"}}, {Filter: "d/even"}, {Filter: "d/even", Params: url.Values{"a": {"b"}}}, {Server: "x"}} {
		o.Source, o.Target = a.peer("log_a"), a.peer("log_t")
		id, err := o.ID(context.Background())
		if err != nil || ids[id] {
			t.Errorf("%+v has the id %s, %v", o, id, err)
		}
		ids[id] = true
	}
}

// TestRunReadOnly replicates from a source that takes no checkpoint.
func TestRunReadOnly(t *testing.T) {
	t.Parallel()
	a, b := newServer(t, couchapi.Options{}), newServer(t, couchapi.Options{})
	a.fill(t, "log_a")
	o := Options{Source: a.peer("log_a"), Target: b.peer("log_b"), CreateTarget: true}
	o.Source.Transport = readOnly{o.Source.Transport}
	for range 2 {
		if _, err := Run(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	}
	a.same(t, "log_a", b, "log_b")
}

type readOnly struct{ next http.RoundTripper }

func (r readOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPut {
		req.Body.Close()
		return &http.Response{StatusCode: 403, Status: "403 Forbidden", Header: http.Header{}, Request: req,
			Body: io.NopCloser(strings.NewReader(`{"error":"forbidden","reason":"read only"}`))}, nil
	}
	return r.next.RoundTrip(req)
}

func TestRunContinuous(t *testing.T) {
	t.Parallel()
	a := newServer(t, couchapi.Options{})
	a.fill(t, "log_a")
	ctx, cancel := context.WithCancel(context.Background())
	progress := make(chan Stats, 1000)
	o := Options{Source: a.peer("log_a"), Target: a.peer("log_t"), CreateTarget: true, Continuous: true,
		Progress: func(s, _ Stats) { progress <- s }}
	done := make(chan error, 1)
	go func() {
		_, err := Run(ctx, o)
		done <- err
	}()
	waitFor := func(written int64) {
		t.Helper()
		for {
			select {
			case s := <-progress:
				if s.Written >= written {
					return
				}
			case err := <-done:
				t.Fatalf("it ended: %v", err)
			case <-time.After(time.Minute):
				t.Fatalf("%d docs do not arrive", written)
			}
		}
	}
	waitFor(257)
	a.ask(t, "PUT", "/log_a/more", "{}")
	waitFor(258)
	a.same(t, "log_a", a, "log_t")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	a := newServer(t, couchapi.Options{})
	a.ask(t, "PUT", "/log_a", "")
	m := NewManager(ManagerOptions{Local: a.Transport})
	defer m.Close()
	for _, source := range []string{
		`"http://user:topsecret@127.0.0.1:1/db"`, `{"url":"http://127.0.0.1:1/db","auth":{"basic":{"username":"u","password":"topsecret"}}}`,
		`"http://user:topsecret@[::bad/db"`, `"http://user:topsecret@host"`, `{"url":"ftp://u:topsecret@h/d"}`,
	} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, _, err := m.Replicate(ctx, admin, []byte(`{"target":"log_a","source":`+source+`}`))
		cancel()
		if err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func FuzzSpec(f *testing.F) {
	f.Add([]byte(`{"source":"a","target":{"url":"http://u:p@h/d","headers":{"X":"y"},"auth":{"basic":{"username":"u","password":"p"}}},"doc_ids":["a"],"query_params":{"n":1}}`))
	f.Add([]byte(`{"source":"/","target":{"url":"//"}}`))
	f.Add([]byte(`{"source":"https://u@h:1/d?x#y","target":{"url":"http://h/%2F"},"selector":{"a":{"$gt":null}},"since_seq":"1-g","use_checkpoints":false}`))
	f.Add([]byte(`{"SOURCE":"a","target":null,"filter":"d/f","query_params":{"a":[],"b":"c"},"create_target":true,"create_target_params":{"q":1},"proxy":"p"}`))
	f.Add([]byte(`{"_id":"x","_replication_state":"error","doc_ids":null,"continuous":"true","cancel":true,"replication_id":"r"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := parseSpec(raw)
		if err != nil {
			return
		}
		for _, side := range []json.RawMessage{s.Source, s.Target} {
			if e, err := parseEndpoint(side); err == nil && (e.local == "") == (e.url == nil) {
				t.Errorf("%s: %+v", side, e)
			} else if err == nil && e.url != nil && e.url.User != nil {
				t.Errorf("%s is shown with its user", side)
			}
		}
		if _, err := s.options(); err != nil && !store.IsKind(err, store.KindBadRequest) {
			t.Error(err)
		}
	})
}
