package couchapi

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"logctl/store"
)

// measuring is an answer that is thrown away. It notes the most memory that the heap has while it is written.
type measuring struct {
	*httptest.ResponseRecorder
	bytes int
	peak  uint64
}

func (m *measuring) Write(b []byte) (int, error) {
	if m.bytes/(8<<20) != (m.bytes+len(b))/(8<<20) {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		m.peak = max(m.peak, s.HeapAlloc)
	}
	m.bytes += len(b)
	return len(b), nil
}

// TestManyRevsOfOneDoc: how many revisions of a large doc are asked for does not tell what an answer needs of memory. No other test runs beside it:
// what is measured is the memory of the process.
func TestManyRevsOfOneDoc(t *testing.T) {
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	const times = 200
	revs := make([]string, times)
	for i := range revs {
		revs[i] = fmt.Sprintf("1-%03d", i)
		expect(t, h, "PUT", "/db/a?new_edits=false", `{"_rev":"`+revs[i]+`","text":"`+strings.Repeat("x", 1<<20)+`"}`, 201)
	}
	list, err := json.Marshal(revs)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"application/json", "multipart/mixed"} {
		r := httptest.NewRequest("GET", "/db/a?open_revs="+string(list), nil)
		r.Header.Set("Accept", kind)
		r = r.WithContext(store.WithCaller(r.Context(), store.Caller{Name: "a", Roles: []string{store.AdminRole}}))
		m := &measuring{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(m, r)
		if m.bytes < times<<20 {
			t.Errorf("%s: %d bytes came", kind, m.bytes)
		}
		if m.peak > 100<<20 {
			t.Errorf("%s: %d MiB of memory", kind, m.peak>>20)
		}
	}
}
