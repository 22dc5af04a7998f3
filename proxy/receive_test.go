package proxy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
)

func receiving(from string, body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/push", body)
	r.RemoteAddr = from + ":1"
	return r
}

// TestReceive: bodies that are still coming keep nobody from being worked on, those of one client keep another's for one turn at most.
func TestReceive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door := New(Options{Upstream: http.NotFoundHandler()})
		for range 2 * receivedAtOnce {
			body, w := io.Pipe()
			defer w.CloseWithError(io.ErrUnexpectedEOF)
			go func() { _, _, _ = door.Receive(httptest.NewRecorder(), receiving("192.0.2.1", body), 100) }()
		}
		synctest.Wait()
		var releases []func(size int)
		for range receivedAtOnce {
			body, release, err := door.Receive(httptest.NewRecorder(), receiving("192.0.2.1", strings.NewReader("text")), 100)
			if err != nil || string(body) != "text" {
				t.Fatalf("%q, %v", body, err)
			}
			releases = append(releases, release)
		}
		came := make(chan string, 100)
		for i, from := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"} {
			go func() {
				_, release, err := door.Receive(httptest.NewRecorder(), receiving(from, strings.NewReader("text")), 100)
				if err != nil {
					t.Error(err)
				}
				came <- from
				if i == 3 {
					release(4)
				}
			}()
			synctest.Wait()
		}
		releases[0](4)
		synctest.Wait()
		releases[1](4)
		synctest.Wait()
		if <-came != "192.0.2.1" || <-came != "192.0.2.2" {
			t.Error("the second client does not get the second turn")
		}
		// its turn is given back by now: the others get that and what else there is
		releases[2](4)
		releases[3](4)
		synctest.Wait()
		if len(came) != 2 {
			t.Errorf("%d more came", len(came))
		}
	})
}

func TestReceiveRefuses(t *testing.T) {
	t.Parallel()
	door := New(Options{Upstream: http.NotFoundHandler()})
	for _, body := range []io.Reader{strings.NewReader(strings.Repeat("x", 101)), io.MultiReader(strings.NewReader(strings.Repeat("x", 101)))} {
		if _, _, err := door.Receive(httptest.NewRecorder(), receiving("192.0.2.1", body), 100); !store.IsKind(err, store.KindTooLarge) {
			t.Errorf("too large: %v", err)
		}
	}
	broken := io.MultiReader(strings.NewReader("x"), &failing{})
	if _, _, err := door.Receive(httptest.NewRecorder(), receiving("192.0.2.1", broken), 100); !store.IsKind(err, store.KindBadRequest) {
		t.Errorf("broken: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		var err error
		var took time.Duration
		client, status := serveOne(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			_, _, err = door.Receive(w, r, 100)
			took = time.Since(start)
		}))
		fmt.Fprint(client, "POST /push HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123")
		<-status
		if !store.IsKind(err, store.KindUnavailable) || took > bodyGrace+time.Second {
			t.Errorf("slow: %v after %v", err, took)
		}
		client.Close()
	})
	if left := door.budget.Unused(); left != door.o.Limits.Memory {
		t.Errorf("%d bytes are not given back", door.o.Limits.Memory-left)
	}
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestReceiveRate: a body counts by what it was, unpacked, and a request counts whatever comes of it.
func TestReceiveRate(t *testing.T) {
	t.Parallel()
	door := New(Options{Upstream: http.NotFoundHandler(), Limits: Limits{Requests: 5, Bytes: 1 << 10}})
	take := func(from string) (release func(size int), err error) {
		_, release, err = door.Receive(httptest.NewRecorder(), receiving(from, strings.NewReader("text")), 100)
		return release, err
	}
	release, err := take("192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	release(10 << 10)
	w := httptest.NewRecorder()
	if _, _, err := door.Receive(w, receiving("192.0.2.1", strings.NewReader("text")), 100); !store.IsKind(err, store.KindTooManyRequests) ||
		w.Header().Get("Retry-After") != "8" {
		t.Errorf("after ten seconds' worth of bytes: %v, %v", err, w.Header())
	}
	for range 12 {
		if _, _, err = door.Receive(httptest.NewRecorder(), receiving("192.0.2.2", &failing{}), 100); err == nil {
			t.Error("a broken body is taken")
		}
	}
	if !store.IsKind(err, store.KindTooManyRequests) {
		t.Errorf("after twelve broken ones: %v", err)
	}
	if release, err = take("192.0.2.3"); err != nil {
		t.Errorf("another client: %v", err)
	} else {
		release(4)
	}
}
