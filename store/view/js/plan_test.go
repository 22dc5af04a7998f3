package js

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"logctl/store/ejson"
	"logctl/store/view/js/plain"
)

// bothWays maps a doc by plan and in the engine. planned tells whether every function has a plan that did not give up.
func bothWays(t testing.TB, doc string, sources ...string) (byPlan, byEngine []string, planned bool) {
	t.Helper()
	maps, err := CompileMaps(sources, Options{})
	if err != nil {
		t.Fatalf("%s: %v", sources, err)
	}
	run := func(maps *Maps) []string {
		w, err := maps.NewMapper()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Watch()()
		var rows []string
		if err := w.Map(doc, func(view int, key, value []byte) { rows = append(rows, fmt.Sprintf("%d %s %s", view, key, value)) }); err != nil {
			t.Fatal(err)
		}
		planned = true
		for i := range maps.plain {
			planned = planned && w.plain.Run(i, &w.out) != plain.GaveUp
		}
		return rows
	}
	byPlan = run(maps)
	was := planned
	engine := *maps
	engine.plain, engine.fields = make([]*plain.Map, len(sources)), nil
	byEngine = run(&engine)
	return byPlan, byEngine, was
}

// TestPlanned holds what is worth evaluating without the engine, by plan: what people write for logs.
func TestPlanned(t *testing.T) {
	t.Parallel()
	doc := `{"_id":"a","_rev":"1-x","date":"2017-06-14","hour":"17:16:12,329","process":"sshd","ip":"59.45.175.88","machine":"web","n":5,"f":2.5,"user":{"name":"root","tags":["a","b"]},"none":null}`
	for _, src := range []string{
		`function (doc) { emit(doc.ip, null); }`,
		`function(doc) { if (doc.ip) emit([doc.machine, doc.date], 1) }`,
		`doc => emit(doc.date, doc.n)`,
		`(doc) => { emit(doc._id, {_id: doc.machine, "rest": [doc.n, doc.f]}) }`,
		`function(doc) { if (doc.type === "x") return; emit(doc.date.slice(0, 7), 1); }`,
		`function(doc) { var p = doc.date.split("-"); emit([+p[0], +p[1], parseInt(p[2], 10)], doc.n); }`,
		`function(doc) { var d = new Date(doc.date); emit([doc.machine, d.getFullYear(), d.getMonth() + 1, d.getUTCDate()], 1) }`,
		`function(doc) { var d = new Date(doc.date + "T" + doc.hour.substr(0, 8) + "Z"); emit(d, d.getTime()) }`,
		`function(doc) { emit(doc.machine + "/" + doc.process, doc) }`,
		"function(doc) { const key = `${doc.machine}:${doc.n}`; let v = doc.user.name ?? 'nobody'; emit(key, v) }",
		`function(doc) { if (doc.user && doc.user.name && doc.n >= 3) { emit(doc.user.name.toLowerCase(), doc.n * 2 + 1) } else { emit("other") } }`,
		`function(doc) { emit(doc["machine"], doc.user["tags"]) }`,
		`function(doc) { if (doc.nothing.at.all) emit(1) }`,
		`function(doc) { doc.user.tags.forEach(function(t, i) { emit([t, i, doc.machine], 1) }) }`,
		`function(doc) { for (var i = 0; i < doc.user.tags.length; i++) { if (i > 9) break; emit(doc.user.tags[i], doc.user.tags) } }`,
		`function(doc) { for (var k in doc) { if (k === "_id" || k === "_rev") continue; emit(k, doc[k]) } }`,
		`function(doc) { for (const t of doc.user.tags.filter(t => t !== "a")) emit(t, Object.keys(doc.user)) }`,
		`function(doc) { var words = doc.hour.split(":").map(function(w) { return w.length }), n = {}; words.forEach(w => { n[w] = (n[w] || 0) + 1 }); emit(words, n) }`,
		`function(doc) { if (doc.user.hasOwnProperty("name") && "tags" in doc.user) { emit(doc.user, doc.user === doc.user) } }`,
		`function(doc) { doc.nothing.forEach(function(t) { emit(t) }) }`,
		`function(doc) { var a = 1, b; b = a; b += 2; if (typeof doc.n === 'number') b += doc.n; emit(b | 0, ~~(b / 2)) }`,
	} {
		byPlan, byEngine, planned := bothWays(t, doc, src)
		if !planned || strings.Join(byPlan, "\n") != strings.Join(byEngine, "\n") {
			t.Errorf("%s\nplanned: %v\n   plan %s\n engine %s", src, planned, byPlan, byEngine)
		}
	}
}

