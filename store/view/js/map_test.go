package js

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"logctl/store"
)

// mapAll runs map functions over a doc and gives "view key value" for each row.
func mapAll(t testing.TB, o Options, doc string, sources ...string) []string {
	t.Helper()
	maps, err := CompileMaps(sources, o)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	w, err := maps.NewMapper()
	if err != nil {
		t.Fatalf("new mapper: %v", err)
	}
	defer w.Watch()()
	var rows []string
	err = w.Map(doc, func(view int, key, value []byte) {
		rows = append(rows, fmt.Sprintf("%d %s %s", view, key, value))
	})
	if err != nil {
		t.Fatalf("map: %v", err)
	}
	return rows
}

const testDoc = `{"_id":"d","_rev":"1-967a00dff5e02add41819138abb3284d","a":[1,2,3],"n":5,"when":"2017-06-14T17:16:12Z",` +
	`"o":{"x":7,"y":{"z":"é\"\u00e9"}},"2":"two","1":"one","big":12345678901234567890,"f":1.0,"t":true,"nul":null}`

func TestMapRows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, want string }{
		{`emit()`, `null null`},
		{`emit(undefined, undefined)`, `null null`},
		{`emit(NaN, Infinity)`, `null null`},
		{`emit(-0, [,1])`, `0 [null,1]`},
		{`emit(new Date(0), new Date(Date.UTC(2017, 5, 11)))`, `"1970-01-01T00:00:00.000Z" "2017-06-11T00:00:00.000Z"`},
		{`emit(1, {a: undefined, b: function() {}, c: NaN, d: null})`, `1 {"c":null,"d":null}`},
		{`emit(1, 2, 3)`, `1 2`},
		{`emit(new Number(5), new Boolean(true))`, `5 true`},
		{`emit(/re/g, /x/)`, `{} {}`},
		{`emit(1e21, 123456789.123456789)`, `1e+21 123456789.12345679`},
		{`emit(true, false)`, `true false`},
		{`emit(doc._id, doc._rev)`, `"d" "1-967a00dff5e02add41819138abb3284d"`},
		{`emit(JSON.stringify({b: 1, a: [2]}), JSON.parse("[1]"))`, `"{\"b\":1,\"a\":[2]}" [1]`},
		{`emit([1, [2, [3]]], {k: {k: {}}})`, `[1,[2,[3]]] {"k":{"k":{}}}`},
		{`emit(1, Symbol)`, `1 null`},
		{`emit(Symbol("x"), "\u00e9\n\"")`, `null "é\n\""`},
		{`var a = []; a[0] = [[[[[[[[[[1]]]]]]]]]]; emit(a)`, `[[[[[[[[[[[1]]]]]]]]]]] null`},
		{`emit([isArray([]), isArray({}), isArray("x"), isArray(doc.a)])`, `[true,false,false,true] null`},
		{`emit(toJSON({a: 1, b: [doc.n]}), toJSON("x"))`, `"{\"a\":1,\"b\":[5]}" "\"x\""`},
		{`emit(sum(doc.a), sum([]))`, `6 0`},
		{`emit(sum([0.5, 1]), sum(["a", 1]))`, `1.5 null`},
		{`log("hello"); log({a: 1}); emit(1)`, `1 null`},
		{`emit(Math.max.apply(null, doc.a), Math.floor(7.9))`, `3 7`},
		{`doc.n = 6; doc.fresh = 1; delete doc.n; emit(doc.n, doc.fresh)`, `5 null`},
		{`doc.o.x = 8; doc.o.y.z = 1; doc.a[0] = 9; emit(doc.o, doc.a)`, `{"x":7,"y":{"z":"é\"é"}} [1,2,3]`},
		{`emit(doc.o === doc.o, doc.a === doc.a)`, `true true`},
		{`emit(Object.keys(doc).slice(0, 3), "n" in doc && !("m" in doc) && doc.hasOwnProperty("t"))`, `["1","2","_id"] true`},
		{`var k = []; for (var i in doc.o) k.push(i); emit(k, doc.nul)`, `["x","y"] null`},
		{`emit(doc.big, doc.f)`, `12345678901234567000 1`},
		{`emit(typeof console, [typeof setTimeout, typeof process, typeof require, typeof emit])`,
			`"undefined" ["undefined","undefined","undefined","function"]`},
		{`emit("Stra\u00dfe".toUpperCase(), [" x ".trim(), "abc".substr(1, 1), "ab".repeat(2)])`, `"STRASSE" ["x","b","abab"]`},
		{`emit([...doc.a, 9], {...doc.o, z: 1}.z)`, `[1,2,3,9] 1`},
		{`throw "no"`, ``},
		{`emit(1); throw {error: "x"}`, ``},
		{`emit(doc.nope.x)`, ``},
		{`emit(1); function f() { return f() + 1 } f()`, ``},
		{`emit(1); "x".repeat(1e9)`, ``},
		{`"use strict"; doc.n = 7; emit(1)`, ``},
		{`for (var i = 0; i < 1e7; i++) emit(i, i)`, ``},
		{`var s = "x".repeat(1e6); for (;;) emit(s, s)`, ``},
		{`emit({toJSON: function() { throw 1 }})`, ``},
		{`var c = {}; c.c = c; emit(c)`, ``},
		{`emit({toJSON: function() { return 5 }})`, `5 null`},
	} {
		want := []string(nil)
		if tt.want != "" {
			want = []string{"0 " + tt.want}
		}
		got := mapAll(t, Options{}, testDoc, "function(doc) { "+tt.body+" }")
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s\n got %s\nwant %s", tt.body, got, want)
		}
	}
}

