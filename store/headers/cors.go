package headers

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

const (
	// corsExposed are the headers that a page of another origin may read, CouchDB's list.
	corsExposed = "content-type, cache-control, accept-ranges, etag, server, x-couch-request-id, " +
		"x-couch-update-newrev, x-couchdb-body-time"
	corsMethods = "CONNECT, COPY, DELETE, GET, HEAD, OPTIONS, POST, PUT, TRACE"
	corsHeaders = "accept, authorization, content-type, origin, referer"
	corsMaxAge  = "600"
)

// CORS is which pages of other origins may do what.
type CORS struct {
	Origins          string // with commas between; * for all
	Methods, Headers string // with commas between; "": CouchDB's own
	Credentials      bool
}

// Allow adds the headers that let the page that a request is from have its answer. It returns true for a preflight request,
// of which they are the whole answer.
func (c CORS) Allow(h http.Header, r *http.Request) (preflight bool) {
	origin, origins := r.Header.Get("Origin"), List(c.Origins)
	if origin == "" || !slices.Contains(origins, origin) && !slices.Contains(origins, "*") {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Add("Vary", "Origin")
	if c.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	method, wanted := r.Header.Get("Access-Control-Request-Method"), r.Header.Get("Access-Control-Request-Headers")
	allowed := List(cmp.Or(c.Methods, corsMethods))
	known := List(strings.ToLower(cmp.Or(c.Headers, corsHeaders)))
	unknown := func(name string) bool { return !slices.Contains(known, name) }
	if r.Method != http.MethodOptions || !slices.Contains(allowed, method) || slices.ContainsFunc(List(strings.ToLower(wanted)), unknown) {
		h.Set("Access-Control-Expose-Headers", corsExposed)
		return false
	}
	h.Set("Access-Control-Allow-Methods", strings.Join(allowed, ", "))
	h.Set("Access-Control-Allow-Headers", wanted)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	return true
}
