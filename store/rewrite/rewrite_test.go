package rewrite

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"logctl/store"
)

const base = "/db/_design/d"

func TestApply(t *testing.T) {
	t.Parallel()
	const rules = `[
		{"from":"","to":"index.html"},
		{"from":"/static/*","to":"files/*"},
		{"from":"/only/post","method":"POST","to":"posted"},
		{"from":"/day/:day","to":"_list/html/by_day","query":{"key":":day","limit":":n","reduce":false},"formats":{"n":"int"}},
		{"from":"/pair/:a/:b","to":"_view/v","query":{"startkey":[":a",":b"],"endkey":[":a",{}],"x":[[":a"],":b"]}},
		{"from":"/doc/:id","to":"../../:id"},
		{"from":"/flag/:on","to":"x/:missing","query":{"descending":":on"},"formats":{"on":"bool"}},
		{"from":"*","to":"../../*"}
	]`
	for _, c := range []struct{ method, path, query, wantPath, wantQuery string }{
		{"GET", "", "", base + "/index.html", ""},
		{"GET", "static/a b/c.css", "v=1", base + "/files/a%20b/c.css", "v=1"},
		{"POST", "only/post", "", base + "/posted", ""},
		{"GET", "only/post", "", "/db/only/post", ""},
		{"GET", "day/2017-06-11", "n=7", base + "/_list/html/by_day", "day=2017-06-11&key=%222017-06-11%22&limit=7&n=7&reduce=false"},
		{"GET", "pair/x/y", "", base + "/_view/v", "a=x&b=y&endkey=%5B%22x%22%2C%7B%7D%5D&startkey=%5B%22x%22%2C%22y%22%5D&x=%5B%5B%22%3Aa%22%5D%2C%22y%22%5D"},
		{"GET", "doc/some id", "rev=1-a", "/db/some%20id", "id=some+id&rev=1-a"},
		{"GET", "flag/TRUE", "", base + "/x/undefined", "descending=true&on=TRUE"},
		{"PUT", "any/thing", "key=%221%22&q=%26", "/db/any/thing", "key=%221%22&q=%26"},
	} {
		q, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		path, raw, err := Apply([]byte(rules), base, c.method, split(c.path), q, false)
		if err != nil || path != c.wantPath || raw != c.wantQuery {
			t.Errorf("%s %s?%s leads to %s?%s (%v), want %s?%s", c.method, c.path, c.query, path, raw, err, c.wantPath, c.wantQuery)
		}
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	for rules, kind := range map[string]store.Kind{
		`[]`: store.KindNotFound, `[{"from":"b","to":"c"}]`: store.KindNotFound, `[{"from":"a"}]`: store.KindBadRequest,
		`{}`: store.KindBadRequest, `[{"from":"a","to":"../../../x"}]`: store.KindInternal,
	} {
		if _, _, err := Apply([]byte(rules), base, "GET", []string{"a"}, nil, false); !store.IsKind(err, kind) {
			t.Errorf("%s: %v", rules, err)
		}
	}
}

// FuzzApply looks for rules that panic, or that lead out of the database.
func FuzzApply(f *testing.F) {
	f.Add(`[{"from":"/a/:b","to":"../../:b","query":{"key":[":b"]},"formats":{"b":"int"}}]`, "a/..", "key=1")
	f.Add(`[{"to":"*/../../.."}]`, "../..", "")
	f.Add(`[{"from":"/:a/*","to":"/:b/*","method":"*","query":{"b":[":a",[":a"],7],"*":"*","c":":*"},"formats":{"a":"bool"}}]`, "TRUE/x//%2e%2e", "key=[1&b=%2F&c")
	f.Fuzz(func(t *testing.T, rules, path, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		got, raw, err := Apply([]byte(rules), base, "GET", strings.Split(path, "/"), q, true)
		if err != nil {
			return
		}
		if !strings.HasPrefix(got, "/") || strings.Contains(got+"/", "/../") || !json.Valid([]byte(rules)) {
			t.Errorf("%s leads to %s", rules, got)
		}
		if _, err := url.ParseQuery(raw); err != nil {
			t.Errorf("%s makes the query %s: %v", rules, raw, err)
		}
	})
}
