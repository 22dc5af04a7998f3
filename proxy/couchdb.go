package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"logctl/store"
)

// CouchDBOptions of a CouchDB behind the door. URL is the one that has no default.
type CouchDBOptions struct {
	URL       string            // http:// or https://, without credentials
	Transport http.RoundTripper // nil: one of its own
	Log       *slog.Logger      // nil: nothing is logged
}

// NewCouchDB makes the Upstream of a door in front of an Apache CouchDB, or of a cluster's load balancer. Answers are handed on
// as they come, so that a continuous feed's line is with its reader at once; a client that goes ends the request.
func NewCouchDB(o CouchDBOptions) (http.Handler, error) {
	to, err := url.Parse(o.URL)
	switch {
	case err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Host == "":
		return nil, store.NewError(store.KindBadRequest, "the URL of the CouchDB is not one; it looks like http://couchdb:5984")
	case to.User != nil:
		return nil, &store.Error{Kind: store.KindBadRequest, Reason: "the URL of the CouchDB holds a name or a password",
			Hint: "leave them out of it; the writer's password comes from a file or the environment"}
	case to.RawQuery != "" || to.Fragment != "":
		return nil, store.NewError(store.KindBadRequest, "the URL of the CouchDB must have no query and no fragment")
	}
	to.Path, to.RawPath = strings.TrimSuffix(to.Path, "/"), ""
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = backendTransport()
	}
	u := &upstream{to: to, log: o.Log}
	return endingFeeds{&httputil.ReverseProxy{
		Rewrite:        u.rewrite,
		ModifyResponse: u.modify,
		ErrorHandler:   u.fail,
		Transport:      o.Transport,
		FlushInterval:  -1,
		BufferPool:     new(copyBuffers),
		ErrorLog:       slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}}, nil
}

// endingFeeds cuts off answers that have no end when the server begins to shut down. Their readers go on where they were,
// as they do when CouchDB itself is started anew.
type endingFeeds struct{ http.Handler }

func (e endingFeeds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isFeed(r.URL) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(store.EndingOf(ctx), cancel)()
		r = r.WithContext(ctx)
	}
	e.Handler.ServeHTTP(w, r)
}

func isFeed(u *url.URL) bool {
	return strings.HasSuffix(u.Path, "_changes") && strings.Contains(u.RawQuery, "feed=") || strings.HasSuffix(u.Path, "/_db_updates")
}

// backendTransport keeps enough connections for all writers at once. It has no timeout for an answer: a view may take minutes
// to build, a feed has no end.
func backendTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true, // what the client did not ask for is not to be undone
		WriteBufferSize:     64 << 10,
		ReadBufferSize:      32 << 10,
	}
}

// upstream is what is particular about the way to a CouchDB.
type upstream struct {
	to  *url.URL
	log *slog.Logger
}

func (u *upstream) rewrite(p *httputil.ProxyRequest) {
	p.SetURL(u.to)
	p.Out.URL.RawQuery = p.In.URL.RawQuery // also what Go can't parse
	// Only the door sets these; the proxy would drop them as it would a client's.
	for _, name := range [...]string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, ok := p.In.Header[name]; ok {
			p.Out.Header[name] = values
		}
	}
}

// modify makes an answer one of the door's place.
func (u *upstream) modify(res *http.Response) error {
	if path, ok := strings.CutPrefix(res.Header.Get("Location"), u.to.String()+"/"); ok {
		res.Header.Set("Location", "/"+path)
	}
	return nil
}

// fail answers when the CouchDB did not. The reason may name it, so it goes to the log alone.
func (u *upstream) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil || errors.Is(err, context.Canceled) {
		panic(http.ErrAbortHandler) // the client has gone
	}
	u.log.WarnContext(r.Context(), "no answer from CouchDB", "err", err)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintf(w, "{\"error\":%q,\"reason\":%q}\n", errUpstream.ErrorWord(), errUpstream.Reason)
}

// copyBuffers are for copying answers.
type copyBuffers struct{ pool sync.Pool }

const copySize = 32 << 10

func (c *copyBuffers) Get() []byte {
	if b, ok := c.pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, copySize)
}

func (c *copyBuffers) Put(b []byte) { c.pool.Put(&b) }

// BasicWriter is an AsWriter that signs requests in as user. password is asked for each time and may be kept in a file that
// changes; where it gives none the request goes without, and CouchDB refuses it.
//
// Requests of the writer say nothing of the client's address, since CouchDB locks accounts by user and address; set Options.Writer to
// user, so that nobody who shares an address with the door can have the writer locked either.
func BasicWriter(user string, password func() []byte) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request {
		if p := password(); len(p) > 0 {
			r.SetBasicAuth(user, string(p))
		}
		return r
	}
}
