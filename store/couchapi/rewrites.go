package couchapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/rewrite"
)

func (h *Handler) rewriteRoutes(rt *mux.Router) {
	methods := map[string]action{}
	for _, m := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "COPY"} {
		methods[m] = rewriteRequest
	}
	h.inDB(rt, "/_design/{design}/_rewrite", resource{methods: methods})
	h.inDB(rt, "/_design/{design}/_rewrite/{rest:.*}", resource{methods: methods})
}

// maxRewrites is how often one request may be rewritten.
const maxRewrites = 100

type rewritesKey struct{}

func errNoRewrite() error {
	return &store.Error{Kind: store.KindNotFound, Word: "rewrite_error", Reason: "Invalid path."}
}

// rewriteRequest answers the request that the design document's rewrites make of this one.
func rewriteRequest(x *exchange) error {
	n, _ := x.ctx().Value(rewritesKey{}).(int)
	if n >= maxRewrites {
		return errBadRequest("Exceeded rewrite recursion limit")
	}
	p, err := x.design(designPrefix + x.name("design"))
	if err != nil {
		return err
	}
	var doc struct{ Rewrites json.RawMessage }
	if err := json.Unmarshal(p.body, &doc); err != nil {
		return err
	}
	r := x.r.WithContext(context.WithValue(x.ctx(), rewritesKey{}, n+1))
	switch {
	case len(doc.Rewrites) == 0:
		return errNoRewrite()
	case doc.Rewrites[0] == '[':
		secure, _ := x.h.settings.get("chttpd", "secure_rewrites")
		path, query, err := rewrite.Apply(doc.Rewrites, x.designBase(), x.r.Method, x.rewritten(), x.query(), secure == "false")
		if err != nil {
			return err
		}
		return x.answerAs(r, path, query)
	}
	return x.rewriteByFunction(r, p, doc.Rewrites)
}

// designBase is the path of the design document.
func (x *exchange) designBase() string {
	return pathOf(string(x.db.Name())) + "/_design/" + escapeSegment(x.name("design"))
}

// rewritten is the path behind _rewrite.
func (x *exchange) rewritten() []string {
	var segments []string
	for s := range strings.SplitSeq(x.vars["rest"], "/") {
		if s == "" {
			continue
		}
		if plain, err := url.PathUnescape(s); err == nil {
			s = plain
		}
		segments = append(segments, s)
	}
	return segments
}

// answerAs answers r, a copy of the exchange's request, as one for another path.
func (x *exchange) answerAs(r *http.Request, escaped, query string) error {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return errBadRequest("Invalid percent encoding in the path.")
	}
	r.URL = &url.URL{Path: path, RawPath: escaped, RawQuery: query}
	x.h.ServeHTTP(x.w, r)
	return nil
}

// rewriting is what a rewrite function returns.
type rewriting struct {
	Path    *string
	Method  *string
	Query   map[string]string
	Headers map[string]string
	Body    *string
	Code    *int
}

// rewriteByFunction lets a function say which request r becomes, or what the answer is.
func (x *exchange) rewriteByFunction(r *http.Request, p parsedDesign, src json.RawMessage) error {
	f, err := x.compileRenderer(p, x.name("design")+"\x00rewrites", src)
	if err != nil {
		return err
	}
	b, err := x.readBody()
	if err != nil {
		return err
	}
	defer b.free()
	body, err := json.Marshal(string(b.bytes))
	if err != nil {
		return err
	}
	req, err := x.requestObject(x.query(), body, url.Values{})
	if err != nil {
		return err
	}
	out, err := f.Rewrite(req)
	if err != nil {
		return err
	}
	if out == nil {
		return errNoRewrite()
	}
	var to rewriting
	if path, ok := text(out); ok {
		to.Path = &path
	} else if err := json.Unmarshal(out, &to); err != nil {
		return &store.Error{Kind: store.KindInternal, Word: "rewrite_error", Reason: "bad rewrite"}
	}
	if to.Body == nil {
		to.Body = new(string)
		*to.Body = string(b.bytes)
	}
	if to.Code != nil {
		return x.sendRewritten(to)
	}
	return x.followRewrite(r, to)
}

// sendRewritten answers what the function says.
func (x *exchange) sendRewritten(to rewriting) error {
	const first, last = 200, 599
	if *to.Code < first || *to.Code > last {
		return &store.Error{Kind: store.KindInternal, Word: "rewrite_error", Reason: "bad code"}
	}
	return x.sendRendered(rendered{code: *to.Code, contentType: "text/plain", header: to.Headers, body: []byte(*to.Body)})
}

// followRewrite answers the request that the function says.
func (x *exchange) followRewrite(r *http.Request, to rewriting) error {
	if to.Path == nil {
		return &store.Error{Kind: store.KindInternal, Word: "rewrite_error", Reason: "Rewrite result must produce a new path."}
	}
	if to.Method != nil {
		r.Method = *to.Method
	}
	r.Header = r.Header.Clone()
	for name, value := range to.Headers {
		r.Header.Set(name, value)
	}
	r.Header.Del("Content-Encoding") // it has been read
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte(*to.Body))), int64(len(*to.Body))
	path, query, _ := strings.Cut(*to.Path, "?")
	if query == "" {
		query = x.r.URL.RawQuery
	}
	if to.Query != nil {
		vals := url.Values{}
		for k, v := range to.Query {
			vals.Set(k, v)
		}
		query = vals.Encode()
	}
	return x.answerAs(r, rewrite.Clean(x.designBase()+"/"+path), query)
}
