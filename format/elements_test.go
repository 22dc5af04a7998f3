package format

import (
	"strings"
	"testing"
)

// FuzzElements checks that structured data is written the same whether its keys are known to be easy or not.
func FuzzElements(f *testing.F) {
	f.Add(`[id k="v"]`)
	f.Add(`[ex@1 iut="3" q="a \"b\] c"][o@2 x=""][e] An event`)
	f.Add(`[long k="` + strings.Repeat("long ", 20) + `" l="` + strings.Repeat("\x01", 50) + `"]`)
	f.Add(`[` + strings.Repeat("id", 20) + ` ` + strings.Repeat("key", 20) + `="ü" l=""]` + strings.Repeat("x", 40))
	f.Add(strings.Repeat(`[a]`, 40))
	f.Add("[_a b=\"1\" b_2=\"2\" b=\"3\" _=\"\" __=\"\"][_a][a_2][\xff \xfe=\"\xff\"][\ufffd \ufffd=\"\"]")
	f.Add("[a b=\"" + strings.Repeat("\x7f\u2028\xff\\\"", 20) + "\" c=\"" + strings.Repeat("x", 33) + "\"]")
	f.Fuzz(func(t *testing.T, text string) {
		var m Match
		if m.pairs([]byte(text), false) == 0 || text[0] != '[' {
			return
		}
		easy := string(m.appendPairs(nil, m.elements.text))
		m.elements.easy = false
		if hard := string(m.appendPairs(nil, m.elements.text)); easy != hard {
			t.Fatalf("%q: %s, with care %s", text, easy, hard)
		}
	})
}
