package couchapi

import (
	"net/http"
	"strings"
	"testing"
)

const renderDesign = `{
	"views": {"n": {"map": "function(doc) { if ('n' in doc) emit(doc.n, 1) }", "reduce": "_sum"}},
	"lists": {
		"keys": "function(head, req) { var r; start({code: 203, headers: {'X-Rows': '' + head.total_rows}}); while (r = getRow()) send(r.key + (r.doc ? r.doc._id : '') + ';') }",
		"one": "function() { return '' + getRow().value }",
		"late": "function() { send('begun'); getRow(); getRow(); throw {error: 'late', reason: 'too'} }",
		"early": "function() { throw ['error', 'bad_request', 'no'] }",
		"body": "function(head, req) { return toJSON(req.body.more) }"
	},
	"shows": {
		"revs": "function(doc, req) { return {json: [doc._revisions.start, req.query.key, req.headers.Authorization || null, req.cookie]} }",
		"bad": "function() { return {code: 100} }", "unknown": "function() { return {nope: 1} }",
		"header": "function() { return {headers: {'Content-Length': '999', 'X-Split': 'a\r\nX-Evil: b'}, body: 'x'} }"
	},
	"updates": {"set": "function(doc, req) { return [{_id: req.id, _rev: doc ? doc._rev : undefined, n: +req.body}, {code: 209, body: 'set'}] }"},
	"rewrites": [
		{"from": "/n/:key", "to": "_view/n", "query": {"key": ":key", "reduce": "false"}, "formats": {"key": "int"}},
		{"from": "/set/*", "method": "PUT", "to": "_update/set/*"},
		{"from": "/round", "to": "_rewrite/round"},
		{"from": "/db/*", "to": "../../*"}
	]
}`

func renderHandler(t *testing.T) http.Handler {
	t.Helper()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/_design/d", renderDesign, 201)
	expect(t, h, "PUT", "/db/_design/other", `{"views":{"v":{"map":"function(doc) { emit(doc._id) }"}}}`, 201)
	expect(t, h, "PUT", "/db/_design/js", `{"rewrites":"function(req) { if (req.path[4] == 'none') return;`+
		` if (req.path[4] == 'code') return {code: 207, body: 'done'};`+
		` return {path: '../../' + req.path[4], method: 'PUT', body: JSON.stringify({n: req.query.n}), query: {}} }"}`, 201)
	for _, id := range []string{"a", "b", "c"} {
		expect(t, h, "PUT", "/db/"+id, `{"n":1}`, 201)
	}
	return h
}

func TestListsOfOtherThings(t *testing.T) {
	t.Parallel()
	h := renderHandler(t)
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "/_list/keys/n?reduce=false&include_docs=true", "", "1a;1b;1c;"},
		{"GET", "/_list/keys/other/v?startkey=%22b%22", "", "b;c;"},
		{"GET", "/_list/keys/_all_docs?startkey=%22b%22&include_docs=true", "", "bb;cc;"},
		{"GET", "/_list/keys/_all_docs?startkey=%22b%22&limit=1&descending=true", "", "b;"},
		{"POST", "/_list/keys/_all_docs", `{"keys":["c","nope"]}`, "c;nope;"},
		{"GET", "/_list/keys/n?group=true", "", "1;"},
	} {
		if got := expect(t, h, c.method, "/db/_design/d"+c.path, c.body, 203); got != c.want {
			t.Errorf("%s: %s, want %s", c.path, got, c.want)
		}
	}
	for path, want := range map[string]string{"/_list/one/n": "3", "/_list/one/n?reduce=false": "1"} {
		if got := expect(t, h, "GET", "/db/_design/d"+path, "", 200); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := expect(t, h, "POST", "/db/_design/d/_list/body/n", `{"keys":[1],"group":true,"more":[1,2]}`, 200); got != "[1,2]" {
		t.Errorf("body: %s", got)
	}
	got := expect(t, h, "GET", "/db/_design/d/_list/late/n?reduce=false", "", 200)
	if !strings.HasPrefix(got, "begun\n\n{") || !strings.Contains(got, `"error":"late","reason":"too"`) {
		t.Errorf("an error in the middle: %s", got)
	}
	for path, status := range map[string]int{
		"/_list/early/n": 400, "/_list/nope/n": 404, "/_list/keys/nope": 404, "/_list/keys/nope/v": 404, "/_list/keys/n?limit=x": 400, "/_list/keys": 404,
		"/_list": 404, "/_show": 404,
	} {
		expect(t, h, "GET", "/db/_design/d"+path, "", status)
	}
}

