package view

import (
	"encoding/json"
	"maps"
	"slices"
)

// kindOf names the type of a JSON value as CouchDB's refusals do.
func kindOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	}
	return "other"
}

// shapes are the members of a design document beside its views and what they must be, in the order in which CouchDB looks at
// them. A path of two is of a member in a member, "*" of all in it.
var shapes = [...]struct {
	path  [2]string
	kinds []string
	name  string // of kinds
}{
	{[2]string{"filters"}, []string{"object"}, "object"},
	{[2]string{"filters", "*"}, []string{"string", "object"}, "string or object"},
	{[2]string{"language"}, []string{"string"}, "string"},
	{[2]string{"lists"}, []string{"object"}, "object"},
	{[2]string{"lists", "*"}, []string{"string", "object"}, "string or object"},
	{[2]string{"options"}, []string{"object"}, "object"},
	{[2]string{"options", "include_design"}, []string{"boolean"}, "boolean"},
	{[2]string{"options", "local_seq"}, []string{"boolean"}, "boolean"},
	{[2]string{"options", "partitioned"}, []string{"boolean"}, "boolean"},
	{[2]string{"rewrites"}, []string{"array", "string"}, "array or string"},
	{[2]string{"shows"}, []string{"object"}, "object"},
	{[2]string{"shows", "*"}, []string{"string", "object"}, "string or object"},
	{[2]string{"updates"}, []string{"object"}, "object"},
	{[2]string{"updates", "*"}, []string{"string", "object"}, "string or object"},
	{[2]string{"validate_doc_update"}, []string{"string"}, "string"},
	{[2]string{"views"}, []string{"object"}, "object"},
}

// checkShape refuses what CouchDB refuses of a design document beside its views.
func checkShape(members map[string]json.RawMessage) error {
	for _, s := range shapes {
		outer, inner := s.path[0], s.path[1]
		raw, ok := members[outer]
		if !ok {
			continue
		}
		given := map[string]json.RawMessage{outer: raw}
		if inner != "" {
			var m map[string]json.RawMessage
			if err := json.Unmarshal(raw, &m); err != nil { // it was checked before what is in it
				return err
			}
			given = map[string]json.RawMessage{}
			for name, v := range m {
				if inner == "*" || inner == name {
					given[outer+"."+name] = v
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(given)) {
			if !slices.Contains(s.kinds, kindOf(given[name])) {
				return invalidDesign("`" + name + "` field must have " + s.name + " type")
			}
		}
	}
	return nil
}
