package ejson

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"logctl/store"
)

// FuzzCompact compares with encoding/json.
func FuzzCompact(f *testing.F) {
	for _, c := range stored {
		f.Add([]byte(c.in))
	}
	for _, in := range broken {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := Compact(nil, in)
		if want := json.Valid(in) && !onlyHere(in); (err == nil) != want {
			t.Fatalf("%q: %v, to encoding/json it is valid: %t", in, err, want)
		}
		if err != nil {
			return
		}
		if again, err := Compact(nil, got); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q became %q, and that %q, %v", in, got, again, err)
		}
		if !utf8.Valid(got) {
			t.Fatalf("%q became %q", in, got)
		}
		if a, b := decode(t, in), decode(t, got); !reflect.DeepEqual(a, b) {
			t.Fatalf("%q became %q: %v, was %v", in, got, b, a)
		}
	})
}

// onlyHere tells whether valid JSON has what encoding/json takes and this package does not: text that is no UTF-8, half a
// surrogate pair, a float or an integer too large.
func onlyHere(in []byte) bool {
	if !utf8.Valid(in) {
		return true
	}
	// Backslashes come in valid escapes only. U+FFFD for a half that encoding/json replaces cannot be told from one that
	// was there, so the halves are looked for here.
	text := string(in)
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] != 'u' {
			continue
		}
		unit := strings.ToLower(text[i+1 : i+5])
		i += 4
		if unit < "d800" || unit > "dfff" {
			continue
		}
		rest := strings.ToLower(text[i+1:])
		if unit >= "dc00" || !strings.HasPrefix(rest, `\u`) || rest[2:6] < "dc00" || rest[2:6] > "dfff" {
			return true
		}
		i += 6
	}
	for _, n := range numbers(in) {
		if strings.ContainsAny(n, ".eE") {
			if _, err := json.Number(n).Float64(); err != nil {
				return true
			}
		} else if len(strings.TrimPrefix(n, "-")) > maxIntDigits {
			return true
		}
	}
	return false
}

// numbers has the numbers of a JSON text.
func numbers(in []byte) []string {
	var all []string
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	for {
		tok, err := d.Token()
		if err != nil {
			return all
		}
		if n, ok := tok.(json.Number); ok {
			all = append(all, n.String())
		}
	}
}

// decode reads JSON to compare it: numbers by value, integers and floats apart.
func decode(t *testing.T, in []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", in, err)
	}
	return byValue(v)
}

func byValue(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, ok := new(big.Int).SetString(v.String(), 10); ok {
			return i.String()
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = byValue(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = byValue(v[k])
		}
	}
	return v
}

// FuzzSplitDoc looks for panics, and for bodies that are not in stored form or differ from those of SplitDocs.
func FuzzSplitDoc(f *testing.F) {
	for _, c := range stored {
		f.Add([]byte(c.in))
	}
	for _, c := range refusals {
		f.Add([]byte(c.in))
	}
	f.Add([]byte(`{"_id":"a","b":1,"_rev":"1-a","b":2,"_revisions":{"start":2,"ids":["b","a"]},"\u005fdeleted":true}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, buf, err := SplitDoc([]byte("x"), in)
		if err != nil {
			if string(buf) != "x" {
				t.Fatalf("%q: %q was left", in, buf)
			}
			return
		}
		body := s.Doc.Body
		if s.Depth == maxDepth {
			return // too deep for a list of docs
		}
		if again, err := Compact(nil, body); err != nil || !bytes.Equal(again, body) {
			t.Fatalf("%q: body %q is not in stored form, %q is: %v", in, body, again, err)
		}
		all := append(append(append([]byte(`[{"a":1},`), in...), ", "...), append(in, ']')...)
		var bodies []string
		if _, err := SplitDocs(nil, all, func(s Split) error {
			bodies = append(bodies, string(s.Doc.Body))
			return nil
		}); err != nil || len(bodies) != 3 || bodies[1] != string(body) || bodies[2] != string(body) {
			t.Fatalf("%q: %q twice among others is %q, %v", in, body, bodies, err)
		}
		id := string(AppendContentID(nil, body, 3))
		if !CheckContentID(id, body) || store.AppendJSONString(nil, id) == nil || CheckDocID(id) != nil {
			t.Fatalf("%q: bad id %s", body, id)
		}
	})
}

// FuzzStored gives what trusts its input any bytes: it must end and not panic.
func FuzzStored(f *testing.F) {
	for _, c := range stored {
		f.Add([]byte(c.in), "1-a")
	}
	for _, in := range broken {
		f.Add([]byte(in), "")
	}
	f.Fuzz(func(t *testing.T, in []byte, id string) {
		if h := AppendRevHash(nil, true, store.Rev{Gen: len(id), Hash: id}, in); len(h) != 32 {
			t.Fatalf("hash %q", h)
		}
		if got := AppendContentID(nil, in, 0); len(got) != timeDigits+1+hashChars {
			t.Fatalf("id %q", got)
		}
		CheckContentID(id, in)
	})
}

// FuzzHasContentID compares the short way to check an id with the long one.
func FuzzHasContentID(f *testing.F) {
	for _, s := range []string{
		`{"date":"2017-06-14","hour":"17:16:12,329","ip":"59.45.175.88"}`, `{"time":1e2}`, `{"time":"2017-\u0030"}`, `{"time":"1","time":2}`,
		`{"time":{"time":"1"}}`, `{"date":"1\t2","hour":null}`, `{"d\u0061te":"2017"}`, `{}`, ` { "time" : "1" , "time" : "2" } `, `{"time":"1","_conflicts":[]}`,
	} {
		f.Add([]byte(s), "x")
	}
	f.Fuzz(func(t *testing.T, in []byte, other string) {
		plain, _, err := SplitDoc(nil, in)
		in = bytes.TrimLeft(in, " \t\r\n")
		if err != nil || plain.HasID {
			return
		}
		comma := ","
		if plain.Members == 0 {
			comma = ""
		}
		good := string(AppendContentID(nil, plain.Doc.Body, 0))
		for _, id := range []string{good, good + "-1", good + "-01", good + "-", other, good[1:]} {
			doc := append([]byte(`{"_id":`), store.AppendJSONString(nil, id)...)
			s, _, err := SplitDoc(nil, append(append(doc, comma...), in[1:]...))
			if err != nil {
				if id == other {
					continue
				}
				t.Fatalf("%s: %v", in, err)
			}
			if got, want := s.HasContentID(), CheckContentID(s.Doc.ID, s.Doc.Body); got != want {
				t.Errorf("%s as %q: %v, want %v", in, id, got, want)
			}
		}
	})
}
