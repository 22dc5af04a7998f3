package mango

import "logctl/store"

// Sort is a query's order, or the columns of an index: fields, all in one direction.
type Sort struct {
	Fields     []string
	Descending bool
}

// parseSort reads an array of fields: names, or objects of a name and "asc" or "desc".
func parseSort(raw []byte) (Sort, error) {
	var s Sort
	if !isArray(raw) {
		return s, refuse("invalid_sort_json", "Sort must be an array of sort specs, not: "+Term(raw))
	}
	var err error
	up := 0
	eachElement(raw, func(elem []byte) bool {
		name, dir, ok := sortField(elem)
		if !ok {
			err = refuse("invalid_sort_field", "Invalid sort field: "+Term(elem))
			return false
		}
		s.Fields = append(s.Fields, name)
		if dir == "asc" {
			up++
		}
		return true
	})
	if err == nil && up > 0 && up < len(s.Fields) {
		err = refuse("unsupported_mixed_sort", "Sorts currently only support a single direction for all fields.")
	}
	s.Descending = up == 0 && len(s.Fields) > 0
	return s, err
}

func sortField(elem []byte) (name, dir string, ok bool) {
	if isString(elem) {
		name = text(elem)
		return name, "asc", name != ""
	}
	n := 0
	eachMember(elem, func(key, value []byte) bool {
		n++
		name, dir, ok = text(key), text(value), isString(value)
		return true
	})
	return name, dir, ok && n == 1 && (dir == "asc" || dir == "desc")
}

func (s Sort) direction() string {
	if s.Descending {
		return "desc"
	}
	return "asc"
}

// appendList appends the sort as an array of objects of one member each.
func (s Sort) appendList(dst []byte) []byte {
	dst = append(dst, '[')
	for i, f := range s.Fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(s.appendMember(append(dst, '{'), f), '}')
	}
	return append(dst, ']')
}

// appendObject appends the sort as one object; of a field that comes twice the last counts.
func (s Sort) appendObject(dst []byte) []byte {
	dst = append(dst, '{')
	last := make(map[string]int, len(s.Fields))
	for i, f := range s.Fields {
		last[f] = i
	}
	first := true
	for i, f := range s.Fields {
		if last[f] != i {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = s.appendMember(dst, f)
	}
	return append(dst, '}')
}

func (s Sort) appendMember(dst []byte, field string) []byte {
	return append(append(append(store.AppendJSONString(dst, field), `:"`...), s.direction()...), '"')
}
