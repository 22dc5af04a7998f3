package replicate

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
)

// spec is what _replicate and the docs of _replicator ask for, in CouchDB's words.
type spec struct {
	ID            string            `json:"_id"`
	State         string            `json:"_replication_state"`
	Source        json.RawMessage   `json:"source"`
	Target        json.RawMessage   `json:"target"`
	Continuous    bool              `json:"continuous"`
	CreateTarget  bool              `json:"create_target"`
	CreateParams  map[string]any    `json:"create_target_params"`
	Cancel        bool              `json:"cancel"`
	ReplicationID string            `json:"replication_id"`
	LocalID       string            `json:"_local_id"`
	DocIDs        []string          `json:"doc_ids"`
	Filter        string            `json:"filter"`
	Params        map[string]any    `json:"query_params"`
	Selector      json.RawMessage   `json:"selector"`
	Since         json.RawMessage   `json:"since_seq"`
	Checkpoints   *bool             `json:"use_checkpoints"`
	Proxy         string            `json:"proxy"`
	SourceProxy   string            `json:"source_proxy"`
	TargetProxy   string            `json:"target_proxy"`
	asked         [sha256.Size]byte // by what a doc asks for, without what we write into it
}

func parseSpec(raw []byte) (*spec, error) {
	if err := checkTypes(raw); err != nil {
		return nil, err
	}
	s := &spec{}
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, badSpec("A replication has a member of the wrong type.", err)
	}
	return s, nil
}

// types are what members must be, as CouchDB says it, by the first bytes of their JSON.
var types = map[string]struct{ starts, name string }{
	"cancel": {"tf", "a boolean"}, "continuous": {"tf", "a boolean"}, "create_target": {"tf", "a boolean"},
	"use_bulk_get": {"tf", "a boolean"}, "winning_revs_only": {"tf", "a boolean"}, "doc_ids": {"[n", "an array"},
	"create_target_params": {"{", "a JSON object"}, "selector": {"{", "a JSON object"}, "query_params": {"{", "an object"},
}

// checkTypes refuses the first member that is of a type that it must not be.
func checkTypes(raw []byte) error {
	return ejson.Members(raw, func(key, value []byte) error {
		if t, ok := types[string(key)]; ok && strings.IndexByte(t.starts, value[0]) < 0 {
			return store.NewError(store.KindBadRequest, "parameter `"+string(key)+"` must be "+t.name)
		}
		return nil
	})
}

const reasonNoPeer = "Missing replicator database"

// Check refuses a doc of _replicator that can't ask for a replication. The error is of KindForbidden, as if the database had a
// validation function that says so.
func (m *Manager) Check(doc []byte) error {
	refuse := func(reason string) error { return store.NewError(store.KindForbidden, reason) }
	thrown := func(reason string) error { return refuse("{throw,{bad_request," + reason + "}}") }
	if stateOf(doc) == stateFailed {
		return nil
	}
	if err := checkTypes(doc); err != nil {
		return thrown(`<<"` + err.Error() + `">>`)
	}
	s, err := parseSpec(doc)
	if err != nil {
		return refuse(err.Error())
	}
	if s.Source == nil || s.Target == nil {
		return refuse(reasonNoPeer)
	}
	for _, peer := range []json.RawMessage{s.Source, s.Target} {
		if _, err := parseEndpoint(peer); err != nil {
			return refuse(err.Error())
		}
	}
	if s.Filter != "" && !strings.Contains(s.Filter, "/") {
		return refuse("Invalid filter. Must match `ddocname/filtername`.")
	}
	if _, err := s.options(); err != nil {
		return thrown(strconv.Quote(err.Error()))
	}
	return nil
}

func badSpec(reason string, err error) error {
	return &store.Error{Kind: store.KindBadRequest, Word: "invalid_replication", Reason: reason, Err: err}
}

// options are those of the replication, without its peers.
func (s *spec) options() (Options, error) {
	o := Options{Continuous: s.Continuous, CreateTarget: s.CreateTarget, Filter: s.Filter,
		NoCheckpoints: s.Checkpoints != nil && !*s.Checkpoints}
	if string(s.Selector) != "null" {
		o.Selector = s.Selector
	}
	if string(s.Since) != "null" {
		o.Since = s.Since
	}
	if s.DocIDs != nil {
		o.DocIDs = make([]string, 0, len(s.DocIDs))
	}
	for _, id := range s.DocIDs { // as in a URL, of old
		if plain, err := url.QueryUnescape(id); err == nil {
			id = plain
		}
		o.DocIDs = append(o.DocIDs, id)
	}
	chosen := 0
	for _, given := range []bool{o.Filter != "", o.DocIDs != nil, o.Selector != nil} {
		if given {
			chosen++
		}
	}
	if chosen > 1 {
		return o, store.NewError(store.KindBadRequest, "`doc_ids`,`filter`,`selector` are mutually exclusive")
	}
	if s.Proxy != "" || s.SourceProxy != "" || s.TargetProxy != "" {
		return o, badSpec("Proxies are not supported by this server.", nil)
	}
	o.Params, o.TargetParams = values(s.Params), values(s.CreateParams)
	return o, nil
}

// values are query parameters as JSON gives them: texts, numbers and the like.
func values(m map[string]any) url.Values {
	if len(m) == 0 {
		return nil
	}
	v := url.Values{}
	for name, val := range m {
		if text, ok := val.(string); ok {
			v.Set(name, text)
		} else if raw, err := json.Marshal(val); err == nil {
			v.Set(name, string(raw))
		}
	}
	return v
}

// endpoint is one peer of a spec.
type endpoint struct {
	local string // the name of a database of this server; "": url
	url   *url.URL
	user  *url.Userinfo
	head  http.Header
}

// parseEndpoint reads a name, a URL, or an object with a URL, headers and credentials.
func parseEndpoint(raw json.RawMessage) (endpoint, error) {
	var text string
	var object struct {
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
		Auth    struct {
			Basic *struct{ Username, Password string } `json:"basic"`
		} `json:"auth"`
	}
	if json.Unmarshal(raw, &text) != nil {
		if err := json.Unmarshal(raw, &object); err != nil || object.URL == "" {
			return endpoint{}, badEndpoint()
		}
		text = object.URL
	}
	if !strings.Contains(text, "://") {
		name := strings.Trim(text, "/")
		if name == "" {
			return endpoint{}, badEndpoint()
		}
		return endpoint{local: name}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		return endpoint{}, badEndpoint()
	}
	e := endpoint{url: u, user: u.User, head: http.Header{}}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	for name, val := range object.Headers {
		e.head.Set(name, val)
	}
	if b := object.Auth.Basic; b != nil {
		e.user = url.UserPassword(b.Username, b.Password)
	}
	return e, nil
}

func badEndpoint() error { return badSpec("endpoint has an invalid url", nil) }

// shown is the endpoint as people may see it.
func (e *endpoint) shown() string {
	if e.local != "" {
		return e.local
	}
	return strings.TrimSuffix(e.url.String(), "/") + "/"
}
