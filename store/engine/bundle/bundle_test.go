package bundle

import (
	"bytes"

	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"logctl/store"
	"logctl/store/ejson"
)

// fill puts docs into an empty bundle and tells how many fit.
func fill(w *Writer, docs []store.Doc) int {
	w.Reset()
	for i := range docs {
		if !w.Add(docs[i].ID, docs[i].Body, docs[i].Hashed) {
			return i
		}
	}
	return len(docs)
}

// sameDocs holds a bundle that was read against the docs that it was made of.
func sameDocs(t *testing.T, b *Docs, docs []store.Doc) {
	t.Helper()
	for i := range docs {
		id, body := b.Append([]byte("before"), []byte("before"), i)
		if string(body) != "before"+string(docs[i].Body) {
			t.Errorf("doc %d: %q, want %q", i, body, docs[i].Body)
		}
		if string(id) != "before"+docs[i].ID {
			t.Errorf("doc %d: id %q, want %q", i, id, docs[i].ID)
		}
	}
}

func contentDoc(body string, again uint32) store.Doc {
	return store.Doc{ID: string(ejson.AppendContentID(nil, []byte(body), again)), Body: []byte(body), Hashed: again%2 == 0}
}

func TestBundle(t *testing.T) {
	t.Parallel()
	var mixed, odd, repeated []store.Doc
	logs := lines(300)
	for i := range 300 {
		repeated = append(repeated, contentDoc(`{"time":"2026-01-02","n":7}`, uint32(i)))
		mixed = append(mixed, contentDoc([]string{
			fmt.Sprintf(`{"time":%d,"ok":true,"n":-1.5e%d,"none":null}`, 20260102+i, i),
			fmt.Sprintf(`{"date":"2026-01-02","hour":"03:04:%02d","text":"a \"quoted\" \\ %d"}`, i%60, i),
			fmt.Sprintf(`{"date":{"y":2026},"list":[1,"b",{"c":%d}],"":"ü"}`, i),
			`{}`,
		}[i%4], uint32(i)))
		odd = append(odd, store.Doc{ID: strings.Repeat("i", i) + "\x00é", Body: fmt.Appendf(nil, `{"n":%d}`, i*i*i)})
	}
	another := slices.Clone(logs)
	another[299] = store.Doc{ID: logs[299].ID, Body: bytes.Replace(logs[299].Body, []byte("machine"), []byte("machina"), 1)}
	tests := []struct {
		name     string
		docs     []store.Doc
		atMost   int // bytes a doc
		idsAreOf byte
	}{
		{"lines of a log", logs, 22, idsOfContent},
		{"repetitions", repeated, 6, idsOfContent},
		{"shapes by turns", mixed, 25, idsOfContent},
		{"ids of other kinds", odd, 170, idsAsTheyAre},
		{"an id of another doc's content", another, 170, idsAsTheyAre},
		{"one", logs[:1], 200, idsOfContent},
	}
	var w Writer
	for _, tt := range tests {
		if n := fill(&w, tt.docs); n != len(tt.docs) {
			t.Fatalf("%s: %d docs fit", tt.name, n)
		}
		record := w.Append(nil)
		if got := len(record) / len(tt.docs); got > tt.atMost {
			t.Errorf("%s: %d bytes a doc, want at most %d", tt.name, got, tt.atMost)
		}
		b, err := Parse(record, len(tt.docs))
		if err != nil || b.idKind != tt.idsAreOf {
			t.Fatalf("%s: %v, ids %d", tt.name, err, b.idKind)
		}
		sameDocs(t, b, tt.docs)
		for n := range record {
			if _, err := Parse(record[:n], len(tt.docs)); err == nil {
				t.Errorf("%s: cut to %d of %d bytes, and no error", tt.name, n, len(record))
			}
		}
	}
}

func TestBundleHasLimits(t *testing.T) {
	t.Parallel()
	var w Writer
	small := slices.Repeat([]store.Doc{{ID: "a", Body: []byte(`{"n":1}`)}}, MaxDocs+1)
	large := slices.Repeat([]store.Doc{{ID: "a", Body: []byte(`{"n":"` + strings.Repeat("x", 4000) + `"}`)}}, 17)
	var shapes []store.Doc
	for i := range maxShapes + 1 {
		shapes = append(shapes, store.Doc{ID: "a", Body: fmt.Appendf(nil, `{"n%d":1}`, i)})
	}
	for _, tt := range []struct {
		name string
		docs []store.Doc
		want int
	}{
		{"docs", small, MaxDocs},
		{"bytes", large, maxBytes / 4008},
		{"shapes", shapes, maxShapes},
		{"a large doc", []store.Doc{{ID: "a", Body: []byte(`{"n":"` + strings.Repeat("x", largeBody) + `"}`)}}, 0},
		{"many values", []store.Doc{{ID: "a", Body: []byte(`{"n":[` + strings.Repeat("1,", maxValues) + `1]}`)}}, 0},
		{"no JSON", []store.Doc{{ID: "a", Body: []byte(`{"n":1`)}}, 0},
	} {
		if got := fill(&w, tt.docs); got != tt.want {
			t.Errorf("%s: %d docs fit, want %d", tt.name, got, tt.want)
		}
	}
}

