package collate

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// compareJSON is CouchDB's order straight from its definition, with the collator's own comparison of strings.
func compareJSON(c *collate.Collator, a, b json.RawMessage) int {
	ta, tb := typeRank(a), typeRank(b)
	if ta != tb {
		return ta - tb
	}
	switch ta {
	case 3:
		var x, y float64
		mustDecode(a, &x)
		mustDecode(b, &y)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
	case 4:
		var x, y string
		mustDecode(a, &x)
		mustDecode(b, &y)
		return c.CompareString(x, y)
	case 5, 6:
		x, y := parts(a), parts(b)
		for i := range min(len(x), len(y)) {
			if d := compareJSON(c, x[i], y[i]); d != 0 {
				return d
			}
		}
		return len(x) - len(y)
	}
	return 0
}

func mustDecode(raw json.RawMessage, v any) {
	if err := json.Unmarshal(raw, v); err != nil {
		panic(err)
	}
}

func typeRank(raw json.RawMessage) int {
	switch raw[0] {
	case 'n':
		return 0
	case 'f':
		return 1
	case 't':
		return 2
	case '"':
		return 4
	case '[':
		return 5
	case '{':
		return 6
	}
	return 3
}

// parts are the elements of an array, or the names and values of an object in their order.
func parts(raw json.RawMessage) (list []json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		panic(err)
	}
	for d.More() {
		var v json.RawMessage
		if raw[0] == '{' {
			name, err := d.Token()
			if err != nil {
				panic(err)
			}
			v, _ = json.Marshal(name)
		} else if err := d.Decode(&v); err != nil {
			panic(err)
		}
		list = append(list, v)
		if raw[0] == '{' {
			var member json.RawMessage
			if err := d.Decode(&member); err != nil {
				panic(err)
			}
			list = append(list, member)
		}
	}
	return list
}

func key(t testing.TB, o Order, s string) []byte {
	t.Helper()
	k, _, err := o.Append(nil, []byte(s))
	if err != nil {
		t.Fatalf("key of %s: %v", s, err)
	}
	if n := Skip(append(k[:len(k):len(k)], 0xEE, 0)); n != len(k) {
		t.Fatalf("Skip of the key of %s (%x) = %d", s, k, n)
	}
	return k
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]string{
		"types": `null false true -1e300 -10000000000 -5 -0.5 0 5e-324 0.5 1 1.5 2 10 1000 9007199254740991 1.2345678901234568e+29 ` +
			`"" " " "a" "A" "aa" "b" "B" "ba" "bb" [] [null] ["a"] ["b"] ["b","c"] ["b","c","a"] ["b","d"] [[]] [{}] ` +
			`{} {"a":1} {"a":2} {"aa":1} {"b":1} {"b":2} {"b":2,"a":1} {"b":2,"c":2}`,
		"arrays": `[false,true] [true] [1,2] [1,9] [1,10] ["a","b"] ["a",["b"]] ["a",{"b":1}] ["serv"] ["server"] ["server",null] ` +
			`["server",2017] ["server",2017,5,2] ["server",2017,5,11] ["server",2017,10,1] ["server","x"] ["server",[]] ["server",{}] ["Server",2017]`,
		"strings": `"_" "-" "," ";" ":" "!" "?" "." "192.168.1.1" "192.168.10.1" "2017-06-10" "2017-06-11" "a" "A" "á" "Á" "a b" "ab" "resume" "Resume" "résumé" "Résumé" "日本" "�" "￿"`,
	} {
		var last []byte
		for _, s := range splitJSON(list) {
			k := key(t, ICU, s)
			if bytes.Compare(last, k) >= 0 {
				t.Errorf("%s: %s does not sort behind the one before it (%x, %x)", name, s, k, last)
			}
			last = k
		}
	}
	var last []byte
	for _, s := range splitJSON(`-1 0 2.5 10 false null true {} {"a":1} {"a":1,"b":0} [] [1] [1,2] [[]] "" "\u0000" "\u0000a" "A" "a" "é"`) {
		k := key(t, Raw, s)
		if bytes.Compare(last, k) >= 0 {
			t.Errorf("raw: %s does not sort behind the one before it", s)
		}
		last = k
	}
}

// splitJSON splits values at blanks outside of strings.
func splitJSON(list string) (values []string) {
	d := json.NewDecoder(strings.NewReader(list))
	for d.More() {
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			panic(err)
		}
		values = append(values, string(v))
	}
	return values
}

