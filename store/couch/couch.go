// Package couch is the client of any CouchDB, the embedded store included: the only way in for reports, design documents,
// apps and users. It wraps kivik, so that nothing above it depends on that module.
//
// Errors: every answer of 400 and above is a *store.Error whose kind comes from the status and CouchDB's error word; a
// server that can't be reached is of KindUnavailable; the end of a context is the context's own error. 202 is success: a
// cluster without its write quorum has stored the doc all the same.
//
// Docs and rows are bytes on their way: what a server sent is what the caller gets, key order and long integers included.
// Where kivik would decode and drop (error rows, an error after the last row, members of _security that it does not know)
// its HTTP layer, chttp, is used directly.
//
// Signing in is the transport's work. The client never logs in by itself and follows no redirect, because a redirected PUT
// would become a GET.
package couch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-kivik/kivik/v4"
	"github.com/go-kivik/kivik/v4/couchdb"
	"github.com/go-kivik/kivik/v4/couchdb/chttp"

	"logctl/store"
)

// Options say where the server is and how it is reached.
type Options struct {
	URL       string            // of the server's root; no credentials in it
	Transport http.RoundTripper // signs requests in; nil: http.DefaultTransport
	// Waiting, where set, is called each time a view is asked again because the server still builds it.
	Waiting func()
}

// Client asks one server. It is safe for concurrent use.
type Client struct {
	kivik   *kivik.Client
	http    *chttp.Client
	where   string // the server's URL, for errors
	waiting func()
	pause   func(ctx context.Context, d time.Duration) error // tests replace it
}

// New makes a client; nothing is sent yet. The error tells what is wrong with the URL.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, store.NewError(store.KindBadRequest, fmt.Sprintf("the server's URL %q is none of http:// or https://", redact(o.URL)))
	}
	if base.User != nil {
		return nil, store.NewError(store.KindBadRequest, "the server's URL must not hold a name or a password")
	}
	next := o.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	hc := &http.Client{
		Transport:     &transport{next: next, prefix: strings.TrimRight(base.Path, "/"), rawPrefix: strings.TrimRight(base.EscapedPath(), "/")},
		CheckRedirect: refuseRedirect,
	}
	root := (&url.URL{Scheme: base.Scheme, Host: base.Host}).String()
	c := &Client{where: root + strings.TrimRight(base.Path, "/"), waiting: o.Waiting, pause: pause}
	if c.http, err = chttp.New(hc, root, chttp.OptionNoRequestCompression()); err == nil {
		c.kivik, err = kivik.New("couch", root, couchdb.OptionHTTPClient(hc), couchdb.OptionNoRequestCompression())
	}
	if err != nil {
		return nil, fmt.Errorf("make a client of %s: %w", c.where, err)
	}
	return c, nil
}

// redact leaves out of a URL that does not parse all that may be a password.
func redact(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return "…@" + s[i+1:]
	}
	return s
}

// refuseRedirect ends a request that is sent elsewhere.
func refuseRedirect(r *http.Request, _ []*http.Request) error {
	to := *r.URL
	to.RawQuery, to.User = "", nil
	return &store.Error{Kind: store.KindBadRequest, Reason: "the server redirects to " + to.String(),
		Hint: "set LOGCTL_URL to the address that answers itself"}
}

// pause waits for d or the end of ctx, whose error it then gives.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// isContext tells whether err is the end of a context.
func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
