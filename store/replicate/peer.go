package replicate

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"logctl/store"
	"logctl/store/couchpath"
)

// Peer is one side of a replication: a database and the way to it.
type Peer struct {
	URL       string            // of the database, without a name or password, e.g. https://db.example.com/log_app
	Name      string            // what people are told of it; "": URL
	Transport http.RoundTripper // signs requests in, if anybody does
	Header    http.Header       // sent with every request

	patience time.Duration // 0: stall
}

// String names the peer to people. It has no secret in it.
func (p *Peer) String() string {
	if p.Name != "" {
		return p.Name
	}
	return strings.TrimSuffix(p.URL, "/") + "/"
}

const (
	// stall is how long a peer may say nothing, heartbeats included, and take nothing, before it is given up.
	stall     = 90 * time.Second
	heartbeat = 10 * time.Second
	// attempts is how often a request is tried that meets a server that can't answer, with growing pauses.
	attempts   = 6
	firstPause = 250 * time.Millisecond
	maxError   = 64 << 10 // bytes that are read of an answer that tells of an error
)

// request is what a peer is asked. body is called for each attempt; nil: there is none.
type request struct {
	method, path string // path: below the database, escaped; "" for the database itself
	query        url.Values
	header       http.Header
	body         func() (io.Reader, error)
	once         bool // not to be tried again here
}

func jsonBody(v any) func() (io.Reader, error) {
	return func() (io.Reader, error) {
		raw, err := json.Marshal(v)
		return bytes.NewReader(raw), err
	}
}

func rawBody(raw []byte) func() (io.Reader, error) {
	return func() (io.Reader, error) { return bytes.NewReader(raw), nil }
}

// do asks a peer and gives its answer, which is of status 2xx. A server that is away or overloaded is asked again for a while.
func (p *Peer) do(ctx context.Context, r request) (*http.Response, error) {
	pause := firstPause
	for n := 1; ; n++ {
		res, err := p.try(ctx, &r)
		if err == nil || n == attempts || r.once || !transient(err) || ctx.Err() != nil {
			return res, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		pause *= 2
	}
}

// transient tells an error that may be gone the next time.
func transient(err error) bool {
	switch store.KindOf(err) {
	case store.KindUnavailable, store.KindTimeout, store.KindTooManyRequests, store.KindInternal:
		return !errors.Is(err, context.Canceled) && !isUntrusted(err)
	}
	return false
}

func (p *Peer) try(ctx context.Context, r *request) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		var err error
		if body, err = r.body(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	target := strings.TrimSuffix(p.URL, "/")
	if r.path != "" {
		target += "/" + r.path
	}
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		cancel()
		return nil, &store.Error{Kind: store.KindBadRequest, Reason: "the URL of " + p.String() + " is not one"}
	}
	req.Header = http.Header{"Accept": {"application/json"}}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range []http.Header{p.Header, r.header} {
		for k, v := range h {
			req.Header[k] = v
		}
	}
	limit := cmp.Or(p.patience, stall)
	alive := time.AfterFunc(limit, cancel)
	if req.Body != nil {
		req.Body = &sending{req.Body, alive, limit}
	}
	// A client of its own for the redirects; the transport is the peer's and keeps the connections.
	res, err := (&http.Client{Transport: p.Transport}).Do(req)
	if err != nil {
		alive.Stop()
		cancel()
		return nil, p.unreachable(ctx, err)
	}
	res.Body = &watched{ReadCloser: res.Body, alive: alive, limit: limit, cancel: cancel}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer res.Body.Close()
	return nil, p.answered(res)
}

// unreachable is the error of a request without an answer. Go's own names the URL, which holds no password.
func (p *Peer) unreachable(ctx context.Context, err error) error {
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	var known *store.Error
	if errors.As(err, &known) {
		return known // of the request's body, which is the other peer's
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("no answer in time")
	}
	e := &store.Error{Kind: store.KindUnavailable, Reason: "can't reach " + p.String(), Err: err}
	if isUntrusted(err) {
		e.Hint = store.HintCertificate
	}
	return e
}

