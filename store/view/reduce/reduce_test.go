package reduce

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"logctl/store"
)

// fold reduces JSON values split by blanks, in every way to cut them in two, and gives what all agree on.
func fold(t *testing.T, r Reducer, list string) (string, error) {
	t.Helper()
	var values [][]byte
	for _, s := range strings.Fields(list) {
		values = append(values, []byte(s))
	}
	whole, err := r.Reduce(nil, values, values)
	if err != nil {
		return "", err
	}
	for i := 1; i < len(values); i++ {
		a, errA := r.Reduce(nil, values[:i], values[:i])
		b, errB := r.Reduce(nil, values[i:], values[i:])
		if errA != nil || errB != nil {
			t.Fatalf("%s cut at %d: %v, %v", list, i, errA, errB)
		}
		both, err := r.Rereduce(nil, [][]byte{a, b})
		if err != nil || string(both) != string(whole) {
			t.Errorf("%s cut at %d: %s, %v, whole %s", list, i, both, err, whole)
		}
	}
	return string(r.Final(nil, whole)), nil
}

func TestSum(t *testing.T) {
	t.Parallel()
	fail := func(cause string) string {
		return `{"error":"builtin_reduce_error","reason":"` + sumReason + `","caused_by":` + cause + `}`
	}
	for list, want := range map[string]string{
		`1 2.5 -3`:               `0.5`,
		`0.5 0.5`:                `1.0`,
		`1`:                      `1`,
		`9223372036854775807 1`:  `9.223372036854776e+18`,
		`[1,2] [10,20,30] [100]`: `[111,22,30]`,
		`5 [10,20,30] [100]`:     `[115,20,30]`,
		`[3]`:                    `[3]`,
		`{"x":1,"y":{"z":2}} {"x":10,"w":5} {"y":{"z":5,"q":1}}`: `{"w":5,"x":11,"y":{"q":1,"z":7}}`,
		`{"y":1,"x":2}`:     `{"y":1,"x":2}`,
		`1 "two" null true`: fail(`true`),
		`1 "two"`:           fail(`"two"`),
		`"a\"b"`:            fail(`"a\"b"`),
	} {
		if got, err := fold(t, Sum{}, list); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", list, got, err, want)
		}
	}
	got, err := Sum{}.Reduce(nil, nil, [][]byte{[]byte(`[[1,2],[3]]`)})
	if err != nil || string(got) != fail(`[0]`) {
		t.Errorf("nested: %s, %v", got, err)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		`1 2.5 -3`: `{"sum":0.5,"count":3,"min":-3,"max":2.5,"sumsqr":16.25}`,
		`7`:        `{"sum":7,"count":1,"min":7,"max":7,"sumsqr":49}`,
		`3 {"sum":10,"count":4,"min":1,"max":4,"sumsqr":30}`: `{"sum":13,"count":5,"min":1,"max":4,"sumsqr":39}`,
		`[1,2] [3,4]`: `[{"sum":4,"count":2,"min":1,"max":3,"sumsqr":10},{"sum":6,"count":2,"min":2,"max":4,"sumsqr":20}]`,
	} {
		if got, err := fold(t, Stats{}, list); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", list, got, err, want)
		}
	}
	for list, kind := range map[string]store.Kind{
		`1 "x"`: store.KindInvalidValue, `{"a":1}`: store.KindInvalidValue, `null`: store.KindInvalidValue,
		`{"sum":"1","count":4,"min":1,"max":4,"sumsqr":30}`: store.KindInvalidValue,
		`[1] [1,2]`: store.KindInternal, `1 [1]`: store.KindInternal,
	} {
		if _, err := fold(t, Stats{}, list); err == nil || store.KindOf(err) != kind {
			t.Errorf("%s: got %v", list, err)
		}
	}
}

