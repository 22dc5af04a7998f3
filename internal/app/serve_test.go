package app

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startServe runs Serve on a free port until stop is called; ended has what it returned.
func startServe(t *testing.T, o ServeOptions) (url string, stop func(), ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	listening := make(chan string, 1)
	o.Listen, o.Data = "127.0.0.1:0", t.TempDir()
	o.AdminPasswordFile = filepath.Join(o.Data, "secret")
	if err := os.WriteFile(o.AdminPasswordFile, []byte("pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Log = slog.New(slog.NewTextHandler(listener{listening}, nil))
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, o) }()
	select {
	case line := <-listening:
		_, rest, _ := strings.Cut(line, "url=")
		url, _, _ = strings.Cut(rest, " ")
		return url, cancel, done
	case err := <-done:
		t.Fatalf("serve: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("serve does not listen")
	}
	return "", nil, nil
}

// listener is a log that waits for the line that says where a serve listens.
type listener struct{ lines chan<- string }

func (l listener) Write(p []byte) (int, error) {
	if line := string(p); strings.Contains(line, "msg=listening") {
		l.lines <- line
	}
	return len(p), nil
}

func ask(t *testing.T, method, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", "pw")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s %s: %v %v", method, url, res, err)
	}
	return res
}

// TestStopEndsFeeds: feeds end when a serve is asked to stop, as if there were nothing more to come; they don't hold it up.
func TestStopEndsFeeds(t *testing.T) {
	t.Parallel()
	url, stop, ended := startServe(t, ServeOptions{})
	ask(t, "PUT", url+"/log_app").Body.Close()
	ask(t, "PUT", url+"/log_other").Body.Close()
	continuous := ask(t, "GET", url+"/log_app/_changes?feed=continuous&heartbeat=100")
	defer continuous.Body.Close()
	longpoll := ask(t, "GET", url+"/log_other/_changes?feed=longpoll")
	defer longpoll.Body.Close()
	lines := bufio.NewReader(continuous.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "\n" {
		t.Fatalf("no heartbeat: %q %v", line, err)
	}
	began := time.Now()
	stop()
	rest, err := io.ReadAll(lines)
	if err != nil || !strings.HasSuffix(string(rest), "\"pending\":0}\n") {
		t.Errorf("the continuous feed ends with %q, %v", rest, err)
	}
	rest, err = io.ReadAll(longpoll.Body)
	if err != nil || !strings.HasSuffix(string(rest), "\"pending\":0}\n") {
		t.Errorf("the longpoll feed ends with %q, %v", rest, err)
	}
	if took := time.Since(began); took > drainTime-time.Second { // closing the store comes after, and takes what it takes
		t.Errorf("the feeds took %v to end", took)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestServeIsFoundFromElsewhere starts a serve with relative paths and looks for it from another directory.
func TestServeIsFoundFromElsewhere(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	if err := os.WriteFile("secret", []byte("pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	o := ServeOptions{Listen: "127.0.0.1:0", Data: "data", AdminPasswordFile: "secret", Log: slog.New(slog.DiscardHandler)}
	go func() { done <- Serve(ctx, o) }()
	awaitAdvert(t, "data", done)
	t.Chdir(t.TempDir())
	conn, err := connectServe(filepath.Join(root, "data"))
	if err != nil || conn == nil {
		t.Errorf("not found: %v, %v", conn, err)
	}
	if conn != nil {
		conn.Close()
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