// reportMaps are the map functions of the report document.
func reportMaps(t testing.TB) (sources []string) {
	t.Helper()
	for _, name := range []string{"attacks", "attackers"} {
		src, err := os.ReadFile("../../../designdocs/report/views/" + name + "/map.js")
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, string(src))
	}
	return sources
}

// TestReportsPlanned: the maps of the report document have plans, whatever else has.
func TestReportsPlanned(t *testing.T) {
	t.Parallel()
	sources := reportMaps(t)
	gaveUp := 0
	for i, doc := range oddDocs {
		byPlan, byEngine, planned := bothWays(t, doc, sources...)
		if strings.Join(byPlan, "\n") != strings.Join(byEngine, "\n") {
			t.Errorf("%s\n   plan %s\n engine %s", doc, byPlan, byEngine)
		}
		if !planned {
			if gaveUp++; i == 0 {
				t.Error("the plain doc is left to the engine")
			}
		}
	}
	t.Logf("%d of %d odd docs are left to the engine", gaveUp, len(oddDocs))
}

// oddDocs are docs of fail2ban and what may come in their place; the first is a plain one.
var oddDocs = []string{
	`{"_id":"a","_rev":"1-x","date":"2017-06-14","hour":"17:16:12,329","process":"sshd","ip":"59.45.175.88","machine":"web"}`,
	`{"ip":"a","date":"2017-02-29"}`, `{"ip":"a","date":"2016-02-29","hour":5}`, `{"ip":"a","date":"2017-06-31"}`,
	`{"ip":"a","time":"2017-06-14T17:16:12.5Z"}`, `{"ip":"a","date":null,"time":"2017-06-14 23:59:59,999"}`,
	`{"ip":"a","date":"2017-06-14","hour":"24:00:00"}`, `{"ip":"a","date":"2017-06-14","hour":"1e:00:00"}`,
	`{"ip":"a","date":"2017-06-14","hour":"0x:00:00"}`, `{"ip":"a","date":"2017-06-14","hour":"  :  :  .  "}`,
	`{"ip":"a","date":"2017-06-14","hour":"17:1.:.5,.12"}`, `{"ip":"a","date":"2017-06-14","hour":"é7:16:12"}`,
	`{"ip":"a","date":"201é-06-14"}`, `{"ip":"日本","date":"2017-06-14","machine":"é\"\\\n\u0001"}`,
	`{"ip":"a","date":"+999-06-14"}`, `{"ip":"a","date":"1e3 -06-14"}`, `{"ip":"a","date":"9999-12-31","hour":"23:59:59.999"}`,
	`{"ip":"a","date":"2017-06-14","machine":{"b":1,"a":[1.50,1e3]},"process":["x",{"1":2}]}`,
	`{"ip":"a","date":"2017-06-14","machine":123456789012345678901234567890,"process":-0.0}`,
	`{"ip":"a","date":"2017-06-14","machine":true,"process":false,"event":"ban"}`, `{"ip":"a","date":"2017-06-14","event":0}`,
	`{"ip":["a"],"date":"2017-06-14"}`, `{"ip":"a","date":["2017-06-14"]}`, `{}`, `{"ip":"a"}`,
	`{"ip":"a","date":"2017-06-14","hour":""}`, `{"ip":"a","date":""}`, `{"ip":"a","date":"2017-06-14\u0000"}`,
}

// maker makes map functions of the kind that plans are for, and docs.
type maker struct {
	r    *rand.Rand
	vars []string
}

func (m *maker) pick(list ...string) string { return list[m.r.IntN(len(list))] }

var docFields = []string{"a", "b", "date", "n", "o", "list", "_id", "no", "é"}

// someList is a list in any doc.
const someList = `(isArray(doc.list) ? doc.list : [doc.o, doc.a, 1])`

