package learn

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// someParts are what lines are put together of.
var someParts = []string{"x", "y", "word", " ", " ", " ", " ", "  ", "\t", "a=1", "b=\"2 3\"", "_a=4", "flag", "192.0.2.1", "2001:db8::1", "host.example.com",
	"17", "-007", "1.50", "1e400", "true", "ff0a", "2017-06-14", "17:16:12", "2017-06-14T17:16:12Z", "Nov  1", "Jun 14 17:16:12",
	"[14/Jun/2017:17:16:12 +0200]", `"q \" q"`, "'q'", `"`, `{"a":1,"_a":[2]}`, "[1,2]", "{", "}", `[id k="v" _k="\]"]`, "[id2]", "[", "]", ",", ":", "=",
	"é", "\xff", "\x00", "\x01", "\x1b", "\u2028", "123e4567-e89b-12d3-a456-426614174000", "$", `\`, "(", ")?", ":=", "_", "INFO", "ERROR", "user", "/var/log/x.log",
	"GET", "10.5KB", "(12)", "<13>", "%", "LOCAL(a)", "\v", "\u0085", "\u00a0"}

// someText is lines of a few kinds, most of them alike.
func someText(r *rand.Rand) string {
	part := func() string { return someParts[r.IntN(len(someParts))] }
	kinds := make([][]string, 1+r.IntN(4))
	for i := range kinds {
		for range r.IntN(10) {
			kinds[i] = append(kinds[i], part())
		}
	}
	var b strings.Builder
	for range 1 + r.IntN(40) {
		for _, p := range kinds[r.IntN(len(kinds))] {
			switch r.IntN(8) {
			case 0:
				p = part()
			case 1:
				p = fmt.Sprint(p, r.IntN(20))
			case 2:
				p = p[:r.IntN(2)*len(p)]
			}
			b.WriteString(p)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestAnything learns from texts of parts of lines in any order.
func TestAnything(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		text := someText(r)
		if t.Run("", func(t *testing.T) { checkLearned(t, []byte(text)) }); t.Failed() {
			t.Fatalf("%q", text)
		}
	}
}
