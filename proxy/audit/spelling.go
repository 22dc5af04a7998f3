package audit

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// plain is the name of the usual spelling.
const plain = "plain"

// spelling is a way to ask for a route. path changes the target's path, request all the rest; nil changes nothing.
type spelling struct {
	name    string
	only    func(*route) bool // routes that it makes sense for; nil: all
	path    func(string) string
	request func(*auditor, *request)
	http2   bool
}

// spellings are all ways. Beyond the plain one they are for what shows or changes something.
var spellings = []spelling{
	{name: plain},
	{name: "slash at the end", path: func(p string) string { return p + "/" }},
	{name: "two slashes", path: func(p string) string { return "/" + strings.ReplaceAll(p, "/", "//")[1:] }},
	{name: "slash before", path: func(p string) string { return "/" + p }},
	{name: "underscore encoded", only: hasUnderscore, path: func(p string) string { return strings.ReplaceAll(p, "/_", "/%5F") }},
	{name: "underscore encoded twice", only: hasUnderscore, path: func(p string) string { return strings.ReplaceAll(p, "/_", "/%255F") }},
	{name: "letter encoded", path: encodeLetter},
	{name: "slash encoded", only: isDeep, path: func(p string) string { return p[:1] + strings.Replace(p[1:], "/", "%2F", 1) }},
	{name: "slash encoded twice", only: isDeep, path: func(p string) string { return p[:1] + strings.Replace(p[1:], "/", "%252F", 1) }},
	{name: "dot", path: func(p string) string { return "/." + p }},
	{name: "dot in the middle", only: isDeep, path: func(p string) string { return p[:1] + strings.Replace(p[1:], "/", "/./", 1) }},
	{name: "two dots", path: func(p string) string { return "/_utils/.." + p }},
	{name: "two dots encoded", path: func(p string) string { return "/_utils/%2e%2e" + p }},
	{name: "two dots, slash encoded", path: func(p string) string { return "/_utils/..%2f" + p[1:] }},
	{name: "backslash", only: isDeep, path: func(p string) string { return p[:1] + strings.Replace(p[1:], "/", "%5C", 1) }},
	{name: "NUL at the end", path: func(p string) string { return p + "%00" }},
	{name: "semicolon", path: func(p string) string { return p + ";x=/" }},
	{name: "capitals", path: strings.ToUpper},
	{name: "absolute", request: func(a *auditor, r *request) { r.target = a.o.URL.Scheme + "://" + a.o.URL.Host + r.target }},
	{name: "absolute, another host", request: func(a *auditor, r *request) { r.target = "http://localhost" + r.target }},
	{name: "host with a dot", request: func(a *auditor, r *request) { r.host = dotted(a.o.URL) }},
	{name: "X-HTTP-Method-Override", request: override("X-HTTP-Method-Override")},
	{name: "X-HTTP-Method", request: override("X-HTTP-Method")},
	{name: "X-Method-Override", request: override("X-Method-Override")},
	{name: "from this machine", request: func(_ *auditor, r *request) {
		r.header = append(r.header, "X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1")
	}},
	{name: "proxy authentication", request: func(_ *auditor, r *request) {
		r.header = append(r.header, "X-Auth-CouchDB-UserName: admin", "X-Auth-CouchDB-Roles: _admin", "X-Auth-CouchDB-Token: x")
	}},
	{name: "original URL", request: func(a *auditor, r *request) {
		r.header = append(r.header, "X-Original-URL: "+r.target, "X-Rewrite-URL: "+r.target)
		r.target = a.wire.path(a.fill("/{new}", url.PathEscape))
	}},
	{name: "HTTP/2", http2: true},
}

func hasUnderscore(r *route) bool { return strings.Contains(r.path, "/_") }

func isDeep(r *route) bool { return strings.Count(r.path, "/") > 1 && r.path[1] != '_' }

// fits tells whether the spelling is tried for the route.
func (s *spelling) fits(r *route, a *auditor) bool {
	switch {
	case s.name == plain:
		return true
	case r.kind == open || r.kind == writes || r.kind == invalid:
		return false
	case s.http2 && a.o.URL.Scheme != "https":
		return false
	}
	return s.only == nil || s.only(r)
}

// send asks for the route in this spelling; made is a revision that an earlier answer told.
func (s *spelling) send(ctx context.Context, a *auditor, r *route, made string) (answer, error) {
	path := a.fill(r.path, url.PathEscape)
	if s.path != nil {
		path = s.path(path)
	}
	if r.query != "" {
		path += "?" + strings.ReplaceAll(a.fill(r.query, url.QueryEscape), "{made}", url.QueryEscape(made))
	}
	q := a.request(r.method, a.wire.path(path), a.fill(r.body, func(v string) string { return v }))
	if r.method == "COPY" {
		q.header = append(q.header, "Destination: "+a.fill("{new}", url.PathEscape))
	}
	if s.request != nil {
		s.request(a, &q)
	}
	if s.http2 {
		return a.wire.sendHTTP2(ctx, q)
	}
	return a.wire.send(ctx, q)
}

// fill puts this run's names into a text.
func (a *auditor) fill(text string, escape func(string) string) string {
	return strings.NewReplacer("{db}", escape(a.o.DB), "{doc}", escape(a.doc), "{rev}", escape(a.rev), "{new}", "audit-"+a.nonce).Replace(text)
}

// encodeLetter writes the last letter of a path as %XX.
func encodeLetter(p string) string {
	last := p[len(p)-1]
	const hex = "0123456789ABCDEF"
	return p[:len(p)-1] + "%" + string(hex[last>>4]) + string(hex[last&15])
}

func dotted(u *url.URL) string {
	host := u.Hostname() + "."
	if u.Port() != "" {
		host += ":" + u.Port()
	}
	return host
}

// override sends another method than it means.
func override(header string) func(*auditor, *request) {
	return func(_ *auditor, r *request) {
		r.header = append(r.header, header+": "+r.method)
		r.method = http.MethodPost
	}
}

// sendHTTP2 sends a request over HTTP/2; the error is that there is none.
func (w *wire) sendHTTP2(ctx context.Context, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	path, query, _ := strings.Cut(r.target, "?")
	u := &url.URL{Scheme: w.base.Scheme, Host: w.base.Host, Opaque: path, RawQuery: query}
	req := (&http.Request{Method: r.method, URL: u, Header: http.Header{}, Host: w.base.Host, ContentLength: int64(len(r.body)),
		Body: io.NopCloser(strings.NewReader(r.body))}).WithContext(ctx)
	for _, line := range r.header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP2(true)
	transport := &http.Transport{TLSClientConfig: w.tls.Clone(), Protocols: protocols}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // a feed ends with the context
	return answer{res.StatusCode, string(body)}, nil
}
