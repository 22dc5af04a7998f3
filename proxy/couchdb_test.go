package proxy

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"logctl/store"
)

// newBackend puts a door in front of a CouchDB that listens.
func newBackend(t *testing.T, couch http.Handler, log *slog.Logger) (door, backend *httptest.Server) {
	t.Helper()
	backend = httptest.NewServer(couch)
	t.Cleanup(backend.Close)
	up, err := NewCouchDB(CouchDBOptions{URL: backend.URL + "/", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	door = httptest.NewServer(New(Options{Upstream: up, Log: log,
		AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") })}))
	t.Cleanup(door.Close)
	return door, backend
}

func send(t *testing.T, method, target, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestCouchDB(t *testing.T) {
	t.Parallel()
	f := newFakeCouch()
	door, backend := newBackend(t, f, nil)
	good, id, rev := withID(t, `{"a":1}`)
	for range 2 {
		res, text := send(t, "POST", door.URL+"/log_app/", good, "Content-Type", jsonType)
		if want := `{"ok":true,"id":"` + id + `","rev":"` + rev + "\"}\n"; res.StatusCode != 201 || text != want {
			t.Errorf("%d %s, want 201 %s", res.StatusCode, text, want)
		}
		if got, want := res.Header.Get("Location"), door.URL+"/log_app/"+id; got != want {
			t.Errorf("Location %q, want %q", got, want)
		}
	}
	res, text := send(t, "GET", door.URL+"/log_app/_all_docs", "")
	if res.StatusCode != 401 || strings.Contains(text, id) {
		t.Errorf("a stranger reads: %d %s", res.StatusCode, text)
	}
	res, text = send(t, "GET", door.URL+"/log_app/_all_docs?a=%zz;b", "", "Authorization", "Basic cmVhZGVyOnB3")
	if res.StatusCode != 200 || !strings.Contains(text, id) {
		t.Errorf("a reader does not read: %d %s", res.StatusCode, text)
	}
	seen := f.seen()
	if got := seen[len(seen)-1]; got != "GET /log_app/_all_docs?a=%zz;b" {
		t.Errorf("the store was asked %s", got)
	}
	// What a signed-in caller wrote is at the door, not at the backend.
	res, _ = send(t, "POST", door.URL+"/log_app", `{"_id":"x"}`, "Content-Type", jsonType, "Authorization", "Basic cmVhZGVyOnB3")
	if loc := res.Header.Get("Location"); res.StatusCode != 201 || strings.HasPrefix(loc, backend.URL) {
		t.Errorf("%d, Location %q", res.StatusCode, loc)
	}
	last := f.headers[len(f.headers)-1]
	if last.Get("X-Forwarded-For") != "127.0.0.1" || "http://"+last.Get("X-Forwarded-Host") != door.URL || last.Get("X-Forwarded-Proto") != "http" {
		t.Errorf("the store was told %v", last)
	}
	for i, req := range seen {
		if req == "POST /log_app" && f.headers[i].Get("X-Forwarded-For") != "" {
			t.Error("the writer has a client's address")
		}
	}
}

// TestCouchDBStreams reads a continuous feed while it is being written, and goes away in its middle.
func TestCouchDBStreams(t *testing.T) {
	t.Parallel()
	lines, gone := make(chan string), make(chan struct{})
	door, _ := newBackend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_session" {
			fakeAnswer(w, 200, `{"userCtx":{"name":"reader"}}`)
			return
		}
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		for {
			select {
			case line := <-lines:
				_, _ = io.WriteString(w, line)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				close(gone)
				return
			}
		}
	}), nil)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", door.URL+"/log_app/_changes?feed=continuous", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("reader", "pw")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	in := bufio.NewReader(res.Body)
	for _, line := range []string{"one\n", "\n", "two\n"} {
		lines <- line
		if got, err := in.ReadString('\n'); err != nil || got != line {
			t.Fatalf("read %q, %v, want %q", got, err, line)
		}
	}
	cancel()
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Error("the store still writes to nobody")
	}
}

// TestCouchDBFeedsEnd: what has no end is cut off when the server begins to shut down, the rest is not.
func TestCouchDBFeedsEnd(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-release:
			_, _ = io.WriteString(w, "done")
		}
	}))
	defer backend.Close()
	up, err := NewCouchDB(CouchDBOptions{URL: backend.URL})
	if err != nil {
		t.Fatal(err)
	}
	ending, end := context.WithCancel(t.Context())
	base := store.WithEnding(t.Context(), ending)
	server := httptest.NewUnstartedServer(up)
	server.Config.BaseContext = func(net.Listener) context.Context { return base }
	server.Start()
	defer server.Close()
	open := func(path string) *http.Response {
		res, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	var feeds []*http.Response
	for _, path := range []string{"/log_app/_changes?feed=continuous", "/log_app/_changes?since=now&feed=longpoll", "/_db_updates"} {
		feeds = append(feeds, open(path))
	}
	plain := open("/log_app/_changes?include_docs=true")
	end()
	for _, res := range feeds {
		if _, err := io.ReadAll(res.Body); err == nil {
			t.Errorf("%s looks whole", res.Request.URL)
		}
		res.Body.Close()
	}
	close(release)
	if got, err := io.ReadAll(plain.Body); err != nil || string(got) != "done" {
		t.Errorf("an answer that ends: %q, %v", got, err)
	}
	plain.Body.Close()
}