// expr is an expression; smaller ones the deeper.
func (m *maker) expr(depth int) string {
	if depth <= 0 || m.r.IntN(5) == 0 {
		if len(m.vars) > 0 && m.r.IntN(3) == 0 {
			return m.pick(m.vars...)
		}
		return m.pick(`doc.a`, `doc.b`, `doc.date`, `doc.n`, `doc.o`, `doc.list`, `doc._id`, `doc.no`, `doc["a"]`, `doc["é"]`,
			`null`, `true`, `false`, `undefined`, `NaN`, `0`, `1`, `7`, `2.5`, `1e21`, `"x"`, `""`, `"ban"`, `"-"`, `'é'`, `doc`)
	}
	e := func() string { return m.expr(depth - 1) }
	switch m.r.IntN(19) {
	case 15:
		return m.pick("Object.keys", "sum") + "(" + e() + ")"
	case 16:
		return "(" + e() + ")[" + e() + "]"
	case 17:
		return m.pick(someList, someList, "("+e()+")") + m.pick(".map", ".filter") + "(" + m.pick("v => ", "(v, i) => ") + "(" + m.pick("v", "[v, 1]", e()) + "))"
	case 0:
		return "(" + e() + " " + m.pick("+", "+", "-", "*", "/", "%", "|", "&", "^", "<<", ">>", ">>>") + " " + e() + ")"
	case 1:
		return "(" + e() + " " + m.pick("===", "!==", "==", "!=", "<", ">", "<=", ">=") + " " + e() + ")"
	case 2:
		return "(" + e() + " " + m.pick("&&", "||", "??") + " " + e() + ")"
	case 3:
		return "(" + e() + " ? " + e() + " : " + e() + ")"
	case 4:
		return m.pick("! ", "+ ", "- ", "~ ", "typeof ", "void ") + e()
	case 5:
		return "(" + e() + ")" + m.pick(".length", ".x", ".y.z", "[0]", "[1]", `["x"]`)
	case 6, 7:
		return m.str(depth-1) + "." + m.pick("charAt", "charCodeAt", "slice", "substring", "substr", "indexOf", "startsWith", "endsWith",
			"includes", "lastIndexOf", "split") + "(" + e() + ")"
	case 8:
		return m.str(depth-1) + "." + m.pick("slice", "substring", "substr") + "(" + m.pick("0", "1", "-2", "5") + ", " + m.pick("4", "-1", "7", e()) + ")"
	case 9:
		return m.str(depth-1) + "." + m.pick("toLowerCase", "toUpperCase", "trim") + "()"
	case 10:
		return "[" + e() + ", " + e() + "]"
	case 11:
		return "({k: " + e() + ", \"x\": " + e() + "})"
	case 12:
		return m.pick("Number", "String", "Boolean", "parseInt", "isNaN", "Math.floor", "Math.ceil", "Math.trunc", "Math.abs", "isArray",
			"Array.isArray", "Date.UTC") + "(" + e() + ")"
	case 13:
		return "new Date(" + e() + ")" + m.pick("", ".getTime()", ".getFullYear()", ".getMonth()", ".getUTCDate()", ".getHours()", ".getDay()")
	case 14:
		return "Date.UTC(" + e() + ", " + e() + ", " + e() + ")"
	}
	return "`" + m.pick("", "k:") + "${" + e() + "}`"
}

// str is an expression that is a string more often than not.
func (m *maker) str(depth int) string {
	if depth <= 0 || m.r.IntN(3) == 0 {
		return m.pick(`doc.date`, `doc.a`, `doc._id`, `"2017-06-14"`, `"a,b"`)
	}
	return m.pick(`("" + `+m.expr(depth-1)+`)`, "("+m.expr(depth-1)+")", `String(`+m.expr(depth-1)+`)`, m.str(depth-1)+`.slice(`+m.pick("0, 4", "5", "-2")+`)`)
}

func (m *maker) statement(depth int) string {
	switch m.r.IntN(9) {
	case 7:
		if depth > 0 {
			of := m.pick("doc.o", "doc.list", "doc", m.expr(1))
			loop := fmt.Sprintf("for (var k%d in %s) { emit(k%[1]d, %[2]s[k%[1]d]); ", depth, of)
			if m.r.IntN(2) == 0 {
				loop = fmt.Sprintf("for (const e%d of %s) { emit(e%[1]d); ", depth, m.pick(someList, "Object.keys(doc)", m.expr(1)))
			}
			return loop + m.statement(depth-1) + "} "
		}
	case 8:
		if depth > 0 {
			of := m.pick(someList, someList, "("+m.expr(1)+")")
			known := m.vars
			inner := m.statement(depth - 1)
			m.vars = known
			return of + ".forEach(function(el) { emit(el, doc.list === el); " + inner + "}); "
		}
	case 0:
		name := fmt.Sprintf("v%d", len(m.vars))
		s := "var " + name + " = " + m.expr(3) + "; "
		m.vars = append(m.vars, name)
		return s
	case 1:
		if len(m.vars) > 0 {
			return m.pick(m.vars...) + m.pick(" = ", " += ", " -= ", " |= ") + m.expr(2) + "; "
		}
	case 2:
		if depth > 0 {
			return "if (" + m.expr(2) + ") { " + m.statement(depth-1) + "} else { " + m.statement(depth-1) + "} "
		}
	case 3:
		if depth > 0 {
			return "if (" + m.expr(2) + ") return; "
		}
	}
	return "emit(" + m.expr(2) + ", " + m.expr(1) + "); "
}

