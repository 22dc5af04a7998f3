package proxy

import (
	"net/http"
	"strings"
)

const sessionCookie = "AuthSession"

// seal marks the session cookies of an answer: browsers send them over TLS alone, if that is how the client came, and not with what a page
// of another site posts, unless the store says something else of that.
func (v *visit) seal(h http.Header) {
	cookies := h["Set-Cookie"]
	for i, c := range cookies {
		if !strings.HasPrefix(c, sessionCookie+"=") {
			continue
		}
		_, attributes, _ := strings.Cut(strings.ToLower(c), ";")
		if v.https && !strings.Contains(attributes, "secure") {
			cookies[i] += "; Secure"
		}
		if !strings.Contains(attributes, "samesite") {
			cookies[i] += "; SameSite=Lax"
		}
	}
}

// hand gives a signed-in caller's request, made for the store, to it.
func (d *Door) hand(v *visit, r *http.Request) {
	d.o.Upstream.ServeHTTP(&sealingWriter{ResponseWriter: v.w, v: v}, r)
}

// sealingWriter seals the cookies of an answer before it goes.
type sealingWriter struct {
	http.ResponseWriter
	v    *visit
	sent bool
}

func (w *sealingWriter) WriteHeader(status int) {
	if !w.sent {
		w.sent = status >= http.StatusOK
		w.v.seal(w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *sealingWriter) Write(p []byte) (int, error) {
	if !w.sent {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// FlushError sends what there is: a feed's reader waits for it.
func (w *sealingWriter) FlushError() error {
	if !w.sent {
		w.WriteHeader(http.StatusOK)
	}
	return w.v.conn.Flush()
}

// Unwrap is for http.ResponseController.
func (w *sealingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
