package mango

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
)

// Creation is a checked request for a new index.
type Creation struct {
	DDoc string // "_design/…"
	Name string

	partitioned []byte // "true" or "false"; nil: as the database
	given       []byte // the definition as it came
	columns     Sort
	filter      *Selector
}

// ParseCreation reads the body of POST _index.
func ParseCreation(src []byte) (*Creation, error) {
	raw, err := ejson.Compact(nil, src)
	if err != nil {
		return nil, err
	}
	c := &Creation{}
	kind := "json"
	name := func(to *string) func(raw []byte) error {
		return func(raw []byte) error {
			if *to = text(raw); string(raw) == `""` {
				return refuse("invalid_empty_string", "Index name or ddoc cannot be empty string")
			}
			return checkString(raw)
		}
	}
	fields := []member{
		{"index", func(raw []byte) error { c.given = raw; return nil }},
		{"type", func(raw []byte) error { kind = text(raw); return checkString(raw) }},
		{"name", name(&c.Name)},
		{"ddoc", name(&c.DDoc)},
		{"w", func(raw []byte) error { _, err := parsePositive(raw); return err }},
		{"partitioned", c.setPartitioned},
	}
	given := map[string][]byte{}
	for i, f := range fields {
		fields[i].set = func(raw []byte) error { given[f.name] = raw; return f.set(raw) }
	}
	if err := readMembers(raw, "index", fields); err != nil {
		return nil, err
	}
	switch kind {
	case "json":
	case "text", "nouveau":
		return nil, &store.Error{Kind: store.KindUnavailable, Word: "required index service unavailable", Reason: kind}
	default:
		return nil, refuse("invalid_index", "Invalid type for index: "+kind)
	}
	if err := c.readDefinition(); err != nil {
		return nil, err
	}
	given["def"] = c.given
	c.makeNames(given)
	return c, nil
}

func checkString(raw []byte) error {
	if !isString(raw) {
		return refuse("invalid_string", "Invalid string: "+term(raw))
	}
	return nil
}

func (c *Creation) setPartitioned(raw []byte) error {
	if raw[0] != 't' && raw[0] != 'f' {
		return refuse("invalid_partitioned_value", "Invalid value for partitioned: "+term(raw))
	}
	c.partitioned = raw
	return nil
}

func (c *Creation) readDefinition() error {
	if !isObject(c.given) {
		return refuse("invalid_index", "JSON indexes must be an object, not: "+term(c.given))
	}
	c.filter = &Selector{}
	return readMembers(c.given, "fields", []member{
		{"fields", func(raw []byte) (err error) {
			if c.columns, err = parseSort(raw); err != nil {
				return err
			}
			for _, f := range c.columns.Fields {
				if _, err := parsePath(f); err != nil {
					return err
				}
			}
			return nil
		}},
		{"partial_filter_selector", func(raw []byte) (err error) { c.filter, err = parseSelector(raw); return err }},
	})
}

// makeNames gives names to what has none, CouchDB's: the SHA-1 of the Erlang term {Index, Options}, the options in the order of
// their names, with what goes without saying.
func (c *Creation) makeNames(given map[string][]byte) {
	b := ejson.AppendTerm([]byte{131, 'h', 2}, c.given)
	b = append(b, 'l', 0, 0, 0, 6)
	for _, o := range [...]struct{ name, atom, json string }{
		{"ddoc", "auto_name", ""}, {"def", "", ""}, {"name", "auto_name", ""}, {"partitioned", "db_default", ""}, {"type", "", `"json"`}, {"w", "", "2"},
	} {
		b = appendAtom(append(b, 'h', 2), o.name)
		switch raw := given[o.name]; {
		case raw != nil:
			b = ejson.AppendTerm(b, raw)
		case o.atom != "":
			b = appendAtom(b, o.atom)
		default:
			b = ejson.AppendTerm(b, []byte(o.json))
		}
	}
	sum := sha1.Sum(append(b, 'j'))
	hash := hex.EncodeToString(sum[:])
	if c.Name == "" {
		c.Name = hash
	}
	if c.DDoc == "" {
		c.DDoc = hash
	}
	if !strings.HasPrefix(c.DDoc, designPrefix) {
		c.DDoc = designPrefix + c.DDoc
	}
}

