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
		{"<29>1 2026-11-21T01:42:45Z vm app - - [a", "2026-11-21 01:42:45 vm app  [a"},
		{"<29>1 2026-11-21T01:42:45Z vm app - - x", "2026-11-21 01:42:45 vm app  x"},
		{"<192>Nov 21 01:42:45 vm su: a", ""},
		{"Nov 21 01:42 vm su: a", ""},
		{"Nov 31 01:42:45 vm su: a", ""},
		{"Feb 29 2025 01:42:45 vm su: a", ""},
		{"2026-02-30T01:42:45Z vm t[1]: x", ""},
		{"Nov 21 01:42:45", ""},
		{"", ""},
		{"<", ""},
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

// Each part of what the dialects say, as host|tag|pid|text and what else there is.
func TestParseDialects(t *testing.T) {
	t.Parallel()
	tests := []struct{ line, want string }{
		{"2026-11-21 01:42:45 vm t[1]: x", "2026-11-21 01:42:45 vm|t|1|x"},
		{"2026-11-21 01:42:45,124 vm proftpd[7] vm (a[b]): x", "2026-11-21 01:42:45,124 vm|proftpd|7|vm (a[b]): x"},
		{"2026-11-21 01:42:45 UTC vm t: x", "2026-11-21 01:42:45UTC vm|t||x"},
		{"Sat 2026-11-21 01:42:45 CET vm t: x", "2026-11-21 01:42:45CET vm|t||x"},
		{"Nov 21 01:42:45 2024 vm t: x", "2024-11-21 01:42:45 vm|t||x"},
		{"Nov 21 01:42:45 vm", "2026-11-21 01:42:45 vm|||"},
		{"Nov 21 01:42:45 vm lookup for opt failed", "2026-11-21 01:42:45 vm|lookup?||for opt failed"},
		{"Nov 21 01:42:45 vm --- last message repeated 1 time ---", "2026-11-21 01:42:45 vm|---?||last message repeated 1 time ---"},
		{"Nov 21 01:42:45 sshd[8]: x", "2026-11-21 01:42:45 |sshd|8|x"},
		{"Nov 21 01:42:45 [sshd]: x", "2026-11-21 01:42:45 |sshd||x"},
		{"Nov 21 01:42:45 [sshd] x", "2026-11-21 01:42:45 |sshd||x"},
		{"Nov 21 01:42:45 vm [test-demo][13] x", "2026-11-21 01:42:45 vm|test-demo|13|x"},
		{"Nov 21 01:42:45 pop3-login: Info: x", "2026-11-21 01:42:45 |pop3-login||Info: x"},
		{"Nov 21 01:42:45 auth(a@c,::1)<x>: Info: x", "2026-11-21 01:42:45 |auth||(a@c,::1)<x>: Info: x"},
		{"Nov 21 01:42:45 vm su(pam_unix)[5]: x", "2026-11-21 01:42:45 vm|su|5|x (pam_unix)"},
		{"Nov 21 01:42:45 vm auth-worker(99): x", "2026-11-21 01:42:45 vm|auth-worker|99|x"},
		{"Nov 21 01:42:45 vm auth(default): x", "2026-11-21 01:42:45 vm|auth||x (default)"},
		{"Nov 21 01:42:45 vm imap(a@b): x", "2026-11-21 01:42:45 vm|imap||(a@b): x"},
		{"Nov 21 01:42:45 vm kernel: [  97.1] x", "2026-11-21 01:42:45 vm|kernel||[  97.1] x"},
		{"Nov 21 01:42:45 mac Google Chrome[35]: x", "2026-11-21 01:42:45 mac|Google Chrome|35|x"},
		{"Nov 21 01:42:45 vm app[main]: x", "2026-11-21 01:42:45 vm|app|main|x"},
		{"Nov 21 01:42:45 2001:db8::1 su: x", "2026-11-21 01:42:45 2001:db8::1|su||x"},
		{"[Nov 21 01:42:45] vm su: x", "2026-11-21 01:42:45 vm|su||x"},
		{"Nov 21 01:42:45 <auth.info> vm su: x", "38 2026-11-21 01:42:45 vm|su||x"},
		{"Nov 21 01:42:45 <4.6> vm su: x", "38 2026-11-21 01:42:45 vm|su||x"},
		{"Nov 21 01:42:45 vm sshd[5]: [ID 800047 auth.info] x", "38 2026-11-21 01:42:45 vm|sshd|5|x"},
		{"Nov 21 01:42:45 vm app: [ID 7] x", "2026-11-21 01:42:45 vm|app||[ID 7] x"},
		{"<38>su[1]: x", "38 0000-00-00  |su|1|x"},
		{"<13>any words", "13 0000-00-00  |any?||words"},
		{"<13>Nov 21 01:42:45x vm su: a", "13 0000-00-00  |Nov?||21 01:42:45x vm su: a"},
		{"<13>Feb 29 2025 01:42:45 vm su: a", "13 0000-00-00  |Feb?||29 2025 01:42:45 vm su: a"},
		{"<13>2026-11-21T01:42:45x su: a", "13 0000-00-00  |2026-11-21T01||42:45x su: a"},
		{"<189>29: *Nov 21 01:42:45.123: %SYS-5-CONFIG_I: x", "189 2026-11-21 01:42:45.123 |%SYS-5-CONFIG_I||x"},
		{"<189>29: Nov 21 01:42:45 UTC: %SYS-5-CONFIG_I: x", "189 2026-11-21 01:42:45UTC |%SYS-5-CONFIG_I||x"},
		{"<14>Nov 21 2021 01:42:45: %ASA-4-102030: x", "14 2021-11-21 01:42:45 |%ASA-4-102030||x"},
		{"Nov 21 2021 01:42:45 fw : %ASA-4-102030: x", "2021-11-21 01:42:45 fw|%ASA-4-102030||x"},
		{"<29>1 - vm app - - - x", "29 0000-00-00  vm|app||x"},
		{"<13>1 - - - - - -", "13 0000-00-00  |||"},
		{"88 <13>1 2026-11-21T01:42:45+01:00 vm app 4 LOGIN [a@1 b=\"]\"] x", "13 2026-11-21 01:42:45+01:00 vm|app|4|x LOGIN [a@1 b=\"]\"]"},
		{"2026-11-21T01:42:45Z vm NSX 31 - [a@1 b=\"c\"] x", "2026-11-21 01:42:45Z vm|NSX|31|x  [a@1 b=\"c\"]"},
		{"2026-11-21T01:42:45Z vm app: - - [x] y", "2026-11-21 01:42:45Z vm|app||- - [x] y"},
		{"2026-11-21T01:42:45Z+07:00 vm app: x", ""},
		{"2026-11-21T01:42:45 vm vsftpd[16]: [u] x", "2026-11-21 01:42:45 vm|vsftpd|16|[u] x"},
		{"2026-11-21 01:42:45,978 INFO [main] org.example.App: x", ""},
		{"2026-11-21 01:42:45,978 INFO app: x", ""},
		{"2026-11-21T01:42:45Z [warn][Auth]: x", ""},
		{"2026-11-21T01:42:45Z info app: x", ""},
		{"2026-11-21T01:42:45Z vm words", "2026-11-21 01:42:45Z vm|words?||"},
		{"2026-11-21 01:42:45,978 17 app: x", ""},
		{"2026-11-21 01:42:45 status installed x:amd64 1", ""},
		{"2026-11-21 01:42:45 auth-worker(default): Info: x", "2026-11-21 01:42:45 |auth-worker||Info: x (default)"},
		{"@400000004c91b044077a9e94 imap-login: Info: x", "1284616250.125476500 |imap-login||Info: x"},
		{"1284623418.125 vm app[7]: x", "1284623418.125000000 vm|app|7|x"},
		{"1284623418.125      5 192.0.2.1 TCP_MISS/200 1 GET http://a: x", ""},
		{"@400000004c91b0440ffffffff app: x", ""},
		{"any words", ""},
	}
	for _, tt := range tests {
		h, ok := Parse([]byte(tt.line), reference)
		got := ""
		if ok {
			if h.Priority != NoPriority {
				got = fmt.Sprintf("%d ", h.Priority)
			}
			maybe := ""
			if !h.Tagged && len(h.Tag) > 0 {
				maybe = "?"
			}
			if !h.Instant.IsZero() {
				got += fmt.Sprintf("%d.%09d %s|%s|%s|%s", h.Instant.Unix(), h.Instant.Nanosecond(), h.Host, h.Tag, h.PID, h.Text)
			} else {
				got += fmt.Sprintf("%04d-%02d-%02d %s%s %s|%s%s|%s|%s", h.Year, h.Month, h.Day, h.Time, h.Zone, h.Host, h.Tag, maybe, h.PID, h.Text)
			}
			if len(h.Module) > 0 {
				got += fmt.Sprintf(" (%s)", h.Module)
			}
			if len(h.Data) > 0 {
				got += fmt.Sprintf(" %s %s", h.ID, h.Data)
			}
		}
		if got != tt.want {
			t.Errorf("%q:\ngot  %q\nwant %q", tt.line, got, tt.want)
		}
	}
}

