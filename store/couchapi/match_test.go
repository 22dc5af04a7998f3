package couchapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// matcher compares an answer with what a transcript expects of it, by the rules in the transcripts' README. It binds
// the variables that it meets.
type matcher struct {
	env         map[string]any
	reasonExact bool
	strictRevs  bool
}

var (
	variable = regexp.MustCompile(`\$\{([^}]+)\}`)
	aRev     = regexp.MustCompile(`^(\d+)-[0-9a-zA-Z]+$`)
)

// expand fills in the variables of s; escape changes each value.
func expand(s string, env map[string]any, escape func(name, val string) string) (string, error) {
	var missing error
	const literal = "\x00{"
	s = strings.ReplaceAll(s, "$${", literal)
	s = variable.ReplaceAllStringFunc(s, func(m string) string {
		name := m[2 : len(m)-1]
		key, isHash := strings.CutPrefix(name, "hash:")
		v, ok := env[key]
		if !ok {
			missing = fmt.Errorf("variable %s is not bound", name)
			return m
		}
		text, ok := v.(string)
		if !ok {
			raw, _ := json.Marshal(v)
			text = string(raw)
		}
		if isHash {
			_, text, _ = strings.Cut(text, "-")
		}
		if escape != nil {
			text = escape(name, text)
		}
		return text
	})
	return strings.ReplaceAll(s, literal, "${"), missing
}

// expandJSON fills in the variables of a JSON value; a string that is one variable takes its value, whatever its type.
func expandJSON(v any, env map[string]any) (any, error) {
	switch v := v.(type) {
	case string:
		if m := variable.FindString(v); m == v && m != "" {
			if val, ok := env[v[2:len(v)-1]]; ok {
				return val, nil
			}
		}
		return expand(v, env, nil)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			var err error
			if out[i], err = expandJSON(e, env); err != nil {
				return nil, err
			}
		}
		return out, nil
	case ordered:
		var out ordered
		for _, m := range v {
			key, err := expand(m.key, env, nil)
			if err != nil {
				return nil, err
			}
			val, err := expandJSON(m.val, env)
			if err != nil {
				return nil, err
			}
			out = append(out, member{key, val})
		}
		return out, nil
	}
	return v, nil
}

func brief(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		raw = fmt.Append(nil, v)
	}
	if s, ok := v.(string); ok {
		raw = []byte(s)
	}
	if len(raw) > 160 {
		raw = append(raw[:157:157], "..."...)
	}
	return string(raw)
}

// diff is "" when got matches want, else the first difference.
func (m *matcher) diff(want, got any, at string) string {
	switch want := want.(type) {
	case ordered:
		if d, ok := m.special(want, got, at); ok {
			return d
		}
		return m.object(want, got, at, false)
	case string:
		exp, err := expandJSON(want, m.env)
		if err != nil {
			return at + ": " + err.Error()
		}
		if same(exp, got) {
			return ""
		}
		_, isText := got.(string)
		if isText && !m.reasonExact && (strings.HasSuffix(at, "/reason") || strings.HasSuffix(at, "/warning")) {
			return ""
		}
		return fmt.Sprintf("%s: want %s, got %s", at, brief(exp), brief(got))
	case []any:
		list, ok := got.([]any)
		if !ok {
			return fmt.Sprintf("%s: want an array, got %s", at, brief(got))
		}
		for i := range min(len(want), len(list)) {
			if d := m.diff(want[i], list[i], at+"/"+strconv.Itoa(i)); d != "" {
				return d
			}
		}
		if len(want) != len(list) {
			return fmt.Sprintf("%s: want %d elements, got %d", at, len(want), len(list))
		}
		return ""
	}
	if same(want, got) {
		return ""
	}
	return fmt.Sprintf("%s: want %s, got %s", at, brief(want), brief(got))
}

// same compares JSON values: numbers by value and with every digit.
func same(a, b any) bool {
	an, aok := a.(json.Number)
	bn, bok := b.(json.Number)
	if aok && bok {
		x, xok := new(big.Int).SetString(string(an), 10)
		y, yok := new(big.Int).SetString(string(bn), 10)
		if xok && yok {
			return x.Cmp(y) == 0
		}
		f, _ := an.Float64()
		g, _ := bn.Float64()
		return f == g
	}
	ra, _ := json.Marshal(a)
	rb, _ := json.Marshal(b)
	return bytes.Equal(ra, rb)
}

func (m *matcher) object(want ordered, got any, at string, subset bool) string {
	obj, ok := got.(ordered)
	if !ok {
		return fmt.Sprintf("%s: want an object, got %s", at, brief(got))
	}
	seen := map[string]bool{}
	for _, e := range want {
		key, err := expand(e.key, m.env, nil)
		if err != nil {
			return at + ": " + err.Error()
		}
		seen[key] = true
		val, ok := obj.get(key)
		if !ok {
			if o, isObj := e.val.(ordered); isObj && o.has("$opt") {
				continue
			}
			return at + "/" + key + ": missing"
		}
		if d := m.diff(e.val, val, at+"/"+key); d != "" {
			return d
		}
	}
	if !subset {
		for _, e := range obj {
			if !seen[e.key] {
				return fmt.Sprintf("%s/%s: unexpected (%s)", at, e.key, brief(e.val))
			}
		}
	}
	return ""
}

