package container

import (
	"bytes"
	"encoding/json"
	"testing"

	"logctl/format"
)

const at = "2026-11-26T04:16:13.123456789Z"

func formatter(t testing.TB, schema string) *format.Formatter {
	t.Helper()
	f, err := format.New(format.Options{Schemas: []string{schema}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParser(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind         Kind
		schema, line string
		want         string // "": rejected
	}{
		{CRI, "$line...", at + " stdout F hello  world", `{"line":"hello  world","time":"` + at + `","stream":"stdout"}`},
		{CRI, "$line...", at + " stderr F:x hello", `{"line":"hello","time":"` + at + `","stream":"stderr"}`},
		{CRI, "$line...", at + " stderr P hello", `{"line":"hello","time":"` + at + `","stream":"stderr"}`},
		{CRI, "$time $line...", at + " stdout F 10:00 own time", `{"time":"10:00","line":"own time","stream":"stdout"}`},
		{CRI, "$line...", at + " stdin F hello", ""},
		{CRI, "$line...", "yesterday stdout F hello", ""},
		{CRI, "$line...", at + " stdout X hello", ""},
		{Docker, "$line...", `{"log":"say \"hi\" \u003c\n","stream":"stdout","time":"` + at + `"}`, `{"line":"say \"hi\" <","time":"` + at + `","stream":"stdout"}`},
		{Docker, "$line...", `{"log":"a","stream":"stderr","attrs":{"b": "c"},"time":"` + at + `"}`, `{"line":"a","time":"` + at + `","stream":"stderr","attrs":{"b":"c"}}`},
		{Docker, "$line...", `{"log":"C:\\n","stream":"stderr","time":"` + at + `"}`, `{"line":"C:\\n","time":"` + at + `","stream":"stderr"}`},
		{Docker, "$line...", `{"log":1,"stream":"stderr","time":"` + at + `"}`, ""},
		{Docker, "$line...", `{"log":"a\n","stream":"stderr","time":"` + at + `","more":1}`, ""},
		{Docker, "$line...", `[`, ""},
	} {
		p := NewParser(tt.kind, formatter(t, tt.schema), true)
		got, verdict := p.Append([]byte("x"), []byte(tt.line))
		if want := "x" + tt.want; string(got) != want || (verdict == format.Matched) != (tt.want != "") {
			t.Errorf("%s\n got %s\nwant %s", tt.line, got, want)
		}
		if tt.want == "" && p.Reason([]byte(tt.line)) == "" {
			t.Errorf("%s: no reason", tt.line)
		}
	}
}

func TestPod(t *testing.T) {
	t.Parallel()
	const path = "/var/log/pods/shop_web-1_0a1b/nginx/0.log"
	for _, end := range []string{"", ".20260101-101010", ".20260101-101010.gz"} {
		p := NewParser(CRI, formatter(t, "$line..."), true)
		if _, err := p.Begin(path+end, nil); err != nil {
			t.Fatal(err)
		}
		got, _ := p.Clone().Append(nil, []byte(at+" stdout F a"))
		want := `{"line":"a","time":"` + at + `","stream":"stdout","namespace":"shop","pod":"web-1","container":"nginx","uid":"0a1b"}`
		if string(got) != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	for _, path := range []string{"", "0.log", "/var/log/0.log", "/a_b/c/0.log", "/__/c/0.log", "/a_b_c_d/c/0.log"} {
		if p, ok := PodOf(path); ok {
			t.Errorf("%s is of %+v", path, p)
		}
	}
}

// fuzzCut checks that a line is taken apart so that it can be put together, once more, as a whole one.
func fuzzCut(f *testing.F, kind Kind, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	inner := formatter(f, "$line...")
	f.Fuzz(func(t *testing.T, line []byte) {
		before := bytes.Clone(line)
		l, ok := kind.Cut(line)
		if !ok {
			return
		}
		whole := append(append(bytes.Clone(l.Head), l.Text...), l.Tail...)
		again, ok := kind.Cut(whole)
		if !ok || again.More || !bytes.Equal(again.Text, l.Text) || again.Stream != l.Stream || !bytes.Equal(again.Time, l.Time) {
			t.Errorf("%q became %q", line, whole)
		}
		doc, verdict := NewParser(kind, inner, false).Append(nil, line)
		if verdict == format.Matched && !json.Valid(doc) {
			t.Errorf("%q became %s", line, doc)
		}
		if !bytes.Equal(line, before) {
			t.Errorf("%q was changed to %q", before, line)
		}
	})
}

func FuzzCRI(f *testing.F) {
	fuzzCut(f, CRI, at+" stdout F hello", at+" stderr P hel", at+" stderr P:x hel", at+" stdout F", at+" stdout P", at+" stdout P  \xff\r",
		"2026-11-26t04:16:13,5+24:00 stderr F:: ", at[:19]+"Z stdout F:P:F {\"a\":1}")
}

func FuzzDocker(f *testing.F) {
	fuzzCut(f, Docker, `{"log":"hello\n","stream":"stdout","time":"`+at+`"}`, `{"log":"hel\\n","stream":"stderr","attrs":{"a":"b"},"time":"`+at+`"}`,
		`{"log":"a","log":"b\\\n","stream":"stdout","time":"`+at+`","attrs":null}`, ` {"log":"\n","stream":"stdout" , "time":"`+at+`","attrs":[1e400]} `,
		`{"time":"`+at+`","stream":"stderr","log":"\ud83d\ude00\u000a\"\\"}`, `{"l\u006fg":"\ufffd\n\n","stream":"stdout","time":"`+at+`","attrs":{"time":{"a":1}}}`)
}
