package reports

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"logctl/internal/when"
)

func jsonUnmarshal(s string, v any) error { return json.Unmarshal([]byte(s), v) }

func sample() Result {
	at := when.Day(2026, 11, 1)
	return AttackersResult([]Attacker{
		{"59.45.175.88", 1212, at, at + 3605_329, []string{"nginx-http-auth", "sshd"}, []string{"server", "web|2"}},
		{"2001:db8::\x1b[31m\u202e\xff\t1", 3, at, at, []string{"=cmd()"}, nil},
	})
}

func rowsOf(rows ...[]any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Golden files hold what each format writes; UPDATE_GOLDEN=1 writes them anew.
func TestWriteGolden(t *testing.T) {
	t.Parallel()
	for _, terminal := range []bool{false, true} {
		for _, f := range []Format{Auto, Table, Plain, JSON, NDJSON, CSV, Markdown} {
			name := "attackers_" + string(f)
			if f == Auto {
				name += "auto"
			}
			if terminal {
				name += "_terminal"
			}
			var out bytes.Buffer
			rows, err := Write(&out, sample(), Output{Format: f, Terminal: terminal})
			if err != nil || rows != 2 {
				t.Errorf("%s: %d rows, %v", name, rows, err)
			}
			file := filepath.Join("testdata", name+".golden")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), want) {
				t.Errorf("%s\n got\n%s\nwant\n%s", name, out.Bytes(), want)
			}
		}
	}
}

func TestWriteNothing(t *testing.T) {
	t.Parallel()
	for f, want := range map[Format]string{Table: "", Plain: "", JSON: "[]\n", NDJSON: "", Markdown: "", CSV: "ip,count,first,last,processes,machines\n"} {
		var out bytes.Buffer
		rows, err := Write(&out, AttackersResult(nil), Output{Format: f, Terminal: true})
		if rows != 0 || err != nil || out.String() != want {
			t.Errorf("%s: %q, %d, %v", f, out.String(), rows, err)
		}
	}
}

func TestBarsFitTheTerminal(t *testing.T) {
	t.Parallel()
	r := AttacksResult([]Bucket{{Name: "a", Count: 800}, {Name: "b", Count: 1}, {Name: "c"}}, ByMachine)
	for width, want := range map[int]int{0: maxBar, 200: maxBar, 40: 40 - 4 - 7 - 3 - 5 - 3, 20: 0} {
		var out bytes.Buffer
		if _, err := Write(&out, r, Output{Format: Table, Terminal: true, Width: width}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(out.String(), "█"); got != want {
			t.Errorf("width %d: a bar of %d, want %d\n%s", width, got, want, out.String())
		}
		for _, line := range strings.Split(out.String(), "\n") {
			if n := utf8.RuneCountInString(line); width >= 40 && n > width {
				t.Errorf("width %d: a line of %d", width, n)
			}
		}
		if width != 20 && strings.Count(out.String(), "▏") != 1 {
			t.Errorf("width %d: 1 of 800 has no bar, or 0 has one", width)
		}
	}
}

func TestLongTablesComeInPieces(t *testing.T) {
	t.Parallel()
	var rows [][]any
	for i := range tableRows + 1 {
		rows = append(rows, []any{strconv.Itoa(i)})
	}
	var out bytes.Buffer
	n, err := Write(&out, Result{Columns: []Column{{Name: "n"}}, Rows: rowsOf(rows...)}, Output{Format: Table})
	if err != nil || n != tableRows+1 || strings.Count(out.String(), "│ N ") != 2 {
		t.Errorf("%d rows under %d headings, %v", n, strings.Count(out.String(), "│ N "), err)
	}
}

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	bad := errors.New("bad")
	r := Result{Columns: []Column{{Name: "n"}}, Rows: func(yield func([]any, error) bool) {
		if yield([]any{"1"}, nil) {
			yield(nil, bad)
		}
	}}
	for _, f := range []Format{Table, Plain, JSON, NDJSON, CSV, Markdown} {
		if rows, err := Write(&bytes.Buffer{}, r, Output{Format: f}); !errors.Is(err, bad) || rows != 1 {
			t.Errorf("%s: %d, %v", f, rows, err)
		}
		if _, err := Write(brokenPipe{}, sample(), Output{Format: f}); err == nil {
			t.Errorf("%s: a broken pipe went unnoticed", f)
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// Whatever stands in a cell, JSON is valid and means the cell, CSV reads back, and a terminal gets nothing to obey.
func FuzzWrite(f *testing.F) {
	f.Add("2001:db8::\x1b[31m\u202e\xff\t1", `{"a":"\u009b\u007f"}`)
	f.Add("a,b\"c\r\nd", `"x"`)
	f.Add("\r\r\n\\.|`*_[~<&", " [1e400, -0, \"\\u0000\r\n\u2028\U000e0001\"]\r\n")
	f.Add("\u200b\ue000\U0010ffff\u00ad\u0300\u00a0\ufeff", "\"\xff\xed\xa0\x80\"")
	f.Fuzz(func(t *testing.T, s, raw string) {
		if !json.Valid([]byte(raw)) {
			raw = "null"
		}
		r := Result{Columns: []Column{{Name: "s"}, {Name: "raw"}}, Rows: rowsOf([]any{s, json.RawMessage(raw)})}
		for _, format := range []Format{Table, Plain, JSON, NDJSON, CSV, Markdown} {
			var out bytes.Buffer
			if _, err := Write(&out, r, Output{Format: format, Terminal: true}); err != nil {
				t.Fatal(err)
			}
			for _, c := range out.String() {
				if c < ' ' && c != '\n' && c != '\t' && !(c == '\r' && strings.Contains(raw, "\r")) || c >= 0x7f && !unicode.IsPrint(c) || c >= 0x7f && c < 0xa0 {
					t.Errorf("%s writes %q to a terminal", format, c)
				}
			}
		}
		var out bytes.Buffer
		if _, err := Write(&out, r, Output{Format: NDJSON}); err != nil {
			t.Fatal(err)
		}
		var got struct {
			S   string
			Raw json.RawMessage
		}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.S != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("NDJSON of %q: %s, %v", s, out.Bytes(), err)
		}
		out.Reset()
		if _, err := Write(&out, r, Output{Format: CSV}); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(lines) != 2 || lines[1][0] != strings.ReplaceAll(s, "\r\n", "\n") {
			t.Errorf("CSV of %q: %q, %v", s, lines, err)
		}
	})
}
