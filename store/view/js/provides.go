package js

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

// mimeTypes are the media types of the names that registerType gave beside the usual ones.
type mimeTypes map[string][]string

// usualTypes are those that functions need not register.
var usualTypes = mimeTypes{
	"all":              {"*/*"},
	"text":             {"text/plain; charset=utf-8", "txt"},
	"html":             {"text/html; charset=utf-8"},
	"xhtml":            {"application/xhtml+xml", "xhtml"},
	"xml":              {"application/xml", "text/xml", "application/x-xml"},
	"js":               {"text/javascript", "application/javascript", "application/x-javascript"},
	"css":              {"text/css"},
	"ics":              {"text/calendar"},
	"csv":              {"text/csv"},
	"rss":              {"application/rss+xml"},
	"atom":             {"application/atom+xml"},
	"yaml":             {"application/x-yaml", "text/yaml"},
	"multipart_form":   {"multipart/form-data"},
	"url_encoded_form": {"application/x-www-form-urlencoded"},
	"json":             {"application/json", "text/x-json"},
}

func (t mimeTypes) of(name string) []string {
	if list, ok := t[name]; ok {
		return list
	}
	return usualTypes[name]
}

// provided is a function for a type.
type provided struct {
	name string
	fn   goja.Callable
}

// registerType is the function of that name.
func (s *rendering) registerType(c goja.FunctionCall) goja.Value {
	if s.types == nil {
		s.types = mimeTypes{}
	}
	list := []string{}
	for _, a := range c.Arguments[min(1, len(c.Arguments)):] {
		list = append(list, a.String())
	}
	s.types[c.Argument(0).String()] = list
	return goja.Undefined()
}

// provides is the function of that name.
func (s *rendering) provides(c goja.FunctionCall) goja.Value {
	fn, _ := goja.AssertFunction(c.Argument(1))
	s.provided = append(s.provided, provided{c.Argument(0).String(), fn})
	return goja.Undefined()
}

// request is what of a request object choosing among types needs.
type request struct {
	Path    []string
	Headers map[string]string
	Query   struct{ Format string }
}

func requestOf(raw []byte) request {
	var r request
	_ = json.Unmarshal(raw, &r) // members of other types count as absent
	return r
}

// runProvided calls the function for the type that the client likes best.
func (s *rendering) runProvided(req []byte) (goja.Value, error) {
	r := requestOf(req)
	accept := r.Headers["Accept"]
	fn, wanted := s.choose(r.Query.Format, accept)
	if fn != nil {
		return fn(s.this)
	}
	if r.Query.Format == "" && accept != "" {
		slices.Reverse(s.provided) // CouchDB has done so for choosing
	}
	var known []string
	for _, p := range s.provided {
		list := s.types.of(p.name)
		if len(list) == 0 {
			list = []string{p.name}
		}
		known = append(known, strings.Join(list, ", "))
	}
	if accept != "" {
		wanted = accept
	}
	return nil, namedError("not_acceptable", "Content-Type "+wanted+" not supported, try one of: "+strings.Join(known, ", "))
}

// choose finds the function for a type that the query names or, if it names none, for the one that is best by the Accept
// header; without a header it is the first.
func (s *rendering) choose(format, accept string) (fn goja.Callable, name string) {
	switch {
	case format != "":
		name = format
		if list := s.types.of(name); len(list) > 0 {
			s.contentType = list[0]
		}
	case accept != "":
		best, place := "", 0
		// The first to be provided wins among equals, and of its types the last.
		for i := len(s.provided) - 1; i >= 0; i-- {
			for _, mime := range s.types.of(s.provided[i].name) {
				if w := weight(mime, accept, place); w > best {
					best, name, s.contentType = w, s.provided[i].name, mime
				}
				place++
			}
		}
	default:
		name = s.provided[0].name
		if list := s.types.of(name); len(list) > 0 {
			s.contentType = list[0]
		}
	}
	for i := len(s.provided) - 1; i >= 0; i-- {
		if s.provided[i].name == name {
			return s.provided[i].fn, name
		}
	}
	return nil, name
}

// weight is how well a type fits an Accept header, as a text that is the greater the better; "" if not at all: the same type, the
// same subtype, as many equal parameters as can be, then the quality.
func weight(mime, accept string, place int) string {
	kind, sub, params := parseMime(mime)
	best, quality := -1, 0.0
	for r := range strings.SplitSeq(accept, ",") {
		t, st, p := parseMime(r)
		if t != kind && t != "*" && kind != "*" || st != sub && st != "*" && sub != "*" {
			continue
		}
		fitness := 0
		if t == kind {
			fitness += 100
		}
		if st == sub {
			fitness += 10
		}
		for name, value := range params {
			if name != "q" && p[name] == value {
				fitness++
			}
		}
		if fitness > best {
			best, quality = fitness, qualityOf(p)
		}
	}
	if best < 0 || quality == 0 {
		return ""
	}
	const digits = 4
	pad := func(n int) string {
		text := strconv.Itoa(n)
		return strings.Repeat("0", max(0, digits-len(text))) + text
	}
	return pad(best) + " " + strconv.FormatFloat(quality, 'f', digits, 64) + " " + pad(place)
}

func qualityOf(params map[string]string) float64 {
	q, err := strconv.ParseFloat(params["q"], 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 1
	}
	return q
}

// parseMime takes a media type apart: "text/html;level=1".
func parseMime(s string) (kind, sub string, params map[string]string) {
	full, rest, _ := strings.Cut(s, ";")
	for p := range strings.SplitSeq(rest, ";") {
		if name, value, ok := strings.Cut(p, "="); ok {
			if params == nil {
				params = map[string]string{}
			}
			params[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	full = strings.TrimSpace(full)
	if full == "*" {
		full = "*/*"
	}
	kind, sub, _ = strings.Cut(full, "/")
	return kind, sub, params
}