// TestCouchDBIsAway tells nothing about where it should be.
func TestCouchDBIsAway(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	up, err := NewCouchDB(CouchDBOptions{URL: "http://" + addr, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	door := New(Options{Upstream: up, Log: logger, AsWriter: BasicWriter("app_write", func() []byte { return []byte("hunter2") })})
	for _, w := range []*httptest.ResponseRecorder{
		call(door, "POST", "/log_app", `{"a":1}`, "Content-Type", jsonType),
		call(door, "GET", "/_up", ""),
		call(door, "GET", "/_utils/x", ""),
		call(door, "GET", "/log_app", "", "Authorization", "Basic cmVhZGVyOnB3"),
	} {
		if word, _ := errorOf(t, w); w.Code != 503 || word != "service_unavailable" || strings.Contains(w.Body.String(), "127.0.0.1") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if s := log.String(); !strings.Contains(s, addr) || strings.Contains(s, "hunter2") || strings.Contains(s, "cmVhZGVyOnB3") {
		t.Errorf("log: %s", s)
	}
}

func TestCouchDBURL(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "couchdb:5984", "ftp://x", "http://", "http://admin:hunter2@x", "http://x?a=b", "http://x#a", "http://a b", "://"} {
		if _, err := NewCouchDB(CouchDBOptions{URL: s}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// TestModify has answers that were made for the backend's place.
func TestModify(t *testing.T) {
	t.Parallel()
	to, err := url.Parse("http://couchdb:5984")
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{to: to}
	res := &http.Response{Header: http.Header{"Location": {"http://couchdb:5984/log_app/x"}}}
	if err := u.modify(res); err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Location"); got != "/log_app/x" {
		t.Errorf("Location %q", got)
	}
}

// TestBodiesStream holds a signed-in caller's body back until its beginning has arrived at the store.
func TestBodiesStream(t *testing.T) {
	t.Parallel()
	arrived := make(chan string)
	door, _ := newBackend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_session" {
			fakeAnswer(w, 200, `{"userCtx":{"name":"reader"}}`)
			return
		}
		in := bufio.NewReader(r.Body)
		line, _ := in.ReadString('\n')
		arrived <- line
		rest, _ := io.ReadAll(in)
		fakeAnswer(w, 201, string(rest))
	}), nil)
	for _, target := range []string{"/log_app/x/attachment", "/log_app"} {
		pr, pw := io.Pipe()
		r, err := http.NewRequestWithContext(t.Context(), "POST", door.URL+target, pr)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", jsonType)
		r.SetBasicAuth("reader", "pw")
		go func() {
			_, _ = io.WriteString(pw, "{ \n")
			if line := <-arrived; line != "{ \n" {
				t.Errorf("%s: %q arrived", target, line)
			}
			_, _ = io.WriteString(pw, "}")
			pw.Close()
		}()
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(text) != "}\n" {
			t.Errorf("%s: %q, %v", target, text, err)
		}
	}
}

// TestLargeBodiesAreTold sends more than the door takes, with and without announcing it, and reads why.
func TestLargeBodiesAreTold(t *testing.T) {
	t.Parallel()
	door := New(Options{Upstream: untouched(t), Limits: Limits{Body: 1 << 20}})
	server := httptest.NewServer(door)
	defer server.Close()
	for _, announced := range []bool{true, false} {
		var body io.Reader = strings.NewReader(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)
		if !announced {
			body = io.MultiReader(body)
		}
		res, err := http.Post(server.URL+"/log_app", jsonType, body)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 413 {
			t.Errorf("announced %v: %s", announced, res.Status)
		}
	}
	counted := map[string]int64{}
	door.Counters().Each(func(name, reason string, n int64, trouble bool) {
		if counted[name+" "+reason] = n; trouble {
			t.Errorf("%s %s is a trouble", name, reason)
		}
	})
	if len(counted) != 1 || counted["refused too_large"] != 2 {
		t.Errorf("counted %v", counted)
	}
}
