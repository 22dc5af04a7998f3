package js

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"logctl/store"
	"logctl/store/view/js/plain"
)

// foldRows are rows of each kind.
var foldRows = testRows{
	{[]byte(`["web",2017,6,14,"59.45.175.88"]`), "20170614171612329-9q2s4tg1kd07vbn3", []byte(`1`)},
	{[]byte(`["web",2017,6,14,"59.45.175.9"]`), "b", []byte(`2.5`)},
	{[]byte(`["web",2017,10,2,"59.45.175.88"]`), "c", []byte(`{"ip":"1.2.3.4","n":3,"tags":["a","b"],"7":1,"é":"\u00e9\"\n"}`)},
	{[]byte(`"key"`), "d", []byte(`"sshd"`)},
	{[]byte(`null`), "e", []byte(`[1,[2,-0.5],null,true]`)},
}

// numberRows are rows whose values are integers.
var numberRows = testRows{foldRows[0], {[]byte(`["web",2017,6,14,"59.45.175.88"]`), "b", []byte(`20`)}, {[]byte(`["db",2018,1,1,"8.8.8.8"]`), "c", []byte(`-3`)}}

// bothFolds reduces rows, or results, without the engine and in it. done tells whether the first came to an end.
func bothFolds(t testing.TB, src string, rows testRows, results [][]byte) (folded, engine string, done bool) {
	t.Helper()
	r, err := NewReducer(src, Options{Timeout: time.Minute}) // of a busy machine's, too
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return foldBoth(t, r, src, rows, results)
}

func foldBoth(t testing.TB, r *Reducer, src string, rows testRows, results [][]byte) (folded, engine string, done bool) {
	t.Helper()
	var err error
	call := func(r *Reducer) (out []byte) {
		if rows != nil {
			out, err = r.Reduce([]byte("="), rows)
		} else {
			out, err = r.Rereduce([]byte("="), results)
		}
		if err != nil && !store.IsKind(err, store.KindOSProcess) {
			t.Fatalf("%s: %v", src, err)
		}
		return out
	}
	engine = string(call(&Reducer{f: r.f}))
	if r.plain == nil || err != nil { // loops in loops may take long
		return "", engine, false
	}
	var out []byte
	var end plain.Outcome
	if rows != nil {
		out, end = r.plain.Reduce([]byte("="), rows, time.Minute)
	} else {
		out, end = r.plain.Rereduce([]byte("="), results, time.Minute)
	}
	if end == plain.TimedOut {
		t.Fatalf("%s: timed out", src)
	}
	if whole := string(call(r)); whole != engine && err == nil {
		t.Errorf("%s\n   gave %s\n engine %s", src, whole, engine)
	}
	return string(out), engine, end != plain.GaveUp
}