func TestEqual(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{`"é"`, `"e\u0301"`}, {`1`, `1.0`}, {`0`, `-0.0`}, {`1e3`, `1000`}, {`9007199254740992`, `9007199254740993`},
		{`""`, `"\u200b"`}, {`"a"`, `"\u0061"`}, {`"😀"`, `"\ud83d\ude00"`}, {`[ 1 , {"a" : 2 } ]`, `[1,{"a":2}]`},
	} {
		if a, b := key(t, ICU, pair[0]), key(t, ICU, pair[1]); !bytes.Equal(a, b) {
			t.Errorf("%s and %s differ: %x, %x", pair[0], pair[1], a, b)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{``, `[`, `[1`, `[1,`, `{"a"`, `{"a":`, `{1:2}`, `"a`, `"\u12"`, `"\x"`, `nul`, `1 2`, `-`, `1e400`, strings.Repeat("[", 2000)} {
		if _, _, err := ICU.Append(nil, []byte(s)); err == nil {
			t.Errorf("%.20q: no error", s)
		}
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b  string
		level int
		same  bool
	}{
		{`["a",1,2]`, `["a",1,3]`, 2, true},
		{`["a",1,2]`, `["a",2,2]`, 2, false},
		{`["a",1,2]`, `["a",2,2]`, 1, true},
		{`["b"]`, `["b",1]`, 1, true},
		{`["b"]`, `["b",1]`, 2, false},
		{`["b"]`, `["b"]`, 2, true},
		{`[]`, `["b"]`, 1, false},
		{`5`, `6`, 1, false},
		{`5`, `5.0`, 1, true},
		{`{"x":1}`, `{"x":1}`, 1, true},
		{`null`, `{"x":1}`, 0, true},
	} {
		a, b := key(t, ICU, tt.a), key(t, ICU, tt.b)
		a, b = a[:Group(a, tt.level)], b[:Group(b, tt.level)]
		if bytes.Equal(a, b) != tt.same {
			t.Errorf("level %d of %s and %s: %x, %x", tt.level, tt.a, tt.b, a, b)
		}
	}
}

// TestCouchDBOrder compares with the order of strings that a CouchDB gave.
func TestCouchDBOrder(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "..", "..", "shared", "couchdb-transcripts", "views.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("SKIPPED: no transcripts of a CouchDB: %v", err)
	}
	var file struct {
		Cases []struct {
			Case  string
			Steps []struct {
				Expect struct {
					Body struct{ JSON json.RawMessage }
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		if !strings.HasPrefix(c.Case, "collate-") || c.Case == "collate-ties" {
			continue
		}
		var answer struct {
			Rows []struct {
				ID  string
				Key json.RawMessage
			}
		}
		if err := json.Unmarshal(c.Steps[3].Expect.Body.JSON, &answer); err != nil || len(answer.Rows) < 10 {
			t.Fatalf("%s: %d rows, %v", c.Case, len(answer.Rows), err)
		}
		var last []byte
		for _, r := range answer.Rows {
			k := AppendBytes(key(t, ICU, string(r.Key)), []byte(r.ID))
			if bytes.Compare(last, k) >= 0 {
				t.Errorf("%s: %s of doc %s sorts before the row above it", c.Case, r.Key, r.ID)
			}
			last = k
		}
	}
}

// pick makes strings of characters that are near each other in the table, upper and lower case, accents, marks, symbols.
func pick(r *rand.Rand) string {
	const alphabet = "aAbBzZ019 _-.:/$\"\\\x00\x01\t\n\x7féÉe\u0301äßæÆœ²½日本가😀€\u200b\u00a0\u1e9e\ufb01\u0378\uffff"
	runes := []rune(alphabet)
	s := make([]rune, r.IntN(6))
	ascii := r.IntN(2) == 0
	for i := range s {
		if ascii {
			s[i] = rune(r.IntN(128))
			if r.IntN(2) == 0 {
				s[i] = runes[r.IntN(12)]
			}
			continue
		}
		s[i] = runes[r.IntN(len(runes))]
	}
	return string(s)
}

func TestStringsAsCollator(t *testing.T) {
	t.Parallel()
	c := collate.New(language.Und)
	r := rand.New(rand.NewPCG(1, 2))
	n := 300_000
	if testing.Short() {
		n = 30_000
	}
	for range n {
		a, b := pick(r), pick(r)
		if r.IntN(3) == 0 {
			b = strings.ToUpper(a)
		}
		ka, _ := appendString(nil, []byte(a))
		kb, _ := appendString(nil, []byte(b))
		if got, want := bytes.Compare(ka, kb), c.CompareString(a, b); got != want {
			t.Fatalf("%q and %q: got %d, the collator says %d (%x, %x)", a, b, got, want, ka, kb)
		}
	}
}

// FuzzOrder compares keys with the definition, decodes plain ones and skips all.
func FuzzOrder(f *testing.F) {
	for _, s := range []string{`"192.0.2.1"`, `{"b":2,"a":[1,null,"é"]}`, `["server",2017,5,11]`, `-1.5e3`, `"\ud83d\ude00"`, `"A\"b\\"`, `[[],{},-0]`, `"e\u0301"`,
		`"résumé \u0000ß"`, `{"":{"a":1e300}}`} {
		f.Add([]byte(s), []byte(`["Server",2017,5]`))
		for _, o := range []Order{ICU, Raw} { // what decodes keys gets some
			f.Add(key(f, o, s), []byte(`["server",2017,5,11]`))
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		Skip(a)
		AppendJSON(nil, a)
		TextBytes(a)
		Group(a, 2)
		ka, plain, errA := ICU.Append(nil, a)
		kb, _, errB := ICU.Append(nil, b)
		if errA != nil && json.Valid(a) && !bytes.ContainsAny(a, "0123456789[{") { // neither too large a number nor too deep
			t.Fatalf("%q: %v", a, errA)
		}
		if errA != nil || errB != nil || !json.Valid(a) || !json.Valid(b) || bytes.Contains(a, []byte(replacement)) ||
			bytes.Contains(b, []byte(replacement)) || bytes.ContainsRune(a, 0xFFFD) || bytes.ContainsRune(b, 0xFFFD) || hasBadUTF8(a) || hasBadUTF8(b) {
			return
		}
		a, b = bytes.TrimSpace(a), bytes.TrimSpace(b)
		c := collate.New(language.Und)
		if got, want := bytes.Compare(ka, kb), compareJSON(c, a, b); got != sign(want) {
			t.Fatalf("%s and %s: got %d, want %d (%x, %x)", a, b, got, want, ka, kb)
		}
		if Skip(ka) != len(ka) {
			t.Fatalf("Skip of %s: %d of %d", a, Skip(ka), len(ka))
		}
		if text, ok := AppendJSON(nil, ka); plain != ok && plain {
			t.Fatalf("%s is plain and has no text", a)
		} else if plain {
			var compact bytes.Buffer
			if err := json.Compact(&compact, a); err != nil || compact.String() != string(text) {
				t.Fatalf("%s came back as %s", a, text)
			}
		}
		if n, ok := Address(ka); ok && !bytes.Equal(AppendAddress(nil, n), ka) {
			t.Fatalf("the address %s came back as %x", a, AppendAddress(nil, n))
		}
		if got, n := TextBytes(AppendBytes(nil, a)); !bytes.Equal(got, a) || n < len(a) {
			t.Fatalf("bytes %q came back as %q", a, got)
		}
	})
}

func hasBadUTF8(b []byte) bool {
	text := string(b)
	return strings.ToValidUTF8(text, "") != text || strings.Contains(strings.ToLower(text), `\ud`) || strings.Contains(strings.ToLower(text), `\uf`)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func BenchmarkAppend(b *testing.B) {
	for name, s := range map[string]string{
		"attacks": `["server",2017,5,14]`, "date": `"2017-06-14"`, "unicode": `"résumé"`,
	} {
		b.Run(name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst, _, _ = ICU.Append(dst[:0], []byte(s))
			}
		})
	}
	b.Run("baseline=collator/date", func(b *testing.B) {
		c, buf := collate.New(language.Und), &collate.Buffer{}
		b.ReportAllocs()
		for b.Loop() {
			buf.Reset()
			c.KeyFromString(buf, "2017-06-14")
		}
	})
}

func TestScopes(t *testing.T) {
	t.Parallel()
	var keys []string
	for _, scope := range []string{"", "a", "a\x00", "a!", "ab", "b"} {
		for _, value := range []string{`null`, `1`, `"x"`, `[1,"y"]`, `{"a":1}`} {
			key, plain, err := ICU.Append(AppendScope(nil, scope), []byte(value))
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := AppendJSON(nil, key); !plain || !ok || string(got) != value {
				t.Errorf("%q %s comes back as %s", scope, value, got)
			}
			keys = append(keys, string(key))
			bare, _, _ := ICU.Append(nil, []byte(value))
			if string(key) >= string(bare) || len(key)-Group(key, 1) != len(bare)-Group(bare, 1) {
				t.Errorf("%q %s: key %x, bare %x", scope, value, key, bare)
			}
		}
	}
	if !slices.IsSorted(keys) {
		t.Errorf("keys are not in the order of scopes: %q", keys)
	}
}
