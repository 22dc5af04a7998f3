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
	"logctl/store/couchpath"
	"logctl/store/rewrite"
	"logctl/store/view/js"
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

// rewrites are those of one request. The request that one of them makes is answered when the one that it was made of has ended:
// however many follow each other, no more than one body is in memory.
type rewrites struct {
	ctx  context.Context // of the requests; it knows the rewrites by rewritesKey
	n    int             // how many there were
	next *http.Request   // to be answered; nil: there is an answer
}

func errNoRewrite() error {
	return &store.Error{Kind: store.KindNotFound, Word: "rewrite_error", Reason: "Invalid path."}
}

// rewriteRequest answers the request that the design document's rewrites make of this one.
func rewriteRequest(x *exchange) error {
	if s, ok := x.ctx().Value(rewritesKey{}).(*rewrites); ok {
		return s.rewrite(x)
	}
	s := &rewrites{}
	s.ctx = context.WithValue(x.ctx(), rewritesKey{}, s)
	err := s.rewrite(x)
	for err == nil && s.next != nil {
		r := s.next
		s.next = nil
		x.h.ServeHTTP(x.w, r)
	}
	return err
}

// rewrite makes the next request of this one, or answers it.
func (s *rewrites) rewrite(x *exchange) error {
	if s.n++; s.n > maxRewrites {
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
	switch {
	case len(doc.Rewrites) == 0:
		return errNoRewrite()
	case doc.Rewrites[0] == '[':
		secure, _ := x.h.settings.get("chttpd", "secure_rewrites")
		path, query, err := rewrite.Apply(doc.Rewrites, x.designBase(), x.r.Method, segments(x.vars["rest"]), x.query(), secure == "false")
		if err != nil {
			return err
		}
		s.next, err = requestFor(x.r.WithContext(s.ctx), path, query)
		return err
	}
	return s.byFunction(x, p, doc.Rewrites)
}

// designBase is the path of the design document.
func (x *exchange) designBase() string {
	return couchpath.Of(string(x.db.Name())) + "/_design/" + couchpath.Escape(x.name("design"))
}

// segments are the parts of an escaped path.
func segments(escaped string) []string {
	var list []string
	for s := range strings.SplitSeq(escaped, "/") {
		if s == "" {
			continue
		}
		if plain, err := url.PathUnescape(s); err == nil {
			s = plain
		}
		list = append(list, s)
	}
	return list
}

// requestFor makes r, a copy, a request for another path.
func requestFor(r *http.Request, escaped, query string) (*http.Request, error) {
	path, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, errBadRequest("Invalid percent encoding in the path.")
	}
	r.URL = &url.URL{Path: path, RawPath: escaped, RawQuery: query}
	return r, nil
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

// byFunction lets a function say which request this one becomes, or what the answer is.
func (s *rewrites) byFunction(x *exchange, p parsedDesign, src json.RawMessage) error {
	f, err := x.compileRenderer(p, x.name("design")+"\x00rewrites", src)
	if err != nil {
		return err
	}
	b, err := x.functionBody()
	if err != nil {
		return err
	}
	defer b.free()
	given := noBody
	if x.hasBody() {
		given = string(b.bytes)
	}
	body, err := json.Marshal(given)
	if err != nil {
		return err
	}
	req, err := json.Marshal(x.requestMembers(x.query(), body))
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
	s.next, err = x.follow(x.r.WithContext(s.ctx), to)
	return err
}

// sendRewritten answers what the function says.
func (x *exchange) sendRewritten(to rewriting) error {
	const first, last = 200, 599
	if *to.Code < first || *to.Code > last {
		return &store.Error{Kind: store.KindInternal, Word: "rewrite_error", Reason: "bad code"}
	}
	return x.sendRendered(js.Response{Code: *to.Code, ContentType: "text/plain", Header: to.Headers, Body: []byte(*to.Body)})
}

// follow makes r, a copy of the exchange's request, the one that the function says.
func (x *exchange) follow(r *http.Request, to rewriting) (*http.Request, error) {
	if to.Path == nil {
		return nil, &store.Error{Kind: store.KindInternal, Word: "rewrite_error", Reason: "Rewrite result must produce a new path."}
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
	return requestFor(r, rewrite.Clean(x.designBase()+"/"+path), query)
}
