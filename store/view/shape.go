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
	}
	return "other"
}

// functionGroups are members of a design document that are objects of functions.
var functionGroups = [...]string{"filters", "lists", "shows", "updates"}

// checkShape refuses what CouchDB refuses of a design document beside its views.
func checkShape(members map[string]json.RawMessage) error {
	for _, f := range [...]struct{ name, want string }{
		{"language", "string"}, {"options", "object"}, {"views", "object"}, {"validate_doc_update", "string"},
	} {
		if raw, ok := members[f.name]; ok && kindOf(raw) != f.want {
			return invalidDesign("`" + f.name + "` field must have " + f.want + " type")
		}
	}
	for _, name := range functionGroups {
		raw, ok := members[name]
		if !ok {
			continue
		}
		var functions map[string]json.RawMessage
		if kindOf(raw) != "object" || json.Unmarshal(raw, &functions) != nil {
			return invalidDesign("`" + name + "` field must have object type")
		}
		for _, f := range slices.Sorted(maps.Keys(functions)) {
			if kind := kindOf(functions[f]); kind != "string" && kind != "object" {
				return invalidDesign("`" + name + "." + f + "` field must have string or object type")
			}
		}
	}
	if raw, ok := members["rewrites"]; ok && kindOf(raw) != "array" && kindOf(raw) != "string" {
		return invalidDesign("`rewrites` field must have array or string type")
	}
	return nil
}
