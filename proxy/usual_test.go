package proxy

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
)

// TestAnswersTakeTheirTime: the clock does not tell a stranger whether docs were there, of few and of many, and nobody waits longer than for
// a write that stores something, or keeps others from the store meanwhile.
func TestAnswersTakeTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		there := map[string]bool{}
		disk := 10 * time.Millisecond
		door := New(Options{AsWriter: asWriter, Upstream: directStore{untouched(t), func(_ context.Context, _ store.DBName, docs []store.Doc) ([]store.WriteResult, error) {
			results := make([]store.WriteResult, len(docs))
			isNew := false
			for i, d := range docs {
				if results[i].ID = d.ID; there[string(d.Body)] {
					results[i].Err = store.NewError(store.KindConflict, "Document update conflict.")
					continue
				}
				there[string(d.Body)], isNew = true, true
				results[i].Rev = store.Rev{Gen: 1, Hash: "x"}
			}
			if isNew {
				time.Sleep(disk)
			}
			return results, nil
		}}})
		door.usual.nap = time.Sleep // by the test's clock
		send := func(ctx context.Context, body string) time.Duration {
			begun := time.Now()
			w := httptest.NewRecorder()
			door.ServeHTTP(w, newRequest("POST", "/log_app", body, "Content-Type", jsonType).WithContext(ctx))
			if w.Code != 201 {
				t.Errorf("%.40s: %d", body, w.Code)
			}
			return time.Since(begun)
		}
		one, _, _ := withID(t, `{"a":1}`)
		two, _, _ := withID(t, `{"a":2}`)
		send(t.Context(), one)
		many := "[" + one + strings.Repeat(","+one, 300) + "]" // of which there were none yet
		for _, body := range []string{one, one + strings.Repeat(" ", largeBody), many, "[" + two + "," + one + "]", "[" + one + "," + two + "]"} {
			first := send(t.Context(), body) // some of it may be new
			again := send(t.Context(), body)
			if first != disk || again != disk {
				t.Errorf("%.40s of %d bytes: %v, and %v when it was there", body, len(body), first, again)
			}
		}
		disk = 0
		for range usualWrites {
			clear(there)
			send(t.Context(), one)
		}
		if again := send(t.Context(), one); again != 0 {
			t.Errorf("on a faster disk %v", again)
		}
		disk = time.Hour
		for range usualWrites {
			clear(there)
			send(t.Context(), one)
		}
		for range 2 * smallAtOnce {
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			go func() { send(ctx, one) }()
		}
		synctest.Wait()
		delete(there, `{"a":2}`)
		disk = 0
		if took := send(t.Context(), two); took != 0 {
			t.Errorf("beside those who wait %v", took)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
	})
}