// TestFolded holds what is worth evaluating without the engine: what people write to count, to sum up and to merge.
func TestFolded(t *testing.T) {
	t.Parallel()
	counts := [][]byte{[]byte(`{"59.45.175.88":2,"8.8.8.8":1}`), []byte(`{"1.1.1.1":1,"8.8.8.8":40,"12":3,"2":5}`), []byte(`{}`)}
	pairs := [][]byte{[]byte(`[2,10.5]`), []byte(`[1,4]`)}
	stats := [][]byte{[]byte(`{"min":1,"max":4,"sum":5,"by":{"a":{"n":1}}}`), []byte(`{"min":-2,"max":3.25,"sum":1e21,"by":{"b":{"n":2},"a":{"n":5}}}`)}
	for _, tt := range []struct {
		src     string
		rows    testRows
		results [][]byte
	}{
		{`function (keys, values, rereduce) { var n = {}, i, ip; for (i = 0; i < values.length; i++) { if (rereduce) { for (ip in values[i]) { n[ip] = (n[ip] || 0) + values[i][ip]; } } else { ip = keys[i][0][4]; n[ip] = (n[ip] || 0) + values[i]; } } return n; }`, numberRows, counts},
		{`function(keys, values, rereduce) { var ret = {}; values.forEach(function(v) { if (!rereduce) { ret[v] = (ret[v] || 0) + 1; return } for (var k in v) ret[k] = (ret[k] || 0) + v[k] }); return ret }`, numberRows, counts},
		{`function(keys, values, rereduce) { var n = 0, s = 0; values.forEach(function(v) { if (rereduce) { n += v[0]; s += v[1] } else { n += 1; s += v } }); return [n, s] }`, numberRows, pairs},
		{`function(keys, values, rereduce) { var n = {}; values.forEach(function(v, i) { if (!rereduce) { v = {}; v[keys[i][1]] = 1 } for (var id in v) { n[id] = (n[id] || 0) + v[id] } }); return n }`, foldRows, counts},
		{`(keys, values, rereduce) => { const out = {}; for (const v of values) { for (const k of Object.keys(v)) { if (!(k in out)) out[k] = 0; out[k] += v[k]; } } return out }`, nil, counts},
		{`function(keys, values, rereduce) { if (rereduce) { return sum(values) } else { return values.length } }`, foldRows, [][]byte{[]byte(`3`), []byte(`4`)}},
		{`function(k, v) { return v.reduce(function(a, b) { return Math.max(a, b) }, -Infinity) }`, numberRows, nil},
		{`(k, v) => v.map(x => x * 2).filter(x => x > 0).reduce((a, b) => a + b, 0)`, numberRows, nil},
		{`function(keys, values, rereduce) { var out = {min: null, max: null, sum: 0, by: {}}; for (var i in values) { var v = rereduce ? values[i] : {min: values[i], max: values[i], sum: values[i], by: {}};
			if (out.min === null || v.min < out.min) { out.min = v.min } if (out.max == null || v.max > out.max) out.max = v.max; out.sum += v.sum;
			for (var k in v.by) { if (!out.by.hasOwnProperty(k)) { out.by[k] = {n: 0} } out.by[k].n += v.by[k].n } } return out }`, numberRows, stats},
		{`function(keys, values) { var seen = [], i = 0; while (i < keys.length) { var ip = keys[i++][0]; if (seen.indexOf(ip[4]) < 0) { seen.push(ip[4]) } } return {n: seen.length, seen: seen, key: keys, type: typeof seen} }`, numberRows, nil},
		{`function(keys, values) { var n = 0; for (let i = 0; i < values.length; i++) { if (values[i] === 1) continue; if (i > 3) break; n++; } return "" + n + "/" + values.length + true + null }`, foldRows, nil},
		{`function(keys, values) { return values }`, foldRows, nil},
		{`function(keys, values) { var o = {}; values.forEach(function(v, i, all) { o[all.length - i] = i; o["x" + i] = -i; }); return o }`, foldRows, nil},
		{`function(keys, values) { var o = {a: undefined, b: NaN, c: -0, d: 1e21, e: 1.5e-7, f: 1/3}; o.c--; --o.c; return [o, o.c++, ++o.c, undefined] }`, foldRows, nil},
		{`function(keys, values) { }`, foldRows, nil},
	} {
		for _, way := range []struct {
			rows    testRows
			results [][]byte
		}{{tt.rows, nil}, {nil, tt.results}} {
			if way.rows == nil && way.results == nil {
				continue
			}
			folded, engine, done := bothFolds(t, tt.src, way.rows, way.results)
			if !done || folded != engine {
				t.Errorf("%s\n without the engine (to its end: %v) %s\n in it %s", tt.src, done, folded, engine)
			}
		}
	}
}

// TestFoldOdd: what is not known to be the same, or throws, is left to the engine.
func TestFoldOdd(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		`function(keys, values) { return values[0].nope.x }`,
		`function(keys, values) { var o = {}; return o.constructor + "" }`,
		`function(keys, values) { var o = {}; o["__proto__"] = {a: 1}; return [o, o.a] }`,
		`function(keys, values) { var o = {a: 1}; for (var k in o) { o[k + "b"] = 2; if (k.length > 5) break } return o }`,
		`function(keys, values) { var l = [1]; l[5] = 2; return l }`,
		`function(keys, values) { keys[0][7] = 1; return keys }`,
		`function(keys, values) { return "é" < "f" }`,
		`function(keys, values) { return [1, 2] + "" }`,
		`function(keys, values) { values.length = 1; return values }`,
		`function(keys, values) { var o = {}; o.o = o; return o }`,
		`function(keys, values) { return sum([0.1, 0.2, "3"]) }`,
		`(function sum(keys, values) { return values ? sum([1]) : "itself" })`,
		`function(keys, values) { x = 1; return x }`,
		`function(keys, values) { function f() { return 1 } return f() }`,
		`function(keys, values) { return arguments.length }`,
		`function(keys, values) { var o = {}; for (var i = 0; i < 3; i++) { o[i] = this === undefined } return o }`,
		`function(keys, values) { var l = []; l.push(1, 2); return l }`,
		`function(keys, values, rereduce, none) { return none }`,
		`function(keys, values) { return values.map(function(v) { return v.x.y }) }`,
		`function(keys, values, rereduce, keys) { return keys }`,
		`function(keys, values) { return Math.max(1 / 0, undefined) > 0 || Math.min(undefined, -1 / 0) < 0 }`,
		`function(keys, values) { let sum = sum([1]); return sum }`,
		`function(keys, values) { values.forEach(function(v) { Number(v) }); let Number = 1; return Number }`,
		`function(keys, values) { for (const String of [String(1)]) return String; }`,
	} {
		if folded, engine, done := bothFolds(t, src, foldRows, nil); done && folded != engine {
			t.Errorf("%s\n without the engine %s\n in it %s", src, folded, engine)
		}
	}
}