// special handles the objects that are matchers; ok is false for others.
func (m *matcher) special(want ordered, got any, at string) (d string, ok bool) {
	for _, e := range want {
		if !strings.HasPrefix(e.key, "$") {
			continue
		}
		d, ok = m.one(e.key, e.val, want, got, at)
		if !ok {
			continue
		}
		if d == "" {
			if as, has := want.get("as"); has && e.key != "$cookie" && e.key != "$opt" {
				m.env[as.(string)] = got
			}
		}
		return d, true
	}
	return "", false
}

func (m *matcher) one(name string, arg any, want ordered, got any, at string) (string, bool) {
	bad := func(what string) (string, bool) {
		return fmt.Sprintf("%s: want %s, got %s", at, what, brief(got)), true
	}
	text, isText := got.(string)
	num, isNum := got.(json.Number)
	matches := func(re, what string) (string, bool) {
		if !isText || !regexp.MustCompile(re).MatchString(text) {
			return bad(what)
		}
		return "", true
	}
	switch name {
	case "$any":
	case "$rev":
		gen := aRev.FindStringSubmatch(text)
		if gen == nil || arg.(json.Number) != "0" && gen[1] != string(arg.(json.Number)) {
			return bad("a revision of generation " + brief(arg))
		}
		if own, ok := want.get("couchdb"); ok && m.strictRevs && own != got {
			return bad("CouchDB's revision " + brief(own))
		}
	case "$uuid":
		return matches(`^[0-9a-f]{32}$`, "a uuid")
	case "$hex":
		return matches(`^[0-9a-f]{`+string(arg.(json.Number))+`}$`, "hex digits")
	case "$etag":
		return matches(`^(W/)?"[^"]*"$`, "an entity tag")
	case "$re":
		re, err := expand(arg.(string), m.env, func(_, v string) string { return regexp.QuoteMeta(v) })
		if err != nil {
			return bad(err.Error())
		}
		return matches("(?s)"+re, "text like "+re)
	case "$seq":
		if !isText && !isNum || isText && text == "" {
			return bad("a sequence")
		}
	case "$int":
		if !isNum || strings.ContainsAny(string(num), ".eE") {
			return bad("an integer")
		}
	case "$num":
		if !isNum {
			return bad("a number")
		}
	case "$str":
		if !isText {
			return bad("a string")
		}
	case "$bool":
		if _, ok := got.(bool); !ok {
			return bad("a boolean")
		}
	case "$cookie":
		val, ok := strings.CutPrefix(text, arg.(string)+"=")
		val, _, _ = strings.Cut(val, ";")
		if !ok || val == "" {
			return bad("a cookie named " + arg.(string))
		}
		if as, has := want.get("as"); has {
			m.env[as.(string)] = val
		}
	default:
		return m.composed(name, arg, want, got, at)
	}
	return "", true
}

// composed handles the matchers that hold others.
func (m *matcher) composed(name string, arg any, want ordered, got any, at string) (string, bool) {
	bad := func(what string) (string, bool) {
		return fmt.Sprintf("%s: want %s, got %s", at, what, brief(got)), true
	}
	list, isList := got.([]any)
	switch name {
	case "$approx":
		pair := arg.([]any)
		v, _ := pair[0].(json.Number).Float64()
		tol, _ := pair[1].(json.Number).Float64()
		n, ok := got.(json.Number)
		f, _ := n.Float64()
		if !ok || math.Abs(f-v) > tol {
			return bad(brief(arg))
		}
	case "$len":
		n, _ := arg.(json.Number).Int64()
		text, isText := got.(string)
		if !isList && !isText || isList && len(list) != int(n) || isText && len(text) != int(n) {
			return bad("length " + brief(arg))
		}
	case "$opt":
		return m.diff(arg, got, at), true
	case "$subset":
		return m.object(arg.(ordered), got, at, true), true
	case "$each":
		if !isList {
			return bad("an array")
		}
		if n, ok := want.get("count"); ok && string(n.(json.Number)) != strconv.Itoa(len(list)) {
			return bad(brief(n) + " elements")
		}
		for i, g := range list {
			if d := m.diff(arg, g, at+"/"+strconv.Itoa(i)); d != "" {
				return d, true
			}
		}
	case "$oneof":
		for _, e := range arg.([]any) {
			if m.try(e, got, at) == "" {
				return "", true
			}
		}
		return bad("one of " + brief(arg))
	case "$unordered":
		if !isList {
			return bad("an array")
		}
		return m.unordered(arg.([]any), slices.Clone(list), at), true
	default:
		return "", false
	}
	return "", true
}

// try matches and keeps the bindings only of a match.
func (m *matcher) try(want, got any, at string) string {
	trial := *m
	trial.env = maps.Clone(m.env)
	d := trial.diff(want, got, at)
	if d == "" {
		maps.Copy(m.env, trial.env)
	}
	return d
}

func (m *matcher) unordered(want, left []any, at string) string {
	for _, e := range want {
		nearest := ""
		i := slices.IndexFunc(left, func(g any) bool {
			d := m.try(e, g, at+"/*")
			nearest = d
			return d == ""
		})
		if i < 0 {
			return fmt.Sprintf("%s: no element matches %s (%s)", at, brief(e), nearest)
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 {
		return fmt.Sprintf("%s: %d unexpected elements, first %s", at, len(left), brief(left[0]))
	}
	return ""
}
