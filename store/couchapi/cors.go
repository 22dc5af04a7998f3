package couchapi

import (
	"net/http"

	"logctl/store/headers"
)

// cors adds the headers that let pages of other origins use the server, where chttpd/enable_cors and cors/origins allow
// it. It answers a preflight request, and then returns true.
func (h *Handler) cors(x *exchange) bool {
	if !h.settings.flag("chttpd", "enable_cors") {
		return false
	}
	c := headers.CORS{Credentials: h.settings.flag("cors", "credentials")}
	for key, to := range map[string]*string{"origins": &c.Origins, "methods": &c.Methods, "headers": &c.Headers} {
		*to, _ = h.settings.get("cors", key)
	}
	if !c.Allow(x.w.Header(), x.r) {
		return false
	}
	x.sent = true
	x.w.WriteHeader(http.StatusNoContent)
	return true
}
