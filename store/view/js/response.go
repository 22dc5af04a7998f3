package js

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"

	"logctl/store"
	"logctl/store/ejson"
)

// Response is what a function answers.
type Response struct {
	Code        int
	HasCode     bool // the function gave one
	ContentType string
	Header      map[string]string
	Body        []byte
}

// ParseResponse reads a response object: {code, headers, and one of body, base64 and json}.
func ParseResponse(raw []byte) (Response, error) {
	r := Response{Code: http.StatusOK, ContentType: "application/json"}
	bad := func(name string, value []byte) error {
		return &store.Error{Kind: store.KindInternal, Word: "external_response_error",
			Reason: "Invalid data from external server: " + name + ": " + string(value)}
	}
	var object []byte
	err := ejson.Members(raw, func(key, value []byte) error {
		var err error
		switch string(key) {
		case "code":
			const first, last = 200, 599
			digits, isText := jsonText(value)
			if !isText {
				digits = string(value)
			}
			if r.Code, err = strconv.Atoi(digits); err != nil || r.Code < first || r.Code > last {
				return bad("code", value)
			}
			r.HasCode = true
		case "headers":
			var header map[string]json.RawMessage
			if json.Unmarshal(value, &header) != nil {
				return bad("headers", value)
			}
			r.Header = map[string]string{}
			for name, raw := range header {
				if v, ok := jsonText(raw); ok {
					r.Header[name] = v
				} else if raw[0] != '{' && raw[0] != '[' {
					r.Header[name] = string(raw)
				} else {
					return bad("headers", value)
				}
			}
		case "body":
			s, ok := jsonText(value)
			if !ok {
				return bad("body", value)
			}
			r.Body, r.ContentType = []byte(s), "text/html; charset=utf-8"
		case "base64":
			s, _ := jsonText(value)
			if r.Body, err = base64.StdEncoding.DecodeString(s); err != nil {
				return bad("base64", value)
			}
			r.ContentType = "application/binary"
		case "json":
			object, r.ContentType = append(append([]byte(nil), value...), '\n'), "application/json"
		case "stop", "":
		default:
			return bad(string(key), value)
		}
		return nil
	})
	if object != nil { // whatever else there is
		r.Body = object
	}
	return r, err
}

// jsonText decodes a JSON string.
func jsonText(raw []byte) (string, bool) {
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}
