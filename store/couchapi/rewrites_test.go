package couchapi

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// weighing is an answer that takes down how much memory is in use while it is sent.
type weighing struct {
	*httptest.ResponseRecorder
	heap uint64
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held goes with the second one
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (w *weighing) WriteHeader(status int) {
	w.heap = heap()
	w.ResponseRecorder.WriteHeader(status)
}

// TestRewrittenBodies shows that a request which is rewritten again and again keeps one body in memory, not each. It runs alone, since it
// weighs the whole process.
func TestRewrittenBodies(t *testing.T) {
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/_design/d", `{"rewrites":"function(req) { return {path: '_rewrite/again', body: req.body + '.'} }"}`, 201)
	const size = 256 << 10
	r := httptest.NewRequest(http.MethodPost, "/db/_design/d/_rewrite/again", strings.NewReader(strings.Repeat("x", size)))
	r.SetBasicAuth(testAdmin, testAdminPassword)
	before := heap()
	w := &weighing{ResponseRecorder: httptest.NewRecorder()}
	h.ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "recursion limit") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if used := int64(w.heap) - int64(before); used > 10*size {
		t.Errorf("%d bytes are in use at the end", used)
	}
}
