package format

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// What schemas and lines are put together of.
var (
	someCaptures = []string{"$a", "$a?", "$b?", "$date", "$hour", "$ts:ts", "$label", "$machine", "$d:int", "$e:float", "$f:ip", "$g:host", "$h:quoted", "$i:json",
		"$j:kv", "$k:text", "$l:hex?", "$m:uuid", "$n:time", "$o:date", "$p:bool", "_", "_?"}
	someRests   = []string{"", "", "", "$rest...", "$rest...", "$kv...", "$json..."}
	someBetween = []string{" ", " ", " ", "", "x", ":", " : ", "[", "]", "(", ")?", " (", ")? ", "\"", "=", ",", ", ", "\\ ", "é", "\t"}
	someParts   = []string{"x", "x", " ", "  ", "\t", "", "a=1", "b=\"2 3\"", "_a=4", "flag", "192.0.2.1", "2001:db8::1", "host.example.com", "17", "-007", "1.50", "1e400",
		"1e21", "true", "ff0a", "2017-06-14", "17:16:12", "2017-06-14T17:16:12Z", "Nov  1", "Jun 14 17:16:12", "14/Jun/2017:17:16:12 +0200", `"q \" q"`, "'q'", `"`,
		`{"a":1,"_a":[2]}`, `{"date":"\u0041","ts":1497453372}`, "[1,2]", `[id k="v" _k="\]"]`, "[", "é", "\xff", "\x00", "\x1b", "\u2028",
		"123e4567-e89b-12d3-a456-426614174000", strings.Repeat("long", 20), strings.Repeat("9", 320)}
)

func oneOf(r *rand.Rand, texts []string) string { return texts[r.IntN(len(texts))] }

// TestAnything checks what must hold for every schema and every line with schemas of all types, and lines of their form and of others.
func TestAnything(t *testing.T) {
	t.Parallel()
	stamp, err := NewTime([]string{"a", "date", "hour", "ts"}, "", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	compiled := 0
	for range 6000 {
		parts := []string{oneOf(r, someBetween)}
		for range 1 + r.IntN(5) {
			parts = append(parts, oneOf(r, someCaptures), oneOf(r, someBetween))
		}
		parts = append(parts, oneOf(r, someRests))
		rules := Rules{Fields: []Field{{"machine", "m"}}, LabelKey: "label", Whole: r.IntN(4) == 0, Taken: []string{"a"}}
		if r.IntN(4) == 0 {
			rules.Delimiter = ",| \t:="[r.IntN(6)]
		}
		if r.IntN(3) == 0 {
			rules.Time = stamp
		}
		s, err := Compile("l := "+strings.Join(parts, ""), rules)
		if err != nil {
			continue
		}
		compiled++
		for range 10 {
			line := slices.Clone(parts)
			for i := range line {
				if i%2 == 1 || r.IntN(8) == 0 {
					line[i] = oneOf(r, someParts)
				}
			}
			checkOutput(t, s, strings.NewReplacer(")?", "", "(", "", `\`, "").Replace(strings.Join(line, "")))
			if t.Failed() {
				t.Fatalf("%s %+v: %q", s, rules, line)
			}
		}
	}
	if compiled < 1200 {
		t.Errorf("%d schemas are schemas", compiled)
	}
}
