package ejson

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"logctl/store"
)

// A line as it is shipped, 125 bytes, and its body.
const (
	benchBody = `"date":"2017-06-14","hour":"17:16:12,329","process":"sshd","ip":"59.45.175.88","machine":"server"}`
	benchDoc  = `{"_id":"20170614171612329-d9v82h3lk7o1q12t",` + benchBody
)

// perDoc reports docs a second beside the rest.
func perDoc(b *testing.B, docs, size int) {
	b.ReportAllocs()
	b.SetBytes(int64(size))
	b.Cleanup(func() { b.ReportMetric(float64(b.N*docs)/b.Elapsed().Seconds(), "docs/s") })
}

func BenchmarkSplitDoc(b *testing.B) {
	for _, c := range []struct{ name, doc string }{
		{"stored", benchDoc},
		{"noid", "{" + benchBody},
		{"spaces", strings.NewReplacer(`":`, `": `, `",`, `", `).Replace(benchDoc)},
		{"escapes", strings.ReplaceAll(benchDoc, "sshd", `\u0073shd\/`)},
	} {
		b.Run(c.name, func(b *testing.B) {
			src, buf := []byte(c.doc), make([]byte, 0, 1024)
			perDoc(b, 1, len(src))
			for b.Loop() {
				if _, _, err := SplitDoc(buf, src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func bulk(n int) []byte {
	return []byte("[" + strings.Repeat(benchDoc+",", n-1) + benchDoc + "]")
}

func BenchmarkSplitDocs(b *testing.B) {
	const docs = 1000
	src := bulk(docs)
	buf := make([]byte, 0, len(src))
	perDoc(b, docs, len(src))
	for b.Loop() {
		if _, err := SplitDocs(buf, src, func(Split) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkElements(b *testing.B) {
	const docs = 1000
	src := bulk(docs)
	perDoc(b, docs, len(src))
	for b.Loop() {
		if err := Elements(src, func([]byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncodingJSON is what to compare the others with: the standard library's check and compaction of the same doc.
func BenchmarkEncodingJSON(b *testing.B) {
	src := []byte(benchDoc)
	var buf bytes.Buffer
	perDoc(b, 1, len(src))
	for b.Loop() {
		buf.Reset()
		if err := json.Compact(&buf, src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompact(b *testing.B) {
	src, buf := []byte(benchDoc), make([]byte, 0, 1024)
	perDoc(b, 1, len(src))
	for b.Loop() {
		if _, err := Compact(buf, src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendRevHash(b *testing.B) {
	body, buf := []byte("{"+benchBody), make([]byte, 0, 1024)
	perDoc(b, 1, len(body))
	for b.Loop() {
		AppendRevHash(buf, false, store.Rev{}, body)
	}
}

func BenchmarkAppendContentID(b *testing.B) {
	body, buf := []byte("{"+benchBody), make([]byte, 0, 1024)
	perDoc(b, 1, len(body))
	for b.Loop() {
		AppendContentID(buf, body, 0)
	}
}
