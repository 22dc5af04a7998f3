package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"logctl/store/ejson"
)

// noStore reads everything and says that all of it is stored.
type noStore struct{ answer []byte }

func (s noStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(201)
	_, _ = w.Write(s.answer)
}

// benchDocs are n docs with content ids and the rows that a store answers.
func benchDocs(b *testing.B, n int) (array, rows []byte) {
	b.Helper()
	var docs, answer []string
	for i := range n {
		text, id, rev := withID(b, fmt.Sprintf(`{"date":"2017-06-14","hour":"17:16:%02d,%03d","process":"sshd","ip":"59.45.175.%d","level":"NOTICE","event":"ban","machine":"server"}`,
			i/1000%60, i%1000, i%256))
		docs = append(docs, text)
		answer = append(answer, `{"ok":true,"id":"`+id+`","rev":"`+rev+`"}`)
	}
	return []byte("[" + strings.Join(docs, ",") + "]"), []byte("[" + strings.Join(answer, ",") + "]\n")
}

func benchDoor(b *testing.B, h http.Handler, body []byte, docs int) {
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	in := bytes.NewReader(body)
	for b.Loop() {
		in.Reset(body)
		r := &http.Request{Method: "POST", Host: "x", RemoteAddr: "192.0.2.1:1234", Header: http.Header{"Content-Type": {jsonType}},
			Body: io.NopCloser(in), ContentLength: int64(len(body))}
		r.URL = benchURL
		w := &statusOnly{discard: discard{http.Header{}}}
		h.ServeHTTP(w, r)
		if w.status != 201 {
			b.Fatal(w.status)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(docs), "ns/doc")
}

var benchURL = newRequest("POST", "/log_app", "").URL

// noRates lets one client send as much as it can.
var noRates = Limits{Requests: 1 << 40, Bytes: 1 << 50}

// BenchmarkSingle posts one doc through the door to a store that does nothing.
func BenchmarkSingle(b *testing.B) {
	body := []byte(`{"date":"2017-06-14","hour":"17:16:12,329","process":"sshd","ip":"59.45.175.88","machine":"server"}`)
	benchDoor(b, New(Options{Limits: noRates, Upstream: noStore{[]byte(`{"ok":true,"id":"0123456789abcdef0123456789abcdef","rev":"1-0123456789abcdef0123456789abcdef"}` + "\n")}}), body, 1)
}

// BenchmarkBulk posts arrays of a thousand docs with content ids.
func BenchmarkBulk(b *testing.B) {
	body, rows := benchDocs(b, 1000)
	benchDoor(b, New(Options{Limits: noRates, Upstream: noStore{rows}}), body, 1000)
}

// BenchmarkBulkSplit is what of BenchmarkBulk any reader of the docs has to pay.
func BenchmarkBulkSplit(b *testing.B) {
	body, _ := benchDocs(b, 1000)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	var buf []byte
	for b.Loop() {
		var err error
		if buf, err = ejson.SplitDocs(buf[:0], body, func(ejson.Split) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/doc")
}