func TestMapSources(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"function(doc) { emit(1) }",
		"function(doc) { emit(1) };",
		"function(doc) { emit(1) }; // why\n;",
		"// a comment first\nfunction(doc) { emit(1) }",
		"/* é\n */ function (doc) { emit(1) } /* after */",
		"(function(doc) { emit(1) })",
		"doc => { emit(1) }",
		"doc => emit(1)",
		"var one = 1;\nfunction(doc) { emit(one) }",
		"(function() { return function(doc) { emit(1) } })()",
		"function(doc) { let a = 1; const b = 0; emit(a + b) }",
		"function(doc) { for (const v of [1]) emit(v, null) }",
		"function(doc) { class P { constructor(x) { this.x = x } get y() { return this.x } } emit(new P(1).y) }",
		"function(doc) { emit(doc.nope?.x ?? 1) }",
		"function(doc) { outer: for (;;) { for (;;) { emit(1); break outer } } }",
	} {
		if got := mapAll(t, Options{}, testDoc, src); len(got) != 1 || got[0] != "0 1 null" {
			t.Errorf("%s: got %s", src, got)
		}
		if err := Check(src, Options{}); err != nil {
			t.Errorf("Check(%s): %v", src, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"function(doc { emit(1) }":         "Line 1",
		"var x = 5":                        "Expression does not eval to a function. (var x = 5)",
		"":                                 "does not eval to a function",
		"function named(doc) { emit(1) }":  "does not eval to a function",
		"for (;;);":                        "OS process timed out.",
		"5":                                "does not eval to a function",
		"throw 'early'":                    "early",
		"function(doc) {} function(doc) {": "Line 1",
	} {
		o := Options{}
		if src == "for (;;);" {
			o.Timeout = 50 * time.Millisecond
		}
		err := Check(src, o)
		var c *CompileError
		if !errors.As(err, &c) || !strings.Contains(c.Reason, want) {
			t.Errorf("Check(%q) = %v, want %q", src, err, want)
		}
	}
}

func TestMapTimeout(t *testing.T) {
	t.Parallel()
	// On a busy machine, too, the calls that end do so within the time of the one that does not.
	maps, err := CompileMaps([]string{"function(doc) { if (doc.loop) for (;;); emit(1) }"}, Options{Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	w, err := maps.NewMapper()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Watch()()
	n := 0
	for range 3 {
		if err := w.Map(`{"_id":"a"}`, func(int, []byte, []byte) { n++ }); err != nil {
			t.Fatal(err)
		}
	}
	err = w.Map(`{"_id":"a","loop":true}`, func(int, []byte, []byte) { n++ })
	if !store.IsKind(err, store.KindOSProcess) || err.Error() != "OS process timed out." || n != 3 {
		t.Fatalf("endless map: %v after %d rows", err, n)
	}
}

func TestEmitsOfOtherViewsStay(t *testing.T) {
	t.Parallel()
	got := mapAll(t, Options{}, testDoc, "function(doc) { emit(1) }", "function(doc) { emit(2); throw 1 }", "function(doc) { emit(3) }")
	if strings.Join(got, "|") != "0 1 null|2 3 null" {
		t.Errorf("got %s", got)
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	o := Options{Design: []byte(`{"views":{"lib":{"math":"exports.double = function(x) { return x * 2 }; exports.name = \"math\"",
		"deep":{"er":"var m = require(\"../math\"); exports.quad = function(x) { return m.double(m.double(x)) }"},
		"mod":"module.exports = function(x) { return \"m\" + x }",
		"a":"exports.b = function() { return require('views/lib/b').v }; exports.v = 1","b":"var a = require('./a'); exports.v = a.v + 1",
		"bad":"exports.x = ;","throws":"throw 'no'"}}}`)}
	for body, want := range map[string]string{
		`var m = require("views/lib/math"); emit(m.double(doc.n), m.name)`:              `0 10 "math"`,
		`emit(require("views/lib/deep/er").quad(doc.n))`:                                `0 20 null`,
		`emit(require("views/lib/mod")(doc.n))`:                                         `0 "m5" null`,
		`emit(require("views/lib/a").b())`:                                              `0 2 null`,
		`emit(require("views/lib/nope").x)`:                                             ``,
		`emit(require("../../..").x)`:                                                   ``,
		`emit(require("views").x)`:                                                      ``,
		`emit(require("views/lib/bad").x)`:                                              ``,
		`emit(require("views/lib/throws").x)`:                                           ``,
		`try { require("views/lib/nope") } catch (e) { emit(e[1]) }`:                    `0 "invalid_require_path" null`,
		`emit(require("views/lib/math") === require("views/lib/math"), typeof require)`: `0 true "function"`,
	} {
		if got := strings.Join(mapAll(t, o, testDoc, "function(doc) { "+body+" }"), "|"); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}
