package mango

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"logctl/store/ejson"
)

// Language is that of the design documents that hold indexes.
const Language = "query"

const designPrefix = "_design/"

// Index is an index that a query may use: an entry of a design document, or all docs by id.
type Index struct {
	DDoc        string // "_design/…"; "" for all docs
	Name        string
	Partitioned bool
	def         Definition
}

// AllDocs is the index that every database has.
func AllDocs() *Index {
	return &Index{Name: "_all_docs", def: Definition{columns: Sort{Fields: []string{"_id"}}}}
}

// IsAllDocs tells the index of all docs by id.
func (x *Index) IsAllDocs() bool { return x.DDoc == "" }

// typeName is what CouchDB calls its type.
func (x *Index) typeName() string {
	if x.IsAllDocs() {
		return "special"
	}
	return "json"
}

// Is tells whether the index is the one of that design document, type and name.
func (x *Index) Is(ddoc, kind, name string) bool {
	return x.DDoc == ddoc && x.typeName() == kind && x.Name == name
}

// AppendJSON appends what clients see of an index.
func (x *Index) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"ddoc":`...)
	if x.IsAllDocs() {
		dst = append(dst, "null"...)
	} else {
		dst = appendString(dst, x.DDoc)
	}
	dst = append(appendString(append(dst, `,"name":`...), x.Name), `,"type":"`...)
	dst = append(append(dst, x.typeName()...), '"')
	if !x.IsAllDocs() {
		dst = appendBool(append(dst, `,"partitioned":`...), x.Partitioned)
	}
	dst = append(x.def.appendMembers(append(dst, `,"def":{`...)), "}}"...)
	return dst
}

// Indexes are the indexes of a design document in the order of their names; partitioned is the database's default. What is
// no definition is left out, as CouchDB does.
func Indexes(id string, body []byte, partitioned bool) []*Index {
	var d struct {
		Language string
		Options  struct{ Partitioned *bool }
		Views    map[string]struct {
			Map     json.RawMessage
			Options json.RawMessage
		}
	}
	if json.Unmarshal(body, &d) != nil || d.Language != Language {
		return nil
	}
	if d.Options.Partitioned != nil {
		partitioned = *d.Options.Partitioned
	}
	var list []*Index
	for name, v := range d.Views {
		def, err := ParseDefinition(v.Map)
		if err == nil && isObject(v.Options) {
			list = append(list, &Index{DDoc: id, Name: name, Partitioned: partitioned, def: *def})
		}
	}
	SortIndexes(list)
	return list
}

// SortIndexes puts a list of indexes into the order in which CouchDB lists them.
func SortIndexes(list []*Index) {
	slices.SortFunc(list, (*Index).compare)
}

func (x *Index) compare(other *Index) int {
	return cmp.Or(strings.Compare(x.DDoc, other.DDoc), strings.Compare(x.Name, other.Name))
}

// Definition says which docs an index holds and what it sorts them by.
type Definition struct {
	columns Sort
	paths   []path
	filter  *Selector // of docs that belong to it; nil: all
	rest    []byte    // members that mean nothing, each with a comma before it
}

// ParseDefinition reads the "map" of a view in a design document whose language is "query".
func ParseDefinition(src []byte) (*Definition, error) {
	raw, err := ejson.Compact(nil, src)
	if err != nil {
		return nil, err
	}
	d := &Definition{}
	eachMember(raw, func(key, value []byte) bool {
		switch text(key) {
		case "fields":
			err = d.parseColumns(value)
		case "partial_filter_selector":
			if string(value) != "{}" {
				d.filter, err = parseSelector(value)
			}
		default:
			d.rest = append(append(append(append(d.rest, ','), key...), ':'), value...)
		}
		return err == nil
	})
	if err == nil && d.paths == nil {
		err = refuse("invalid_index", "Index is missing its definition.")
	}
	return d, err
}

// parseColumns reads {"field": "asc", …}.
func (d *Definition) parseColumns(raw []byte) error {
	if !isObject(raw) {
		return refuse("invalid_sort_json", "Sort must be an array of sort specs, not: "+Term(raw))
	}
	d.paths = []path{}
	var err error
	eachMember(raw, func(key, value []byte) bool {
		d.columns.Fields = append(d.columns.Fields, text(key))
		d.columns.Descending = text(value) == "desc"
		var p path
		p, err = parsePath(text(key))
		d.paths = append(d.paths, p)
		return err == nil
	})
	return err
}

func (d *Definition) appendMembers(dst []byte) []byte {
	dst = d.columns.appendList(append(dst, `"fields":`...))
	if d.filter != nil {
		dst = d.filter.AppendJSON(append(dst, `,"partial_filter_selector":`...))
	}
	return append(dst, d.rest...)
}

// AppendKey appends the key, an array of the columns' values, that a doc has in the index. ok is false for a doc that does
// not belong to it: one that lacks a column, or that its filter does not match. The error is that of Selector.Match.
func (d *Definition) AppendKey(ctx context.Context, dst, doc []byte) (key []byte, ok bool, err error) {
	if d.filter != nil {
		if ok, err := d.filter.Match(ctx, doc); !ok || err != nil {
			return dst, false, err
		}
	}
	start := len(dst)
	dst = append(dst, '[')
	for i, p := range d.paths {
		v := p.get(doc)
		if v == nil {
			return dst[:start], false, nil
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, v...)
	}
	return append(dst, ']'), true, nil
}
