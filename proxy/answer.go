package proxy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"logctl/store"
)

// wordSlow is the error word of 408, which CouchDB has none for.
const wordSlow = "request_timeout"

// errSlow ends a body that comes too slowly.
var errSlow = errors.New("the body comes too slowly")

// fail writes the answer to a visit that failed: the one place where an error becomes a status and a body.
func (d *Door) fail(v *visit, err error) {
	status, word, reason := http.StatusInternalServerError, "internal_server_error", "The server met an error that it did not expect."
	var e *store.Error
	switch {
	case errors.As(err, &e):
		status, word, reason = e.Kind.Status(), e.ErrorWord(), e.Reason
		d.counters.refused[e.Kind].Add(1)
	case errors.Is(err, errSlow):
		status, word, reason = http.StatusRequestTimeout, wordSlow, "The request's body came too slowly."
		d.counters.slow.Add(1)
	case v.r.Context().Err() != nil: // nobody is left to tell
		return
	default:
		d.counters.refused[store.KindInternal].Add(1)
		d.o.Log.Error("request failed", "err", err)
	}
	d.tellRefused(v, status, word)
	h := v.w.Header()
	switch status {
	case http.StatusUnauthorized:
		if to := loginPage(v.r, reason); to != "" {
			h.Set("Location", to)
			status = http.StatusFound
		}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		h.Set("Retry-After", strconv.FormatInt(retryAfter(err), 10))
	case http.StatusRequestTimeout:
		h.Set("Connection", "close")
	}
	v.sendError(status, word, reason)
}

// retryAfter is the whole seconds after which a refused client may try again.
func retryAfter(err error) int64 {
	var l *limited
	if !errors.As(err, &l) {
		return 1
	}
	return max(1, int64((l.after+time.Second-1)/time.Second))
}

// sendError writes CouchDB's form of an error.
func (v *visit) sendError(status int, word, reason string) {
	body := store.AppendJSONString([]byte(`{"error":`), word)
	body = store.AppendJSONString(append(body, `,"reason":`...), reason)
	v.send(status, append(body, "}\n"...))
}

// send writes a JSON answer with the headers that every answer of CouchDB has.
func (v *visit) send(status int, body []byte) {
	h := v.w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	v.mark()
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(body) // an error here is the client's going
	}
}

// mark sets CouchDB's headers, without its version, on an answer that is about to be written.
func (v *visit) mark() {
	v.answering()
	h := v.w.Header()
	h["Server"] = []string{"CouchDB (logctl)"}
	h["Cache-Control"] = []string{"must-revalidate"}
	h["X-Couch-Request-Id"] = []string{fmt.Sprintf("%010x", rand.Uint64()>>24)}
}

// loginPage is where CouchDB sends a client that takes HTML and no JSON; "" for every other.
func loginPage(r *http.Request, reason string) string {
	accept := r.Header.Get("Accept")
	if r.Method != http.MethodGet || !strings.Contains(accept, "text/html") ||
		strings.Contains(accept, "application/json") || strings.Contains(accept, "*/*") {
		return ""
	}
	return "/_utils/session.html?return=" + url.QueryEscape(r.URL.RequestURI()) + "&reason=" + url.QueryEscape(reason)
}

// quiet lets one message through in every so long.
type quiet struct {
	every time.Duration
	last  atomic.Pointer[time.Time] // nil: there was none
}

func (q *quiet) may(now time.Time) bool {
	last := q.last.Load()
	return (last == nil || now.Sub(*last) >= q.every) && q.last.CompareAndSwap(last, &now)
}

// warn logs a trouble that every request may meet.
func (d *Door) warn(ctx context.Context, msg string, args ...any) {
	if d.quiet.may(time.Now()) {
		d.o.Log.WarnContext(ctx, msg, args...)
	}
}
