package reports

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
)

// TestSetsOfNames puts few and many names into sets; what is written in two ways is one name, and nothing is none.
func TestSetsOfNames(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	for _, many := range []int{1, 3, 63, 64, 65, 200} {
		var n names
		for range 20 {
			var s set
			var want []string
			for range r.IntN(2 * many) {
				name := "a" + strconv.Itoa(r.IntN(many))
				raw := `"` + name + `"`
				switch r.IntN(10) {
				case 0:
					raw = `"\u0061` + name[1:] + `"`
				case 1:
					raw, name = "null", ""
				}
				s.add(n.number([]byte(raw)))
				want = insert(want, name)
			}
			var got []string
			s.each(func(number int) { got = insert(got, text(n.texts[number])) })
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("of %d: %q, want %q", many, got, want)
			}
		}
	}
}
