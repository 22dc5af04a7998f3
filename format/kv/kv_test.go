package kv

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"logctl/format/token"
)

// pairsOf shows the pairs that text begins with, and what is left.
func pairsOf(text string) string {
	var all []string
	b := []byte(text)
	for len(b) > 0 {
		p, n := Next(b)
		if n == 0 {
			break
		}
		b = b[n:]
		if p.Flag {
			all = append(all, string(p.Key))
			continue
		}
		all = append(all, fmt.Sprintf("%s=<%s>", p.Key, p.Value))
	}
	if len(b) > 0 {
		all = append(all, fmt.Sprintf("+%q", b))
	}
	return strings.Join(all, " ")
}

func TestNext(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`level=info msg="a b" n=7`:            `level=<info> msg=<a b> n=<7>`,
		`a= b="" c='x y'`:                     `a=<> b=<> c=<x y>`,
		`a=b=c d=="x"`:                        `a=<b=c> d=<="x">`,
		`msg="a \"b\" c" d`:                   `msg=<a \"b\" c> d`,
		`a="no end b=1`:                       `a=<"no> end b=<1>`,
		`a="x"y b=1`:                          `a=<"x"y> b=<1>`,
		`from=<a@b>, size=12; n=1,`:           `from=<<a@b>> size=<12> n=<1>`,
		`a="x", b='y';`:                       `a=<x> b=<y>`,
		`a=1,b=2 c=,`:                         `a=<1,b=2> c=<>`,
		`SYN URGP=0 DF`:                       `SYN URGP=<0> DF`,
		"res=ok\x1dUID=\"root\" AUID=\"x\"":   `res=<ok> UID=<root> AUID=<x>`,
		`msg=audit(1.2:3): pid=1`:             `msg=<audit(1.2:3):> pid=<1>`,
		`a=1 (queue active)`:                  `a=<1> +"(queue active)"`,
		`a=1 [x]`:                             `a=<1> +"[x]"`,
		`=1`:                                  `+"=1"`,
		` a=1`:                                `+" a=1"`,
		`new-level=3 http.status=200 é=ü 7=x`: `new-level=<3> http.status=<200> é=<ü> 7=<x>`,
		`7 x`:                                 `+"7 x"`,
	} {
		if got := pairsOf(text); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, taken string
		last        bool
	}{
		{`a=1 b=2`, `a=1 b=2`, true},
		{`a=1 b=2 `, `a=1 b=2 `, true},
		{`a=1 flag b=2`, `a=1 flag b=2`, true},
		{`a=1 (x)`, ``, true},
		{`only words here`, ``, true},
		{``, ``, true},
		{`-`, `-`, true},
		{`[id k="v"]`, `[id k="v"]`, true},
		{`[id k="v"] x`, ``, true},
		{`a=1, b=2, (x)`, `a=1, b=2`, false},
		{`a=1 b=2 word c=3`, `a=1 b=2`, false},
		{`word a=1`, ``, false},
		{`[id k="v"][id2] x`, `[id k="v"][id2]`, false},
		{`- x`, `-`, false},
	}
	for _, tt := range tests {
		if n := Prefix([]byte(tt.text), tt.last); tt.text[:n] != tt.taken {
			t.Errorf("%q, last %v: %q, want %q", tt.text, tt.last, tt.text[:n], tt.taken)
		}
	}
}

// partsOf shows the parts of the structured data that text begins with, and what is left.
func partsOf(text string) string {
	b := []byte(text)
	parts, n, easy := Structured(nil, b)
	if len(parts) == 0 {
		return ""
	}
	var all []string
	for _, p := range parts {
		switch {
		case p.Element:
			all = append(all, string(p.Key.Of(b)))
		case p.Plain:
			all = append(all, fmt.Sprintf("%s=<%s>", p.Key.Of(b), p.Value.Of(b)))
		default:
			all = append(all, fmt.Sprintf("%s=<%s>!", p.Key.Of(b), p.Value.Of(b)))
		}
	}
	if !easy {
		all = append(all, "hard")
	}
	return strings.Join(all, " ") + fmt.Sprintf(", %q", b[n:])
}

