package js

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"logctl/store"
)

// TestPoison: whatever a map function does, its call ends, soon, and without the process's memory. No
// other test runs beside it: what is measured is the memory of the process.
func TestPoison(t *testing.T) {
	const long = `var s = "x".repeat(1e6), a = []; for (var i = 0; i < 20; i++) a.push(s); `
	for _, tt := range []struct {
		body string
		ends bool // in an error of the view; else the doc has no rows
	}{
		{`for (;;);`, true},
		{`for (;;) emit(1)`, false},
		{`for (var i = 0; i < 1e6; i++) emit(i, i)`, false},
		{`function f() { return f() + 1 } f()`, false},
		{`var s = "x"; for (;;) s += s`, true},
		{long + `for (;;) emit(s, s)`, false},
		{long + `emit(a.join(""))`, false},
		{long + `emit(s.replace(/x/g, s))`, false},
		{long + `emit(JSON.stringify(a))`, false},
		{`emit("x".repeat(1e9))`, false},
		{`emit("x".padEnd(1e9))`, false},
		{`emit(Array(1e9).join("x"))`, false},
		{`emit([...Array(1e9)])`, false},
		{`emit(Math.max(...Array(1e9)))`, false},
		{`var [a, ...b] = Array(1e9); emit(b)`, false},
		{`new Set(Array(1e9)); emit(1)`, false},
		{`arguments.length = 1e9; emit([...arguments])`, true},
		{`emit(JSON.stringify({a: 1}, Array(4e9)))`, false},
		{`emit(JSON.stringify({toJSON: function() { return Array(4e9) }}))`, false},
		{`emit({toJSON: function() { return Array(4e9) }})`, false},
		{`emit(JSON.stringify({a: {toJSON: function() { return Array(4e9) }}}, ["a"]))`, false},
		{`emit(JSON.stringify([1], function(k, v) { return k ? Array(4e9) : v }))`, false},
		{`var a = []; for (var i = 0; i < 9000; i++) a = [a]; emit(JSON.stringify([a, a, a, a, a, a, a, a, a, a, a, a], null, 10))`, false},
		{`emit(JSON.parse("[" + "[],".repeat(5e6) + "1]"))`, false},
		{`emit([Array(4e9)].flat())`, false},
		{`var a = []; a.push(a); emit(a.flat(Infinity))`, false},
		{`var a = [1]; for (var i = 0; i < 60; i++) a = [a, a]; emit(a.flat(Infinity))`, false},
		{`var a = Array(4e6).fill(1); emit([a, a, a, a, a, a, a, a].flat())`, false},
		{`Uint8Array.from({length: 4e9}); emit(1)`, false},
		{`new Uint8Array(2).set({length: 4e9}); emit(1)`, false},
		{`emit(new Uint8Array(4e6).join(long))`, false},
		{`emit(sum({length: 1e9}))`, false},
		{`emit("".concat(...Array(1e5).fill(long)))`, false},
		{`emit(String.raw({raw: Array(1e5).fill(long)}))`, false},
		{`emit(long.replace(/x/g, "$'"))`, false},
		{`emit(long.replace(/(?=(x*))/g, "$1"))`, false},
		{`emit(long.replace(/x/g, {toString: function() { return long }}))`, false},
		{`emit(new String(long).replace(/x/g, long))`, false},
		{`var n = 0; emit("x".repeat({valueOf: function() { return n++ ? 1e9 : 1 }}).length > 1 ? 1 : undefined.x)`, false},
		{`var n = 0; Array.from({get length() { return n++ ? 1e9 : 1 }}); emit(1)`, false},
		{`var n = 0; Array.from({length: {valueOf: function() { return n++ ? 1e9 : 1 }}}); emit(1)`, false},
		{`new Proxy({}, {ownKeys: function() { return {length: 1e9} }}); emit(1)`, false},
		{`Array(1e8).fill(0); emit(1)`, false},
		{`var a = []; a.length = 4294967295; a.forEach(function() {}); emit(1)`, false},
		{`var a = []; a.length = 4294967295; a.sort(); emit(1)`, false},
		{`Array.from({length: 1e9}); emit(1)`, false},
		{`Math.max.apply(null, {length: 1e9}); emit(1)`, false},
		{`Reflect.apply(Math.max, null, {length: 1e9}); emit(1)`, false},
		{`new Uint8Array(4e9); emit(1)`, false},
		{`new ArrayBuffer(8e9); emit(1)`, false},
		{`new (new Uint8Array(1).constructor)(4e9); emit(1)`, false},
		{`String.raw({raw: {length: 1e15}}); emit(1)`, false},
		{`new Set(new Array(1e9).keys()); emit(1)`, false},
		{`new Array(4e9).toReversed(); emit(1)`, false},
		{`new Array(4e9).toSpliced(0, 1); emit(1)`, false},
		{`new Array(4e9).with(0, 1); emit(1)`, false},
		{`Array.prototype.toSorted.call({length: 1e9}); emit(1)`, false},
		{`Object.entries("x".repeat(8e6)); emit(1)`, false},
		{`var a = [1]; for (var i = 0; i < 60; i++) a = [a, a]; emit(a)`, false},
		{`var a = [1]; for (var i = 0; i < 60; i++) a = {x: a, y: a}; emit(1, a)`, false},
		{`var a = [1]; for (var i = 0; i < 60; i++) a = [a, a]; emit("" + a)`, false},
	} {
		w := poisoned(t, `var long = "x".repeat(1e6); `+tt.body)
		start := time.Now()
		rows := 0
		err := w.Map(`{"_id":"a"}`, func(int, []byte, []byte) { rows++ })
		// On a machine that is busy, the time may be over before the limit is met.
		if stopped := store.IsKind(err, store.KindOSProcess); rows > 0 || tt.ends && !stopped || err != nil && !stopped {
			t.Errorf("%s: %d rows, %v", tt.body, rows, err)
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%s took %v", tt.body, took)
		}
	}
}

