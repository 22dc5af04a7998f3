package store

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseRev(t *testing.T) {
	t.Parallel()
	hex := "7051cbe5c8faecd085a3fa619e6e6337"
	for _, c := range []struct{ in, want string }{
		{"2-" + hex, "2-" + hex},
		{"2-" + strings.ToUpper(hex), "2-" + hex},
		{"2-" + hex[1:], "2-" + hex[1:]},
		{"2-ABC", "2-ABC"},
		{"0-1", "0-1"},
		{"1-a-b", "1-a-b"},
		{"2-" + hex[1:] + "g", ""},
		{"2-" + hex[1:] + "\x00", ""},
		{"1-", ""},
		{"1", ""},
		{"", ""},
		{"-abc", ""},
		{"x-abc", ""},
		{"99999999999999999999-abc", ""},
		{`1-a"b`, ""},
		{`1-a\b`, ""},
		{"1-a\nb", ""},
		{"1-a b", ""},
		{"1-é", ""},
	} {
		got, err := ParseRev(c.in)
		switch {
		case c.want == "" && (!IsKind(err, KindBadRequest) || err.Error() != "Invalid rev format"):
			t.Errorf("%q: %v %v, want it refused", c.in, got, err)
		case c.want != "" && (err != nil || got.String() != c.want):
			t.Errorf("%q: %v %v, want %s", c.in, got, err, c.want)
		}
	}
}

func TestRevCompare(t *testing.T) {
	t.Parallel()
	low, high := "7051cbe5c8faecd085a3fa619e6e6337", "87eebedd3baad2afb08b6fc6aa790fdf"
	// From the loser to the winner: the bytes 0x30 ("0"), 0x61 ("a"), 0x70 and 0x87.
	order := []Rev{{1, high}, {2, "0000"}, {2, "aaa"}, {2, "aab"}, {2, low}, {2, high}, {3, "0"}}
	for i, a := range order {
		for j, b := range order {
			if got, want := sign(a.Compare(b)), sign(i-j); got != want {
				t.Errorf("%v to %v: %d, want %d", a, b, got, want)
			}
		}
	}
}

func sign(n int) int { return min(1, max(-1, n)) }

func FuzzParseRev(f *testing.F) {
	f.Add("2-7051CBE5c8faecd085a3fa619e6e6337")
	f.Add("1-abc")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRev(s)
		if err != nil {
			return
		}
		if again, err := ParseRev(r.String()); err != nil || again != r {
			t.Errorf("%q is %v, which is %v %v", s, r, again, err)
		}
		doc := Doc{ID: "x", Rev: r}
		if js := doc.AppendJSON(nil); !json.Valid(js) {
			t.Errorf("%q makes %s", s, js)
		}
	})
}