func TestStructured(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[a@1 k="v" l="x \"y\] z"] m`:      `a@1 k=<v> l=<x \"y\] z>!, " m"`,
		`[a]`:                              `a, ""`,
		`[a ]`:                             `a, ""`,
		`[a  ]`:                            ``,
		`[a   k="v" ]x`:                    `a k=<v>, "x"`,
		`[a k="v"][b][c l=""]-`:            `a k=<v> b c l=<>, "-"`,
		`[a k="v"][b l="w"`:                `a k=<v>, "[b l=\"w\""`,
		`[a k="v"] [b]`:                    `a k=<v>, " [b]"`,
		`[a k="a value of 26 letters", "]`: ``,
		`[a k="a value of 25 letters, ]"]`: `a k=<a value of 25 letters, ]>, ""`,
		`[a k="12345678" l="1234567\\"]`:   `a k=<12345678> l=<1234567\\>!, ""`,
		`[a k="ü" l="123456789ü"]`:         `a k=<ü>! l=<123456789ü>!, ""`,
		`[ä ö="v"]`:                        `ä ö=<v> hard, ""`,
		`[a k="v" k="w"]`:                  `a k=<v> k=<w> hard, ""`,
		`[a k="v"][a k="v"]`:               `a k=<v> a k=<v> hard, ""`,
		`[a _k="v"]`:                       `a _k=<v> hard, ""`,
		`[a k="v"`:                         ``,
		`[a k=v]`:                          ``,
		`[a k="v]`:                         ``,
		`[a k="v\"]`:                       ``,
		`[]`:                               ``,
		`[ a]`:                             ``,
		`a`:                                ``,
	} {
		if got := partsOf(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// FuzzNext checks that pairs are parts of the text, in order, and that reading them comes to an end.
func FuzzNext(f *testing.F) {
	f.Add(`level=info msg="a \" b", n=7; SYN [x]`)
	f.Add(`[id k="v" l="\]"][id2] x`)
	f.Add("type=LOGIN msg=audit(1.2:3): a='b'\x1dUID=\"root\"")
	f.Add("a=,,;b=\"x\"y c='\\' d=\"\\\\\", e=\x1d\x1d-f g=\x00\xff _=\u2028=,")
	f.Add("- [a  b=\"\" _c=\"\\\"\" c=\"1\" c=\"2\" ][a][\xff \xff=\"\xff\"][e")
	f.Add("[a b=\"1234567\\\\\" c=\"1234567\u00e9\"][" + strings.Repeat("k", 70) + " " + strings.Repeat("x", 70) + "=\"]\"]")
	f.Fuzz(func(t *testing.T, text string) {
		b := []byte(text)
		for _, last := range []bool{false, true} {
			if n := Prefix(b, last); n < 0 || n > len(b) {
				t.Fatalf("prefix %d", n)
			}
		}
		for len(b) > 0 {
			p, n := Next(b)
			if n == 0 {
				break
			}
			if n > len(b) || !bytes.Contains(b[:n], p.Key) || !bytes.Contains(b[:n], p.Value) || len(p.Key) == 0 {
				t.Fatalf("%q: %+v, %d", b, p, n)
			}
			b = b[n:]
		}
		parts, n, easy := Structured(nil, []byte(text))
		if n > 0 && StructuredPrefix([]byte(text)) != n {
			t.Fatalf("%d bytes are structured data, or %d", n, StructuredPrefix([]byte(text)))
		}
		checkParts(t, parts, []byte(text[:n]), easy)
	})
}

// checkParts checks that the parts are all there is in the text, and what is said of them.
func checkParts(t *testing.T, parts []Part, text []byte, easy bool) {
	t.Helper()
	var again []byte
	var ids, params map[string]bool
	for i, p := range parts {
		key, among := p.Key.Of(text), &params
		switch {
		case p.Element && i == 0:
			again, among, ids, params = append(append(again, '['), key...), &ids, map[string]bool{}, map[string]bool{}
		case p.Element:
			again, among, params = append(append(again, "]["...), key...), &ids, map[string]bool{}
		default:
			again = fmt.Appendf(again, ` %s="%s"`, key, p.Value.Of(text))
			if p.Plain != token.IsPlain(p.Value.Of(text)) {
				t.Fatalf("%q is plain: %v", p.Value.Of(text), p.Plain)
			}
		}
		if easy && ((*among)[string(key)] || key[0] == '_' || !token.IsPlain(key)) {
			t.Fatalf("%q of %q is easy", key, text)
		}
		(*among)[string(key)] = true
	}
	if len(parts) > 0 {
		again = append(again, ']')
	}
	blank := strings.NewReplacer(" ", "")
	if blank.Replace(string(again)) != blank.Replace(string(text)) {
		t.Fatalf("%q is read as %q", text, again)
	}
}
