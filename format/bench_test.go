package format

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
)

// benchLines is lines of 113 bytes, as long as a ban of an IPv6 address by a jail with a long name.
func benchLines() ([]byte, int) {
	const line = "2026-11-21 01:18:29,619 fail2ban.actions        [7756]: NOTICE  [postfix-sasl-auth] Ban 2001:db8:5c0c:46a2::3bab\n"
	const n = 50_000
	return []byte(strings.Repeat(line, n)), n
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
