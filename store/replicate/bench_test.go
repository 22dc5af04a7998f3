package replicate

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"logctl/store/couchapi"
)

// BenchmarkRun copies small docs from one store in this process to another.
func BenchmarkRun(b *testing.B) {
	const docs = 20_000
	a := newServer(b, couchapi.Options{})
	a.ask(b, "PUT", "/log_a", "")
	for i := 0; i < docs; i += 1000 {
		var list []string
		for n := i; n < i+1000; n++ {
			list = append(list, fmt.Sprintf(`{"_id":"%06d","date":"2026-01-01","time":"10:%02d:%02d","ip":"10.0.%d.%d","event":"ban","n":%d}`,
				n, n/60%60, n%60, n%256, n%255, n))
		}
		a.ask(b, "POST", "/log_a/_bulk_docs", `{"docs":[`+strings.Join(list, ",")+`]}`)
	}
	b.ReportAllocs()
	for b.Loop() {
		target := newServer(b, couchapi.Options{})
		o := Options{Source: a.peer("log_a"), Target: target.peer("log_b"), CreateTarget: true, NoCheckpoints: true}
		if _, err := Run(context.Background(), o); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(docs)*float64(b.N)/b.Elapsed().Seconds(), "docs/s")
}
