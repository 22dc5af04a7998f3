package format

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// benchLines is lines of 113 bytes on average, as long as a ban of an IPv6 address by a jail with a long name. No two are alike:
// equal lines teach a processor where their blanks are, which no log does.
func benchLines() ([]byte, int) {
	const n = 50_000
	rnd := rand.New(rand.NewPCG(1, 2))
	jails := []string{"sshd", "postfix-sasl-auth", "recidive", "nginx-http-auth", "dovecot", "wordpress-hard-xmlrpc", "apache-badbots-and-scrapers"}
	verbs := []string{"Ban", "Unban", "Found", "Restore_Ban"}
	var b bytes.Buffer
	at := time.Date(2026, 11, 21, 1, 18, 29, 0, time.UTC)
	for range n {
		at = at.Add(time.Duration(rnd.IntN(1e11)))
		ip := fmt.Sprintf("2001:db8:%x:%x:%x::%x:%x", rnd.IntN(1<<16), rnd.IntN(1<<16), rnd.IntN(1<<16), rnd.IntN(1<<16), rnd.IntN(1<<16))
		if rnd.IntN(3) == 0 {
			ip = fmt.Sprintf("%d.%d.%d.%d", rnd.IntN(256), rnd.IntN(256), rnd.IntN(256), rnd.IntN(256))
		}
		fmt.Fprintf(&b, "%s fail2ban.%-16s[%d]: %-8s[%s] %s %s\n", at.Format("2006-01-02 15:04:05,000"), []string{"actions", "filter", "observer"}[rnd.IntN(3)],
			1+rnd.IntN(99999), []string{"NOTICE", "INFO", "WARNING"}[rnd.IntN(3)], jails[rnd.IntN(len(jails))], verbs[rnd.IntN(len(verbs))], ip)
	}
	return b.Bytes(), n
}

func benchCopy(b *testing.B, o Options) {
	b.Helper()
	in, n := benchLines()
	s, _ := newStream(b, o)
	s.Out = io.Discard
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Copy(b.Context(), bytes.NewReader(in)); err != nil {
			b.Fatal(err)
		}
	}
	if s.Counts.Matched == 0 || s.Counts.Rejected > 0 {
		b.Fatalf("%+v", s.Counts)
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkFormatFail2ban is the positional schema from bytes to NDJSON, reading and writing included.
func BenchmarkFormatFail2ban(b *testing.B) {
	benchCopy(b, Options{Schemas: []string{fail2banSchema}, Fields: "machine=server"})
}

func BenchmarkFormatTyped(b *testing.B) {
	benchCopy(b, Options{Schemas: []string{`$date:date $hour _ _ $level \[$process\] $event $ip:ip`}, Fields: "machine=server"})
}

func BenchmarkFormatPreset(b *testing.B) {
	benchCopy(b, Options{Preset: "fail2ban", Fields: "machine=server"})
}

// BenchmarkBaselineScan is bufio.Scanner alone, BenchmarkBaselineSplit the same with each line split at its blanks:
// the least that anything that looks at lines in the usual way does.
func BenchmarkBaselineScan(b *testing.B) {
	benchScanner(b, func([]byte) int { return 1 })
}

func BenchmarkBaselineSplit(b *testing.B) {
	benchScanner(b, func(line []byte) int {
		runs, in := 0, false
		for _, c := range line {
			blank := c == ' ' || c == '\t'
			if !blank && !in {
				runs++
			}
			in = !blank
		}
		return runs
	})
}

func benchScanner(b *testing.B, look func([]byte) int) {
	b.Helper()
	in, n := benchLines()
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	total := 0
	for b.Loop() {
		for s := bufio.NewScanner(bytes.NewReader(in)); s.Scan(); {
			total += look(s.Bytes())
		}
	}
	if total == 0 {
		b.Fatal("no runs")
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
