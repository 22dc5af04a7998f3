package clients

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/internal/app"
)

// server is a logctl serve with the embedded store, in this process.
type server struct {
	data     string
	listen   string // where it listens, always the same
	bare     bool   // without the door
	password string // the admin's

	stop context.CancelFunc
	done chan error
}

// startServer starts one that ends with the test.
func startServer(t *testing.T) *server {
	t.Helper()
	return begin(t, &server{})
}

func begin(t *testing.T, s *server) *server {
	t.Helper()
	s.data, s.listen = t.TempDir(), "127.0.0.1:0"
	s.start(t)
	t.Cleanup(func() { s.end(t) })
	password, err := os.ReadFile(filepath.Join(s.data, "admin.password"))
	if err != nil {
		t.Fatal(err)
	}
	s.password = strings.TrimSpace(string(password))
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.done = stop, make(chan error, 1)
	log := slog.New(slog.DiscardHandler)
	go func() {
		s.done <- app.Serve(ctx, app.ServeOptions{Listen: s.listen, Data: s.data, Bare: s.bare, Log: log})
	}()
	s.listen = strings.TrimPrefix(s.await(t), "http://")
}

// await waits for serve.json and gives the URL in it.
func (s *server) await(t *testing.T) string {
	t.Helper()
	for deadline := time.After(time.Minute); ; {
		var ad struct{ URL string }
		if text, err := os.ReadFile(filepath.Join(s.data, "serve.json")); err == nil && json.Unmarshal(text, &ad) == nil {
			return ad.URL
		}
		select {
		case err := <-s.done:
			t.Fatalf("serve ended: %v", err)
		case <-deadline:
			t.Fatal("serve did not start")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *server) end(t *testing.T) {
	t.Helper()
	s.stop()
	if err := <-s.done; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func (s *server) url() string { return "http://" + s.listen }
