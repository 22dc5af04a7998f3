package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
	"logctl/store/intake"
)

// slowStore takes some time for each write, on a clock that is the test's.
func slowStore(t testing.TB, took time.Duration) directStore {
	return directStore{untouched(t), func(_ context.Context, _ store.DBName, docs []store.Doc) ([]store.WriteResult, error) {
		time.Sleep(took)
		results := make([]store.WriteResult, len(docs))
		for i := range results {
			results[i] = store.WriteResult{ID: "x", Rev: store.Rev{Gen: 1, Hash: "x"}}
		}
		return results, nil
	}}
}

// TestQuietBesideLoud: a client that has fifty large writes under way at any time does not slow another one's, large or small, by
// more than the one that is at the store already.
func TestQuietBesideLoud(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const took = 10 * time.Millisecond
		door := New(Options{Upstream: slowStore(t, took), AsWriter: asWriter})
		large := `{"a":"` + strings.Repeat("x", largeBody) + `"}`
		send := func(from, body string) int {
			r := newRequest("POST", "/log_app", body, "Content-Type", jsonType)
			r.RemoteAddr = from + ":1"
			w := httptest.NewRecorder()
			door.ServeHTTP(w, r)
			return w.Code
		}
		var stop atomic.Bool
		var wg sync.WaitGroup
		loud := 0
		var mu sync.Mutex
		for range 50 {
			wg.Go(func() {
				for !stop.Load() {
					if send("192.0.2.1", large) == 201 {
						mu.Lock()
						loud++
						mu.Unlock()
					}
				}
			})
		}
		synctest.Wait()
		var waits []time.Duration
		for i := range 60 {
			began := time.Now()
			if code := send("192.0.2.2", []string{large, `{"a":1}`, "[{},{}]"}[i%3]); code != 201 {
				t.Errorf("a quiet one: %d", code)
			}
			waits = append(waits, time.Since(began))
		}
		stop.Store(true)
		wg.Wait()
		slices.Sort(waits)
		if p95 := waits[len(waits)*95/100]; p95 > 2*took {
			t.Errorf("p95 of the quiet ones is %v where a write takes %v", p95, took)
		}
		if loud < 60 {
			t.Errorf("only %d writes of the loud one passed", loud)
		}
	})
}

// TestOverloadMemory sends many large bodies at once, from many clients: each is stored or turned away with a time to come back, and
// the memory that they take stays within what they may take.
func TestOverloadMemory(t *testing.T) {
	const memory, size, clients = 8 << 20, 1 << 20, 100
	door := New(Options{Upstream: slowStore(t, 5*time.Millisecond), AsWriter: asWriter, Limits: Limits{Body: size, Memory: memory},
		Trusted: nil})
	var from atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", from.Add(1)%20)
		door.ServeHTTP(w, r)
	}))
	defer server.Close()
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		most := uint64(0)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				runtime.GC() // what nobody holds does not count
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			case <-done:
				peak <- most
				return
			}
		}
	}()
	var wg sync.WaitGroup
	var stored, refused atomic.Int64
	for range clients {
		wg.Go(func() {
			body := io.MultiReader(strings.NewReader(`{"a":"`), io.LimitReader(letters{}, size-100), strings.NewReader(`"}`))
			res, err := http.Post(server.URL+"/log_app", jsonType, body)
			if err != nil {
				refused.Add(1) // closed while it was still sending
				return
			}
			defer res.Body.Close()
			switch {
			case res.StatusCode == 201:
				stored.Add(1)
			case (res.StatusCode == 503 || res.StatusCode == 429) && res.Header.Get("Retry-After") != "":
				refused.Add(1)
			default:
				t.Errorf("%s %v", res.Status, res.Header)
			}
		})
	}
	wg.Wait()
	close(done)
	grown := int64(<-peak) - int64(before.HeapAlloc)
	t.Logf("%d stored, %d turned away, %d MB at most", stored.Load(), refused.Load(), grown>>20)
	if stored.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d stored, %d turned away", stored.Load(), refused.Load())
	}
	// Beside the bodies: buffers that wait for their next use, and two ends of each connection.
	if bound := int64(3*memory + clients*256<<10); grown > bound {
		t.Errorf("%d bytes of memory at most, more than %d", grown, bound)
	}
	if left := door.budget.Unused(); left != memory {
		t.Errorf("%d of %d bytes left after all", left, memory)
	}
}

// letters are the letter x without an end.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// unread is an answer that its client does not read until it is asked to go on.
type unread struct {
	*httptest.ResponseRecorder
	goOn chan struct{}
}

func (u unread) Write(p []byte) (int, error) {
	<-u.goOn
	return u.ResponseRecorder.Write(p)
}

// TestUnreadAnswers: clients that do not read what they are told, as many as may be at the store at once, large and small, keep nobody
// from it, and no more memory than their answers take.
func TestUnreadAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const took = 10 * time.Millisecond
		door := New(Options{Upstream: slowStore(t, took), AsWriter: asWriter})
		small := "[{}" + strings.Repeat(",{}", 99) + "]"
		large := `[{"a":"` + strings.Repeat("x", largeBody) + `"}` + strings.Repeat(",{}", 99) + "]"
		goOn := make(chan struct{})
		var wg sync.WaitGroup
		for i := range 2 * smallAtOnce {
			wg.Go(func() {
				r := newRequest("POST", "/log_app", []string{small, large}[i%2], "Content-Type", jsonType)
				r.RemoteAddr = "192.0.2.1:1"
				door.ServeHTTP(unread{httptest.NewRecorder(), goOn}, r)
			})
		}
		time.Sleep(time.Minute)
		if held := door.o.Limits.Memory - door.budget.Unused(); held > 2*smallAtOnce*intake.Small {
			t.Errorf("answers hold %d bytes", held)
		}
		for _, body := range []string{small, large} {
			began := time.Now()
			r := newRequest("POST", "/log_app", body, "Content-Type", jsonType)
			r.RemoteAddr = "192.0.2.2:1"
			w := httptest.NewRecorder()
			if door.ServeHTTP(w, r); w.Code != 201 || time.Since(began) > took {
				t.Errorf("a quiet one: %d after %v", w.Code, time.Since(began))
			}
		}
		close(goOn)
		wg.Wait()
		if left := door.budget.Unused(); left != door.o.Limits.Memory {
			t.Errorf("%d bytes left after all", left)
		}
	})
}