func TestShowsOfOtherThings(t *testing.T) {
	t.Parallel()
	h := renderHandler(t)
	got := expect(t, h, "GET", "/db/_design/d/_show/revs/a?key=%5B1%5D", "", 200, withBasic("admin", "secret"))
	if strings.TrimSpace(got) != `[1,[1],null,{}]` {
		t.Errorf("%s", got)
	}
	expect(t, h, "GET", "/db/_design/d/_show/bad", "", 500)
	expect(t, h, "GET", "/db/_design/d/_show/unknown", "", 500)
	w := anonymous(h, "GET", "/db/_design/d/_show/header", "", func(r *http.Request) { r.SetBasicAuth("admin", "secret") })
	if w.Code == 200 && (w.Header().Get("X-Evil") != "" || w.Header().Get("Content-Length") != "1" || w.Header().Get("Content-Security-Policy") != "sandbox") {
		t.Errorf("%v", w.Header())
	}
}

func TestUpdatesThatFail(t *testing.T) {
	t.Parallel()
	h := renderHandler(t)
	if got := expect(t, h, "PUT", "/db/_design/d/_update/set/x%20y/z", "5", 209); got != "set" {
		t.Error(got)
	}
	if got := expect(t, h, "GET", "/db/x%20y%2Fz", "", 200); !strings.Contains(got, `"n":5`) {
		t.Error(got)
	}
	expect(t, h, "PUT", "/db/_design/d/_update/set", "5", 400)
	expect(t, h, "PUT", "/db/_design/d/_update/set/_bad", "5", 400)
}

// TestPathOfSlashes has a slash in a name that is no end of a path's part to functions.
func TestPathOfSlashes(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/a%2Fb", "", 201)
	expect(t, h, "PUT", "/a%2Fb/_design/d", `{"shows":{"path":"function(doc, req) { return toJSON(req.path) }"},
		"rewrites":"function(req) { return '_show/' + req.path[4] }"}`, 201)
	if got := expect(t, h, "GET", "/a%2Fb/_design/d/_show/path/c%2Fd", "", 200); got != `["a/b","_design","d","_show","path","c/d"]` {
		t.Error(got)
	}
	if got := expect(t, h, "GET", "/a%2Fb/_design/d/_rewrite/path", "", 200); got != `["a/b","_design","d","_show","path"]` {
		t.Error(got)
	}
}

func TestRewrites(t *testing.T) {
	t.Parallel()
	h := renderHandler(t)
	if got := expect(t, h, "GET", "/db/_design/d/_rewrite/n/1", "", 200); strings.Count(got, `"id"`) != 3 {
		t.Errorf("a view: %s", got)
	}
	expect(t, h, "PUT", "/db/_design/d/_rewrite/set/new", "7", 209)
	if got := expect(t, h, "GET", "/db/_design/d/_rewrite/db/new", "", 200); !strings.Contains(got, `"n":7`) {
		t.Errorf("a doc: %s", got)
	}
	if got := expect(t, h, "GET", "/db/_design/d/_rewrite/round", "", 400); !strings.Contains(got, "Exceeded rewrite recursion limit") {
		t.Errorf("a circle: %s", got)
	}
	expect(t, h, "GET", "/db/_design/d/_rewrite/nope", "", 404)
	expect(t, h, "GET", "/db/_design/other/_rewrite/n", "", 404)
	expect(t, h, "GET", "/db/_design/js/_rewrite/none", "", 404)
	if got := expect(t, h, "GET", "/db/_design/js/_rewrite/code", "", 207); got != "done" {
		t.Errorf("a code: %s", got)
	}
	expect(t, h, "POST", "/db/_design/js/_rewrite/made?n=4", "", 201)
	if got := expect(t, h, "GET", "/db/made", "", 200); !strings.Contains(got, `"n":"4"`) {
		t.Errorf("what a function made: %s", got)
	}
	if w := anonymous(h, "GET", "/db/_design/d/_rewrite/db/a", ""); w.Code != 401 {
		t.Errorf("a stranger gets %d", w.Code)
	}
}
