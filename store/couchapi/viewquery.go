package couchapi

import (
	"encoding/json"
	"strconv"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine"
	"logctl/store/mango"
)

// maxLimit is the largest limit that CouchDB takes.
const maxLimit = 576460752303423487

// optionReader reads the options of a view, _all_docs and the like, in the order in which they come: a later one wins. Unknown
// ones are ignored.
type optionReader struct {
	q store.ViewQuery
	// keepKeys keeps keys that are one alone beside the range that they are, as CouchDB does where no view is asked.
	keepKeys bool
	noGroup  bool // group=false
}

// parseViewQuery reads the members of a JSON object, nil for none, then the options of the query string.
func parseViewQuery(query []param, body json.RawMessage, keepKeys bool) (store.ViewQuery, error) {
	o := optionReader{q: store.NewViewQuery(), keepKeys: keepKeys}
	if err := o.members(body); err != nil {
		return o.q, err
	}
	if err := o.params(query); err != nil {
		return o.q, err
	}
	return o.query()
}

// query is what was read.
func (o *optionReader) query() (store.ViewQuery, error) {
	if o.noGroup && o.q.GroupLevel > 0 {
		return o.q, errQuery("Can't specify group=false and group_level>0 at the same time")
	}
	if o.q.GroupLevelGiven {
		o.q.Group = false
	}
	return o.q, nil
}

// each is a reader for one of several queries, for which what was read so far holds, but for keys and grouping.
func (o *optionReader) each() optionReader {
	e := *o
	e.q.Keys, e.q.Group, e.q.GroupLevel, e.q.GroupLevelGiven, e.noGroup = nil, false, 0, false, false
	return e
}

func (o *optionReader) members(body json.RawMessage) error {
	if body == nil {
		return nil
	}
	return ejson.Members(body, func(key, value []byte) error {
		return o.set(string(key), option{raw: string(value), decoded: true})
	})
}

func (o *optionReader) params(query []param) error {
	for _, p := range query {
		if err := o.set(p.name, option{raw: p.value}); err != nil {
			return err
		}
	}
	return nil
}

// option is the value of an option: as the query string has it or, decoded, the JSON of a body.
type option struct {
	raw     string
	decoded bool
}

// text is the value where a text is wanted.
func (v option) text() string {
	if v.decoded {
		if s, ok := text([]byte(v.raw)); ok {
			return s
		}
	}
	return v.raw
}

// shown is the value as CouchDB names it in reasons: its texts are lists to Erlang, the empty one [].
func (v option) shown() string {
	switch {
	case v.decoded:
		raw, err := ejson.Compact(nil, []byte(v.raw))
		if err != nil { // it was checked with the body
			return v.raw
		}
		return mango.Term(raw)
	case v.raw == "":
		return "[]"
	}
	return quoted(v.raw)
}

func (o *optionReader) set(name string, v option) error {
	var err error
	q := &o.q
	switch name {
	case "key":
		if q.StartKey, err = parseKey(v.raw); err == nil {
			q.EndKey = q.StartKey
		}
	case "keys":
		err = o.setKeys(v.raw)
	case "startkey", "start_key":
		q.StartKey, err = parseKey(v.raw)
	case "endkey", "end_key":
		q.EndKey, err = parseKey(v.raw)
	case "partition":
		q.Partition = v.text()
		err = checkPartition(q.Partition)
	case "startkey_docid", "start_key_doc_id":
		q.StartDocID = v.text()
	case "endkey_docid", "end_key_doc_id":
		q.EndDocID = v.text()
	case "limit":
		q.Limit, err = parsePositive(v, true)
	case "skip":
		q.Skip, err = parsePositive(v, false)
	case "group_level":
		q.GroupLevel, err = parsePositive(v, false)
		q.GroupLevelGiven = true
	case "stale", "update", "stable":
		err = setFreshness(q, name, v.text())
	default:
		err = o.setFlag(name, v)
	}
	return err
}

// setKeys sets a list of keys. One alone is a range.
func (o *optionReader) setKeys(val string) error {
	keys, err := parseKeys(val)
	if err != nil || len(keys) != 1 {
		o.q.Keys = keys
		return err
	}
	o.q.StartKey, o.q.EndKey = keys[0], keys[0]
	if o.keepKeys && o.q.Keys == nil {
		o.q.Keys = keys
	}
	return nil
}

