// Package viewopts reads the options of a view, _all_docs and the like out of query strings and bodies, with CouchDB's answers to
// what can't be one: they tell Erlang's types, in which texts of a query are lists and those of a body are binaries.
package viewopts

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/mango"
)

// MaxLimit is the largest limit that CouchDB takes.
const MaxLimit = 576460752303423487

// Param is one name and its value in a query string.
type Param struct{ Name, Value string }

// ParseQuery reads a query string in its order. A semicolon separates as an ampersand does, and what can't be unescaped stays as it is.
func ParseQuery(raw string) []Param {
	var params []Param
	for pair := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == '&' || r == ';' }) {
		k, v, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(k)
		if err != nil {
			continue
		}
		val, err := url.QueryUnescape(v)
		if err != nil {
			val = v
		}
		params = append(params, Param{key, val})
	}
	return params
}

// CheckQuery refuses a query string with a percent sign that begins no escape.
func CheckQuery(raw string) error {
	for {
		at := strings.IndexByte(raw, '%')
		if at < 0 {
			return nil
		}
		if _, err := url.QueryUnescape(raw[at:min(at+3, len(raw))]); err != nil {
			return store.NewError(store.KindBadRequest, "invalid_url_encoding")
		}
		raw = raw[at+3:]
	}
}

// Reader reads the options of a view, _all_docs and the like, in the order in which they come: a later one wins. Unknown
// ones are ignored.
type Reader struct {
	q store.ViewQuery
	// keepKeys keeps keys that are one alone beside the range that they are, as CouchDB does where no view is asked.
	keepKeys bool
	noGroup  bool // group=false
}

// NewReader has read nothing yet.
func NewReader() Reader { return Reader{q: store.NewViewQuery()} }

// Parse reads the members of a JSON object, nil for none, then the options of the query string.
func Parse(query []Param, body json.RawMessage, keepKeys bool) (store.ViewQuery, error) {
	o := NewReader()
	o.keepKeys = keepKeys
	if err := o.Members(body); err != nil {
		return o.q, err
	}
	if err := o.Params(query); err != nil {
		return o.q, err
	}
	return o.Query()
}

// Query is what was read.
func (o *Reader) Query() (store.ViewQuery, error) {
	if o.noGroup && o.q.GroupLevel > 0 {
		return o.q, errQuery("Can't specify group=false and group_level>0 at the same time")
	}
	if o.q.GroupLevelGiven {
		o.q.Group = false
	}
	return o.q, nil
}

// Each is a reader for one of several queries, for which what was read so far holds, but for keys and grouping.
func (o *Reader) Each() Reader {
	e := *o
	e.q.Keys, e.q.Group, e.q.GroupLevel, e.q.GroupLevelGiven, e.noGroup = nil, false, 0, false, false
	return e
}

// Members reads the members of a JSON object, nil for none.
func (o *Reader) Members(body json.RawMessage) error {
	if body == nil {
		return nil
	}
	return ejson.Members(body, func(key, value []byte) error {
		return o.set(string(key), option{raw: string(value), decoded: true})
	})
}