// TestFoldIsBounded: time and memory end as in the engine.
func TestFoldIsBounded(t *testing.T) {
	// Not in parallel: the memory that it takes would count as that of calls which run meanwhile.
	r, err := NewReducer(`function(keys, values) { for (;;) { } }`, Options{Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.plain == nil {
		t.Fatal("not folded")
	}
	if _, err := r.Reduce(nil, foldRows); !store.IsKind(err, store.KindOSProcess) {
		t.Errorf("got %v", err)
	}
	for _, src := range []string{
		`function(keys, values) { var l = []; for (;;) { l.push(l) } }`,
		`function(keys, values) { var o = {}, i = 0; for (;;) { o["k" + i++] = {} } }`,
		`function(keys, values) { var s = "x"; for (;;) { s += s } }`,
		`function(keys, values) { var a = 1; ` + strings.Repeat("a = [a, a]; ", 60) + `return a }`,
		`function(keys, values) { var l = [], s = "X"; ` + strings.Repeat("s += s; ", 20) + `for (;;) { l.push(s.toLowerCase()) } }`,
		`function(keys, values) { for (;;) { values.map(function(v) { return 1 }) } }`,
		`function(keys, values) { var l = []; for (;;) { l.filter(function(v) { return v }) } }`,
	} {
		r, err := NewReducer(src, Options{})
		if err != nil || r.plain == nil {
			t.Fatalf("%s: %v", src, err)
		}
		if _, end := r.plain.Reduce(nil, foldRows, time.Minute); end != plain.GaveUp {
			t.Errorf("%.60s: ended by %v", src, end)
		}
	}
}

// TestFoldLooksAtTheClock: what goes over long texts counts as much.
func TestFoldLooksAtTheClock(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`s.indexOf("y")`, `s.charAt(i)`, `s < l`, `m === l`, `o[m]`, `m in o`, `+d`, `s.toUpperCase()`, `s.split("y")`, `parseInt(s)`, `s.endsWith("y")`,
	} {
		src := `function(keys, values) { var i, s = "x", d = "1", l, m, o = {}; ` + strings.Repeat("s += s; d += d; ", 20) + `l = s + "y"; m = s + "x"; o[l] = 1; for (i = 0; i < 6000; i++) { ` + body + ` } }`
		r, err := NewReducer(src, Options{})
		if err != nil || r.plain == nil {
			t.Fatalf("%s: %v", body, err)
		}
		if _, end := r.plain.Reduce(nil, foldRows, time.Nanosecond); end != plain.TimedOut {
			t.Errorf("%s: ended by %v", body, end)
		}
	}
}

// TestFoldTakesNoMemory: a call for each element that gives nothing keeps nothing.
func TestFoldTakesNoMemory(t *testing.T) {
	// Not in parallel: the memory of others would count.
	r, err := NewReducer(`function(keys, values) { for (;;) { values.forEach(function(v) { return v }) } }`, Options{})
	if err != nil || r.plain == nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, end := r.plain.Reduce(nil, foldRows, 200*time.Millisecond)
	runtime.ReadMemStats(&after)
	if made := (after.TotalAlloc - before.TotalAlloc) >> 10; end != plain.TimedOut || made > 1<<10 {
		t.Errorf("%d KiB, ended by %v", made, end)
	}
}

// foldMaker makes functions at random.
type foldMaker struct {
	*rand.Rand
	b     strings.Builder
	depth int
}

func (m *foldMaker) one(list ...string) string { return list[m.IntN(len(list))] }

func (m *foldMaker) name() string { return m.one("a", "b", "c", "i", "k") }

func (m *foldMaker) expr() string {
	if m.depth++; m.depth > 5 {
		m.depth--
		return m.one("a", "b", "c", "k", "o", "l", "1", "0", "2.5", `"x"`, `"7"`, "null", "undefined", "true", "values", "keys", "rereduce")
	}
	defer func() { m.depth-- }()
	switch m.IntN(24) {
	case 21:
		return "`" + m.one("", "x") + "${" + m.expr() + "}`" + m.one("", ".slice(0, 2)", `.split(".")`, ".charAt(1)", ".length")
	case 22:
		return m.one("~", "void ", "parseInt", "+new Date", "Date.UTC", "0 | ") + "(" + m.expr() + ")"
	case 0, 1, 2:
		return m.one("a", "b", "c", "k", "i", "-1", "3", `"59.45.175.88"`, `"a"`, `"constructor"`, `"é"`, "{}", "[]")
	case 3:
		return "(" + m.expr() + m.one(" + ", " - ", " * ", " / ", " % ") + m.expr() + ")"
	case 4:
		return "(" + m.expr() + m.one(" < ", " > ", " <= ", " >= ", " === ", " !== ", " == ", " != ") + m.expr() + ")"
	case 5:
		return "(" + m.expr() + m.one(" && ", " || ", " ?? ") + m.expr() + ")"
	case 6:
		return "(" + m.expr() + " ? " + m.expr() + " : " + m.expr() + ")"
	case 7:
		return m.one("!", "-", "+", "typeof ") + "(" + m.expr() + ")"
	case 8, 9:
		return m.one("o", "l", "values", "keys[0]", "keys[0][0]", "values[0]", "values[1]") + "[" + m.expr() + "]"
	case 10:
		return "o." + m.one("x", "y", "a", "length", "n")
	case 11:
		return m.one("values", "l", "keys", "k") + ".length"
	case 12:
		return "(" + m.one("o[k]", "o.x", "l[0]", "a", "o[i]", "o[a]") + m.one(" = ", " += ", " -= ") + m.expr() + ")"
	case 13:
		return m.one("o[k]", "o.x", "a", "i") + m.one("++", "--")
	case 14:
		return m.one("++", "--") + m.one("o[k]", "o.x", "a", "i")
	case 15:
		return "(" + m.expr() + " in " + m.one("o", "l", "values[2]") + ")"
	case 16:
		return m.one("isArray", "Object.keys", "sum", "Math.abs", "Number", "String", "isNaN", "Math.floor", "Array.isArray") + "(" + m.expr() + ")"
	case 17:
		return m.one("Math.max", "Math.min") + "(" + m.expr() + ", " + m.expr() + ")"
	case 18:
		return "{x: " + m.expr() + ", " + m.one("y", `"3"`, "k") + ": " + m.expr() + "}"
	case 19:
		return "[" + m.expr() + ", " + m.expr() + "]"
	case 20:
		return m.one("values", "l", "Object.keys(o)") + m.one(".map", ".filter") + "(" + m.one("v => ", "(v, i) => ") + "(" + m.expr() + "))"
	}
	return "(" + m.one("o.hasOwnProperty", "l.indexOf", "l.length < 9 && l.push") + "(" + m.expr() + "))"
}

func (m *foldMaker) statement() {
	if m.depth++; m.depth > 4 {
		m.depth--
		fmt.Fprintf(&m.b, "o[k] = (o[k] || 0) + 1; ")
		return
	}
	defer func() { m.depth-- }()
	body := func() {
		m.b.WriteString("{ ")
		for range 1 + m.IntN(2) {
			m.statement()
		}
		m.b.WriteString("} ")
	}
	switch m.IntN(11) {
	case 0:
		fmt.Fprintf(&m.b, "%s = %s; ", m.name(), m.expr())
	case 1, 2:
		fmt.Fprintf(&m.b, "o[%s] = %s; ", m.expr(), m.expr())
	case 3:
		fmt.Fprintf(&m.b, "if (%s) ", m.expr())
		if body(); m.IntN(2) == 0 {
			m.b.WriteString("else ")
			body()
		}
	case 4:
		fmt.Fprintf(&m.b, "for (k in %s) ", m.one("o", "values[2]", "values", "l", m.expr()))
		body()
	case 5:
		fmt.Fprintf(&m.b, "for (var q%d = 0; q%[1]d < %s; q%[1]d++) ", m.depth, m.one("values.length", "3", "l.length && 2"))
		body()
	case 6:
		fmt.Fprintf(&m.b, "%s.forEach(function(a, i) ", m.one("values", "l", "Object.keys(o)", "keys"))
		if body(); m.IntN(3) > 0 {
			m.b.WriteString("); ")
			return
		}
		m.b.WriteString("); ")
	case 7:
		fmt.Fprintf(&m.b, "for (%s w%d of %s) { if (%s) %s; c = w%[2]d; ", m.one("const", "let", "var"), m.depth, m.one("values", "l", "Object.keys(o)"), m.expr(),
			m.one("break", "continue"))
		body()
		m.b.WriteString("} ")
	case 8:
		fmt.Fprintf(&m.b, "if (l.length < 9) l.push(%s); ", m.expr())
	case 9:
		fmt.Fprintf(&m.b, "if (%s) return %s; ", m.expr(), m.one("o", "l", m.expr()))
	default:
		fmt.Fprintf(&m.b, "(%s); ", m.expr())
	}
}

func (m *foldMaker) value(depth int) string {
	switch n := m.IntN(9); {
	case n < 3:
		return m.one("0", "1", "-7", "2.5", "1e21", "123456789012345678", "0.000001")
	case n == 3:
		return m.one(`"x"`, `"7"`, `""`, `"\u00e9\n"`, `"59.45.175.88"`)
	case n == 4:
		return m.one("null", "true", "false")
	case n == 5 && depth > 0:
		return "[" + m.value(depth-1) + "," + m.value(depth-1) + "]"
	case depth > 0:
		var list []string
		for _, k := range []string{"a", "x", "59.45.175.88", "k\\\"", "é", "7", "10", "k", "y", "b", "c", "d"} {
			if m.IntN(3) == 0 {
				list = append(list, `"`+k+`":`+m.value(depth-1))
			}
		}
		return "{" + strings.Join(list, ",") + "}"
	}
	return "3"
}

// tryFold compares a function made at random, and tells whether it was evaluated without the engine.
func tryFold(t testing.TB, r *rand.Rand) bool {
	m := &foldMaker{Rand: r}
	m.b.WriteString(`function(keys, values, rereduce) { var a = 0, b = values[1], c, i = 1, k = "k", o = {}, l = []; `)
	for range 1 + m.IntN(5) {
		m.statement()
	}
	m.b.WriteString("return " + m.one("o", "l", "[a, b, c, i, k, o, l]", "values") + " }")
	var rows testRows
	var results [][]byte
	rereduce := m.IntN(2) == 0
	for range 3 {
		if v := []byte(m.value(2)); rereduce {
			results = append(results, v)
		} else {
			rows = append(rows, testRow{[]byte(m.value(2)), m.one("x", "y"), v})
		}
	}
	reducer, err := NewReducer(m.b.String(), Options{Timeout: time.Second})
	if err != nil {
		return false // the engine does not compile everything
	}
	folded, engine, done := foldBoth(t, reducer, m.b.String(), rows, results)
	if done && folded != engine {
		t.Errorf("%s\nof %s %s\n without the engine %s\n in it %s", &m.b, rows, results, folded, engine)
	}
	return done
}

func TestFoldRandom(t *testing.T) {
	t.Parallel()
	done := 0
	const tries = 800
	for i := range uint64(tries) {
		if tryFold(t, rand.New(rand.NewPCG(i, 2017))) {
			done++
		}
		if t.Failed() {
			return
		}
	}
	if done < tries/10 {
		t.Errorf("only %d of %d were evaluated without the engine", done, tries)
	}
}

// FuzzFoldValue tries values of any form, as JSON.stringify writes them.
func FuzzFoldValue(f *testing.F) {
	for _, r := range foldRows {
		f.Add(string(r.value))
	}
	f.Add(`{"a":{"10":[],"9":"\ud800","é":1e300},"":-0}`)
	same, err := NewReducer(`function(keys, values) { return values[0] }`, Options{})
	if err != nil {
		f.Fatal(err)
	}
	same.plain = nil
	f.Fuzz(func(t *testing.T, in string) {
		v, err := same.Rereduce(nil, [][]byte{[]byte(in)})
		if err != nil || !json.Valid([]byte(in)) {
			return
		}
		for _, src := range []string{
			`function(keys, values) { return values }`,
			`function(keys, values) { var n = {}; values.forEach(function(v) { for (var k in v) { n[k] = (n[k] || 0) + v[k] } }); return n }`,
			`function(keys, values) { var o = {}; for (var i in values) { o[values[i]] = typeof values[i]; o[i] = values[i].length } return [o, Object.keys(o)] }`,
		} {
			if folded, engine, done := bothFolds(t, src, nil, [][]byte{v, []byte("1"), v}); done && folded != engine {
				t.Errorf("%s\nof %s\n without the engine %s\n in it %s", src, v, folded, engine)
			}
		}
	})
}

func FuzzFold(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { tryFold(t, rand.New(rand.NewPCG(a, b))) })
}
