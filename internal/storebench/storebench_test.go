package storebench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"logctl/internal/app"
	"logctl/internal/config"
	"logctl/store"
	"logctl/store/couch"
	"logctl/store/ejson"
)

// TestMain lets the test's own binary be the logctl that a Server starts: --data DIR serve --listen ADDRESS [--door off].
func TestMain(m *testing.M) {
	if len(os.Args) < 6 || os.Args[3] != "serve" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err := app.Serve(ctx, app.ServeOptions{Data: os.Args[2], Listen: os.Args[5], Bare: slices.Contains(os.Args, "off"), Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := StartServer(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	dir := s.dir
	password, err := config.ReadSecret(s.PasswordFile())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := app.Connect(t.Context(), config.Config{URL: s.URL(), User: "admin", PasswordFile: s.PasswordFile()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, err := couch.New(couch.Options{URL: conn.BaseURL, Transport: conn.Transport})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		URL: s.URL(), User: "admin", Password: password, Client: c,
		Docs: 2500, Lasting: 50 * time.Millisecond, Progress: func(string) {},
	}
	remote, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Local = s
	local, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range remote {
		if m.Value <= 0 && !strings.HasPrefix(m.Name, "bytes on disk") { // a store may keep so few docs in its log
			t.Errorf("%s: %v %s", m.Name, m.Value, m.Unit)
		}
	}
	names := func(all []Measure) (names []string) {
		for _, m := range all {
			names = append(names, m.Name)
		}
		return names
	}
	for _, name := range names(remote) {
		if !slices.Contains(names(local), name) {
			t.Errorf("%s is missing of a server of ours", name)
		}
	}
	for _, name := range []string{"start after a kill", "bare appends of 128 bytes, each synced"} {
		if !slices.Contains(names(local), name) {
			t.Errorf("%s is missing", name)
		}
	}
	values := map[string]float64{}
	for _, m := range local {
		values[m.Name] = m.Value
	}
	const start = "memory after the start: "
	if all, own := values[start+"resident"], values[start+"resident, its own"]; all > 0 && (own <= 0 || own >= all) {
		t.Errorf("of %v MB that are resident %v MB are the server's own", all, own)
	}
	left, err := c.Databases(t.Context())
	left = slices.DeleteFunc(left, func(name store.DBName) bool {
		return strings.HasPrefix(string(name), "_") || name == store.TrailDB // a server's own
	})
	if err != nil || len(left) > 0 {
		t.Errorf("databases that are left: %v, %v", left, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

func TestRunTellsWhatFailed(t *testing.T) {
	t.Parallel()
	full := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			full = true
			w.WriteHeader(http.StatusInsufficientStorage)
			io.WriteString(w, `{"error":"insufficient_storage","reason":"enospc"}`)
			return
		}
		io.WriteString(w, `{"ok":true}`)
	}))
	defer s.Close()
	c, err := couch.New(couch.Options{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	measures, err := Run(t.Context(), Options{URL: s.URL, Client: c, Docs: 10, Lasting: time.Millisecond, Progress: func(string) {}})
	if len(measures) != 1 || measures[0] != (Measure{Name: "docs", Value: 10, Unit: "docs"}) {
		t.Errorf("before the error: %v", measures)
	}
	if err == nil || !strings.Contains(err.Error(), "507") || !strings.Contains(err.Error(), "enospc") || !full {
		t.Errorf("%v", err)
	}
}

// TestWire reads answers of both lengths over one connection.
func TestWire(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 20_000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s:%s %s", r.Method, r.URL.Path, name, password, body)
		if r.URL.Path == "/base/chunked" {
			w.(http.Flusher).Flush()
			io.WriteString(w, long)
		}
	}))
	defer s.Close()
	to, err := newTarget(s.URL+"/base/", "me", "pass word")
	if err != nil {
		t.Fatal(err)
	}
	w, err := to.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for range 2 {
		for _, tt := range []struct{ method, path, body, want string }{
			{"POST", "/short", "{}", "POST /base/short me:pass word {}"},
			{"GET", "/chunked", "", "GET /base/chunked me:pass word " + long},
		} {
			var body []byte
			if tt.body != "" {
				body = []byte(tt.body)
			}
			status, got, err := w.do(to.request(tt.method, tt.path, body))
			if err != nil || status != http.StatusOK || string(got) != tt.want {
				t.Errorf("%s: %d, %v, %d bytes: %.60s", tt.path, status, err, len(got), got)
			}
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 2"))
	f.Add([]byte("HTTP/1.1 999\ncontent-length:1\nTransfer-Encoding:\tCHUNKED\r\r\n\n7fffffff\r\n{}"))
	f.Add([]byte("HTTP/1.1 204 \r\nContent-Length: 2\r\n:\r\n\r\n{"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		status, body, err := (&wire{in: bufio.NewReader(bytes.NewReader(answer))}).answer()
		if err == nil && (status < 0 || len(body) > len(answer)) {
			t.Errorf("status %d, %d bytes out of %d", status, len(body), len(answer))
		}
	})
}

func TestDocs(t *testing.T) {
	t.Parallel()
	const n = 5000
	s, again := newDocSource(n), newDocSource(n)
	size, last := 0, ""
	seen := map[string]bool{}
	for range n {
		body := s.appendBody(nil)
		if string(again.appendBody(nil)) != string(body) {
			t.Fatal("two sources give different docs")
		}
		if _, err := ejson.Compact(nil, body); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		id := string(ejson.AppendContentID(nil, body, 0))
		if seen[id] || id[:8] < last {
			t.Fatalf("%s comes twice or too late", body)
		}
		seen[id], last = true, id[:8]
		size += len(body)
	}
	if mean := size / n; mean < 98 || mean > 110 {
		t.Errorf("a doc has %d bytes", mean)
	}
	if got := s.end().Format(time.DateOnly); last[:4] != "2025" || got != "2026-01-01" {
		t.Errorf("docs until %s, which end %s", last, got)
	}
}
