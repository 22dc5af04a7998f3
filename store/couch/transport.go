package couch

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// maxErrorBody bounds what is read of an error's answer.
const maxErrorBody = 64 << 10

// maxSized bounds what is read of a request's body to tell its length.
const maxSized = 1 << 20

// transport stands between kivik and the real one and makes up for four of kivik's limits: it loses an escaped slash (of a
// database's name, say) under a URL with a path, and the error word of an answer, it leaves a plus sign in a path, a blank to CouchDB, as
// it is, and it tells no request's length, behind which servers that don't trust bodies in chunks close the connection.
type transport struct {
	next              http.RoundTripper
	prefix, rawPrefix string // path of the server's URL, as it is and escaped, without a slash at the end
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if raw := r.URL.EscapedPath(); t.prefix != "" || strings.Contains(raw, "+") {
		r = r.Clone(r.Context())
		r.URL.Path = t.prefix + r.URL.Path
		r.URL.RawPath = t.rawPrefix + strings.ReplaceAll(raw, "+", "%2B")
	}
	r, err := sized(r)
	if err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil || resp.StatusCode < 400 || resp.Body == nil {
		return resp, err
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = newFailure(text)
	return resp, nil
}

// sized is the request with its length, unless its body is a long one.
func sized(r *http.Request) (*http.Request, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength > 0 {
		return r, nil
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxSized))
	if err != nil {
		r.Body.Close()
		return nil, err
	}
	rest := r.Body
	r = r.Clone(r.Context())
	if len(text) < maxSized {
		r.ContentLength, r.Body = int64(len(text)), io.NopCloser(bytes.NewReader(text))
		return r, rest.Close()
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(text), rest), rest}
	return r, nil
}

// failure is the body of an error's answer, with what CouchDB says in it.
type failure struct {
	io.Reader
	word, reason string
	json         bool // CouchDB's form; otherwise something in between answered
}

func newFailure(text []byte) *failure {
	f := &failure{Reader: bytes.NewReader(text)}
	var said struct{ Error, Reason *string }
	if json.Unmarshal(text, &said) == nil && said.Error != nil {
		f.json, f.word = true, *said.Error
		if said.Reason != nil {
			f.reason = strings.TrimSpace(*said.Reason)
		}
	}
	return f
}

// Close does nothing: the answer has been read.
func (*failure) Close() error { return nil }
