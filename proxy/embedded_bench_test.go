package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"logctl/proxy"
	"logctl/store"
	"logctl/store/couchapi"
	"logctl/store/ejson"
	"logctl/store/engine"
)

// BenchmarkEmbedded stores arrays of a thousand new docs and single ones in the embedded store, as the admin without a door and as
// a stranger through one.
func BenchmarkEmbedded(b *testing.B) {
	e, err := engine.Open(b.TempDir(), engine.Options{})
	if err != nil {
		b.Fatal(err)
	}
	api := couchapi.New(couchapi.Options{Engine: e})
	b.Cleanup(func() { _, _ = api.Close(), e.Close() })
	asWriter := func(r *http.Request) *http.Request {
		return r.WithContext(store.WithCaller(r.Context(), store.Caller{Name: "app_write", Roles: []string{store.AdminRole}}))
	}
	made := httptest.NewRecorder()
	api.ServeHTTP(made, asWriter(httptest.NewRequest("PUT", "/log_app", nil)))
	if made.Code != 201 {
		b.Fatal(made.Body)
	}
	door := proxy.New(proxy.Options{Upstream: api, AsWriter: asWriter})
	direct := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { api.ServeHTTP(w, asWriter(r)) })

	next := 0
	docs := func(dst []byte, n int) []byte {
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			next++
			at := time.UnixMilli(1.5e12 + int64(next)).UTC() // in order, as logs are
			body := fmt.Appendf(nil, `{"date":"%s","hour":"%s","process":"sshd","ip":"59.45.175.%d","level":"NOTICE","event":"ban"}`,
				at.Format(time.DateOnly), at.Format("15:04:05,000"), next%256)
			dst = append(dst, `{"_id":"`...)
			dst = append(append(ejson.AppendContentID(dst, body, 0), `",`...), body[1:]...)
		}
		return dst
	}
	for _, bm := range []struct {
		name, path, open, close string
		n                       int
		h                       http.Handler
	}{
		{"bulk/store", "/log_app/_bulk_docs", `{"docs":[`, `]}`, 1000, direct},
		{"bulk/door", "/log_app", `[`, `]`, 1000, door},
		{"single/store", "/log_app", ``, ``, 1, direct},
		{"single/door", "/log_app", ``, ``, 1, door},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			var body []byte
			for b.Loop() {
				b.StopTimer()
				body = append(docs(append(body[:0], bm.open...), bm.n), bm.close...)
				r := &http.Request{Method: "POST", URL: &url.URL{Path: bm.path}, Host: "x", RemoteAddr: "192.0.2.1:1",
					Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
				w := httptest.NewRecorder()
				b.StartTimer()
				bm.h.ServeHTTP(w, r)
				if w.Code != 201 {
					b.Fatal(w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(bm.n), "ns/doc")
		})
	}
}
