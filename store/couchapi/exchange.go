package couchapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/engine"
	"logctl/store/viewopts"
)

// exchange is one request on its way to its answer. It belongs to one goroutine.
type exchange struct {
	h     *Handler
	w     http.ResponseWriter
	r     *http.Request
	began time.Time

	caller   store.Caller
	authed   string // which way the caller was recognised: "default" (basic), "cookie", "proxy", "" for nobody
	db       *engine.DB
	security *security

	partition string         // that the path names; "" for the whole database
	reader    *engine.Reader // of docs that are read in one go; nil: each is read by itself
	uploads   []uint64       // attachments that were stored for the docs of this request

	maxBody int64 // bytes, where it is less than others may have; 0: it is not

	vars   map[string]string
	params url.Values // the query, parsed at first use
	sent   bool       // the status line is out
}

func newExchange(h *Handler, w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{h: h, w: w, r: r, began: time.Now(), vars: mux.Vars(r)}
	var id [5]byte
	rand.Read(id[:]) // never fails
	hdr := w.Header()
	hdr["Server"] = []string{"CouchDB/" + couchVersion + " (logctl)"}
	hdr["X-Couch-Request-Id"] = []string{hex.EncodeToString(id[:])}
	if given := r.Header.Get("X-Couch-Request-Id"); isRequestID(given) {
		hdr["X-Couch-Request-Id"] = []string{given}
	}
	hdr["Cache-Control"] = []string{"must-revalidate"}
	return x
}

// isRequestID tells a request id that a client may give, so that it finds the answer again: letters, digits, dashes.
func isRequestID(s string) bool {
	const longest = 36
	return s != "" && len(s) <= longest && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_')
	}) < 0
}

// docReader reads docs by their ids.
type docReader interface {
	Revs(id string) (winner store.Rev, revs []engine.RevInfo, err error)
	GetRev(id string, rev store.Rev) (store.Doc, error)
}

// docs is the way to the database's docs.
func (x *exchange) docs() docReader {
	if x.reader != nil {
		return x.reader
	}
	return x.db
}

func (x *exchange) ctx() context.Context { return x.r.Context() }

// query is the parsed query string.
func (x *exchange) query() url.Values {
	if x.params == nil {
		x.params = parseQuery(x.r.URL.RawQuery)
	}
	return x.params
}

// queryParams are the parameters of the query string in their order.
func (x *exchange) queryParams() []viewopts.Param { return viewopts.ParseQuery(x.r.URL.RawQuery) }

func parseQuery(raw string) url.Values {
	vals := url.Values{}
	for _, p := range viewopts.ParseQuery(raw) {
		vals[p.Name] = append(vals[p.Name], p.Value)
	}
	return vals
}

// flag tells whether a parameter is "true".
func (x *exchange) flag(name string) bool { return x.query().Get(name) == "true" }

// name is a path variable, decoded.
func (x *exchange) name(key string) string {
	s, err := url.PathUnescape(x.vars[key])
	if err != nil { // canonical has made the path
		return x.vars[key]
	}
	return s
}

// send writes a whole answer. body is written as it is.
func (x *exchange) send(status int, contentType string, body []byte) {
	hdr := x.w.Header()
	hdr["Content-Type"] = []string{contentType}
	hdr["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.time()
	x.sent = true
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		x.w.Write(body) // a client that went away is nobody's error
	}
}

// time tells how many milliseconds the answer took, as far as it is known.
func (x *exchange) time() {
	x.w.Header()["X-Couchdb-Body-Time"] = []string{strconv.FormatInt(time.Since(x.began).Milliseconds(), 10)}
}

// json writes an answer whose body is body and a newline, which may be put behind body in place.
func (x *exchange) json(status int, body []byte) error {
	x.send(status, "application/json", append(body, '\n'))
	return nil
}

// ok is CouchDB's {"ok":true}.
func (x *exchange) ok(status int) error { return x.json(status, []byte(`{"ok":true}`)) }

// etag sets the entity tag of the answer and, when the client has it already, answers 304 and returns true.
func (x *exchange) etag(tag string) bool {
	tag = `"` + tag + `"`
	x.w.Header().Set("ETag", tag)
	for _, line := range x.r.Header["If-None-Match"] {
		for have := range strings.SplitSeq(line, ",") {
			if strings.TrimPrefix(strings.TrimSpace(have), "W/") == tag {
				x.sent = true
				x.w.WriteHeader(http.StatusNotModified)
				return true
			}
		}
	}
	return false
}

// absolute is a path of this server as its clients know it: behind a proxy that says so, with that one's name.
func (x *exchange) absolute(path string) string {
	setting := func(key, otherwise string) string {
		name, ok := x.h.settings.get("chttpd", key)
		if !ok {
			name = otherwise
		}
		return x.r.Header.Get(name)
	}
	host := setting("x_forwarded_host", "X-Forwarded-Host")
	if host == "" {
		host = x.r.Host
	}
	if host == "" {
		return path
	}
	if x.r.TLS != nil || setting("x_forwarded_ssl", "X-Forwarded-Ssl") == "on" ||
		setting("x_forwarded_proto", "X-Forwarded-Proto") == "https" {
		return "https://" + host + path
	}
	return "http://" + host + path
}
