package couchapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"logctl/store"
	"logctl/store/view"
)

// TestViewsInBackground: what is written reaches the views of the database's design documents without a question.
func TestViewsInBackground(t *testing.T) {
	t.Parallel()
	views := view.New(view.Options{Delay: time.Millisecond})
	t.Cleanup(func() { views.Close() })
	h := newTestHandler(t, Options{Views: views})
	ctx := store.WithCaller(t.Context(), adminCaller(testAdmin))
	ask := func(method, path, body string) string {
		t.Helper()
		r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code > 299 {
			t.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
		}
		return rec.Body.String()
	}
	ask(http.MethodPut, "/log_a", "")
	ask(http.MethodPut, "/log_a/_design/a", `{"views":{"v":{"map":"function(doc) { emit(doc.n, null) }"}}}`)
	ask(http.MethodPut, "/log_a/x", `{"n":1}`)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(time.Minute); ; {
		rows := ask(http.MethodGet, "/log_a/_design/a/_view/v?update=false", "")
		if strings.Contains(rows, `"key":1`) {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("nothing updates the view: %s", rows)
		}
	}
}
