// Package couchpath reads and writes the paths of requests as CouchDB does, and writes those of its answers.
package couchpath

import (
	"net/http"
	"net/url"
	"strings"
)

// overrides are the methods that a POST may turn into with X-HTTP-Method-Override.
const overrides = " GET HEAD POST PUT DELETE COPY "

// Canonical is r as the routes know it: CouchDB reads a path as its segments, so that empty ones do not count ("//",
// a slash at the end), and a plus sign in one is a blank. The header that overrides a POST's method is honoured here.
// With plus it stays what it is.
func Canonical(r *http.Request, plus bool) *http.Request {
	method := r.Method
	if m := r.Header.Get("X-HTTP-Method-Override"); m != "" && method == http.MethodPost {
		if m = strings.ToUpper(m); strings.Contains(overrides, " "+m+" ") {
			method = m
		}
		if method == http.MethodHead {
			method = http.MethodGet // the client waits for a body, and CouchDB sends it
		}
	}
	path := r.URL.EscapedPath()
	if method == r.Method && isCanonical(path) {
		return r
	}
	c := *r
	c.Method = method
	u := *r.URL
	c.URL = &u
	var plain, raw strings.Builder
	for seg := range strings.SplitSeq(path, "/") {
		if seg == "" {
			continue
		}
		unescape := url.QueryUnescape
		if plus {
			unescape = url.PathUnescape
		}
		s, _ := unescape(seg) // what EscapedPath gives can be
		plain.WriteByte('/')
		plain.WriteString(s)
		raw.WriteByte('/')
		raw.WriteString(url.PathEscape(s))
	}
	if plain.Len() == 0 {
		plain.WriteByte('/')
		raw.WriteByte('/')
	}
	u.Path, u.RawPath = plain.String(), raw.String()
	return &c
}

// isCanonical tells that a path needs no rewriting: the usual case of plain names.
func isCanonical(path string) bool {
	if path == "/" {
		return true
	}
	return len(path) > 1 && path[0] == '/' && path[len(path)-1] != '/' &&
		!strings.ContainsAny(path, "%+") && !strings.Contains(path, "//")
}

// Of is the path of a doc or database in a Location header: each part one escaped segment.
func Of(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(Escape(p))
	}
	return b.String()
}

// Escape escapes s as CouchDB does in a Location: all but letters, digits and a few marks. Requests with it mean s to a CouchDB, too.
func Escape(s string) string {
	const hex = "0123456789ABCDEF"
	i := 0
	for i < len(s) && isUnreserved(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	out := append(make([]byte, 0, len(s)+16), s[:i]...)
	for ; i < len(s); i++ {
		if c := s[i]; isUnreserved(c) {
			out = append(out, c)
		} else {
			out = append(out, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(out)
}

func isUnreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == ':'
}
