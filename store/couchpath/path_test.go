package couchpath

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// TestOf: paths as a CouchDB 3.5.0 writes Locations, in which no plus sign is left to be read as a blank.
func TestOf(t *testing.T) {
	t.Parallel()
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:"
	for _, c := range []struct{ part, path string }{
		{plain, "/" + plain}, {"", "/"}, {"a/b", "/a%2Fb"}, {"ä+ ", "/%C3%A4%2B%20"}, {"org.couchdb.user:ann", "/org.couchdb.user:ann"}, {"~/;@`[{'!", "/%7E%2F%3B%40%60%5B%7B%27%21"}, {"\xff\x00z", "/%FF%00z"},
	} {
		if got := Of(c.part); got != c.path {
			t.Errorf("Of(%q) = %q, want %q", c.part, got, c.path)
		}
	}
	if got := Of("db", "_local", "a b"); got != "/db/_local/a%20b" {
		t.Error(got)
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, path, raw string }{
		{"", "/", "/"},
		{"/", "/", ""},
		{"//", "/", "/"},
		{"/db", "/db", ""},
		{"/db/", "/db", "/db"},
		{"//db//doc", "/db/doc", "/db/doc"},
		{"/db/a%2Fb", "/db/a/b", "/db/a%2Fb"},
		{"/db/a+b", "/db/a b", "/db/a%20b"},
		{"/db/a%2Bb", "/db/a+b", "/db/a+b"},
		{"/%5Fall_dbs", "/_all_dbs", "/_all_dbs"},
		{"/db/.", "/db/.", ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		u, err := url.Parse(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if c.in == "//" || c.in == "//db//doc" { // url.Parse takes these for a host
			u = &url.URL{Path: c.in}
		}
		r.URL = u
		got := Canonical(r, false)
		if got.URL.Path != c.path || c.raw != "" && got.URL.RawPath != c.raw {
			t.Errorf("Canonical(%q) = %q, %q; want %q, %q", c.in, got.URL.Path, got.URL.RawPath, c.path, c.raw)
		}
		if (got == r) != (c.raw == "") {
			t.Errorf("Canonical(%q): the same request %v", c.in, got == r)
		}
	}
}

func TestCanonicalPlus(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/db/a+b%2Bc", nil)
	if got := Canonical(r, true); got.URL.Path != "/db/a+b+c" {
		t.Error(got.URL.Path)
	}
}

func TestCanonicalMethod(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, override, want string }{
		{"POST", "DELETE", "DELETE"}, {"POST", "copy", "COPY"}, {"GET", "DELETE", "GET"}, {"POST", "PATCH", "POST"}, {"POST", "", "POST"},
		{"POST", "HEAD", "GET"}, {"HEAD", "GET", "HEAD"}, // a client that sent POST waits for a body
	} {
		r := httptest.NewRequest(c.method, "/db/doc", nil)
		r.Header.Set("X-HTTP-Method-Override", c.override)
		got := Canonical(r, false)
		if got.Method != c.want {
			t.Errorf("%s with %q: %s; want %s", c.method, c.override, got.Method, c.want)
		}
	}
}

// FuzzCanonical looks for a path that panics, or of which nothing is left.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"/", "//a//b/", "/a%2Fb/c+d", "/db/_design%2Fx/_view/y", "/%zz", "/db/\xff", "/%", "/db/%2F%2F"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		r := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}}
		once := Canonical(r, false)
		if once.URL.EscapedPath() == "" {
			t.Fatalf("%q has no path left", path)
		}
	})
}
