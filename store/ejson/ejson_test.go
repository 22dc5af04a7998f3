package ejson

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"logctl/store"
)

// stored has JSON texts and their stored forms.
var stored = []struct{ in, want string }{
	{`null`, `null`},
	{" true\r\n", `true`},
	{`"x"`, `"x"`},
	{`{}`, `{}`},
	{` { } `, `{}`},
	{`[]`, `[]`},
	{"[ ]", `[]`},
	{` [ 1 , [ ] , { "a" : null } ] `, `[1,[],{"a":null}]`},
	{"{ \"a\" :\t1 ,\n\"b\":[ 2, 3 ]}", `{"a":1,"b":[2,3]}`},
	{`{"":1}`, `{"":1}`},

	// Repeated keys: the last at its own place.
	{`{"a":1,"a":2}`, `{"a":2}`},
	{`{"a":1,"b":2,"a":3}`, `{"b":2,"a":3}`},
	{`{"a":1,"b":2,"b":3}`, `{"a":1,"b":3}`},
	{`{"a":1,"a":2,"a":3,"b":4,"a":5}`, `{"b":4,"a":5}`},
	{`{"a":{"b":1,"b":2},"a":{"c":1,"d":2,"c":3}}`, `{"a":{"d":2,"c":3}}`},
	{`[{"a":1,"a":2},{"x":{"b":1,"b":2},"y":1}]`, `[{"a":2},{"x":{"b":2},"y":1}]`},
	{`{"a" : 1 , "\u0061" : 2 }`, `{"a":2}`},
	{`{"\u0061":1,"a":2,"\u0062":3}`, `{"a":2,"b":3}`},

	// Strings.
	{`"\u0041\/\"\\\b\f\n\r\t"`, `"A/\"\\\b\f\n\r\t"`},
	{`"\u0000\u001F\u007f\u2028<>&"`, `"\u0000\u001f` + "\x7f\u2028" + `<>&"`},
	{`"\ud83d\ude00é€😀\uffff"`, `"😀é€😀` + "\uffff" + `"`},
	{`"0123456789abcdef\n0123456789abcdef"`, `"0123456789abcdef\n0123456789abcdef"`},

	// Numbers.
	{`0`, `0`}, {`-0`, `0`}, {`-1`, `-1`},
	{`123456789012345678901234567890`, `123456789012345678901234567890`},
	{`1.0`, `1.0`}, {`-0.0`, `-0.0`}, {`0.0`, `0.0`}, {`1.50`, `1.5`}, {`10.00`, `10.0`}, {`1e2`, `100.0`}, {`1E+2`, `100.0`},
	{`-1.5e-3`, `-0.0015`}, {`0.05`, `0.05`}, {`0.000001`, `0.000001`}, {`0.0000001`, `1e-7`}, {`1e20`, `100000000000000000000.0`},
	{`1e21`, `1e+21`}, {`1.25e300`, `1.25e+300`}, {`123456789.123456789`, `123456789.12345679`}, {`1e-400`, `0.0`},
	{`0.1`, `0.1`}, {`1.7976931348623157e308`, `1.7976931348623157e+308`}, {`5e-324`, `5e-324`},
}

func TestCompact(t *testing.T) {
	t.Parallel()
	for _, c := range stored {
		got, err := Compact([]byte("x"), []byte(c.in))
		if err != nil || string(got) != "x"+c.want {
			t.Errorf("Compact(%s) = %s, %v, want %s", c.in, got, err, c.want)
			continue
		}
		if again, err := Compact(nil, got[1:]); err != nil || string(again) != c.want {
			t.Errorf("Compact(%s) = %s, %v, want it as it was", c.want, again, err)
		}
	}
}

// broken has what is no JSON, or none that CouchDB takes.
var broken = []string{
	``, ` `, `{bad`, `{"a":1}{"b":2}`, `{"a":1,}`, `{'a':1}`, `{"a":01}`, `{"a":.5}`, `{"a":NaN}`, "{\"a\":\"\t\"}", `{"a":"\x"}`,
	`{"a":tru}`, `{"a":1e400}`, `{"a":-1e400}`, "{\"a\":\"\xff\"}", "\ufeff{\"a\":1}", `"\ud800"`, `"\udc00"`, `"\ud800\u0041"`,
	`"\ud800\ud800"`, `"\u00g0"`, `"\u00`, `"`, `"\`, `"abc`, `[`, `[1`, `[1,`, `[1,]`, `[,1]`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{,}`,
	`{"a" 1}`, `{1:2}`, `[1 2]`, `1.`, `-`, `+1`, `1e`, `1e+`, `1e-`, `0x1`, `--1`, `nul`, `nulL`, `]`, `}`, "\x00", "1\x00", "\v1",
	`1` + strings.Repeat("0", maxIntDigits), "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\"\xf4\x90\x80\x80\"",
}

