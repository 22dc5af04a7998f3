package couchapi

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// noBody is what functions see of a request without a body.
const noBody = "undefined"

// hasBody tells whether there is one, be it empty.
func (x *exchange) hasBody() bool {
	return x.r.ContentLength != 0 || x.r.Header.Get("Content-Length") != ""
}

// functionRequest is the request object of a show or update function: it reads the body b, which is to be freed when the function has
// ended, or there is an error.
func (x *exchange) functionRequest() (req []byte, b body, err error) {
	text := noBody
	if x.hasBody() {
		if b, err = x.functionBody(); err != nil {
			return nil, b, err
		}
		text = string(b.bytes)
	}
	raw, err := json.Marshal(text)
	if err != nil {
		return nil, b, err
	}
	form := url.Values{}
	if ct, _, _ := strings.Cut(x.r.Header.Get("Content-Type"), ";"); ct == "application/x-www-form-urlencoded" &&
		(x.r.Method == "POST" || x.r.Method == "PUT") {
		form = parseQuery(text)
	}
	req, err = x.requestObject(x.query(), raw, form)
	return req, b, err
}

// requestObject is what functions of design documents are told about a request; body is JSON.
func (x *exchange) requestObject(query url.Values, body json.RawMessage, form url.Values) ([]byte, error) {
	m := x.requestMembers(query, body)
	m["info"], m["uuid"] = json.RawMessage(appendInfo(nil, x.db)), x.h.ids.ID()
	m["id"], m["form"] = nil, queryObject(form)
	if x.vars["id"] != "" {
		m["id"] = x.name("id")
	}
	return json.Marshal(m)
}

// requestMembers are those that functions of rewrites, too, are told. Credentials are left out.
func (x *exchange) requestMembers(query url.Values, body json.RawMessage) map[string]any {
	headers := map[string]string{"Host": x.r.Host}
	for k, v := range x.r.Header {
		if k != "Authorization" && k != "Cookie" {
			headers[k] = strings.Join(v, ",")
		}
	}
	requested := []string{}
	for s := range strings.SplitSeq(strings.Trim(x.r.URL.RequestURI(), "/"), "/") {
		if plain, err := url.QueryUnescape(s); err == nil {
			s = plain
		}
		requested = append(requested, s)
	}
	return map[string]any{
		"method": x.r.Method, "path": segments(x.r.URL.EscapedPath()), "requested_path": requested,
		"raw_path": x.r.URL.RequestURI(), "query": queryObject(query), "headers": headers, "body": body, "peer": peer(x.r),
		"cookie": struct{}{},
		"userCtx": struct {
			DB string `json:"db"`
			userCtx
		}{string(x.db.Name()), ctxOf(x.caller)},
		"secObj": json.RawMessage(x.security.raw),
	}
}

// queryObject is a query as functions see it: of a name that comes again the last value, keys as the JSON that they are.
func queryObject(query url.Values) map[string]any {
	m := make(map[string]any, len(query))
	for name, values := range query {
		v := values[len(values)-1]
		m[name] = v
		if slices.Contains([]string{"startkey", "endkey", "key", "descending"}, name) && json.Valid([]byte(v)) {
			m[name] = json.RawMessage(v)
		}
	}
	return m
}
