package couch

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-kivik/kivik/v4/couchdb/chttp"

	"logctl/store"
)

// fail turns what kivik returned into a *store.Error, or the context's own error. nil stays nil.
func (c *Client) fail(err error) error {
	var known *store.Error
	var answer *chttp.HTTPError
	var verify *tls.CertificateVerificationError
	var asked *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case isContext(err):
		return err
	case errors.As(err, &answer):
		return c.answered(answer.Response)
	case errors.As(err, &verify):
		return &store.Error{Kind: store.KindInternal, Reason: "the certificate of " + c.where + " is not trusted", Err: verify.Err, Hint: store.HintCertificate}
	case errors.Is(err, http.ErrSchemeMismatch):
		return &store.Error{Kind: store.KindInternal, Reason: c.where + " does not speak https",
			Hint: "set LOGCTL_URL to http:// instead of https://, or to another port"}
	case errors.As(err, &asked):
		return &store.Error{Kind: store.KindUnavailable, Reason: "can't reach " + c.where, Err: asked.Err}
	}
	return c.broken(err)
}

// broken is the error for an answer that ends early or is not CouchDB's.
func (c *Client) broken(err error) error {
	var known *store.Error
	var syntax *json.SyntaxError
	switch {
	case isContext(err) || errors.As(err, &known):
		return err
	case errors.As(err, &syntax), errors.Is(err, errNotJSON):
		return &store.Error{Kind: store.KindInternal, Reason: c.where + " does not answer as a CouchDB does", Err: err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &store.Error{Kind: store.KindUnavailable, Reason: "the answer of " + c.where + " broke off"}
	}
	return &store.Error{Kind: store.KindUnavailable, Reason: "reading the answer of " + c.where, Err: err}
}

// answered is the error that an answer of 400 and above tells.
func (c *Client) answered(r *http.Response) error {
	said, _ := r.Body.(*failure)
	if said == nil || !said.json {
		e := &store.Error{Kind: kindWithoutWord(r.StatusCode), Reason: c.where + " answers " + strconv.Itoa(r.StatusCode) + " " + http.StatusText(r.StatusCode)}
		if r.StatusCode == http.StatusBadRequest && r.Request != nil && r.Request.URL.Scheme == "http" {
			e.Hint = "a server with a certificate wants https:// in LOGCTL_URL"
		}
		return e
	}
	return &store.Error{Kind: kindOf(r.StatusCode, said.word), Word: said.word, Reason: said.reason}
}

// kindWithoutWord is the kind of an answer that is not CouchDB's: that of a proxy, or to a HEAD.
func kindWithoutWord(status int) store.Kind {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return store.KindUnavailable
	}
	return store.KindFor(status, "")
}

// kindOf is the kind of CouchDB's answer. A status of 500 decides nothing, only the word beside it does.
func kindOf(status int, word string) store.Kind {
	k := store.KindFor(status, word)
	if status == http.StatusInternalServerError && k.Word() != word {
		return store.KindInternal
	}
	return k
}