func setFreshness(q *store.ViewQuery, name, val string) error {
	ok := true
	switch {
	case name == "stable":
		ok = val == "true" || val == "false"
	case name == "update" && val == "true":
		q.Update = store.UpdateTrue
	case name == "update" && val == "false", name == "stale" && val == "ok":
		q.Update = store.UpdateFalse
	case name == "update" && val == "lazy", name == "stale" && val == "update_after":
		q.Update = store.UpdateLazy
	default:
		ok = false
	}
	if !ok {
		return errQuery("Invalid value for `" + name + "`.")
	}
	return nil
}

func (o *optionReader) setFlag(name string, v option) error {
	q := &o.q
	flags := map[string]func(on bool){
		"descending":        func(on bool) { q.Descending = on },
		"inclusive_end":     func(on bool) { q.ExclusiveEnd = !on },
		"reduce":            func(on bool) { q.Reduce, q.NoReduce = on, !on },
		"group":             func(on bool) { q.Group, o.noGroup = on, !on },
		"include_docs":      func(on bool) { q.IncludeDocs = on },
		"conflicts":         func(on bool) { q.Conflicts = on },
		"update_seq":        func(on bool) { q.UpdateSeq = on },
		"sorted":            func(on bool) { q.Unsorted = !on },
		"attachments":       func(on bool) { q.Attachments = on },
		"att_encoding_info": func(on bool) { q.AttEncodingInfo = on },
	}
	set, ok := flags[name]
	if !ok {
		return nil
	}
	val := v.text()
	switch strings.ToLower(val) {
	case "true":
		set(true)
	case "false":
		set(false)
	default:
		if v.raw != val { // a JSON string
			v = option{raw: val}
		}
		return errQuery("Invalid boolean parameter: " + v.shown())
	}
	return nil
}

func parseKey(val string) (json.RawMessage, error) {
	raw, err := ejson.Compact(nil, []byte(val))
	if err != nil {
		return nil, errBadRequest(reasonBadJSON)
	}
	return raw, nil
}

func parseKeys(val string) ([]json.RawMessage, error) {
	raw, err := parseKey(val)
	if err != nil {
		return nil, err
	}
	if raw[0] != '[' {
		return nil, errQuery("`keys` must be an array of strings.")
	}
	keys := []json.RawMessage{}
	err = ejson.Elements(raw, func(elem []byte) error {
		keys = append(keys, elem)
		return nil
	})
	return keys, err
}

func parsePositive(v option, limit bool) (int, error) {
	digits := strings.TrimPrefix(v.raw, "-")
	if digits == v.raw && !v.decoded {
		digits = strings.TrimPrefix(digits, "+")
	}
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, errQuery("Invalid value for integer: " + v.shown())
	}
	if v.raw[0] == '-' && strings.Trim(digits, "0") != "" {
		return 0, errQuery("Invalid value for positive integer: " + v.shown())
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n > maxLimit {
		if limit {
			return 0, errQuery("Limit is too large, must not exceed " + strconv.Itoa(maxLimit))
		}
		return maxLimit, nil
	}
	return n, nil
}

// limitQuery heeds the settings that say how many rows an answer may have.
func (x *exchange) limitQuery(q *store.ViewQuery) error {
	name := "query_limit"
	if q.Partition != "" {
		name = "partition_query_limit"
	}
	most := x.h.settings.number("query_server_config", name, maxLimit)
	if q.Limit > most {
		return errQuery("Limit is too large, must not exceed " + strconv.Itoa(most))
	}
	if q.Limit < 0 && most < maxLimit {
		q.Limit = most
	}
	return nil
}

// idRange is the range of ids that the keys of q say. What is no string is before all ids, also what sorts behind strings as a
// key of a view.
func idRange(q *store.ViewQuery) engine.IDRange {
	r := engine.IDRange{Descending: q.Descending, ExclusiveEnd: q.ExclusiveEnd}
	r.Start, r.HasStart = q.StartDocID, q.StartDocID != ""
	r.End, r.HasEnd = q.EndDocID, q.EndDocID != ""
	if q.StartKey != nil {
		r.Start, _ = text(q.StartKey)
		r.HasStart = true
	}
	if q.EndKey != nil {
		r.End, _ = text(q.EndKey)
		r.HasEnd = true
	}
	return r
}

// inRange tells whether an id is in r.
func inRange(r engine.IDRange, id string) bool {
	after := func(a, b string) bool {
		if r.Descending {
			return a < b
		}
		return a > b
	}
	if r.HasStart && after(r.Start, id) {
		return false
	}
	return !r.HasEnd || !after(id, r.End) && !(r.ExclusiveEnd && id == r.End)
}
