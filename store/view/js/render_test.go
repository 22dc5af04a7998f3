package js

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
)

const testRequest = `{"path":["db","_design","d","_show","f"],"method":"POST","query":{},"headers":{"Accept":"text/html"}}`

func newRenderer(t *testing.T, src string, o Options) *Renderer {
	t.Helper()
	r, err := NewRenderer(src, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestShow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ src, want string }{
		{`function(doc) { return "<" + doc.n + ">" }`, `{"body":"<1>"}`},
		{`function(doc) { return {code: 202, json: {n: doc.n}} }`, `{"code":202,"json":{"n":1}}`},
		{`function(doc) {}`, `{}`},
		{`function(doc) { start({headers: {"X-A": "b"}, code: 201}); send("a"); send(1); return "z" }`,
			`{"body":"a1z","headers":{"X-A":"b"},"code":201}`},
		{`function() { provides("html", function() { return "h" }); provides("csv", function() { return "c" }) }`,
			`{"headers":{"Content-Type":"text/html; charset=utf-8"},"body":"h"}`},
		{`function() { registerType("mine", "text/html"); provides("mine", function() { send("s"); return {body: this.name} }) }`,
			`{"headers":{"Content-Type":"text/html"},"body":"smine too"}`},
		{`function(doc, req) { return this.name + req.method }`, `{"body":"mine tooPOST"}`},
		{`function() { return require("lib/twice").of(21) + "" }`, `{"body":"42"}`},
	} {
		r := newRenderer(t, c.src, Options{Design: []byte(`{"name":"mine too","lib":{"twice":"exports.of = function(n) { return 2 * n }"}}`)})
		for range 2 { // the second call finds nothing of the first
			got, err := r.Show([]byte(`{"n":1}`), []byte(testRequest))
			if err != nil || string(got) != c.want {
				t.Errorf("%s: %s %v, want %s", c.src, got, err, c.want)
			}
		}
	}
}

func TestRenderErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		src, word, reason string
		kind              store.Kind
	}{
		{`function() { return 5 }`, "render_error", "undefined response from show function", store.KindInternal},
		{`function() { return [1] }`, "render_error", "undefined response from show function", store.KindInternal},
		{`function() { throw {error: "teapot", reason: "why"} }`, "teapot", "why", store.KindInternal},
		{`function() { throw ["error", "not_found", "no"] }`, "not_found", "no", store.KindNotFound},
		{`function() { throw {forbidden: "no"} }`, "render_error", "function raised error: [object Object]", store.KindInternal},
		{`function() { null.x }`, "render_error", "function raised error: TypeError", store.KindInternal},
		{`function() { provides("csv", function() {}) }`, "not_acceptable", "Content-Type text/html not supported, try one of: text/csv", store.KindNotAcceptable},
		{`function() { provides("html", 5) }`, "not_acceptable", "", store.KindNotAcceptable},
		{`function() { send(undefined) }`, "render_error", "", store.KindInternal},
		{`function() { var s = "0123456789".repeat(100000); for (;;) send(s) }`, "render_error", "function raised error: RangeError", store.KindInternal},
		{`function() { return {get json() { throw {error: "late", reason: "x"} }} }`, "late", "x", store.KindInternal},
	} {
		_, err := newRenderer(t, c.src, Options{}).Show([]byte("{}"), []byte(testRequest))
		var e *store.Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.ErrorWord() != c.word || !strings.HasPrefix(e.Reason, c.reason) {
			t.Errorf("%s: %v", c.src, err)
		}
	}
	missing := strings.Replace(testRequest, `"f"]`, `"f","x"]`, 1)
	_, err := newRenderer(t, `function(doc) { return doc.n }`, Options{}).Show(nil, []byte(missing))
	if !store.IsKind(err, store.KindNotFound) {
		t.Errorf("a doc that is not there: %v", err)
	}
	_, err = newRenderer(t, `function(doc) { for (;;); }`, Options{Timeout: 50 * time.Millisecond}).Show(nil, []byte(missing))
	if !store.IsKind(err, store.KindOSProcess) {
		t.Errorf("a function without end: %v", err)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ src, doc, resp, word string }{
		{`function(doc) { doc.n++; return [doc, "done"] }`, `{"_id":"a","n":2}`, `{"body":"done"}`, ""},
		{`function(doc) { return [null, {code: 202}] }`, "", `{"code":202}`, ""},
		{`function(doc) { return "x" }`, "", "", "render_error"},
		{`function(doc) {}`, "", "", "render_error"},
		{`function(doc) { return [doc, 5] }`, "", "", "render_error"},
	} {
		doc, resp, err := newRenderer(t, c.src, Options{}).Update([]byte(`{"_id":"a","n":1}`), []byte(testRequest))
		var e *store.Error
		if c.word != "" {
			if !errors.As(err, &e) || e.ErrorWord() != c.word {
				t.Errorf("%s: %v", c.src, err)
			}
			continue
		}
		if err != nil || string(doc) != c.doc || string(resp) != c.resp {
			t.Errorf("%s: %s, %s, %v", c.src, doc, resp, err)
		}
	}
}

