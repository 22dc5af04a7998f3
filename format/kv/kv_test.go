package kv

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
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

func TestElement(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[a@1 k="v" l="x \"y\] z"] m`: `a@1 k=<v> l=<x \"y\] z>, " m"`,
		`[a]`:                         `a, ""`,
		`[a ]`:                        `a, ""`,
		`[a k="v"`:                    ``,
		`[a k=v]`:                     ``,
		`[a k="v]`:                    ``,
		`[]`:                          ``,
		`[ a]`:                        ``,
		`a`:                           ``,
	} {
		got := ""
		id, params, n := Element([]byte(text))
		if n > 0 {
			got = string(id)
			for {
				p, n := NextParam(params)
				if n == 0 {
					break
				}
				got += fmt.Sprintf(" %s=<%s>", p.Key, p.Value)
				params = params[n:]
			}
			got += fmt.Sprintf(", %q", text[n:])
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// FuzzNext checks that pairs are parts of the text, in order, and that reading them comes to an end.
func FuzzNext(f *testing.F) {
	f.Add(`level=info msg="a \" b", n=7; SYN [x]`)
	f.Add(`[id k="v" l="\]"][id2] x`)
	f.Add("type=LOGIN msg=audit(1.2:3): a='b'\x1dUID=\"root\"")
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
		if _, params, n := Element([]byte(text)); n > 0 {
			for {
				_, size := NextParam(params)
				if size == 0 {
					break
				}
				params = params[size:]
			}
			if len(bytes.TrimLeft(params, " ")) > 0 {
				t.Fatalf("%q is left of the parameters", params)
			}
		}
	})
}