func (m *maker) function() string {
	m.vars = nil
	var b strings.Builder
	b.WriteString("function (doc) { ")
	for range 1 + m.r.IntN(4) {
		b.WriteString(m.statement(2))
	}
	return b.String() + "}"
}

func (m *maker) value(depth int) string {
	switch m.r.IntN(9) {
	case 0:
		return m.pick(`null`, `true`, `false`)
	case 1:
		return m.pick(`0`, `-0`, `5`, `-17`, `2017`, `1.0`, `1e3`, `1.5`, `-2.50e-7`, `123456789012345678901`, `9007199254740993`, `1e-7`, `4294967297`)
	case 2:
		if depth > 0 {
			return `{"x":` + m.value(depth-1) + `,"` + m.pick("y", "é", "2", "k\\\"", "__proto__", "toJSON") + `":` + m.value(depth-1) + `}`
		}
	case 3:
		if depth > 0 {
			return `[` + m.value(depth-1) + `,` + m.value(depth-1) + `]`
		}
	case 4:
		return m.pick(`"é"`, `"日本語"`, `"😀x"`, `"\u0000\n\"\\"`, `"\u2028"`, `"ß-É"`, `"\u00a012"`)
	}
	return m.pick(`"2017-06-14"`, `"2017-06-14T17:16:12Z"`, `"17:16:12,329"`, `"ban"`, `""`, `"-"`, `" 12 "`, `"0x1f"`, `"1e3"`, `"abc-def-"`, `"Infinity"`,
		`"12abc"`, `"-5"`, `"x"`, `"14 Jun 2017"`)
}