// peerOf gives rows and writes down what is sent.
func peerOf(log *strings.Builder, rows ...string) ListPeer {
	return ListPeer{
		Next: func() ([]byte, error) {
			if len(rows) == 0 {
				return nil, nil
			}
			row := rows[0]
			rows = rows[1:]
			return []byte(row), nil
		},
		Send: func(resp, chunk []byte) error {
			log.WriteString("|" + string(resp) + string(chunk))
			return nil
		},
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ src, want string }{
		{`function(head) { start({code: 202}); send(head.total_rows); var r; while (r = getRow()) send(r.key); send("."); return "end" }`,
			`|{"code":202,"headers":{}}3|a|b|.end`},
		{`function() {}`, `|{"headers":{}}|`},
		{`function() { getRow(); start({headers: {"X-A": "late"}}); getRow(); getRow(); return getRow() }`,
			`|{"headers":{}}|{"headers":{"X-A":"late"}}||`},
		{`function() { provides("html", function() { send("h"); return getRow().key }) }`,
			`|{"headers":{"Content-Type":"text/html; charset=utf-8"}}h|a`},
	} {
		var log strings.Builder
		err := newRenderer(t, c.src, Options{}).List([]byte(`{"total_rows":3}`), []byte(testRequest), peerOf(&log, `{"key":"a"}`, `{"key":"b"}`))
		if got := log.String(); err != nil || got != c.want {
			t.Errorf("%s: %s %v, want %s", c.src, got, err, c.want)
		}
	}
}

func TestListPeerFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("client has gone")
	r := newRenderer(t, `function() { try { for (;;) getRow() } finally { getRow() } }`, Options{})
	for range 2 {
		err := r.List([]byte("{}"), []byte(testRequest), ListPeer{
			Next: func() ([]byte, error) { return []byte("{}"), nil },
			Send: func([]byte, []byte) error { return broken },
		})
		if err != broken {
			t.Errorf("%v", err)
		}
	}
	var log strings.Builder
	if err := newRenderer(t, `function() { send("x") }`, Options{}).List([]byte("{}"), []byte(testRequest), peerOf(&log)); err != nil {
		t.Error(err)
	}
}

// TestWaitingForRowsIsNoTime lets rows come slower than a function may run.
func TestWaitingForRowsIsNoTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		err := newRenderer(t, `function() { while (getRow()) ; }`, Options{Timeout: 80 * time.Millisecond}).List([]byte("{}"), []byte(testRequest), ListPeer{
			Next: func() ([]byte, error) {
				if n++; n > 3 {
					return nil, nil
				}
				time.Sleep(60 * time.Millisecond)
				return []byte("{}"), nil
			},
			Send: func([]byte, []byte) error { return nil },
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`function(req) { return "x/" + req.method }`: `"x/POST"`, `function() { return {path: "y", code: 5} }`: `{"path":"y","code":5}`,
		`function() {}`: "", `function() { return 0 }`: "",
	} {
		got, err := newRenderer(t, src, Options{}).Rewrite([]byte(testRequest))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s %v", src, got, err)
		}
	}
}

func TestWeight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ accept, want string }{
		{"text/html", "html"}, {"text/csv", "csv"}, {"application/json;q=0.9, text/csv;q=0.1", "json"}, {"text/*;q=0.5, application/json;q=0", "html"},
		{"*/*", "html"}, {"image/png", ""}, {"*", "html"}, {"text/html;q=0, text/csv", "csv"}, {"text/html;q=nonsense", "html"},
	} {
		s := &rendering{provided: []provided{{name: "html"}, {name: "csv"}, {name: "json"}}}
		if _, got := s.choose("", c.accept); got != c.want {
			t.Errorf("%s: %q, want %q", c.accept, got, c.want)
		}
	}
}
