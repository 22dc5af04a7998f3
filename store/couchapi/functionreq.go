package couchapi

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// functionRequest is the request object of a show or update function: it reads the body b, which is to be freed when the function has
// ended, or there is an error.
func (x *exchange) functionRequest() (req []byte, b body, err error) {
	text := "undefined" // as CouchDB gives a request without one
	if x.r.ContentLength != 0 {
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

// requestObject is what functions of design documents are told about a request; body is JSON. Credentials are left out.
func (x *exchange) requestObject(query url.Values, body json.RawMessage, form url.Values) ([]byte, error) {
	headers := map[string]string{"Host": x.r.Host}
	for k, v := range x.r.Header {
		if k != "Authorization" && k != "Cookie" {
			headers[k] = strings.Join(v, ",")
		}
	}
	var id any
	if x.vars["id"] != "" {
		id = x.name("id")
	}
	path := segments(x.r.URL.EscapedPath())
	return json.Marshal(map[string]any{
		"info": json.RawMessage(appendInfo(nil, x.db)), "uuid": x.h.ids.ID(), "id": id, "method": x.r.Method, "path": path,
		"requested_path": path, "raw_path": x.r.URL.RequestURI(), "query": queryObject(query), "headers": headers,
		"body": body, "peer": peer(x.r), "form": queryObject(form), "cookie": struct{}{},
		"userCtx": struct {
			DB string `json:"db"`
			userCtx
		}{string(x.db.Name()), ctxOf(x.caller)},
		"secObj": json.RawMessage(x.security.raw),
	})
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
