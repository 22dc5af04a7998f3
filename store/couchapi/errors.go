package couchapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"logctl/store"
)

// Reasons that more than one place gives.
const (
	reasonNoDB      = "Database does not exist."
	reasonNotAdmin  = "You are not a server admin."
	reasonNotMember = "You are not allowed to access this db."
	reasonAnonymous = "You are not authorized to access this db."
	reasonBadJSON   = "invalid UTF-8 JSON"
	reasonNotObject = "Request body must be a JSON object"
)

func errNotFound(reason string) error     { return store.NewError(store.KindNotFound, reason) }
func errBadRequest(reason string) error   { return store.NewError(store.KindBadRequest, reason) }
func errQuery(reason string) error        { return store.NewError(store.KindQueryParse, reason) }
func errForbidden(reason string) error    { return store.NewError(store.KindForbidden, reason) }
func errUnauthorized(reason string) error { return store.NewError(store.KindUnauthorized, reason) }

// errNotYet says honestly that a part of CouchDB is not there.
func errNotYet(what string) error {
	return store.NewError(store.KindNotImplemented, what+" not supported by this server.")
}

// fail writes the answer of a failed exchange: the one place where an error becomes a status and a body. An error of
// ours that has no kind is logged and told to nobody.
func (x *exchange) fail(err error) {
	var e *store.Error
	if !errors.As(err, &e) || e.Kind == store.KindInternal {
		if x.ctx().Err() != nil || x.sent && e == nil { // the client has gone
			return
		}
		x.h.o.Log.Error("request failed", "method", x.r.Method, "path", x.r.URL.Path, "err", err)
		if e == nil {
			e = store.NewError(store.KindInternal, "The server met an error that it did not expect.")
		}
	}
	body := appendError(nil, e)
	if x.sent {
		// The status is out: as CouchDB does, the error goes where the next row would have been. No JSON reader takes
		// the whole for complete.
		x.w.Write(append(append([]byte("\n\n"), body...), '\n'))
		return
	}
	hdr := x.w.Header()
	hdr.Del("ETag")
	hdr.Del("Transfer-Encoding")
	status := e.Kind.Status()
	if status == http.StatusUnauthorized {
		status = x.challenge(e)
	}
	if e.Kind == store.KindTooManyRequests || e.Kind == store.KindUnavailable {
		hdr.Set("Retry-After", "1")
	}
	x.send(status, "application/json", append(body, '\n'))
}

// challenge adds to a 401 what CouchDB does: a browser's password window where every request needs an account, or a
// redirect to the login page for a client that takes HTML and no JSON.
func (x *exchange) challenge(e *store.Error) int {
	hdr := x.w.Header()
	if x.h.settings.flag("chttpd", "require_valid_user") {
		hdr.Set("WWW-Authenticate", `Basic realm="server"`)
		return http.StatusUnauthorized
	}
	accept := x.r.Header.Get("Accept")
	if !strings.Contains(accept, "text/html") || strings.Contains(accept, "application/json") ||
		strings.Contains(accept, "*/*") {
		return http.StatusUnauthorized
	}
	hdr.Set("Location", "/_utils/session.html?return="+url.QueryEscape(x.r.URL.RequestURI())+
		"&reason="+strings.ReplaceAll(url.QueryEscape(e.Reason), "+", "%20"))
	return http.StatusFound
}

// appendError appends {"error":…,"reason":…}.
func appendError(dst []byte, e *store.Error) []byte {
	dst = append(dst, '{')
	dst = appendErrorMembers(dst, e)
	return append(dst, '}')
}

func appendErrorMembers(dst []byte, e *store.Error) []byte {
	dst = append(dst, `"error":`...)
	dst = store.AppendJSONString(dst, e.ErrorWord())
	dst = append(dst, `,"reason":`...)
	return store.AppendJSONString(dst, e.Reason)
}

// asError is err as a client may see it inside of an answer, such as in the row of one doc of many.
func (x *exchange) asError(err error) *store.Error {
	var e *store.Error
	if errors.As(err, &e) {
		return e
	}
	if !errors.Is(err, context.Canceled) {
		x.h.o.Log.Error("part of a request failed", "path", x.r.URL.Path, "err", err)
	}
	return store.NewError(store.KindInternal, "The server met an error that it did not expect.")
}

// millis is how a duration in a parameter is given: milliseconds.
func millis(s string) (time.Duration, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, false
	}
	return time.Duration(min(n, int64(maxWait/time.Millisecond))) * time.Millisecond, true
}

// maxWait bounds every duration that a client may ask for.
const maxWait = 24 * time.Hour
