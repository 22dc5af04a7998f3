package format

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzColumns holds columns against what encoding/csv reads. That knows no blanks around quotes, which we take away, and refuses
// quotes that we take as they stand; such lines are left out.
func FuzzColumns(f *testing.F) {
	for _, line := range []string{`a,b,c`, `"a,b","c ""d""",`, ` a , b ,`, `,,`, `"a" ,b`, `a"b,c`, `"a`, `a,b,c,d`, "\x80,\xff,\x1b"} {
		f.Add(line, false)
		f.Add(strings.ReplaceAll(line, ",", "|"), true)
	}
	names := []string{"x", "y", "z"}
	f.Fuzz(func(t *testing.T, line string, bar bool) {
		delimiter := byte(',')
		if bar {
			delimiter = '|'
		}
		s, err := Compile(`$x $y? $z?`, Rules{Delimiter: delimiter})
		if err != nil {
			t.Fatal(err)
		}
		checkOutput(t, s, line)
		r := csv.NewReader(strings.NewReader(line))
		r.Comma = rune(delimiter)
		columns, err := r.Read()
		if err != nil || strings.ContainsAny(line, "\r\n") {
			return
		}
		want := map[string]string{}
		for i, text := range columns[:min(len(columns), len(names))] {
			if strings.ContainsAny(text, " \t\v\f") {
				return // which blanks are taken away depends on the quotes
			}
			if text != "" {
				want[names[i]] = repaired(text)
			}
		}
		var m Match
		out, ok := s.Append(nil, &m, []byte(line))
		var got map[string]string
		if err := json.Unmarshal(out, &got); !ok || err != nil {
			t.Fatalf("%q: %s, %v", line, out, err)
		}
		for _, name := range names {
			if got[name] != want[name] {
				t.Fatalf("%q: %s is %q, want %q", line, name, got[name], want[name])
			}
		}
	})
}

func TestParseDelimiter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want byte // 0: refused
	}{
		{",", ','}, {"tab", '\t'}, {`\t`, '\t'}, {"\t", '\t'}, {"|", '|'}, {" ", ' '},
		{"", 0}, {",,", 0}, {"a", 0}, {"7", 0}, {`"`, 0}, {"$", 0}, {`\`, 0}, {"_", 0}, {"?", 0}, {"\x00", 0}, {"\x7f", 0}, {"ß", 0},
	} {
		if got, err := ParseDelimiter(tt.text); got != tt.want || (err == nil) != (tt.want != 0) {
			t.Errorf("%q: %q %v", tt.text, got, err)
		}
	}
}