func (m *maker) doc() string {
	var parts []string
	for _, f := range docFields {
		if m.r.IntN(3) > 0 && f != "no" {
			parts = append(parts, `"`+f+`":`+m.value(2))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// tryBoth compares plan and engine on made up functions and docs, and tells how many functions a plan ran to the end.
func tryBoth(t testing.TB, r *rand.Rand, functions, docs int) (planned int) {
	m := &maker{r: r}
functions:
	for range functions {
		src := m.function()
		maps, err := CompileMaps([]string{src}, Options{})
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		if maps.plain[0] == nil {
			t.Fatalf("no plan for %s", src)
		}
		engine := *maps
		engine.plain, engine.fields = make([]*plain.Map, 1), nil
		w, err := maps.NewMapper()
		e, err2 := engine.NewMapper()
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		for range docs {
			doc, err := ejson.Compact(nil, []byte(m.doc()))
			if err != nil {
				t.Fatal(err)
			}
			rows := [2]string{}
			for i, w := range []*Mapper{w, e} {
				if err := w.Map(string(doc), func(_ int, k, v []byte) { rows[i] += fmt.Sprintf("%s = %s\n", k, v) }); err != nil && strings.Contains(err.Error(), "index out of range") {
					continue functions // the engine's: it fails at "x"["-"]
				} else if err != nil {
					t.Fatalf("%s\nof %s\n%v", src, doc, err)
				}
			}
			if rows[0] != rows[1] {
				t.Fatalf("%s\nof %s\n   plan %s\n engine %s", src, doc, rows[0], rows[1])
			}
			if w.plain.Run(0, &w.out) != plain.GaveUp {
				planned++
			}
		}
		if w.Dropped() != e.Dropped() {
			t.Fatalf("%s: the plan dropped %d docs, the engine %d", src, w.Dropped(), e.Dropped())
		}
	}
	return planned
}

func TestPlansAgreeWithEngine(t *testing.T) {
	t.Parallel()
	const functions, docs = 400, 12
	planned := tryBoth(t, rand.New(rand.NewPCG(1, 5)), functions, docs)
	t.Logf("%d of %d maps ran as planned", planned, functions*docs)
	if planned < functions*docs/4 {
		t.Errorf("only %d of %d maps ran as planned: this test says little", planned, functions*docs)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { tryBoth(t, rand.New(rand.NewPCG(a, b)), 4, 6) })
}

// FuzzPlanDoc tries docs of any form on the functions that matter most.
func FuzzPlanDoc(f *testing.F) {
	for _, d := range oddDocs {
		f.Add(d)
	}
	sources := append(reportMaps(f), `function(doc) { emit(doc.machine, [doc, doc.ip + doc.hour, doc.process.length]) }`,
		`function(doc) { for (var k in doc) { emit(k, doc[k]); if (isArray(doc[k])) { doc[k].forEach(function(el, i) { emit(i, el) }) } else { for (var n in doc[k]) emit(n, doc[k][n]) } } }`)
	f.Fuzz(func(t *testing.T, in string) {
		doc, err := ejson.Compact(nil, []byte(in))
		if err != nil || doc[0] != '{' || !json.Valid(doc) {
			return
		}
		byPlan, byEngine, _ := bothWays(t, string(doc), sources...)
		if strings.Join(byPlan, "\n") != strings.Join(byEngine, "\n") {
			t.Errorf("%s\n   plan %s\n engine %s", doc, byPlan, byEngine)
		}
	})
}

// What a plan makes is bounded: lists that hold each other, and what loops make.
func TestPlanIsBounded(t *testing.T) {
	// Not in parallel: the memory that it takes would count as that of calls which run meanwhile.
	for _, body := range []string{
		"var a = [doc]; " + strings.Repeat("a = [a, a]; ", 60) + "emit(a)",
		"var a = {x: 1}; " + strings.Repeat("a = {x: a, y: a}; ", 60) + "emit(1, a)",
		"for (var l = []; ; ) l.push(l)",
		"for (;;) emit(1)",
	} {
		maps, err := CompileMaps([]string{"function(doc) { " + body + " }"}, Options{})
		if err != nil || maps.plain[0] == nil {
			t.Fatalf("%.40s: no plan, %v", body, err)
		}
		w, err := maps.NewMapper()
		if err != nil {
			t.Fatal(err)
		}
		if w.plain.Begin(`{"_id":"a"}`); w.plain.Run(0, &w.out) != plain.GaveUp {
			t.Errorf("%.40s: not given up", body)
		}
		if len(w.out.Text) > 2*maxEmitBytes {
			t.Errorf("%.40s: %d bytes", body, len(w.out.Text))
		}
	}
}

// A plan is given up in time, whatever one of its steps goes over.
func TestPlanLooksAtTheClock(t *testing.T) {
	doc := `{"_id":"a","s":"` + strings.Repeat("x", 8<<20) + `","o":` + strings.Repeat("[", 900) + strings.Repeat("1,", 2<<20) + "1" + strings.Repeat("]", 900) + "}"
	for _, body := range []string{
		"for (var i = 0; i < 4000; i++) if (doc.s.length < 1) emit(i)",
		"for (var i = 0; i < 4000; i++) if (doc.s[i] == 1) emit(i)",
		"for (var i = 0; i < 4000; i++) if (doc.s.slice(0, 8000000) === i) emit(i)",
		"for (var i = 0; i < 4000; i++) if (new Date(doc.s) > 0) emit(i)",
		"for (var x = doc.o; x; x = x[0]) ;",
		"for (var o = {}, i = 0; i < 1e6; i++) o['a' + i] = undefined; for (i = 0; i < 4000; i++) emit(o)",
	} {
		maps, err := CompileMaps([]string{"function(doc) { " + body + " }"}, Options{})
		if err != nil || maps.plain[0] == nil {
			t.Fatalf("%s: no plan, %v", body, err)
		}
		w, err := maps.NewMapper()
		if err != nil {
			t.Fatal(err)
		}
		if w.plain.Begin(doc); w.plain.Run(0, &w.out) != plain.GaveUp {
			t.Errorf("%s: not given up", body)
		}
	}
}

// TestPlanOfManyNames: sources and docs of many names take their time with no square.
func TestPlanOfManyNames(t *testing.T) {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for _, tt := range []struct{ name, doc, body string }{
		{"a doc's object", `{"_id":"a","o":{"":0` + many(300_000, `,"k%06d":1`) + "}}", "emit(1, doc.o)"},
		{"a doc's members that a function reads", `{"_id":"a"` + many(100_000, `,"a%x":1`) + "}", "emit([" + many(90_000, "doc.a%x,") + "])"},
		{"an object that a function makes", `{"_id":"a"}`, "emit({" + many(120_000, "a%x:1,") + "})"},
	} {
		start := time.Now()
		byPlan, byEngine, _ := bothWays(t, tt.doc, "function(doc) { "+tt.body+" }")
		if took := time.Since(start); took > 20*time.Second || strings.Join(byPlan, "\n") != strings.Join(byEngine, "\n") {
			t.Errorf("%s took %v, gave %.99q, in the engine %.99q", tt.name, took, byPlan, byEngine)
		}
	}
}
