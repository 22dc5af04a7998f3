package view

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"logctl/store"
)

// serverCases are for a whole server: package couchapi replays them, with all others. Each says what is not this package's.
var serverCases = map[string]string{
	"conflicts-in-views": "revision trees",
	"include-docs":       "docs are the server's part",
	"modern-js":          "object spread and optional chaining are accepted here; the rest is in package js",
	"languages":          "covered by TestLanguage",
	"option-errors":      "parameters are parsed by the server",
}

type transcriptStep struct {
	Step         int
	Method, Path string
	Body         *struct{ JSON json.RawMessage }
	Expect       struct {
		Status      int
		Body        struct{ JSON json.RawMessage }
		ReasonExact *bool `json:"reason_exact"`
	}
}

// TestTranscripts replays what a CouchDB answered to view queries.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "couchdb-transcripts", "views.json"))
	if err != nil {
		t.Skipf("SKIPPED: no transcripts of a CouchDB: %v", err)
	}
	var file struct {
		Cases []struct {
			Case  string
			Steps []transcriptStep
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		if _, ok := serverCases[c.Case]; ok {
			continue
		}
		t.Run(c.Case, func(t *testing.T) {
			t.Parallel()
			m := New(Options{Workers: 2, ReduceLimit: c.Case != "reduce-limit-off"})
			defer m.Close()
			p := player{m: m, db: newFakeDB(), designs: map[string]string{}, revs: map[string]int{}}
			for _, s := range c.Steps {
				p.step(t, s)
			}
			if p.queries == 0 {
				t.Error("no query in it")
			}
		})
	}
}

// player keeps what the requests of a case stored.
type player struct {
	m       *Manager
	db      *fakeDB
	designs map[string]string
	revs    map[string]int
	queries int
}

func (p *player) step(t *testing.T, s transcriptStep) {
	t.Helper()
	path, params, _ := strings.Cut(strings.TrimPrefix(s.Path, "/${db}"), "?")
	name, view, isQuery := strings.Cut(path, "/_view/")
	switch {
	case isQuery && s.Method != "HEAD":
		p.query(t, s, name[1:], view, params)
	case s.Expect.Status >= 300 || s.Method == "GET" || s.Method == "HEAD":
	case s.Method == "POST" && path == "/_bulk_docs":
		var bulk struct{ Docs []json.RawMessage }
		mustUnmarshal(t, s.Body.JSON, &bulk)
		for _, d := range bulk.Docs {
			p.put("", d)
		}
	case s.Method == "POST" && path == "":
		p.put("", s.Body.JSON)
	case s.Method == "PUT" && path != "":
		p.put(path[1:], s.Body.JSON)
	case s.Method == "DELETE":
		delete(p.designs, path[1:])
		p.db.put(path[1:], "")
	}
}

func mustUnmarshal(t *testing.T, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
}

func (p *player) put(id string, raw json.RawMessage) {
	var d struct {
		ID string `json:"_id"`
	}
	_ = json.Unmarshal(raw, &d)
	if d.ID != "" {
		id = d.ID
	}
	if id == "" {
		id = fmt.Sprintf("%032x", p.db.UpdateSeq()+1)
	}
	text := strings.ReplaceAll(string(raw), "$${", "${")
	if strings.HasPrefix(id, designPrefix) {
		p.designs[id] = text
	}
	text = regexp.MustCompile(`"_(id|rev)":\s*"(\\"|[^"])*",?\s*`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`,\s*}$`).ReplaceAllString(text, "}")
	p.revs[id]++
	p.db.put(id, text)
}