// Params reads the parameters of a query string.
func (o *Reader) Params(query []Param) error {
	for _, p := range query {
		if err := o.set(p.Name, option{raw: p.Value}); err != nil {
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
		if s, ok := text(v.raw); ok {
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
	return Quoted(v.raw)
}

func (o *Reader) set(name string, v option) error {
	var err error
	q := &o.q
	switch name {
	case "key":
		if q.StartKey, err = ParseKey(v.raw); err == nil {
			q.EndKey = q.StartKey
		}
	case "keys":
		err = o.setKeys(v.raw)
	case "startkey", "start_key":
		q.StartKey, err = ParseKey(v.raw)
	case "endkey", "end_key":
		q.EndKey, err = ParseKey(v.raw)
	case "partition":
		q.Partition = v.text()
		err = CheckPartition(q.Partition)
	case "startkey_docid", "start_key_doc_id":
		q.StartDocID = v.text()
	case "endkey_docid", "end_key_doc_id":
		q.EndDocID = v.text()
	case "limit":
		q.Limit, err = positive(v, true)
	case "skip":
		q.Skip, err = positive(v, false)
	case "group_level":
		q.GroupLevel, err = positive(v, false)
		q.GroupLevelGiven = true
	case "stale", "update", "stable":
		err = setFreshness(q, name, v.text())
	default:
		err = o.setFlag(name, v)
	}
	return err
}

// setKeys sets a list of keys. One alone is a range.
func (o *Reader) setKeys(val string) error {
	keys, err := keysOf(val)
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

// flags set the options that are on or off.
var flags = map[string]func(o *Reader, on bool){
	"descending":        func(o *Reader, on bool) { o.q.Descending = on },
	"inclusive_end":     func(o *Reader, on bool) { o.q.ExclusiveEnd = !on },
	"reduce":            func(o *Reader, on bool) { o.q.Reduce, o.q.NoReduce = on, !on },
	"group":             func(o *Reader, on bool) { o.q.Group, o.noGroup = on, !on },
	"include_docs":      func(o *Reader, on bool) { o.q.IncludeDocs = on },
	"conflicts":         func(o *Reader, on bool) { o.q.Conflicts = on },
	"update_seq":        func(o *Reader, on bool) { o.q.UpdateSeq = on },
	"sorted":            func(o *Reader, on bool) { o.q.Unsorted = !on },
	"attachments":       func(o *Reader, on bool) { o.q.Attachments = on },
	"att_encoding_info": func(o *Reader, on bool) { o.q.AttEncodingInfo = on },
}

func (o *Reader) setFlag(name string, v option) error {
	set, ok := flags[name]
	if !ok {
		return nil
	}
	val := v.text()
	switch strings.ToLower(val) {
	case "true":
		set(o, true)
	case "false":
		set(o, false)
	default:
		if v.raw != val { // a JSON string
			v = option{raw: val}
		}
		return errQuery("Invalid boolean parameter: " + v.shown())
	}
	return nil
}

// ParseKey is the JSON of a key, compact.
func ParseKey(val string) (json.RawMessage, error) {
	raw, err := ejson.Compact(nil, []byte(val))
	if err != nil {
		return nil, store.NewError(store.KindBadRequest, "invalid UTF-8 JSON")
	}
	return raw, nil
}

func keysOf(val string) ([]json.RawMessage, error) {
	raw, err := ParseKey(val)
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

// Positive reads the value of a query string for a number that bounds an answer.
func Positive(s string) (int, error) { return positive(option{raw: s}, true) }

func positive(v option, limit bool) (int, error) {
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
	if err != nil || n > MaxLimit {
		if limit {
			return 0, errQuery("Limit is too large, must not exceed " + strconv.Itoa(MaxLimit))
		}
		return MaxLimit, nil
	}
	return n, nil
}

// CheckPartition refuses what can't be the name of a partition.
func CheckPartition(name string) error {
	reason := ""
	switch {
	case name == "":
		reason = "Partition must not be empty"
	case name[0] == '_':
		reason = "Partition must not start with an underscore"
	case strings.Contains(name, ":"):
		reason = "Partition must not contain a colon"
	default:
		return nil
	}
	return &store.Error{Kind: store.KindBadRequest, Word: "illegal_partition", Reason: reason}
}

// Quoted is a text as CouchDB shows it in reasons.
func Quoted(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(raw)
}

func errQuery(reason string) error { return store.NewError(store.KindQueryParse, reason) }

// text decodes a JSON string.
func text(raw string) (string, bool) {
	var s string
	if !strings.HasPrefix(raw, `"`) || json.Unmarshal([]byte(raw), &s) != nil {
		return "", false
	}
	return s, true
}
