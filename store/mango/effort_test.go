package mango

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"logctl/internal/growth"
	"logctl/store"
)

// TestMatchingIsBounded runs what would take minutes or hours for one doc: it ends with its context, or by itself.
func TestMatchingIsBounded(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	long := `{"_id":"long","a":"` + strings.Repeat("a", mib) + `"}`
	list := strings.Repeat("1,", mib/2) + "1"
	array := `{"_id":"array","a":[` + list + `,2]}`
	conditions := `{"$and":[{"b":{"$exists":false}}` + strings.Repeat(`,{"b":{"$exists":false}}`, 30_000) + `]}`
	var words []string
	for i := range 5_000 {
		words = append(words, fmt.Sprintf("[a-f]*%d", i))
	}
	for _, c := range []struct{ name, selector, doc string }{
		{"repetitions", `{"a":{"$regex":"` + strings.Repeat("a?", 30_000) + `b"}}`, long},
		{"nested repetitions", `{"$not":{"a":{"$regex":"` + strings.Repeat(`(a{1,30}){1,30}`, 30) + `b"}}}`, long},
		{"alternations", `{"a":{"$regex":"` + strings.Join(words, "|") + `"}}`, long},
		{"conditions", conditions, array},
		{"conditions of elements", `{"a":{"$elemMatch":{"$or":[{"$eq":3}` + strings.Repeat(`,{"$eq":3}`, 40_000) + `]}}}`, array},
		{"all", `{"a":{"$all":[` + strings.ReplaceAll(list, "1", "2") + `]}}`, array},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := ParseSelector([]byte(c.selector))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			start := time.Now()
			if ok, err := s.Match(ctx, []byte(c.doc)); ok || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("with a context that ends: %v, %v", ok, err)
			}
			if took := time.Since(start); took > maxTime {
				t.Errorf("it took %v to end with its context", took)
			}
			ok, err := s.Match(t.Context(), []byte(c.doc))
			if ok || !store.IsKind(err, store.KindTimeout) || !strings.Contains(err.Error(), " 5s for the document ") {
				t.Errorf("without an end: %v, %v", ok, err)
			}
		})
	}
}

// TestLongTexts matches texts that are read a character at a time: nothing else is found than in short ones.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("é line of a log\\n", 1<<14)
	for re, want := range map[string]bool{
		`^é line`: true, `(?m)^é`: true, `log\n$`: true, `log$`: false, `(?i)LINE of (a|the) log`: true, `line\bof`: false, `\bof\b`: true, `no[a-z]* line`: false,
	} {
		re += "|" + strings.Repeat("-", 400)
		s, err := ParseSelector([]byte(`{"a":{"$regex":` + string(store.AppendJSONString(nil, re)) + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := match(t, s, `{"a":"`+text+`"}`); got != want {
			t.Errorf("%s: %v", re, got)
		}
	}
}

func TestFieldsAreBounded(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 100_000 {
		names = append(names, fmt.Sprintf(`"f%d"`, i))
	}
	f, err := ParseFields([]byte(`[` + strings.Join(names, ",") + `]`))
	if err != nil {
		t.Fatal(err)
	}
	doc := `{"_id":"d"` + strings.Repeat(`,"x":1`, 1<<18) + `}`
	if _, err := f.Append(t.Context(), nil, []byte(doc)); !store.IsKind(err, store.KindTimeout) {
		t.Errorf("%v", err)
	}
}

// TestPlansOfLongQueries: nothing is done with a query that takes no time with the square of its length.
func TestPlansOfLongQueries(t *testing.T) {
	t.Parallel()
	names := func(n int, letter string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%s%d"`, letter, i)
		}
		return b.String()
	}
	for name, query := range map[string]func(n int) string{
		"sort": func(n int) string {
			return `{"selector":{"f":1},"sort":["f"` + names(n, "f") + names(n, "g") + names(n, "h") + `]}`
		},
		"range": func(n int) string {
			return `{"selector":{"$and":[{"a":{"$gt":"` + strings.Repeat("x", n<<8) + `"}}` + strings.Repeat(`,{"a":{"$gt":1}}`, n) + `]}}`
		},
		"nested": func(n int) string {
			const deep = 400
			conditions := strings.ReplaceAll(strings.ReplaceAll(names(n, "f")[1:], `",`, `":1},`), `"f`, `{"f`) + `:1}`
			return `{"selector":` + strings.Repeat(`{"$and":[`, deep) + conditions + strings.Repeat("]}", deep) + `}`
		},
		"fields": func(n int) string { return `{"selector":{"a":1},"fields":["f"` + names(n, "f") + `]}` },
		"index":  func(int) string { return `{"selector":{"a":1}}` },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			growth.Linear(t, 32_000, func(n int) {
				q, err := ParseQuery([]byte(query(n)), "", DefaultLimit)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := Explain(nil, "db", q, testIndexes(t, "a: a", "ab: a,b", "b: b")); err != nil {
					t.Error(err)
				}
				columns := strings.ReplaceAll(names(n, "f")+names(n, "g"), `"`, "")
				if _, err := NewPlan(q, testIndexes(t, "a: a", "long: a"+columns)); err != nil && name != "sort" {
					t.Error(err)
				}
			})
		})
	}
}

