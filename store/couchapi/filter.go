package couchapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/mango"
	"logctl/store/view/js"
)

// filter chooses the changes of a feed. The zero filter lets all pass.
type filter struct {
	needsBody bool
	byID      bool // it looks at nothing but ids
	pass      func(c *store.Change) (bool, error)
	fields    mango.Fields // of docs that are shown; nil: all
}

func (f *filter) passes(c *store.Change) (bool, error) {
	if f.pass == nil {
		return true, nil
	}
	return f.pass(c)
}

// parseFilter makes the filter that a request names.
func (x *exchange) parseFilter(q url.Values, body map[string]json.RawMessage) (filter, error) {
	name := q.Get("filter")
	switch name {
	case "":
		return filter{}, nil
	case "_doc_ids":
		return x.docIDsFilter(q, body)
	case "_design":
		return filter{byID: true, pass: func(c *store.Change) (bool, error) {
			return strings.HasPrefix(c.Doc.ID, designPrefix), nil
		}}, nil
	case "_view":
		return x.viewFilter(q.Get("view"))
	case "_selector":
		return x.selectorFilter(body)
	}
	if strings.HasPrefix(name, "_") {
		return filter{}, errBadRequest("unknown builtin filter name")
	}
	return x.jsFilter(name, q)
}

// selectorFilter lets pass what matches a Mango selector in the body, which may also say what to show of docs. What is wrong with
// one is a bad request here, whatever it is for _find.
func (x *exchange) selectorFilter(body map[string]json.RawMessage) (filter, error) {
	if x.r.Method != http.MethodPost {
		return filter{}, errBadRequest("Selector must be specified in POST payload")
	}
	if body == nil {
		return filter{}, errBadRequest(reasonBadJSON)
	}
	raw := body["selector"]
	if raw == nil || raw[0] != '{' {
		return filter{}, errBadRequest("Selector error: expected a JSON object")
	}
	sel, err := mango.ParseSelector(raw)
	f := filter{needsBody: true, pass: func(c *store.Change) (bool, error) {
		return sel.Match(x.ctx(), c.Doc.AppendJSON(nil))
	}}
	if raw := body["fields"]; err == nil && raw != nil {
		if raw[0] != '[' {
			return f, errBadRequest("Selector error: fields must be JSON array")
		}
		f.fields, err = mango.ParseFields(raw)
	}
	if e := (*store.Error)(nil); errors.As(err, &e) {
		err = errBadRequest(e.Reason)
	}
	return f, err
}

func (x *exchange) docIDsFilter(q url.Values, body map[string]json.RawMessage) (filter, error) {
	if x.r.Method == http.MethodPost && body == nil {
		return filter{}, errBadRequest(reasonBadJSON)
	}
	raw := []byte(body["doc_ids"])
	if x.r.Method != http.MethodPost && q.Has("doc_ids") {
		var err error
		if raw, err = ejson.Compact(nil, []byte(q.Get("doc_ids"))); err != nil {
			return filter{}, err
		}
	}
	ids, ok := stringList(raw)
	if !ok {
		return filter{}, errBadRequest("`doc_ids` filter parameter is not a list of doc ids.")
	}
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return filter{byID: true, pass: func(c *store.Change) (bool, error) { return set[c.Doc.ID], nil }}, nil
}

// jsFilter is a function of a design document's filters.
func (x *exchange) jsFilter(name string, q url.Values) (filter, error) {
	f, err := x.compiled("filter", name)
	if err != nil {
		return filter{}, err
	}
	req, err := x.requestObject(q, json.RawMessage(`"undefined"`), url.Values{})
	return bodyFilter(f, req), err
}

// viewFilter lets pass what a view's map function emits something for.
func (x *exchange) viewFilter(name string) (filter, error) {
	if name == "" {
		return filter{}, errBadRequest("`view` filter parameter is not provided.")
	}
	f, err := x.compiled("view", name)
	return bodyFilter(f, []byte("{}")), err
}

func bodyFilter(f *js.Filter, req []byte) filter {
	return filter{needsBody: true, pass: func(c *store.Change) (bool, error) {
		return f.Filter(c.Doc.AppendJSON(nil), req)
	}}
}

// compiled is a filter or a view, as kind says, of a design document, compiled once; name is "design/function".
func (x *exchange) compiled(kind, name string) (*js.Filter, error) {
	design, fn, _ := strings.Cut(name, "/")
	if design == "" || fn == "" || strings.Contains(fn, "/") {
		return nil, errBadRequest("`" + kind + "` must be of the form `designname/" + kind + "name`")
	}
	p, err := x.design(designPrefix + design)
	if err != nil {
		return nil, err
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(p.body, &doc); err != nil {
		return nil, err
	}
	raw, err := descend(doc, kind+"s", fn)
	if err != nil {
		return nil, err
	}
	d := x.h.designs.of(x.db.Instance())
	key := design + "\x00" + p.rev.String() + "\x00" + kind + "\x00" + fn
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.filter[key]; f != nil {
		return f, nil
	}
	compile := js.NewFilter
	if kind == "view" {
		compile = js.NewViewFilter
		var v struct {
			Map json.RawMessage `json:"map"`
		}
		if err := json.Unmarshal(raw, &v); err != nil || v.Map == nil {
			return nil, errNotFound("missing json key: map")
		}
		raw = v.Map
	}
	src, ok := text(raw)
	if !ok {
		return nil, errNotFound("missing function")
	}
	f, err := compile(src, js.Options{Design: p.json()})
	if err != nil {
		return nil, err
	}
	if len(d.filter) >= maxDesignDocs {
		clear(d.filter)
	}
	d.filter[key] = f
	return f, nil
}

// descend is the value under two keys.
func descend(doc map[string]json.RawMessage, outer, inner string) (json.RawMessage, error) {
	var m map[string]json.RawMessage
	if raw, ok := doc[outer]; !ok {
		return nil, errNotFound("missing json key: " + outer)
	} else if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	raw, ok := m[inner]
	if !ok {
		return nil, errNotFound("missing json key: " + inner)
	}
	return raw, nil
}

func appendNumber(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }
