package ship

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"logctl/store"
)

// Endpoint is the way to the server that takes the docs.
type Endpoint struct {
	BaseURL   string            // without a slash at the end
	Transport http.RoundTripper // signs requests in where there is somebody to sign in as
	Anonymous bool              // nobody is signed in: the door takes docs and does not tell new ones from known ones
	Compress  bool              // send gzip; not worth its time where no network is in between
}

const (
	attemptTime = time.Minute // for one request with its answer; a server that takes longer is away
	maxAnswer   = 64 << 20    // bytes of an answer that are read
)

// action is what is to be done about an answer.
type action uint8

const (
	taken      action = iota // read the rows
	away                     // ask again later
	refused                  // something in the batch is not acceptable: find out what
	noDatabase               // make the app's database and ask again
	failed                   // it will never pass
)

// outcome is what became of one request.
type outcome struct {
	action action
	answer []byte        // with taken
	err    error         // otherwise
	after  time.Duration // with away: how long the server asks to wait, 0 if it doesn't say
}

// client posts docs to one app's database.
type client struct {
	http        *http.Client
	url         string
	open, close string // what stands around the docs
	compress    bool
	app         string
}

func newClient(e Endpoint, app string, db store.DBName) *client {
	c := &client{
		http: &http.Client{
			Transport:     e.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		// The characters of a database's name need no other escaping; "+" is a blank to CouchDB.
		url:      e.BaseURL + "/" + strings.NewReplacer("/", "%2F", "+", "%2B").Replace(string(db)),
		compress: e.Compress, app: app,
	}
	if e.Anonymous {
		c.open, c.close = "[", "]"
	} else {
		c.url += "/_bulk_docs"
		c.open, c.close = `{"docs":[`, "]}"
	}
	return c
}

// payload is the body of a request with some docs of a batch. Each has memory of its own: a transport may still read a body
// after its request has failed.
func (c *client) payload(b *batch, docs []int) ([]byte, error) {
	body := make([]byte, 0, len(c.open)+len(b.docs)+len(c.close))
	body = append(body, c.open...)
	body = b.appendDocs(body, docs)
	body = append(body, c.close...)
	if !c.compress {
		return body, nil
	}
	var packed bytes.Buffer
	packed.Grow(len(body) / 4)
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil {
		err = w.Close()
	}
	return packed.Bytes(), err
}

// post sends one request and reads its answer to the end, so that the connection is kept.
func (c *client) post(ctx context.Context, payload []byte) outcome {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(payload))
	if err != nil {
		return outcome{action: failed, err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "logctl")
	if c.compress {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.cutOff(transportOutcome(err))
	}
	defer res.Body.Close()
	var body bytes.Buffer
	body.Grow(int(min(max(res.ContentLength, 512), maxAnswer)) + bytes.MinRead)
	if _, err := body.ReadFrom(io.LimitReader(res.Body, maxAnswer)); err != nil {
		return c.cutOff(outcome{action: away, err: fmt.Errorf("read the server's answer: %w", err)})
	}
	return c.judge(res, body.Bytes())
}

// transportOutcome tells a server that is away from one that must not be trusted or does not speak the protocol.
func transportOutcome(err error) outcome {
	var cert *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &cert):
		return outcome{action: failed, err: &store.Error{Kind: store.KindInternal, Reason: "the server's certificate is not trusted",
			Hint: store.HintCertificate, Err: cert.Err}}
	case errors.As(err, &noTLS):
		return outcome{action: failed, err: err}
	case errors.Is(err, http.ErrSchemeMismatch):
		return outcome{action: failed, err: &store.Error{Kind: store.KindInternal, Reason: "the server does not speak https here",
			Hint: "set LOGCTL_URL to http:// instead of https://, or to another port", Err: err}}
	}
	return outcome{action: away, err: err}
}

// cutOff adds to an answer that was cut off what it most often means where nobody asked for TLS: a server that waits for TLS says so and
// closes the connection before it has read the docs.
func (c *client) cutOff(out outcome) outcome {
	if out.action == away && strings.HasPrefix(c.url, "http://") && errors.Is(out.err, syscall.ECONNRESET) {
		out.err = &store.Error{Kind: store.KindUnavailable, Reason: "the server has cut the connection off", Err: out.err,
			Hint: "a server with a certificate wants https:// in LOGCTL_URL"}
	}
	return out
}

// judge decides by status, CouchDB's error word and reason.
func (c *client) judge(res *http.Response, body []byte) outcome {
	isJSON := false
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil {
		isJSON = kind == "application/json"
	}
	var said struct{ Error, Reason string }
	status := res.StatusCode
	if isJSON && status >= 400 {
		_ = json.Unmarshal(body, &said) // what is no error's JSON leaves both empty
	}
	refusal := &store.Error{Kind: store.KindFor(status, said.Error), Word: said.Error, Reason: said.Reason}
	if refusal.Reason == "" {
		refusal.Reason = "the server answers " + res.Status
	}
	switch {
	case status/100 == 2 && isJSON:
		return outcome{action: taken, answer: body}
	case status/100 == 2:
		refusal.Reason, refusal.Kind = "what answers at "+c.url+" is no logctl and no CouchDB", store.KindInternal
	case status/100 == 3:
		refusal.Kind = store.KindInternal
		refusal.Reason += ", it is at " + res.Header.Get("Location")
		refusal.Hint = "set LOGCTL_URL to where the server really is, most often https:// instead of http://"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		refusal.Hint = "set LOGCTL_TOKEN_FILE, LOGCTL_CERT_FILE (logctl join gets one), or LOGCTL_USER and LOGCTL_PASSWORD_FILE, to what may write to " +
			c.app + ", or none of them at a logctl door that has no tenants"
	case status == http.StatusNotFound && said.Error == "not_found":
		refusal.Hint = "logctl app create " + c.app
		return outcome{action: noDatabase, err: refusal}
	case status == http.StatusRequestEntityTooLarge, status == http.StatusBadRequest && said.Error != "":
		return outcome{action: refused, err: refusal}
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests,
		status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported:
		return outcome{action: away, err: refusal, after: retryAfter(res.Header.Get("Retry-After"))}
	}
	return outcome{action: failed, err: refusal}
}

// retryAfter reads the header of that name: seconds or a date.
func retryAfter(s string) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
