package couchapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"logctl/store"
)

// benchBatch is a _bulk_docs request as ship sends it: docs with fail2ban's fields and ids that sort by time.
type benchBatch struct {
	body []byte
	ids  []int // where the twelve digits of an id stand that tell batches apart
}

func newBenchBatch(n int) *benchBatch {
	b := &benchBatch{}
	out := bytes.NewBufferString(`{"docs":[`)
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(`{"_id":"`)
		b.ids = append(b.ids, out.Len())
		fmt.Fprintf(out, `%017d-%016x","date":"2017-%02d-%02d","hour":"%02d:%02d:%02d,329","process":"sshd",`+
			`"machine":"server%d","ip":"59.45.%d.%d","level":"NOTICE","event":"ban"}`, i, uint64(i)*0x9e3779b97f4a7c15,
			i/84%12+1, i/36%28+1, i/60%24, i%60, i*7%60, i%3, i/250%8, i%250)
	}
	out.WriteString(`]}`)
	b.body = out.Bytes()
	return b
}

// number gives the docs ids that no batch with another number has.
func (b *benchBatch) number(n int64) []byte {
	digits := fmt.Sprintf("%012d", n)
	for _, at := range b.ids {
		copy(b.body[at:], digits)
	}
	return b.body
}

// discard is a ResponseWriter that keeps only the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

func benchDB(b *testing.B) (*Handler, context.Context) {
	h := newTestHandler(b, Options{})
	ctx := store.WithCaller(b.Context(), adminCaller(testAdmin))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, http.MethodPut, "/log_bench", nil))
	if rec.Code != http.StatusCreated {
		b.Fatal(rec.Code, rec.Body)
	}
	return h, ctx
}

// BenchmarkBulkDocs stores 1,000 docs a request through the handler, from 4 clients at a time, each answered when it is
// on disk.
func BenchmarkBulkDocs(b *testing.B) {
	const size = 1000
	h, ctx := benchDB(b)
	var next atomic.Int64
	b.SetBytes(int64(len(newBenchBatch(size).body)))
	b.SetParallelism(2) // times GOMAXPROCS: 4 clients on 2 cores
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		batch := newBenchBatch(size)
		for pb.Next() {
			body := bytes.NewReader(batch.number(next.Add(1)))
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/log_bench/_bulk_docs", body)
			r.Header.Set("Content-Type", "application/json")
			w := &discard{header: http.Header{}}
			h.ServeHTTP(w, r)
			if w.status != http.StatusCreated {
				b.Errorf("status %d", w.status)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "docs/s")
}

// BenchmarkPost stores one doc a request, from 16 clients at a time.
func BenchmarkPost(b *testing.B) {
	h, ctx := benchDB(b)
	doc := []byte(`{"date":"2017-06-14","hour":"17:16:12,329","process":"sshd","machine":"server","ip":"59.45.175.88"}`)
	b.SetParallelism(8)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/log_bench", bytes.NewReader(doc))
			r.Header.Set("Content-Type", "application/json")
			w := &discard{header: http.Header{}}
			h.ServeHTTP(w, r)
			if w.status != http.StatusCreated {
				b.Errorf("status %d", w.status)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
}

// BenchmarkAllDocs streams a list of 10,000 docs with their bodies through the in-memory transport.
func BenchmarkAllDocs(b *testing.B) {
	const size = 10_000
	h, ctx := benchDB(b)
	c := &http.Client{Transport: h.Transport(adminCaller(testAdmin))}
	res, err := c.Post("http://store/log_bench/_bulk_docs", "application/json", bytes.NewReader(newBenchBatch(size).body))
	if err != nil || res.StatusCode != http.StatusCreated {
		b.Fatal(err, res)
	}
	res.Body.Close()
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://store/log_bench/_all_docs?include_docs=true", nil)
		if err != nil {
			b.Fatal(err)
		}
		res, err := c.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			b.Fatal(err)
		}
		res.Body.Close()
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "docs/s")
}
