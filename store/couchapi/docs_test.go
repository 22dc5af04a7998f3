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

// TestMoreCopiesThanOne has writes that want more copies than this server keeps: they are made and told as accepted, as by a CouchDB
// of one node.
func TestMoreCopiesThanOne(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	rev := ""
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", "/db/a?w=1", "{}", 201}, {"PUT", "/db/b?w=2", "{}", 202}, {"PUT", "/db/c?w=0", "{}", 201}, {"PUT", "/db/d?w=x", "{}", 201},
		{"POST", "/db?w=3", `{"_id":"e"}`, 202}, {"PUT", "/db/_local/a?w=2", "{}", 202}, {"PUT", "/db/f?w=2&new_edits=false", `{"_rev":"1-a"}`, 201},
		{"PUT", "/db/g/file?w=2", "text", 202}, {"DELETE", "/db/g/file?w=2&rev=", "", 200}, {"DELETE", "/db/g?w=2&rev=", "", 202},
		{"PUT", "/db/a?w=2", "{}", 409},
	} {
		path := c.path
		if strings.HasSuffix(path, "rev=") {
			path += rev
		}
		if answer := expect(t, h, c.method, path, c.body, c.status); c.status < 300 {
			rev = revOf(t, answer)
		}
	}
	for _, c := range []struct {
		query, body string
		status      int
		accepted    int
	}{
		{"", `{"docs":[{},{}]}`, 201, 0}, {"?w=2", `{"docs":[{},{}]}`, 202, 2}, {"", `{"docs":[{},{}],"w":2}`, 202, 2},
		{"?w=2", `{"docs":[{},{"_id":"a"}]}`, 202, 1}, {"?w=2", `{"docs":[{"_id":"a"}]}`, 201, 0}, {"?w=2", `{"docs":[],"w":1}`, 201, 0},
		{"?w=2", `{"docs":[{"_id":"z","_rev":"1-a"}],"new_edits":false}`, 201, 0},
	} {
		got := expect(t, h, "POST", "/db/_bulk_docs"+c.query, c.body, c.status)
		if strings.Count(got, `,"accepted":true}`) != c.accepted {
			t.Errorf("%s %s: %s", c.query, c.body, got)
		}
	}
}

// TestKeysAndMore: what a query reads in one go is not what the next one reads from.
func TestKeysAndMore(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "POST", "/db/_bulk_docs", `{"new_edits":false,"docs":[{"_id":"a","_rev":"1-b"},{"_id":"a","_rev":"1-a"}]}`, 201)
	got := expect(t, h, "POST", "/db/_all_docs/queries", `{"queries":[{"keys":["a","b"]},{"include_docs":true,"conflicts":true},{"keys":["a"]}]}`, 200)
	for part, want := range map[string]int{`"key":"a"`: 3, `"key":"b","error":"not_found"`: 1, `"_conflicts":["1-a"]`: 1} {
		if n := strings.Count(got, part); n != want {
			t.Errorf("%d times %s, want %d: %s", n, part, want, got)
		}
	}
}