func appendAtom(b []byte, name string) []byte {
	return append(append(b, 'd', 0, byte(len(name))), name...)
}

// view is the index as its entry among a design document's views.
func (c *Creation) view() []byte {
	dst := c.columns.appendObject([]byte(`{"map":{"fields":`))
	dst = c.filter.AppendJSON(append(dst, `,"partial_filter_selector":`...))
	dst = append(append(dst, `},"reduce":"_count","options":{"def":`...), c.given...)
	return append(dst, "}}"...)
}

// AddTo gives the body of the design document, nil where there is none, with the index in it. changed is false where it was
// there already.
func (c *Creation) AddTo(body []byte) (next []byte, changed bool, err error) {
	isNew := body == nil
	if isNew {
		body = []byte(`{"language":"query"}`)
	}
	if lang := findMember(body, []byte(`"language"`)); string(lang) != `"query"` {
		return nil, false, refuse("invalid_ddoc_lang", "Existing design doc has an invalid language: "+languageTerm(lang))
	}
	views := findMember(body, []byte(`"views"`))
	if !isObject(views) {
		views = []byte("{}")
	}
	next = withMember(body, []byte(`"views"`), withMember(views, appendString(nil, c.Name), c.view()))
	options := findMember(body, []byte(`"options"`))
	if old := findMember(options, []byte(`"partitioned"`)); !bytes.Equal(old, c.partitioned) {
		if !isNew {
			return nil, false, refuse("invalid_partitioned_option",
				"Requested partitioned option does not match existing value on design document "+c.DDoc)
		}
		next = withMember(next, []byte(`"options"`), append(append([]byte(`{"partitioned":`), c.partitioned...), '}'))
	}
	return next, !bytes.Equal(next, body), nil
}

func languageTerm(lang []byte) string {
	if lang == nil {
		return "false"
	}
	return "{" + term([]byte(`"language"`)) + "," + term(lang) + "}"
}

// Remove gives the body of a design document without some of its indexes; nil where nothing is left in it.
func Remove(body []byte, names ...string) []byte {
	views := []byte("{}")
	eachMember(findMember(body, []byte(`"views"`)), func(key, value []byte) bool {
		if !slices.Contains(names, text(key)) {
			views = withMember(views, key, value)
		}
		return true
	})
	if len(views) > 2 {
		return withMember(body, []byte(`"views"`), views)
	}
	if body = withMember(body, []byte(`"views"`), nil); string(body) == `{"language":"query"}` {
		return nil
	}
	return body
}

// withMember is an object with another value of a member, which comes last if it is new, or without it if value is nil.
func withMember(obj, name, value []byte) []byte {
	dst := []byte{'{'}
	put := func(key, v []byte) {
		if v == nil {
			return
		}
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, key...), ':'), v...)
	}
	found := false
	eachMember(obj, func(key, v []byte) bool {
		if bytes.Equal(key, name) {
			found, v = true, value
		}
		put(key, v)
		return true
	})
	if !found {
		put(name, value)
	}
	return append(dst, '}')
}

// ParseBulkDelete reads the body of POST _index/_bulk_delete: the ids of design documents.
func ParseBulkDelete(src []byte) ([]string, error) {
	raw, err := ejson.Compact(nil, src)
	if err != nil {
		return nil, err
	}
	var ids []string
	return ids, readMembers(raw, "docids", []member{
		{"docids", func(raw []byte) error {
			if !isArray(raw) {
				return refuse("invalid_bulk_docs", "Bulk Delete requires an array of non-null docids. Docids: "+term(raw))
			}
			var err error
			eachElement(raw, func(elem []byte) bool {
				if !isString(elem) {
					err = refuse("invalid_index_name", "Invalid index name: "+term(elem))
					return false
				}
				ids = append(ids, DesignID(text(elem)))
				return true
			})
			return err
		}},
		{"w", func(raw []byte) error { _, err := parsePositive(raw); return err }},
	})
}

// DesignID is the id of a design document that may be named without its prefix.
func DesignID(name string) string {
	if len(name) >= len(designPrefix) && name[:len(designPrefix)] == designPrefix {
		return name
	}
	return designPrefix + name
}
