package collate

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
)

// firstElements is the JSON of an array's first elements up to a level, or of anything else.
func firstElements(t *testing.T, text string, level int) string {
	t.Helper()
	var list []json.RawMessage
	if text[0] != '[' {
		return text
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	out := "["
	for i, raw := range list[:min(level, len(list))] {
		if i > 0 {
			out += ","
		}
		out += string(raw)
	}
	return out + "]"
}

// TestPrinter prints keys one after the other, whatever they have in common, and at all levels.
func TestPrinter(t *testing.T) {
	t.Parallel()
	parts := []string{`null`, `true`, `1`, `2`, `-20`, `2025`, `"a"`, `"aB"`, `"b-C"`, `"59.45.175.88"`, `""`, `[]`, `["a",1]`, `["a",[2]]`, `{}`, `{"a":1}`}
	keys := []string{`null`, `"a"`, `{"a":[1]}`, `[]`, `[[]]`, `7`}
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		text := ""
		for range 1 + r.IntN(5) {
			text += "," + parts[r.IntN(len(parts))]
		}
		keys = append(keys, "["+text[1:]+"]")
	}
	for _, scope := range []string{"", "p"} {
		var p Printer
		last := ""
		for range 20_000 {
			text, level := keys[r.IntN(len(keys))], 1+r.IntN(6)
			if level == 6 {
				level = WholeKey
			}
			var sortKey []byte
			if scope != "" {
				sortKey = AppendScope(nil, scope)
			}
			sortKey, plain, err := ICU.Append(sortKey, []byte(text))
			if err != nil || !plain {
				t.Fatalf("%s: %t, %v", text, plain, err)
			}
			want := firstElements(t, text, level)
			if got, ok := p.JSON(sortKey, level); !ok || string(got) != want {
				t.Fatalf("%s after %s at level %d: %s, %t, want %s", text, last, level, got, ok, want)
			}
			last = text
		}
	}
}

// TestPrinterRefuses shows that keys that JSON can't be made of do no harm to the next one.
func TestPrinterRefuses(t *testing.T) {
	t.Parallel()
	var p Printer
	whole := key(t, ICU, `["a",1,"b"]`)
	bad := [][]byte{nil, whole[:1], whole[:3], whole[:len(whole)-1], append(whole[:len(whole):len(whole)], 0), key(t, ICU, `["a",1,"é"]`), key(t, ICU, `["a","é"]`), key(t, Raw, `["a"]`), key(t, ICU, `"é"`)}
	for _, b := range bad {
		if got, ok := p.JSON(b, WholeKey); ok {
			t.Errorf("%x: %s", b, got)
		}
		if got, ok := p.JSON(whole, WholeKey); !ok || string(got) != `["a",1,"b"]` {
			t.Errorf("after %x: %s, %t", b, got, ok)
		}
	}
}

// BenchmarkPrinter makes the JSON of keys of the report's view, by itself and as that of keys in order.
func BenchmarkPrinter(b *testing.B) {
	var keys [][]byte
	for n := range 3000 {
		keys = append(keys, key(b, ICU, fmt.Sprintf(`["day",2025,12,25,"59.45.%d.%d","sshd","server%d"]`, n/768, n/3%256, n%3)))
	}
	run := func(name string, print func(key []byte) bool) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, k := range keys {
					if !print(k) {
						b.Fatal("not plain")
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(keys)), "ns/key")
		})
	}
	var dst []byte
	run("AppendJSON", func(key []byte) (ok bool) {
		dst, ok = AppendJSON(dst[:0], key)
		return ok
	})
	var p Printer
	run("Printer", func(key []byte) bool {
		_, ok := p.JSON(key, WholeKey)
		return ok
	})
}
