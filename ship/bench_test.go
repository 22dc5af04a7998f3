package ship

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/internal/lines"
	"logctl/store"
)

const benchLines = 200_000

// benchLog is fail2ban's kind of log: each line another time.
func benchLog() string {
	var b strings.Builder
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range benchLines {
		at = at.Add(time.Duration(i%977) * time.Millisecond)
		fmt.Fprintf(&b, "%s fail2ban.actions        [1112]: NOTICE  [sshd] Ban 59.45.%d.%d\n",
			at.Format("2006-01-02 15:04:05,000"), i>>8&255, i&255)
	}
	return b.String()
}

// fieldFormat makes a doc of five fields at fixed places.
type fieldFormat struct{}

func (fieldFormat) Append(dst, line []byte) ([]byte, Verdict) {
	ip := line[bytes.LastIndexByte(line, ' ')+1:]
	dst = store.AppendJSONString(append(dst, `{"date":`...), line[:10])
	dst = store.AppendJSONString(append(dst, `,"hour":`...), line[11:23])
	dst = append(dst, `,"process":"sshd","ip":`...)
	return append(store.AppendJSONString(dst, ip), '}'), Doc
}

func (fieldFormat) Reason([]byte) string { return "" }

// takesAll answers ok for every doc at the least cost.
type takesAll struct{}

func (takesAll) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	answer := make([]byte, 0, len(body))
	answer = append(answer, '[')
	for {
		_, rest, more := bytes.Cut(body, []byte(`{"_id":"`))
		if !more {
			break
		}
		if len(answer) > 1 {
			answer = append(answer, ',')
		}
		id, _, _ := bytes.Cut(rest, []byte(`"`))
		answer = append(answer, `{"ok":true,"id":"`...)
		answer = append(answer, id...)
		answer = append(answer, `","rev":"1-967a00dff5e02add41819138abb3284d"}`...)
		body = rest
	}
	return reply(201, "application/json", string(append(answer, ']'))), nil
}

// BenchmarkShip is a run over a file without what the server costs; lines/s is the figure.
func BenchmarkShip(b *testing.B) {
	log := benchLog()
	path := filepath.Join(b.TempDir(), "x.log")
	write(b, path, log)
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := Run(b.Context(), Options{
			Endpoint: Endpoint{BaseURL: "http://couch", Transport: takesAll{}},
			App:      "bench", Machine: "web", Inputs: []string{path},
			Format: func(time.Time) Formatter { return fieldFormat{} },
		})
		if err != nil || s.Stored != benchLines {
			b.Fatalf("%+v, %v", s, err)
		}
	}
	b.ReportMetric(float64(benchLines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkScan reads the same lines and does nothing with them.
func BenchmarkScan(b *testing.B) {
	log := benchLog()
	path := filepath.Join(b.TempDir(), "x.log")
	write(b, path, log)
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		f, err := lines.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		r := lines.New(f, 0)
		n := 0
		for ; err == nil; n++ {
			_, _, err = r.Next()
		}
		f.Close()
		if n-1 != benchLines {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(benchLines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
