package couchapi

import (
	"net/http"
	"slices"
	"strings"

	"logctl/store/headers"
)

// corsExposed are the headers that a page of another origin may read, CouchDB's list.
const corsExposed = "content-type, cache-control, accept-ranges, etag, server, x-couch-request-id, " +
	"x-couch-update-newrev, x-couchdb-body-time"

const (
	corsMethods = "GET, HEAD, POST, PUT, DELETE, TRACE, CONNECT, COPY, OPTIONS"
	corsHeaders = "accept, authorization, content-type, origin, referer"
	corsMaxAge  = "600"
)

// cors adds the headers that let pages of other origins use the server, where chttpd/enable_cors and cors/origins allow
// it. It answers a preflight request, and then returns true.
func (h *Handler) cors(x *exchange) bool {
	origin := x.r.Header.Get("Origin")
	if origin == "" || !h.settings.flag("chttpd", "enable_cors") || !h.corsAllows(origin) {
		return false
	}
	hdr := x.w.Header()
	preflight := x.r.Header.Get("Access-Control-Request-Method")
	if x.r.Method != http.MethodOptions || preflight == "" {
		h.corsOrigin(hdr, origin)
		hdr.Set("Access-Control-Expose-Headers", corsExposed)
		return false
	}
	allowed := h.corsList("methods", corsMethods)
	wanted := headers.List(strings.ToLower(x.r.Header.Get("Access-Control-Request-Headers")))
	known := headers.List(strings.ToLower(h.corsList("headers", corsHeaders)))
	if !slices.Contains(headers.List(allowed), preflight) ||
		slices.ContainsFunc(wanted, func(n string) bool { return !slices.Contains(known, n) }) {
		h.corsOrigin(hdr, origin)
		hdr.Set("Access-Control-Expose-Headers", corsExposed)
		return false
	}
	h.corsOrigin(hdr, origin)
	hdr.Set("Access-Control-Allow-Methods", allowed)
	if len(wanted) > 0 {
		hdr.Set("Access-Control-Allow-Headers", strings.Join(wanted, ", "))
	}
	hdr.Set("Access-Control-Max-Age", corsMaxAge)
	x.sent = true
	x.w.WriteHeader(http.StatusNoContent)
	return true
}

func (h *Handler) corsAllows(origin string) bool {
	origins, _ := h.settings.get("cors", "origins")
	list := headers.List(origins)
	return slices.Contains(list, origin) || slices.Contains(list, "*")
}

func (h *Handler) corsOrigin(hdr http.Header, origin string) {
	hdr.Set("Access-Control-Allow-Origin", origin)
	hdr.Add("Vary", "Origin")
	if h.settings.flag("cors", "credentials") {
		hdr.Set("Access-Control-Allow-Credentials", "true")
	}
}

func (h *Handler) corsList(key, byDefault string) string {
	if v, ok := h.settings.get("cors", key); ok {
		return v
	}
	return byDefault
}