func poisoned(t *testing.T, body string) *Mapper {
	t.Helper()
	maps, err := CompileMaps([]string{"function(doc) { " + body + " }"}, Options{Timeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	w, err := maps.NewMapper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Watch())
	return w
}

// A regular expression that backtracks ends after a while of its own, as if it did not match. It ends the machine, whichever clock is the
// first to tell.
func TestPoisonousRegexp(t *testing.T) {
	maps, err := CompileMaps([]string{`function(doc) { if (!/(?=a)(a+)+$/.test("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")) emit(1) }`}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := maps.NewMapper()
	if err != nil {
		t.Fatal(err)
	}
	for _, watch := range []func() func(){w.Watch, func() func() { return func() {} }} {
		if err := w.start(); err != nil {
			t.Fatal(err)
		}
		stop := watch()
		err := w.Map(`{"_id":"a"}`, func(int, []byte, []byte) { t.Error("a row") })
		stop()
		if !store.IsKind(err, store.KindOSProcess) {
			t.Errorf("%v, want that of a function that does not end", err)
		}
	}
}

// What the limits replace works as before.
func TestLimitedBuiltins(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`emit([3, 1, 2].sort().concat([4], 5), ["a", "b"].join("-") + "ab".repeat(2) + "x".padStart(3))`:                `0 [1,2,3,4,5] "a-babab  x"`,
		`emit("aXbX".replace("X", "-").replace(/X/g, function(m) { return m + m }), [1, [2, [3]]].toString())`:          `0 "a-bXX" "1,2,3"`,
		`emit(Math.max.apply(null, [1, 5, 2]), Array.from("abc"))`:                                                      `0 5 ["a","b","c"]`,
		`emit([1, 2, 3].reduce(function(a, b) { return a + b }), Array.from({length: 2}, function(v, i) { return i }))`: `0 6 [0,1]`,
		`var u = new Uint8Array([1, 2, 300]); emit(u[2] + u.length, u instanceof Uint8Array)`:                           `0 47 true`,
		`emit(JSON.stringify({a: [1, null, "x"]}, null, 1), Array.prototype.slice.call("abc", 1))`:                      `0 "{\n \"a\": [\n  1,\n  null,\n  \"x\"\n ]\n}" ["b","c"]`,
	} {
		if got := mapAll(t, Options{}, testDoc, "function(doc) { "+body+" }"); len(got) != 1 || got[0] != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
}

// deepRegexp is a regular expression that Go's own package does not take.
const deepRegexp = `var s = "(?=a)" + "(".repeat(4e6) + ")".repeat(4e6); `

// What nests deep would have parsers and writers call themselves until the stack is full, which nothing recovers from. As in
// TestPoison, no other test runs beside it, and the time or the memory may be over before the limit is met.
func TestPoisonousDepth(t *testing.T) {
	for _, body := range []string{
		`var a = []; for (var i = 0; i < 500000; i++) a = [a]; emit(a)`,
		`var a = []; for (var i = 0; i < 500000; i++) a = {x: a}; emit(toJSON(a))`,
		`emit(JSON.parse("[".repeat(8e6)))`,
		`emit(eval("(".repeat(8e6)))`,
		`(0, eval)("(".repeat(8e6)); emit(1)`,
		`emit(Function("(".repeat(8e6)))`,
		`emit((function() {}).constructor("(".repeat(8e6)))`,
		`emit((function*() {}).constructor("(".repeat(8e6)))`,
		deepRegexp + `new RegExp(s); emit(1)`,
		deepRegexp + `RegExp(s); emit(1)`,
		deepRegexp + `new (/x/.constructor)(s); emit(1)`,
		deepRegexp + `new (class extends RegExp {})(s); emit(1)`,
		deepRegexp + `/x/.compile(s); emit(1)`,
		deepRegexp + `"x".match(s); emit(1)`,
		deepRegexp + `"x".search({toString: function() { return s }}); emit(1)`,
		deepRegexp + `"x".matchAll(s); emit(1)`,
	} {
		w := poisoned(t, body)
		rows := 0
		err := w.Map(`{"_id":"a"}`, func(int, []byte, []byte) { rows++ })
		if stopped := store.IsKind(err, store.KindOSProcess); rows > 0 || !stopped && (err != nil || w.Dropped() != 1) {
			t.Errorf("%s: %d rows, %v", body, rows, err)
		}
	}
	for _, src := range []string{
		strings.Repeat("(", maxDepth+1),
		strings.Repeat("!", maxSource+1),
		"function(doc) { var a = " + strings.Repeat("[", maxDepth+1),
		"function(doc) { return /(?=a)" + strings.Repeat("([)]", maxGroups+1) + strings.Repeat(")", maxGroups+1) + "/ }",
	} {
		if err := Check(src, Options{}); err == nil {
			t.Errorf("%.40s… compiles", src)
		}
	}
}

// Regular expressions made of texts are what they were.
func TestRegExpOfTexts(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		`[RegExp("a+").test("caab"), new RegExp(/b/g, "i").flags, RegExp(/x/).source, RegExp.name, RegExp.length]`:              `[true,"i","x","RegExp",2]`,
		`[/a/ instanceof RegExp, new RegExp("a") instanceof RegExp, /a/.constructor === RegExp, typeof RegExp[Symbol.species]]`: `[true,true,true,"function"]`,
		`["abc".match("b").index, "abc".search(/c/), "abc".search(), "null".match(null).index, "a1b2".replace(/\d/g, "x")]`:     `[1,2,0,0,"axbx"]`,
		`["a,b".split(/,/).length, new (class extends RegExp {})("q").source, "1,2".match({toString() { return "," }}).index]`:  `[2,"q",1]`,
	} {
		if got := mapAll(t, Options{}, testDoc, "function(doc) { emit("+expr+") }"); len(got) != 1 || got[0] != "0 "+want+" null" {
			t.Errorf("%s\n got %s\nwant %s", expr, got, want)
		}
	}
}

// What is not beyond all bounds goes as before.
func TestDepth(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`emit(JSON.parse("[".repeat(900) + "]".repeat(900)).length, toJSON({a: "[[{"}))`: `0 1 "{\"a\":\"[[{\"}"`,
		`emit((function() {}) instanceof Function, eval(7))`:                             `0 true 7`,
		`try { eval("1") } catch (e) { emit(e.name) }`:                                   `0 "EvalError" null`,
	} {
		if got := mapAll(t, Options{}, testDoc, "function(doc) { "+body+" }"); len(got) != 1 || got[0] != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
}

// TestFlat: arrays that are within bounds are made flat as ever, one in itself by as much as was asked for.
func TestFlat(t *testing.T) {
	t.Parallel()
	const body = `var c = []; c.push(c); emit([[1, [2, [3]]].flat().length, [1, [2, [3]]].flat(Infinity).length, [1, [2]].flat(0).length,
		[1, [2, [3]]].flat({valueOf: function() { return 2 }}).length, c.flat().length, c.flat(3)[0] === c, [1, [2]].flat("x").length])`
	w, key := poisoned(t, body), ""
	if err := w.Map(`{"_id":"a"}`, func(_ int, k, _ []byte) { key = string(k) }); err != nil || key != "[3,3,2,3,1,true,2]" {
		t.Errorf("%s, %v", key, err)
	}
}

// TestKept: what a function keeps from one call to the next is bounded, and so are chains of prototypes, for each of which the engine calls itself.
func TestKept(t *testing.T) {
	for _, tt := range []struct {
		src   string
		calls int
	}{
		{`(function() { var kept = []; return function(doc) { kept.push("x".repeat(4e6)); emit(1) } })()`, 200},
		{`(function() { var o = Object.create({}, {x: {set: function() {}}}); return function(doc) {
			for (var i = 0; i < 1e5; i++) o = Object.create(o);
			o.x = 1; emit(1) } })()`, 28},
		{`function(doc) { var o = Object.create({}, {x: {set: function() {}}}); for (var i = 0; i < 1e7; i++) o = Object.create(o); o.x = 1; emit(1) }`, 1},
	} {
		runtime.GC()
		before := liveBytes()
		maps, err := CompileMaps([]string{tt.src}, Options{Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		w, err := maps.NewMapper()
		if err != nil {
			t.Fatal(err)
		}
		stop := w.Watch()
		for range tt.calls {
			if err = w.Map(`{"_id":"a"}`, func(int, []byte, []byte) {}); err != nil {
				break
			}
		}
		runtime.GC()
		grown := int(liveBytes()-before) >> 20
		stop()
		if (err == nil) != (tt.calls > 1) || grown > 400 {
			t.Errorf("%s: %v, grown by %d MiB", tt.src, err, grown)
		}
		runtime.KeepAlive(w)
	}
}
