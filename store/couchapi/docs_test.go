package couchapi

import (
	"strings"
	"testing"
)

// TestLocalDocTag has the entity tag of a local doc, which must change with the doc: its revision need not.
func TestLocalDocTag(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	tag := func() string {
		t.Helper()
		head := ask(t, h, "HEAD", "/db/_local/a", "").Header().Get("ETag")
		if got := ask(t, h, "GET", "/db/_local/a", "").Header().Get("ETag"); got != head || len(got) < 3 {
			t.Errorf("HEAD %q, GET %q", head, got)
		}
		return head
	}
	expect(t, h, "PUT", "/db/_local/a", `{"n":1}`, 201)
	first := tag()
	if w := ask(t, h, "GET", "/db/_local/a", "", header("If-None-Match", first)); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("unchanged: %d %s", w.Code, w.Body)
	}
	if got := revOf(t, expect(t, h, "PUT", "/db/_local/a", `{"n":2}`, 201)); got != "0-1" {
		t.Fatalf("revision %s", got)
	}
	if got := tag(); got == first {
		t.Errorf("%s for another doc of the same revision", got)
	}
}

func TestNoLocalDoc(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	for _, path := range []string{"/db/_local", "/db/_local/", "/db/_local%2F", "/db/_local/a/b"} {
		if got := expect(t, h, "PUT", path, "{}", 400); !strings.Contains(got, `"bad_request"`) {
			t.Errorf("%s: %s", path, got)
		}
	}
}