// isUntrusted tells an error about a server's certificate.
func isUntrusted(err error) bool { return errors.As(err, new(*tls.CertificateVerificationError)) }

// answered is the error that an answer tells.
func (p *Peer) answered(res *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, maxError))
	var said struct{ Error, Reason string }
	if err != nil || json.Unmarshal(text, &said) != nil || said.Error == "" {
		kind := store.KindFor(res.StatusCode, "")
		if res.StatusCode == http.StatusBadGateway || res.StatusCode == http.StatusGatewayTimeout {
			kind = store.KindUnavailable
		}
		e := &store.Error{Kind: kind, Reason: fmt.Sprintf("%s answers %s", p, res.Status)}
		if res.StatusCode == http.StatusBadRequest && res.Request != nil && res.Request.URL.Scheme == "http" {
			e.Hint = "a server with a certificate wants https:// instead of http://"
		}
		return e
	}
	return &store.Error{Kind: store.KindFor(res.StatusCode, said.Error), Word: said.Error,
		Reason: strings.TrimSpace(said.Reason), Err: fmt.Errorf("%s answers %d", p, res.StatusCode)}
}

// sending is the body of a request. As long as the peer takes some of it, it is not silent: a large attachment takes its time.
type sending struct {
	io.ReadCloser
	alive *time.Timer
	limit time.Duration
}

func (s *sending) Read(b []byte) (int, error) {
	n, err := s.ReadCloser.Read(b)
	if s.alive.Stop() { // else it is over, or the request has been answered
		s.alive.Reset(s.limit)
	}
	return n, err
}

// watched is an answer that is given up when nothing comes for too long.
type watched struct {
	io.ReadCloser
	alive  *time.Timer
	limit  time.Duration
	cancel context.CancelFunc
}

func (w *watched) Read(b []byte) (int, error) {
	w.alive.Reset(w.limit)
	n, err := w.ReadCloser.Read(b)
	if err != nil {
		w.alive.Stop()
	}
	return n, err
}

func (w *watched) Close() error {
	w.alive.Stop()
	err := w.ReadCloser.Close()
	w.cancel()
	return err
}

// call asks a peer and decodes the answer into v, unless v is nil.
func (p *Peer) call(ctx context.Context, r request, v any) error {
	res, err := p.do(ctx, r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if v == nil {
		_, err = io.Copy(io.Discard, res.Body)
	} else {
		err = json.NewDecoder(res.Body).Decode(v)
	}
	if err != nil {
		return p.broken(err)
	}
	return nil
}

// broken is the error of an answer that ends early or is not what it should be.
func (p *Peer) broken(err error) error {
	return &store.Error{Kind: store.KindUnavailable, Reason: "the answer of " + p.String() + " can't be read", Err: err}
}

// info is what a database says of itself.
type info struct {
	UpdateSeq json.RawMessage `json:"update_seq"`
	DocCount  uint64          `json:"doc_count"`
}

func (p *Peer) info(ctx context.Context) (info, error) {
	var i info
	err := p.call(ctx, request{method: http.MethodGet}, &i)
	return i, err
}

// create makes the database; one that is there is fine.
func (p *Peer) create(ctx context.Context, params url.Values) error {
	err := p.call(ctx, request{method: http.MethodPut, query: params}, nil)
	if store.IsKind(err, store.KindFileExists) {
		return nil
	}
	return err
}

// docPath is the path of a doc below its database. A plus sign in one is a blank to CouchDB.
func docPath(id string) string {
	for _, prefix := range [...]string{"_design/", "_local/"} {
		if rest, ok := strings.CutPrefix(id, prefix); ok {
			return prefix + couchpath.Escape(rest)
		}
	}
	return couchpath.Escape(id)
}
