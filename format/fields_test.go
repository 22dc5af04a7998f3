package format

import (
	"errors"
	"slices"
	"testing"
)

func TestParseFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want []Field
		pos  int // of the mistake, -1 for none
	}{
		{"", nil, -1},
		{"machine=server", []Field{{"machine", "server"}}, -1},
		{"a=1,b=2", []Field{{"a", "1"}, {"b", "2"}}, -1},
		{"a=", []Field{{"a", ""}}, -1},
		{"a=,b=", []Field{{"a", ""}, {"b", ""}}, -1},
		{"url=http://x/?a=b", []Field{{"url", "http://x/?a=b"}}, -1},
		{`a="x,y",b=z`, []Field{{"a", "x,y"}, {"b", "z"}}, -1},
		{`a='x,"y"'`, []Field{{"a", `x,"y"`}}, -1},
		{`a="x\"\\y"`, []Field{{"a", `x"\y`}}, -1},
		{`a=5" disk`, []Field{{"a", `5" disk`}}, -1},
		{" a = x, b=y", []Field{{"a", " x"}, {"b", "y"}}, -1},
		{"a", nil, 0},
		{"a=1,b", nil, 4},
		{"=1", nil, 0},
		{"a=1,", nil, 4},
		{"a=1,,b=2", nil, 4},
		{`a="x`, nil, 2},
		{`a="x"y`, nil, 5},
	}
	for _, tt := range tests {
		got, err := ParseFields(tt.text)
		var syntax *SyntaxError
		switch {
		case tt.pos < 0:
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%q: %v, %v; want %v", tt.text, got, err, tt.want)
			}
		case !errors.As(err, &syntax) || syntax.Pos != tt.pos || syntax.What != "fields":
			t.Errorf("%q: %+v; want a mistake at %d", tt.text, err, tt.pos)
		}
	}
}

func FuzzParseFields(f *testing.F) {
	for _, text := range []string{`a=1,b="x,\"y"`, `a='`, `a="\`, `a="" ,`, `a="",b=''`, `a=,`, ` =`, `a==,b=="`, "\u2028=1", "a=\xff,\x00="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := ParseFields(text)
		var syntax *SyntaxError
		if err != nil && (!errors.As(err, &syntax) || syntax.Pos < 0 || syntax.Pos > len(text)) {
			t.Fatalf("%q: %#v", text, err)
		}
	})
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{},
		{Schemas: []string{"$a"}, Preset: "fail2ban"},
		{Schemas: []string{"$a"}, Events: "all"},
		{Preset: "nosuch"},
		{Preset: "fail2ban", Events: "ban,nosuch"},
		{Preset: "fail2ban", Fields: "x"},
		{Schemas: []string{"$a"}, Match: "("},
		{Schemas: []string{"$"}},
	} {
		if f, err := New(o); err == nil || f != nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func TestMatchSkips(t *testing.T) {
	t.Parallel()
	f, err := New(Options{Schemas: []string{`$a $b`}, Match: `^x.*y$`})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]Verdict{"x y": Matched, "xy": Rejected, "z y": Skipped} {
		if out, got := f.Append(nil, []byte(line)); got != want || (len(out) > 0) != (want == Matched) {
			t.Errorf("%q: %v %q, want %v", line, got, out, want)
		}
	}
}
