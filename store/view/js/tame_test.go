package js

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestChainsCompileSoon has long sources of operators that follow each other, in many chains that are short and in one that is long: the former
// compile, the latter is refused, and neither takes its time. Most took minutes, those of literals forever.
func TestChainsCompileSoon(t *testing.T) {
	t.Parallel()
	const (
		source = 200_000
		limit  = 20 * time.Second // for a machine that is busy: each takes less than a second
	)
	check := func(c string, size int) error {
		chain := strings.Repeat(c, size/len(c)) + "1;\n"
		src := "function(doc) { var a;\n" + strings.Repeat(chain, source/len(chain)) + "}"
		begun := time.Now()
		err := Check(src, Options{})
		if took := time.Since(begun); took > limit {
			t.Errorf("a chain of %d bytes of %q takes %v", size, c, took)
		}
		return err
	}
	for _, c := range []string{"1+", "'a'+", "doc+", "1||", "0||", "null??", "1&&", "(1||1)+", "!0||", "2**", "- ", "!", "typeof ", "a=", "1?1:", "a||"} {
		for _, size := range []int{20, 100, 900} {
			if err := check(c, size); err != nil {
				t.Errorf("a chain of %d bytes of %q: %.100v", size, c, err)
			}
		}
		if err := check(c, source-100); err == nil {
			t.Errorf("a chain of %q compiles", c)
		}
	}
	if err := check("a=>", source-100); err == nil {
		t.Error("a chain of arrows compiles")
	}
}

// TestTamed shows that what is kept from the compiler's foresight has the value that it had.
func TestTamed(t *testing.T) {
	t.Parallel()
	many := func(s string) string { return strings.Repeat(s, 40) }
	for expr, want := range map[string]string{
		many("1+") + "1":                           "41",
		many("'a'+") + "'b'":                       `"` + many("a") + `b"`,
		many("0||") + "'x'":                        `"x"`,
		many("1&&") + "'x'":                        `"x"`,
		many("null??") + "'x'":                     `"x"`,
		many("!") + "0":                            "false",
		many("- ") + "5":                           "5",
		many("1-") + "(" + many("2-") + "1)":       "39",
		many("0.5*") + "0":                         "0",
		many("(1||") + "doc.nope.nope" + many(")"): "1",
		many("1<") + "1":                           "false",
		"typeof (" + many("'a'+") + "1)":           `"string"`,
		"(function(a) { return a.length })(" + many("'a'+") + "'')": "40",
		"[" + many("1+") + "1, {a: " + many("1+") + "1}]":           `[41,{"a":41}]`,
		"((x = " + many("1+") + "1) => x)()":                        "41",
		"`${" + many("1+") + "1}`":                                  `"41"`,
		"doc.a?.[" + many("1+") + "1] === undefined":                "true",
	} {
		if got := mapAll(t, Options{}, testDoc, "function(doc) { emit("+expr+") }"); len(got) != 1 || got[0] != "0 "+want+" null" {
			t.Errorf("%.60s…\n got %s\nwant %s", expr, got, want)
		}
	}
}

// TestNoBigInts shows that nothing makes integers that grow without end.
func TestNoBigInts(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{"1n", "2n ** 100000000000n", "[{a: -0xffn}]", "class { a = 1n }", "`${1n}`", "doc?.[1n]", "(a = 1n) => a", "({[1n]: 1})"} {
		err := Check("function(doc) { var x; return "+expr+" }", Options{})
		if err == nil || !strings.Contains(err.Error(), "BigInt") {
			t.Errorf("%s: %v", expr, err)
		}
	}
	for _, stmt := range []string{"switch (doc) { case 1n: }", "for (var i = 1n;;) {}", "for (let i = 1n;;) {}", "for (i of 1n) {}", "try {} catch (e) { 1n }", "label: while (1n) {}"} {
		if err := Check("function(doc) { "+stmt+" }", Options{}); err == nil {
			t.Errorf("%s compiles", stmt)
		}
	}
	const look = `var seen = [], found = []; function look(o, path) {
		if (seen.indexOf(o) >= 0 || (typeof o !== "object" && typeof o !== "function") || o === null) return;
		seen.push(o);
		Object.getOwnPropertyNames(o).forEach(function(k) {
			if (/^get.*Big|^Big/.test(k)) found.push(path + "." + k);
			var d = Object.getOwnPropertyDescriptor(o, k);
			if (d && "value" in d) look(d.value, path + "." + k);
		});
		look(Object.getPrototypeOf(o), path + ".__proto__");
	}
	look(globalThis, "globalThis"); emit(found)`
	if got := mapAll(t, Options{}, testDoc, "function(doc) { "+look+" }"); len(got) != 1 || got[0] != "0 [] null" {
		t.Errorf("left: %s", got)
	}
	if got := mapAll(t, Options{}, testDoc, "function(doc) { emit(typeof BigInt, new DataView(new ArrayBuffer(8)).getInt8(0)) }"); fmt.Sprint(got) != `[0 "undefined" 0]` {
		t.Error(got)
	}
}
