package reduce

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestPiecesMakeTheWhole reduces values at once and in pieces of any size.
func TestPiecesMakeTheWhole(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 7))
	values := []string{`1`, `"x"`, `2.5`, `null`, `[1]`, `{"a":1}`, `"x"`, `-3`, `1`, `true`, `"y"`, `[1,2]`}
	for name, want := range map[string]string{
		"_first": `1`, "_last": `[1,2]`, "_lasting": `[1,2]`, "_top_3": `[{"a":1},[1,2],[1]]`, "_bottom_4": `[null,true,-3,1]`,
		"_top_100": `[{"a":1},[1,2],[1],"y","x",2.5,1,-3,true,null]`,
	} {
		r := Builtin(name)
		if r == nil {
			t.Fatalf("no %s", name)
		}
		for range 20 {
			var pieces [][]byte
			for from := 0; from < len(values); {
				to := from + 1 + rnd.IntN(len(values)-from)
				var part [][]byte
				for _, v := range values[from:to] {
					part = append(part, []byte(v))
				}
				red, err := r.Reduce(nil, nil, part)
				if err != nil {
					t.Fatal(err)
				}
				pieces, from = append(pieces, red), to
			}
			red, err := r.Rereduce(nil, pieces)
			if got := string(r.Final(nil, red)); err != nil || got != want {
				t.Fatalf("%s of %d pieces is %s, %v, want %s", name, len(pieces), got, err, want)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"_sum": "", "_sumorama": "", "_stats\n": "", "_count_all": "", "_approx_count_distinct": "", "_first": "", "_top_1": "", "_bottom_100": "",
		"_random": "`_random` is not a supported reduce function.", "_top_x": "invalid rank reducer", "_top_": "invalid rank reducer",
		"_bottom_0": "rank value must be between 1 and 100", "_top_101": "rank value must be between 1 and 100", "_top": "`_top` is not a supported reduce function.",
	} {
		if got := Check(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if (Builtin(name) == nil) != (want != "" || strings.HasPrefix(name, "_count")) {
			t.Errorf("%s: %s", name, fmt.Sprint(Builtin(name)))
		}
	}
}