// TestSet finds values in lists as one comparison after the other does.
func TestSet(t *testing.T) {
	t.Parallel()
	values := []string{`null`, `false`, `true`, `0`, `-0`, `1`, `1.0`, `1e0`, `12345678901234567890`, `12345678901234567891`, `1e999`, `"a"`, `"A"`, `"ä"`, `"a\u0308"`,
		`"a\u00ad"`, `"a\n"`, `""`, `"\u200b"`, `[]`, `[1]`, `[1.0]`, `["a"]`, `["a\u00ad"]`, `{}`, `{"a":1}`, `{"a":1.0}`, `{"A":1}`}
	rnd := rand.New(rand.NewPCG(1, 2))
	m := new(matching)
	for range 20_000 {
		var list []string
		for range rnd.IntN(5) {
			list = append(list, values[rnd.IntN(len(values))])
		}
		v, bytewise := values[rnd.IntN(len(values))], rnd.IntN(2) == 0
		s, err := newSet([]byte("[" + strings.Join(list, ",") + "]"))
		if err != nil {
			t.Fatal(err)
		}
		want := false
		for _, elem := range list {
			c, err := newConstant([]byte(elem))
			if err != nil {
				t.Fatal(err)
			}
			want = want || m.equal([]byte(v), &c, bytewise)
		}
		if got := s.has(m, []byte(v), bytewise); got != want {
			t.Fatalf("%s in %v, bytewise %v: %v", v, list, bytewise, got)
		}
	}
}

// BenchmarkIn looks for a text in short and long lists.
func BenchmarkIn(b *testing.B) {
	for _, n := range []int{2, 20, 10_000} {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"10.0.%d.%d"`, i/256, i%256))
		}
		for _, ip := range []string{list[n/2], `"192.168.0.1"`} {
			b.Run(fmt.Sprintf("%d/%s", n, ip), func(b *testing.B) {
				s, err := ParseSelector([]byte(`{"ip":{"$in":[` + strings.Join(list, ",") + `]}}`))
				if err != nil {
					b.Fatal(err)
				}
				doc := []byte(`{"_id":"l01","date":"2017-06-12","process":"sshd","machine":"server","ip":` + ip + `}`)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.Match(b.Context(), doc); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkRegex matches what is usual in logs.
func BenchmarkRegex(b *testing.B) {
	for _, re := range []string{"^10[.]0", "(?i)failed password for .* from", "x"} {
		b.Run(re, func(b *testing.B) {
			s, err := ParseSelector([]byte(`{"line":{"$regex":"` + re + `"}}`))
			if err != nil {
				b.Fatal(err)
			}
			doc := []byte(`{"_id":"l01","line":"Jun 12 sshd[12]: Failed password for root from 10.0.0.1 port 22 ssh2"}`)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Match(b.Context(), doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
