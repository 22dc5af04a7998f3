package syslog

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

var reference = time.Date(2026, time.November, 21, 0, 0, 0, 0, time.UTC)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct{ line, want string }{
		{"Nov 21 01:42:45 vm sshd[12]: a b", "2026-11-21 01:42:45 vm sshd 12 a b"},
		{"Nov  1 01:42:45 vm sshd: a", "2026-11-01 01:42:45 vm sshd  a"},
		{"Nov 1 01:42:45.123 vm sshd: a", "2026-11-01 01:42:45.123 vm sshd  a"},
		{"Nov 23 01:42:45 vm su: a", "2025-11-23 01:42:45 vm su  a"},
		{"Nov 23 2019 01:42:45 vm su: a", "2019-11-23 01:42:45 vm su  a"},
		{"<34>Nov 21 01:42:45 vm su: a", "2026-11-21 01:42:45 vm su  a"},
		{"Nov 21 01:42:45 vm a/b[1] : x", "2026-11-21 01:42:45 vm a/b 1 x"},
		{"Nov 21 01:42:45 vm tag [x] y", "2026-11-21 01:42:45 vm tag  [x] y"},
		{"2026-11-21T01:42:45.925690+00:00 vm t[1]: x", "2026-11-21 01:42:45.925690 vm t 1 x"},
		{"2026-11-21T01:42:45+0000 vm t[1]: x", "2026-11-21 01:42:45 vm t 1 x"},
		{"<29>1 2026-11-21T01:42:45Z vm app 12 ID1 - x", "2026-11-21 01:42:45 vm app 12 x"},
		{"<29>1 2026-11-21T01:42:45Z vm app - - [a b=\"]\\\"\"][c] \xef\xbb\xbfx", "2026-11-21 01:42:45 vm app  x"},
		{"<29>1 2026-11-21T01:42:45Z vm app - - -", "2026-11-21 01:42:45 vm app  "},
		{"<29>1 2026-11-21T01:42:45Z vm app - - [a", ""},
		{"<29>1 2026-11-21T01:42:45Z vm app - - x", ""},
		{"<29>1 - vm app - - - x", ""},
		{"<192>Nov 21 01:42:45 vm su: a", ""},
		{"Nov 21 01:42 vm su: a", ""},
		{"Nov 31 01:42:45 vm su: a", ""},
		{"Feb 29 2025 01:42:45 vm su: a", ""},
		{"2026-11-21 01:42:45 vm t[1]: x", ""},
		{"2026-02-30T01:42:45Z vm t[1]: x", ""},
		{"Nov 21 01:42:45", ""},
		{"Nov 21 01:42:45 vm", ""},
		{"", ""},
		{"<", ""},
		{"<1>", ""},
	}
	for _, tt := range tests {
		h, ok := Parse([]byte(tt.line), reference)
		got := ""
		if ok {
			got = fmt.Sprintf("%04d-%02d-%02d %s %s %s %s %s", h.Year, h.Month, h.Day, h.Time, h.Host, h.Tag, h.PID, h.Text)
		}
		if got != tt.want {
			t.Errorf("%q:\ngot  %q\nwant %q", tt.line, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("<29>1 2026-11-21T01:42:45Z vm app - - [a b=\"]\\\"\"][c] x"))
	f.Add([]byte("Nov 21 01:42:45 vm sshd[12]: a b"))
	f.Add([]byte("Feb 29 01:42:45 vm x"))
	f.Fuzz(func(t *testing.T, line []byte) {
		h, ok := Parse(line, reference)
		if !ok {
			return
		}
		for _, part := range [][]byte{h.Time, h.Host, h.Tag, h.PID, h.Text} {
			if !bytes.Contains(line, part) {
				t.Fatalf("%q is no part of %q", part, line)
			}
		}
		if d := time.Date(h.Year, time.Month(h.Month), h.Day, 0, 0, 0, 0, time.UTC); d.Day() != h.Day || len(h.Time) < 8 || len(h.Tag) == 0 {
			t.Fatalf("%q: %+v", line, h)
		}
	})
}
