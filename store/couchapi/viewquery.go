package couchapi

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine"
)

// maxLimit is the largest limit that CouchDB takes.
const maxLimit = 576460752303423487

// parseViewQuery reads the options of a view, _all_docs and the like: those of body, the members of a JSON object, then
// those of the query string, which win. Unknown ones are ignored.
func parseViewQuery(params url.Values, body map[string]json.RawMessage) (store.ViewQuery, error) {
	q := store.NewViewQuery()
	for _, name := range slices.Sorted(maps.Keys(body)) {
		raw := body[name]
		if name == "keys" {
			if len(raw) == 0 || raw[0] != '[' {
				return q, errBadRequest("`keys` member must be an array.")
			}
		}
		if err := setOption(&q, name, string(raw), true); err != nil {
			return q, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		vals := params[name]
		if err := setOption(&q, name, vals[len(vals)-1], false); err != nil {
			return q, err
		}
	}
	return q, nil
}

// setOption sets one option. In a body (fromBody) texts are JSON strings; keys are JSON everywhere.
func setOption(q *store.ViewQuery, name, val string, fromBody bool) error {
	var err error
	plain := val
	if fromBody {
		if s, ok := text([]byte(val)); ok {
			plain = s
		}
	}
	switch name {
	case "key":
		if q.StartKey, err = parseKey(val); err == nil {
			q.EndKey = q.StartKey
		}
	case "keys":
		q.Keys, err = parseKeys(val)
	case "startkey", "start_key":
		q.StartKey, err = parseKey(val)
	case "endkey", "end_key":
		q.EndKey, err = parseKey(val)
	case "partition":
		q.Partition = plain
	case "startkey_docid", "start_key_doc_id":
		q.StartDocID = plain
	case "endkey_docid", "end_key_doc_id":
		q.EndDocID = plain
	case "limit":
		q.Limit, err = parsePositive(plain, true)
	case "skip":
		q.Skip, err = parsePositive(plain, false)
	case "group_level":
		q.GroupLevel, err = parsePositive(plain, false)
		q.GroupLevelGiven = true
	case "stale", "update", "stable":
		err = setFreshness(q, name, plain)
	default:
		err = setFlag(q, name, plain)
	}
	return err
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

func setFlag(q *store.ViewQuery, name, val string) error {
	flags := map[string]func(on bool){
		"descending":        func(on bool) { q.Descending = on },
		"inclusive_end":     func(on bool) { q.ExclusiveEnd = !on },
		"reduce":            func(on bool) { q.Reduce, q.NoReduce = on, !on },
		"group":             func(on bool) { q.Group = on },
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
	switch strings.ToLower(val) {
	case "true":
		set(true)
	case "false":
		set(false)
	default:
		return errQuery("Invalid boolean parameter: " + quoted(val))
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

func parsePositive(val string, limit bool) (int, error) {
	digits := strings.TrimPrefix(val, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, errQuery("Invalid value for integer: " + quoted(val))
	}
	if digits != val && strings.Trim(digits, "0") != "" {
		return 0, errQuery("Invalid value for positive integer: " + quoted(val))
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

// idRange is the range of ids that the keys of q say; ok is false where no string is in it.
func idRange(q *store.ViewQuery) (r engine.IDRange, ok bool) {
	r = engine.IDRange{Descending: q.Descending, ExclusiveEnd: q.ExclusiveEnd}
	if q.StartKey == nil && q.StartDocID != "" {
		r.Start, r.HasStart = q.StartDocID, true
	}
	if q.EndKey == nil && q.EndDocID != "" {
		r.End, r.HasEnd = q.EndDocID, true
	}
	if q.StartKey != nil {
		if r.Start, r.HasStart = text(q.StartKey); !r.HasStart && afterStrings(q.StartKey) != q.Descending {
			return r, false
		}
	}
	if q.EndKey != nil {
		if r.End, r.HasEnd = text(q.EndKey); !r.HasEnd && afterStrings(q.EndKey) == q.Descending {
			return r, false
		}
	}
	return r, true
}

// afterStrings tells whether a JSON value that is no string sorts after all strings.
func afterStrings(key json.RawMessage) bool { return key[0] == '[' || key[0] == '{' }

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