func TestRepeated(t *testing.T) {
	t.Parallel()
	n, text, ok := Repeated([]byte("message repeated 12 times: [ Failed password for [x]]"))
	if !ok || string(n) != "12" || string(text) != "Failed password for [x]" {
		t.Errorf("%q %q %v", n, text, ok)
	}
	for _, no := range []string{"", "message repeated 2 times", "message repeated times: [ x]", "message repeated 2 times: [ x"} {
		if _, _, ok := Repeated([]byte(no)); ok {
			t.Errorf("%q is taken apart", no)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("<29>1 2026-11-21T01:42:45Z vm app - - [a b=\"]\\\"\"][c] x"))
	f.Add([]byte("Nov 21 01:42:45 vm sshd[12]: a b"))
	f.Add([]byte("Feb 29 01:42:45 vm x"))
	f.Add([]byte("<13>Nov 21 01:42:45x vm su: a"))
	f.Add([]byte("<189>29: *Feb 29 2025 01:42:45.123 UTC: %SYS-5-CONFIG: text"))
	f.Add([]byte("[Sat 2026-11-21 01:42:45,9 CET] vm <auth.info> su(pam_unix)[5] : [ID 800047 auth.info] x"))
	f.Add([]byte("@400000004c91b044077a9e94 auth(a,::1)<x>: message repeated 2 times: [ x]"))
	f.Fuzz(func(t *testing.T, line []byte) {
		h, ok := Parse(line, reference)
		if !ok {
			return
		}
		for _, part := range [][]byte{h.Time, h.Zone, h.Host, h.Tag, h.PID, h.ID, h.Data, h.Text, h.Module, h.Behind} {
			if !bytes.Contains(line, part) {
				t.Fatalf("%q is no part of %q", part, line)
			}
		}
		if h.Priority < NoPriority || h.Priority > 191 {
			t.Fatalf("%q: %+v", line, h)
		}
		if h.Month == 0 && h.Time == nil {
			return
		}
		if d := time.Date(h.Year, time.Month(h.Month), h.Day, 0, 0, 0, 0, time.UTC); d.Day() != h.Day || len(h.Time) < 8 {
			t.Fatalf("%q: %+v", line, h)
		}
	})
}
