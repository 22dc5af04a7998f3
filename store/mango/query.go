package mango

import (
	"strconv"
	"strings"

	"logctl/store/ejson"
)

// DefaultLimit is the limit of a query that gives none.
const DefaultLimit = 25

// Query is a checked request of _find or _explain.
type Query struct {
	Selector      *Selector
	Limit, Skip   int
	Sort          Sort
	Fields        Fields
	Bookmark      string // "" for none
	Partition     string // "" for the whole database
	PartitionedDB bool   // set by the caller
	R             int
	Conflicts     bool
	Update        bool
	Stable        bool
	Stats         bool // execution_stats
	AllowFallback bool

	useIndex []string // design document, name
	stale    bool
}

// member is a member of a request that may be given.
type member struct {
	name string
	set  func(raw []byte) error
}

// ParseQuery reads the body of a request of _find or _explain. partition is the one that the path names, "" for none;
// defaultLimit is the limit of a query that gives none.
func ParseQuery(src []byte, partition string, defaultLimit int) (*Query, error) {
	raw, err := ejson.Compact(nil, src)
	if err != nil {
		return nil, err
	}
	q := &Query{Limit: defaultLimit, R: 1, Update: true, AllowFallback: true, Partition: partition}
	flag := func(name string, to *bool) member {
		return member{name, func(raw []byte) (err error) { *to, err = parseBool(raw); return err }}
	}
	return q, readMembers(raw, "selector", []member{
		{"selector", func(raw []byte) (err error) { q.Selector, err = parseSelector(raw); return err }},
		{"use_index", q.setUseIndex},
		{"bookmark", q.setBookmark},
		{"limit", func(raw []byte) (err error) { q.Limit, err = parseCount(raw); return err }},
		{"skip", func(raw []byte) (err error) { q.Skip, err = parseCount(raw); return err }},
		{"sort", func(raw []byte) (err error) { q.Sort, err = parseSort(raw); return err }},
		{"fields", func(raw []byte) (err error) { q.Fields, err = parseFields(raw); return err }},
		{"partition", q.setPartition},
		{"r", func(raw []byte) (err error) { q.R, err = parsePositive(raw); return err }},
		flag("conflicts", &q.Conflicts),
		{"stale", q.setStale},
		flag("update", &q.Update),
		flag("stable", &q.Stable),
		flag("execution_stats", &q.Stats),
		flag("allow_fallback", &q.AllowFallback),
	})
}

// readMembers reads an object whose members are all known, in the order of the list; the one called required must be
// there.
func readMembers(raw []byte, required string, known []member) error {
	if !isObject(raw) {
		return refuse("bad_request", "Request body must be a JSON object")
	}
	given := map[string][]byte{}
	var names []string
	eachMember(raw, func(key, value []byte) bool {
		name := text(key)
		given[name] = value
		names = append(names, name)
		return true
	})
	for _, m := range known {
		value, ok := given[m.name]
		if !ok {
			if m.name == required {
				return refuse("missing_required_key", "Missing required key: "+m.name)
			}
			continue
		}
		delete(given, m.name)
		if err := m.set(value); err != nil {
			return err
		}
	}
	for _, name := range names {
		if _, left := given[name]; left {
			return refuse("invalid_key", "Invalid key "+name+" for this request.")
		}
	}
	return nil
}

func (q *Query) setUseIndex(raw []byte) error {
	bad := refuse("invalid_index_name", "Invalid index name: "+term(raw))
	switch {
	case string(raw) == "null":
		return nil
	case isString(raw):
		name := strings.TrimPrefix(text(raw), designPrefix)
		if q.useIndex = strings.Split(name, "/"); len(q.useIndex) > 2 {
			return bad
		}
		return nil
	case !isArray(raw) || count(raw) > 2:
		return bad
	}
	ok := true
	eachElement(raw, func(elem []byte) bool {
		ok = isString(elem)
		q.useIndex = append(q.useIndex, text(elem))
		return ok
	})
	if !ok {
		return bad
	}
	return nil
}

func (q *Query) setBookmark(raw []byte) error {
	switch {
	case string(raw) == "null":
	case isString(raw):
		q.Bookmark = text(raw)
	default:
		return errBookmark(raw)
	}
	return nil
}

func (q *Query) setPartition(raw []byte) error {
	name, ok := text(raw), isString(raw)
	switch {
	case !ok:
		return refuse("illegal_partition", "Partition must be a string")
	case q.Partition != "" && q.Partition != name:
		return refuse("bad_partition", "The partition differs from that of the path.")
	case strings.HasPrefix(name, "_"):
		return refuse("illegal_partition", "Partition must not start with an underscore")
	}
	q.Partition = name
	return nil
}

func (q *Query) setStale(raw []byte) error {
	switch string(raw) {
	case `"ok"`:
		q.stale = true
	case `"false"`, `false`:
	default:
		return refuse("invalid_ok_or_false_value", "Invalid value: "+term(raw))
	}
	return nil
}

// Fresh tells whether the index must have seen all changes.
func (q *Query) Fresh() bool { return q.Update && !q.stale }

func parseBool(raw []byte) (bool, error) {
	switch string(raw) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, refuse("invalid_boolean", "Invalid boolean value: "+term(raw))
}

func parseCount(raw []byte) (int, error) {
	n, ok := parseInt(raw)
	if !ok || n < 0 {
		return 0, refuse("invalid_non_neg_integer", term(raw)+" is not an integer greater than or equal to zero")
	}
	return n, nil
}

func parsePositive(raw []byte) (int, error) {
	n, ok := parseInt(raw)
	if !ok || n < 1 {
		return 0, refuse("invalid_pos_integer", term(raw)+" is not an integer greater than zero")
	}
	return n, nil
}

// parseInt reads an integer; one that is too large counts as the largest.
func parseInt(raw []byte) (int, bool) {
	if !isInteger(raw) {
		return 0, false
	}
	n, _ := strconv.ParseInt(string(raw), 10, 64)
	return int(n), true
}
