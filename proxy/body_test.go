package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"logctl/internal/pipes"
	"logctl/proxy/wire"
	"logctl/store/intake"
)

// TestBudgetHolds lets many clients send at once: what does not fit is turned away, what fits is stored, and all memory is
// given back.
func TestBudgetHolds(t *testing.T) {
	t.Parallel()
	f := newFakeCouch()
	door := New(Options{Upstream: f, AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") }),
		Limits: Limits{Body: 64 << 10, Memory: 400 << 10}})
	body := `{"a":"` + strings.Repeat("x", 40<<10) + `"}`
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for i := range 50 {
		wg.Go(func() {
			r := newRequest("POST", "/log_app", body, "Content-Type", jsonType)
			r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", i%5)
			w := httptest.NewRecorder()
			door.ServeHTTP(w, r)
			mu.Lock()
			defer mu.Unlock()
			got[w.Code]++
		})
	}
	wg.Wait()
	if got[201] == 0 || got[201]+got[503]+got[429] != 50 || len(f.dbs["log_app"]) != got[201] {
		t.Errorf("answers %v with %d docs stored", got, len(f.dbs["log_app"]))
	}
	if left := door.budget.Unused(); left != door.o.Limits.Memory {
		t.Errorf("%d of %d bytes left after all", left, door.o.Limits.Memory)
	}
}

func TestBudgetIsSpent(t *testing.T) {
	t.Parallel()
	door := New(Options{Upstream: untouched(t), Limits: Limits{Body: 1 << 20, Memory: 100 << 10}})
	body := `{"a":"` + strings.Repeat("x", 200<<10) + `"}`
	for _, coding := range []string{"", "gzip"} {
		text := body
		if coding != "" {
			text = pack(t, body)
		}
		w := call(door, "POST", "/log_app", text, "Content-Type", jsonType, "Content-Encoding", coding)
		if word, _ := errorOf(t, w); w.Code != 503 || word != "service_unavailable" || w.Header().Get("Retry-After") == "" {
			t.Errorf("coding %q: %d %s", coding, w.Code, w.Body)
		}
	}
	// Small docs count with what they take beside their text.
	w := call(door, "POST", "/log_app", "["+strings.Repeat("{},", 2000)+"{}]", "Content-Type", jsonType)
	if w.Code != 503 {
		t.Errorf("many small docs: %d", w.Code)
	}
	if left := door.budget.Unused(); left != door.o.Limits.Memory {
		t.Errorf("%d of %d bytes left after all", left, door.o.Limits.Memory)
	}
}

// TestLengthIsNoPromise announces a body without sending it: it takes next to nothing of the budget.
func TestLengthIsNoPromise(t *testing.T) {
	t.Parallel()
	door := New(Options{Upstream: untouched(t)})
	r := newRequest("POST", "/log_app", "", "Content-Type", jsonType)
	sent, started := make(chan struct{}), make(chan struct{})
	r.Body = io.NopCloser(readFunc(func(p []byte) (int, error) {
		close(started)
		<-sent
		return 0, errors.New("gone")
	}))
	r.ContentLength = door.o.Limits.Body
	done := make(chan struct{})
	go func() {
		defer close(done)
		door.ServeHTTP(discard{http.Header{}}, r)
	}()
	<-started
	if taken := door.o.Limits.Memory - door.budget.Unused(); taken > intake.Small {
		t.Errorf("%d bytes taken before the first came", taken)
	}
	close(sent)
	<-done
}

// TestPackedBodyGrows unpacks a small body into a large one: the announced length, which is the packed one's, must not make the
// buffer grow in small steps, each of which copies all that is there.
func TestPackedBodyGrows(t *testing.T) {
	door := New(Options{Upstream: untouched(t), Limits: Limits{Doc: 1 << 10}})
	text := pack(t, `{"a":"`+strings.Repeat("x", 4<<20)+`"}`)
	var w *httptest.ResponseRecorder
	allocs := testing.AllocsPerRun(1, func() {
		w = call(door, "POST", "/log_app", text, "Content-Type", jsonType, "Content-Encoding", "gzip")
	})
	if w.Code != 413 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if allocs > 500 {
		t.Errorf("%.0f allocations for one body", allocs)
	}
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// discard is an answer that nobody reads.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) WriteHeader(int)             {}
func (d discard) Write(p []byte) (int, error) { return len(p), nil }

// TestSlowBodies drips bodies over connections whose clock is the test's.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		every  time.Duration // between two pieces
		piece  int           // bytes
		total  int
		status int
		atMost time.Duration
	}{
		{"steady", time.Second, 32 << 10, 320 << 10, 503, 15 * time.Second}, // the store is no store
		{"dripping", 5 * time.Second, 1, 1000, 408, bodyGrace + time.Second},
		{"stalling", time.Hour, 100 << 10, 320 << 10, 408, bodyGrace + time.Second},
		{"under the speed", time.Second, bodySpeed / 2, 1 << 20, 408, 3 * bodyGrace},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			door := New(Options{Upstream: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
			})})
			client, status := serveOne(t, door)
			fmt.Fprintf(client, "POST /log_app HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", tt.total)
			start := time.Now()
			text := `{"a":"` + strings.Repeat("x", tt.total-8) + `"}`
			answered := make(chan struct{})
			go func() {
				for len(text) > 0 {
					n := min(tt.piece, len(text))
					if _, err := io.WriteString(client, text[:n]); err != nil {
						return
					}
					text = text[n:]
					select {
					case <-time.After(tt.every):
					case <-answered:
						return
					}
				}
			}()
			if got := <-status; got != tt.status {
				t.Errorf("%s: status %d, want %d", tt.name, got, tt.status)
			}
			if took := time.Since(start); took > tt.atMost {
				t.Errorf("%s: answered after %v, want at most %v", tt.name, took, tt.atMost)
			}
			close(answered)
			client.Close()
			time.Sleep(time.Minute) // the bubble's, for the server to let go of the connection
		})
	}
}

// serveOne runs a server with one connection, which is in memory, and gives the other end and the status of the answer that comes.
func serveOne(t *testing.T, h http.Handler) (net.Conn, <-chan int) {
	t.Helper()
	l := pipes.New()
	client := l.Dial()
	s := wire.NewServer(context.Background(), h, slog.New(slog.DiscardHandler))
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return client, pipes.Status(client)
}