func (p *player) query(t *testing.T, s transcriptStep, name, view, params string) {
	t.Helper()
	body, ok := p.designs[name]
	if !ok {
		return // the design document is not there: the server's part
	}
	values, err := url.ParseQuery(params)
	if err != nil {
		t.Fatal(err)
	}
	if s.Body != nil {
		var more map[string]json.RawMessage
		if s.Body.JSON == nil || json.Unmarshal(s.Body.JSON, &more) != nil {
			return // a body that is no object is the server's to refuse
		}
		for k, v := range more {
			if !values.Has(k) {
				values.Set(k, string(v))
			}
		}
	}
	var list []string
	for k, v := range values {
		k = strings.Replace(strings.Replace(k, "start_key", "startkey", 1), "end_key", "endkey", 1)
		if v[0] == "maybe" {
			return // values are the server's to refuse
		}
		switch k {
		case "stale", "stable", "sorted", "update_seq", "conflicts":
			continue
		case "keys":
			if v[0][0] != '[' {
				return
			}
		case "include_docs":
			return
		}
		list = append(list, k+"="+v[0])
	}
	p.queries++
	if want := s.Expect.Body.JSON; s.Expect.Status != 200 {
		p.wantError(t, s, body, view, list, want)
		return
	}
	got, err := p.answer(t, body, view, list)
	if err != nil {
		t.Errorf("step %d %s: %v", s.Step, s.Path, err)
		return
	}
	var want map[string]any
	mustUnmarshal(t, s.Expect.Body.JSON, &want)
	delete(want, "update_seq")
	if diff := match(want, got); diff != "" {
		t.Errorf("step %d %s: %s", s.Step, s.Path, diff)
	}
}

func (p *player) wantError(t *testing.T, s transcriptStep, body, view string, params []string, want json.RawMessage) {
	t.Helper()
	var w struct{ Error, Reason string }
	mustUnmarshal(t, want, &w)
	_, err := p.answer(t, body, view, params)
	e, _ := err.(*store.Error)
	exact := s.Expect.ReasonExact == nil || *s.Expect.ReasonExact
	if e == nil || e.Kind.Status() != s.Expect.Status || e.ErrorWord() != w.Error || exact && e.Reason != w.Reason {
		t.Errorf("step %d %s: got %v, want %d %s", s.Step, s.Path, err, s.Expect.Status, want)
	}
}

// answer is a query's answer as CouchDB writes it, decoded.
func (p *player) answer(t *testing.T, body, view string, params []string) (map[string]any, error) {
	t.Helper()
	out := map[string]any{}
	rows := []any{}
	err := p.m.Query(t.Context(), p.db, design(t, body), view, queryOf(t, params), func(m Meta) error {
		if !m.Reduced {
			out["total_rows"], out["offset"] = float64(m.TotalRows), float64(m.Offset)
		}
		return nil
	}, func(r store.Row) error {
		row := map[string]any{"key": nil}
		if r.ID != "" {
			row["id"] = r.ID
		}
		var value any
		mustUnmarshal(t, r.Value, &value)
		if r.Err != "" {
			row["error"], row["reason"] = r.Err, value
		} else {
			var key any
			mustUnmarshal(t, r.Key, &key)
			row["key"], row["value"] = key, value
		}
		rows = append(rows, row)
		return nil
	})
	out["rows"] = rows
	return out, err
}

// match compares with the transcripts' matchers, as far as views need them, and tells the difference.
func match(want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		if sub, ok := w["$subset"].(map[string]any); ok {
			g, _ := got.(map[string]any)
			for k, v := range sub {
				if diff := match(v, g[k]); diff != "" {
					return k + ": " + diff
				}
			}
			return ""
		}
		if list, ok := w["$unordered"].([]any); ok {
			return matchUnordered(list, got)
		}
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("got %v, want %v", got, want)
		}
		for k, v := range w {
			if _, isReason := v.(string); k == "reason" && isReason {
				continue // its words are not compared
			}
			if diff := match(v, g[k]); diff != "" {
				return k + ": " + diff
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("got %v, want %v", got, want)
		}
		for i := range w {
			if diff := match(w[i], g[i]); diff != "" {
				return fmt.Sprintf("%d: %s", i, diff)
			}
		}
		return ""
	case string:
		if g, ok := got.(string); ok && (strings.HasPrefix(w, "${") || w == g) {
			return ""
		}
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Sprintf("got %v, want %v", got, want)
	}
	return ""
}

func matchUnordered(want []any, got any) string {
	left, _ := got.([]any)
	left = append([]any(nil), left...)
	for _, w := range want {
		found := false
		for i := range left {
			if match(w, left[i]) == "" {
				left, found = append(left[:i], left[i+1:]...), true
				break
			}
		}
		if !found {
			return fmt.Sprintf("%v is missing", w)
		}
	}
	if len(left) > 0 {
		return fmt.Sprintf("%v is too much", left)
	}
	return ""
}