func TestStatsOfIntegers(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for _, tt := range []struct{ least, most int64 }{
		{-1, 6}, {-1, 1<<31 - 2}, {-1, 1 << 33}, {-1, 1 << 49},
		{wide, 1 << 33}, {wide - 1, wide + 1}, {1_766_650_014_396, 1_798_186_014_396}, {1e15 - 9, 1e15 - 1}, {1 - 1e15, -wide},
	} {
		for n := 1; n < 20_000; n *= 3 {
			numbers, values := make([]int64, n), make([][]byte, n)
			for i := range numbers {
				numbers[i] = tt.least + r.Int64N(tt.most-tt.least+1)
				values[i] = strconv.AppendInt(nil, numbers[i], 10)
			}
			want, err := Stats{}.Reduce(nil, nil, values)
			if got := (Stats{}).ReduceIntegers(nil, numbers); err != nil || string(got) != string(want) {
				t.Errorf("%d numbers from %d to %d: %s, want %s, %v", n, tt.least, tt.most, got, want, err)
			}
		}
	}
}

// TestStatsOfOne: what is written once for a single number is not for several whose sum is the least or the greatest of them.
func TestStatsOfOne(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values []int64
		want   string
	}{
		{[]int64{7}, `{"sum":7,"count":1,"min":7,"max":7,"sumsqr":49}`},
		{[]int64{-5, 2, -2}, `{"sum":-5,"count":3,"min":-5,"max":2,"sumsqr":33}`},
		{[]int64{5, 2, -2}, `{"sum":5,"count":3,"min":-2,"max":5,"sumsqr":33}`},
	} {
		if got := (Stats{}).ReduceIntegers(nil, tt.values); string(got) != tt.want {
			t.Errorf("%v: %s, want %s", tt.values, got, tt.want)
		}
	}
}

// BenchmarkStatsOfIntegers reduces times: those of a leaf, and the few of a small group.
func BenchmarkStatsOfIntegers(b *testing.B) {
	for _, n := range []int{1, 2, 600} {
		times := make([]int64, n)
		for i := range times {
			times[i] = 1_766_650_014_396 + int64(i)*31_536
		}
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = Stats{}.ReduceIntegers(dst[:0], times)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
		})
	}
}

func TestDistinct(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 10, 300, 5000, 200_000} {
		var parts [][]byte
		var keys [][]byte
		for i := range 2 * n {
			keys = append(keys, []byte(fmt.Sprintf("key %d", i%n)))
			if len(keys) == 1+r.IntN(200) || i == 2*n-1 {
				red, err := Distinct{}.Reduce(nil, keys, nil)
				if err != nil {
					t.Fatal(err)
				}
				parts, keys = append(parts, red), nil
			}
		}
		if len(keys) > 0 {
			red, _ := Distinct{}.Reduce(nil, keys, nil)
			parts = append(parts, red)
		}
		red, err := Distinct{}.Rereduce(nil, parts)
		if err != nil {
			t.Fatal(err)
		}
		got, err := strconv.Atoi(string(Distinct{}.Final(nil, red)))
		if err != nil || math.Abs(float64(got-n)) > 0.06*float64(n)+0.5 {
			t.Errorf("%d distinct keys counted as %d, %v", n, got, err)
		}
	}
}

func TestBuiltin(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"_sum": true, "_stats": true, "_approx_count_distinct": true, "_count": false, "": false} {
		if got := Builtin(name) != nil; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// BenchmarkStatsOfStats merges reductions of times, as a report's groups are made of those of nodes.
func BenchmarkStatsOfStats(b *testing.B) {
	var reductions [][]byte
	for i := range int64(8) {
		reductions = append(reductions, Stats{}.ReduceIntegers(nil, []int64{1735706373503 + i, 1767117407174 - i}))
	}
	var dst []byte
	for b.Loop() {
		var err error
		if dst, err = (Stats{}).Rereduce(dst[:0], reductions); err != nil {
			b.Fatal(err)
		}
	}
}