// FuzzBundle makes a bundle of the lines of a text, whatever they are.
func FuzzBundle(f *testing.F) {
	f.Add([]byte(`{"date":"2017-06-14","hour":"17:16:12,329"}`+"\n"+`{"date":"2017-06-14","hour":"17:16:13,329"}`), true)
	f.Add([]byte(`{"n":1}`+"\n"+`{"n":-1}`+"\n"+`{"n":1.5,"a":["b",null,{}]}`+"\n{}"), false)
	f.Add([]byte(`{"time":"\u0031\\","a\"b":"\""}`+"\n"+`{"time":1,"a\"b":"9"}`), true)
	f.Add([]byte(`{"time":1}`+"\n"+`{"time":1\}`), true)
	f.Fuzz(func(t *testing.T, text []byte, ofContent bool) {
		var w Writer
		var in []store.Doc
		for i, line := range bytes.Split(text, []byte("\n")) {
			doc := store.Doc{ID: fmt.Sprint(i), Body: line}
			if ofContent {
				doc.ID, doc.Hashed = string(ejson.AppendContentID(nil, line, uint32(i))), i%2 == 0
			}
			if w.Add(doc.ID, doc.Body, doc.Hashed) {
				in = append(in, doc)
			}
		}
		if len(in) == 0 {
			return
		}
		b, err := Parse(w.Append(nil), w.Len())
		if err != nil {
			t.Fatal(err)
		}
		sameDocs(t, b, in)
		x := NewIndex(b, false)
		for i := range in {
			if place, ok := x.Search(in[i].ID); !ok || x.At(place) != i {
				t.Errorf("doc %d, %q, is at %d, %v", i, in[i].ID, place, ok)
			}
		}
	})
}

// FuzzParse reads any bytes as a bundle.
func FuzzParse(f *testing.F) {
	var w Writer
	for _, docs := range [][]store.Doc{lines(20), {{ID: "a", Body: []byte("{}")}, contentDoc(`{"date":1,"hour":"2"}`, 3)}} {
		fill(&w, docs)
		f.Add(w.Append(nil), len(docs))
	}
	fill(&w, []store.Doc{contentDoc(`{"time":1}`, 0), contentDoc(`{"time":2}`, 1), contentDoc(`{"time":3}`, 2), contentDoc(`{"time":"4"}`, 0)})
	f.Add(w.Append(nil), 4)
	f.Add([]byte{idsOfContent, columnDigits}, 400)
	f.Fuzz(func(t *testing.T, record []byte, n int) {
		b, err := Parse(record, n)
		if err != nil {
			return
		}
		for i := range n {
			b.Append(nil, nil, i)
		}
		for _, ordered := range []bool{false, true} {
			NewIndex(b, ordered).Search("20170614171612329-")
		}
	})
}

// lines are docs as fail2ban's log gives them.
func lines(n int) []store.Doc {
	rnd := rand.New(rand.NewPCG(1, 7))
	docs := make([]store.Doc, n)
	for i := range docs {
		docs[i] = contentDoc(fmt.Sprintf(`{"date":"2017-06-14","hour":"%02d:%02d:%02d,%03d","process":"sshd","ip":"10.%d.%d.%d","machine":"server%d"}`,
			i/3600%24, i/60%60, i%60, rnd.IntN(1000), rnd.IntN(8), rnd.IntN(16), rnd.IntN(16), rnd.IntN(3)), 0)
	}
	return docs
}

// BenchmarkWriter bundles lines of a log; one op is one doc.
func BenchmarkWriter(b *testing.B) {
	docs := lines(MaxDocs)
	var w Writer
	var out []byte
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(docs) {
		fill(&w, docs)
		out = w.Append(out[:0])
	}
	b.ReportMetric(float64(len(out))/float64(len(docs)), "bytes/doc")
}

// BenchmarkDocs reads the docs of a bundle, ids included; one op is one doc.
func BenchmarkDocs(b *testing.B) {
	docs := lines(MaxDocs)
	var w Writer
	fill(&w, docs)
	record := w.Append(nil)
	var id, body []byte
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(docs) {
		got, err := Parse(record, len(docs))
		if err != nil {
			b.Fatal(err)
		}
		for i := range docs {
			id, body = got.Append(id[:0], body[:0], i)
		}
	}
}
