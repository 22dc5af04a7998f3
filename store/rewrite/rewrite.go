// Package rewrite is the rules of design documents that turn one path into another: CouchDB's `rewrites` array.
//
// Words: a rule has a pattern for the path behind _rewrite and a target, both lists of segments; a segment that begins with a
// colon is a variable, a last * stands for all that is left. Variables are bound by the path and by the query string, and
// stand in the target and in the rule's own query.
//
// Rules are read anew for each request, since they are few; a path is matched in time linear in its rules and segments.
package rewrite

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"logctl/store"
)

// rule is one of a list.
type rule struct {
	Method  string
	From    *string
	To      *string
	Query   map[string]json.RawMessage
	Formats map[string]string
}

// everything is the segment that matches all that is left.
const everything = "*"

// maxUp is how many segments upwards a target may go: from the design document to its database.
const maxUp = 2

// Apply finds the first rule of a list, JSON, that fits a request, and gives the path, escaped, and the query that it leads to.
// base is the path of the design document, escaped; segments is the path behind _rewrite. The error is of KindNotFound where
// no rule fits. A rule that leads out of the database is refused, unless outside is set.
func Apply(rules []byte, base, method string, segments []string, query url.Values, outside bool) (path, rawQuery string, err error) {
	var list []rule
	if err := json.Unmarshal(rules, &list); err != nil {
		return "", "", store.NewError(store.KindBadRequest, "The rewrites are not a list of rules.")
	}
	for i := range list {
		r := &list[i]
		if r.To == nil {
			return "", "", store.NewError(store.KindBadRequest, "invalid_rewrite_target")
		}
		target := split(*r.To)
		if slices.Index(target, everything) >= 0 {
			target = target[:slices.Index(target, everything)+1]
		}
		if up(target) > maxUp && !outside {
			return "", "", &store.Error{Kind: store.KindInternal, Word: "insecure_rewrite_rule", Reason: "too many ../.. segments"}
		}
		if r.Method != "" && r.Method != everything && r.Method != method {
			continue
		}
		bound, rest, ok := r.match(segments)
		if !ok {
			continue
		}
		all := r.variables(bound, query)
		return Clean(base + "/" + fill(target, all, rest)), encode(all), nil
	}
	return "", "", store.NewError(store.KindNotFound, "missing")
}

// up counts the segments that lead upwards.
func up(segments []string) int {
	n := 0
	for _, s := range segments {
		if s == ".." {
			n++
		}
	}
	return n
}

func split(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" })
}

// variables are values by their names: JSON.
type variables map[string]json.RawMessage

func str(s string) json.RawMessage { return store.AppendJSONString(nil, s) }

// match binds the pattern's variables to a path; rest is what * stands for.
func (r *rule) match(segments []string) (bound variables, rest []string, ok bool) {
	pattern := []string{everything}
	if r.From != nil {
		pattern = split(*r.From)
	}
	bound = variables{}
	for i, p := range pattern {
		if p == everything && i == len(pattern)-1 {
			return bound, segments[min(i, len(segments)):], true
		}
		if i >= len(segments) {
			return nil, nil, false
		}
		if name, variable := strings.CutPrefix(p, ":"); variable {
			bound[name] = str(segments[i])
		} else if p != segments[i] {
			return nil, nil, false
		}
	}
	return bound, nil, len(pattern) == len(segments)
}

// keyParams are the parameters that are JSON in a query string.
var keyParams = []string{"key", "startkey", "start_key", "endkey", "end_key", "keys"}

// variables are those of the path, those of the query and, before both, those that the rule's own query makes of them.
func (r *rule) variables(bound variables, query url.Values) variables {
	all := variables{}
	for name, values := range query {
		v := values[len(values)-1]
		if all[name] = str(v); slices.Contains(keyParams, name) && json.Valid([]byte(v)) {
			all[name] = json.RawMessage(v)
		}
	}
	for name, v := range bound {
		all[name] = v
	}
	own := variables{}
	for name, v := range r.Query {
		own[name] = r.replace(v, all)
	}
	for name, v := range own {
		all[name] = v
	}
	return all
}

// replace puts variables into a value of a rule's query: a string, or the strings of an array, but not those of arrays in it.
func (r *rule) replace(v json.RawMessage, vars variables) json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(v, &list) != nil || list == nil {
		return r.replaceText(v, vars)
	}
	for i := range list {
		list[i] = r.replaceText(list[i], vars)
	}
	out, err := json.Marshal(list)
	if err != nil {
		return v
	}
	return out
}

// replaceText is the value of the variable that v names, or v.
func (r *rule) replaceText(v json.RawMessage, vars variables) json.RawMessage {
	var s string
	if json.Unmarshal(v, &s) != nil {
		return v
	}
	name, variable := strings.CutPrefix(s, ":")
	if !variable && s != everything {
		return v
	}
	value, ok := vars[name]
	if !ok {
		value = v
	}
	return format(r.Formats[name], value)
}

// format turns the string that a variable is into a number or a boolean where the rule says so.
func format(kind string, v json.RawMessage) json.RawMessage {
	var s string
	if json.Unmarshal(v, &s) != nil {
		return v
	}
	switch kind {
	case "int":
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return strconv.AppendInt(nil, n, 10)
		}
	case "bool":
		if s = strings.ToLower(s); s == "true" || s == "false" {
			return json.RawMessage(s)
		}
	}
	return v
}

// plain is a value as it stands in a path or a query: a string without its quotes.
func plain(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

// fill puts variables into a target.
func fill(target []string, vars variables, rest []string) string {
	var out []string
	for _, t := range target {
		name, variable := strings.CutPrefix(t, ":")
		switch {
		case t == everything:
			for _, s := range rest {
				out = append(out, url.PathEscape(s))
			}
		case !variable:
			out = append(out, url.PathEscape(t))
		case vars[name] == nil:
			out = append(out, "undefined")
		default:
			out = append(out, url.PathEscape(plain(vars[name])))
		}
	}
	return strings.Join(out, "/")
}

// encode makes a query string of the variables.
func encode(vars variables) string {
	q := url.Values{}
	for name, v := range vars {
		switch {
		case name == everything:
		case slices.Contains(keyParams, name):
			q.Set(name, string(v))
		default:
			q.Set(name, plain(v))
		}
	}
	return q.Encode()
}

// Clean resolves . and .. in a path; it never leads above the root.
func Clean(path string) string {
	var out []string
	for s := range strings.SplitSeq(path, "/") {
		switch s {
		case "", ".":
		case "..":
			out = out[:max(len(out)-1, 0)]
		default:
			out = append(out, s)
		}
	}
	return "/" + strings.Join(out, "/")
}
