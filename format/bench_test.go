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
	benchCopyOf(b, in, n, 1, o)
}

func benchCopyOf(b *testing.B, in []byte, n, workers int, o Options) {
	b.Helper()
	s, _ := newStream(b, o)
	s.Workers = workers
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

// BenchmarkFormatTwoCores is the same with two workers.
func BenchmarkFormatTwoCores(b *testing.B) {
	in, n := benchLines()
	benchCopyOf(b, in, n, 2, Options{Schemas: []string{fail2banSchema}, Fields: "machine=server"})
}

// BenchmarkFormatNginx is the combined log format of nginx and Apache.
func BenchmarkFormatNginx(b *testing.B) {
	in, n := repeatedLines(`203.0.113.%d - - [21/Nov/2026:01:18:29 +0100] "GET /wp-login.php?%d HTTP/1.1" 404 %d "https://www.example.org/a?b=c" "Mozilla/5.0 (X11; Linux x86_64; rv:1%d.0) Gecko/20100101 Firefox/115.0"` + "\n")
	benchCopyOf(b, in, n, 1, Options{Schemas: []string{`$ip:ip _ $user \[$t:ts\] $request:quoted $status:int $size:int $referer:quoted $agent:quoted`}})
}

// BenchmarkFormatRFC5424 is syslog's own format, a fourth of the lines with structured data.
func BenchmarkFormatRFC5424(b *testing.B) {
	const before, behind = `<%d>1 2026-11-21T01:18:29.%d+01:00 www.example.org sshd %d ID47 `, ` Failed password for root from 203.0.113.%d port 50022 ssh2` + "\n"
	none := before + `-` + behind
	in, n := repeatedLines(none, none, none, before+`[origin ip="192.0.2.7" software="sshd"]`+behind)
	benchCopyOf(b, in, n, 1, Options{Schemas: []string{`<$pri:int>1 $t:ts $host $app $pid $msgid $sd:kv $message...`}})
}

// BenchmarkFormatStructured is the same with structured data on every line.
func BenchmarkFormatStructured(b *testing.B) {
	in, n := repeatedLines(`<%d>1 2026-11-21T01:18:29.%d+01:00 www.example.org sshd %d ID47 [origin ip="192.0.2.7" software="sshd"] Failed password for root from 203.0.113.%d port 50022 ssh2` + "\n")
	benchCopyOf(b, in, n, 1, Options{Schemas: []string{`<$pri:int>1 $t:ts $host $app $pid $msgid $sd:kv $message...`}})
}

// repeatedLines is lines of patterns in which the numbers vary.
func repeatedLines(patterns ...string) ([]byte, int) {
	const n = 30_000
	rnd := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for range n {
		fmt.Fprintf(&b, patterns[rnd.IntN(len(patterns))], 1+rnd.IntN(190), 100+rnd.IntN(100_000), 100+rnd.IntN(100_000), 10+rnd.IntN(80))
	}
	return b.Bytes(), n
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
