package couchapi

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"logctl/designdocs"
)

// banLog fills a database with n bans of a year: 2,000 addresses, 3 machines.
func banLog(b *testing.B, c *http.Client, n int) {
	b.Helper()
	send(b, c, http.MethodPut, "/log_bans", nil)
	start := time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)
	var body bytes.Buffer
	const size = 5000
	for i := 0; i < n; i += size {
		body.Reset()
		body.WriteString(`{"docs":[`)
		for j := i; j < min(i+size, n); j++ {
			if j > i {
				body.WriteByte(',')
			}
			at := start.Add(time.Duration(j) * (365 * 24 * time.Hour / time.Duration(n)))
			ip := (j * 7919) % 2000
			fmt.Fprintf(&body, `{"_id":"%s329-%016x","date":"%s","hour":"%s,329","process":"sshd","ip":"59.45.%d.%d","machine":"web%d"}`,
				at.Format("20060102150405"), uint64(j)*0x9E3779B97F4A7C15, at.Format("2006-01-02"), at.Format("15:04:05"), ip/256, ip%256, j%3)
		}
		body.WriteString(`]}`)
		send(b, c, http.MethodPost, "/log_bans/_bulk_docs", body.Bytes())
	}
}

// send makes a request and gives the size of its answer.
func send(b *testing.B, c *http.Client, method, path string, body []byte) int64 {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, "http://store"+path, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := c.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	size, err := io.Copy(io.Discard, res.Body)
	if err != nil || res.StatusCode > 299 {
		b.Fatal(method, path, res.Status, err)
	}
	return size
}

// whoDesign counts attacks by address in JavaScript, an object that grows with the number of addresses.
const whoDesign = `{"views":{"who":{
	"map":"function(doc) { var d = new Date(doc.date); emit([doc.machine, d.getFullYear(), d.getMonth(), d.getDate()], doc.ip) }",
	"reduce":"function(keys, values, rereduce) { var ret = {}; values.forEach(function(v) { if (!rereduce) { ret[v] = (ret[v] || 0) + 1; return } for (var k in v) ret[k] = (ret[k] || 0) + v[k] }); return ret }"}}}`

// BenchmarkReports builds the report document's views over a year of bans and asks what reports and people ask. LOGCTL_BENCH_DOCS is how many docs there are, 100,000 if it is not set.
func BenchmarkReports(b *testing.B) {
	n := 100_000
	if s := os.Getenv("LOGCTL_BENCH_DOCS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	h, _ := benchDB(b)
	c := &http.Client{Transport: h.Transport(adminCaller(testAdmin))}
	banLog(b, c, n)
	own, err := designdocs.Own()
	if err != nil {
		b.Fatal(err)
	}
	send(b, c, http.MethodPut, "/log_bans/_design/report", own[0].Body)
	send(b, c, http.MethodPut, "/log_bans/_design/who", []byte(whoDesign))
	builds := 0
	b.Run("build", func(b *testing.B) {
		used := cpuTime(b)
		for range b.N {
			builds++ // another text makes another index
			name := fmt.Sprintf("/log_bans/_design/report%d", builds)
			send(b, c, http.MethodPut, name, bytes.Replace(own[0].Body, []byte(`function (doc)`), fmt.Appendf(nil, `function (doc) /* %d */`, builds), 1))
			send(b, c, http.MethodGet, name+"/_view/attacks", nil)
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "docs/s")
		b.ReportMetric(float64((cpuTime(b)-used).Nanoseconds())/float64(n*b.N)/1000, "cpu-µs/doc")
	})
	send(b, c, http.MethodGet, "/log_bans/_design/report/_view/attacks", nil)
	send(b, c, http.MethodGet, "/log_bans/_design/who/_view/who", nil)
	for _, q := range []struct{ name, path string }{
		{"attacks/group_level=4", "report/_view/attacks?group_level=4"},
		{"attackers/7days_rows", "report/_view/attackers?reduce=false&startkey=%5B%22day%22,2017,6,14%5D&endkey=%5B%22day%22,2017,6,21%5D"},
		{"attackers/7days", "report/_view/attackers?group=true&startkey=%5B%22day%22,2017,6,14%5D&endkey=%5B%22day%22,2017,6,21%5D"},
		{"attackers/year", "report/_view/attackers?group=true&startkey=%5B%22month%22,2017%5D&endkey=%5B%22month%22,2018%5D"},
		{"who/group_level=4", "who/_view/who?group_level=4"},
	} {
		b.Run(q.name, func(b *testing.B) {
			var size int64
			var times []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				size = send(b, c, http.MethodGet, "/log_bans/_design/"+q.path, nil)
				times = append(times, time.Since(start))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

// cpuTime is what this process has used so far: on a machine that others use too it tells more than the clock does.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