func TestBroken(t *testing.T) {
	t.Parallel()
	for _, in := range broken {
		dst := []byte("x")
		got, err := Compact(dst, []byte(in))
		if !store.IsKind(err, store.KindBadRequest) || reason(err) != "invalid UTF-8 JSON" || string(got) != "x" {
			t.Errorf("Compact(%.40q) = %.40q, %v", in, got, err)
		}
		if _, _, err := SplitDoc(nil, []byte(in)); reason(err) != "invalid UTF-8 JSON" {
			t.Errorf("SplitDoc(%.40q): %v", in, err)
		}
		if _, err := SplitDocs(nil, []byte("[{},{\"_id\":5},"+in+"]"), func(Split) error { return nil }); in != "" && in != " " &&
			reason(err) != "invalid UTF-8 JSON" {
			t.Errorf("SplitDocs with %.40q: %v", in, err)
		}
	}
}

// reason is CouchDB's reason in err.
func reason(err error) string {
	var e *store.Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return fmt.Sprint(err)
}

func TestDepth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ open, shut string }{{"[", "]"}, {`{"a":`, "}"}} {
		nested := func(n int) []byte { return []byte(strings.Repeat(c.open, n) + "1" + strings.Repeat(c.shut, n)) }
		got, err := Compact(nil, nested(maxDepth))
		if err != nil || string(got) != string(nested(maxDepth)) {
			t.Errorf("%d deep: %v", maxDepth, err)
		}
		AppendRevHash(nil, false, store.Rev{}, got)
		if _, err := CompactMember(nil, nested(maxDepth-1)); err != nil {
			t.Errorf("%d deep in an object: %v", maxDepth-1, err)
		}
		if _, err := CompactMember(nil, nested(maxDepth)); reason(err) != "invalid UTF-8 JSON" {
			t.Errorf("%d deep in an object: %v", maxDepth, err)
		}
		if _, err := Compact(nil, nested(maxDepth+1)); reason(err) != "invalid UTF-8 JSON" {
			t.Errorf("%d deep: %v", maxDepth+1, err)
		}
		if _, err := Compact(nil, []byte(strings.Repeat(c.open, 1<<20))); reason(err) != "invalid UTF-8 JSON" {
			t.Errorf("a million opening brackets: %v", err)
		}
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	var got []string
	err := Elements([]byte(" [ 1 , {\"a\" : [2]} ,\"\\u0041\",[ ]]\n"), func(elem []byte) error {
		got = append(got, string(elem))
		return nil
	})
	if want := []string{"1", `{"a" : [2]}`, `"\u0041"`, "[ ]"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	stop := errors.New("stop")
	if err := Elements([]byte(`[1,2`), func([]byte) error { return stop }); err != stop {
		t.Errorf("fn's error became %v", err)
	}
	for _, in := range []string{`{}`, `1`, ``, `[1}`, `[1] 2`, `[`} {
		if err := Elements([]byte(in), func([]byte) error { return nil }); reason(err) != "invalid UTF-8 JSON" {
			t.Errorf("Elements(%s): %v", in, err)
		}
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	var got []string
	err := Members([]byte(" { \"a\" : 1 , \"\\u0062\" :[ 2 ],\"a\":{\"x\" :3} } "), func(key, value []byte) error {
		got = append(got, string(key)+"="+string(value))
		return nil
	})
	if want := []string{"b=[ 2 ]", `a={"x" :3}`}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	stop := errors.New("stop")
	if err := Members([]byte(`{"a":1,"b":2}`), func(_, _ []byte) error { return stop }); err != stop {
		t.Errorf("fn's error became %v", err)
	}
	for _, in := range []string{`[]`, `1`, ``, `{"a":1]`, `{} {}`, `{`} {
		calls := 0
		err := Members([]byte(in), func(_, _ []byte) error { calls++; return nil })
		if reason(err) != "invalid UTF-8 JSON" || calls > 0 {
			t.Errorf("Members(%s): %v after %d calls", in, err, calls)
		}
	}
}
