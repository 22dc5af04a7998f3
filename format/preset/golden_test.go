package preset

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/format"
	"logctl/store/ejson"
)

var update = flag.Bool("update", false, "write lines.golden")

// testTime is after the lines of all test data.
var testTime = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// ownLine is a line of ours with the preset that reads it.
type ownLine struct{ preset, line string }

func ownLines(t testing.TB) []ownLine {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "lines.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []ownLine
	preset := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		name, isName := strings.CutSuffix(line, ":")
		switch {
		case strings.HasPrefix(line, "#"):
		case isName && !strings.Contains(name, " "):
			preset = name
		default:
			all = append(all, ownLine{preset, line})
		}
	}
	return all
}

func load(t testing.TB, files ...string) *Set {
	t.Helper()
	s, err := Load(files...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parser is a preset for tests, in UTC.
func parser(t testing.TB, s *Set, name string, o Options) *Parser {
	t.Helper()
	o.Zone = "UTC"
	p, err := s.Parser(name, o)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	p.SetReference(testTime)
	return p
}

func TestGolden(t *testing.T) {
	t.Parallel()
	s := load(t)
	var got bytes.Buffer
	for _, l := range ownLines(t) {
		p := parser(t, s, l.preset, Options{Events: "all"})
		out, verdict := p.Append(nil, []byte(l.line))
		if verdict != format.Matched {
			t.Errorf("%s does not fit: %s\n%s", l.preset, l.line, p.Reason([]byte(l.line)))
		}
		checkCounted(t, p, out)
		got.Write(append(out, '\n'))
	}
	file := filepath.Join("testdata", "lines.golden")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wanted := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got.String(), "\n") {
		if i >= len(wanted) || line != wanted[i] {
			t.Errorf("line %d\ngot  %s\nwant %s", i+1, line, wanted[min(i, len(wanted)-1)])
		}
	}
	if n := len(strings.Split(got.String(), "\n")); n != len(wanted) {
		t.Errorf("%d docs, want %d", n, len(wanted))
	}
}

// The docs of a program's own preset and of its carrier are the same.
func TestCarrierAndProgramAgree(t *testing.T) {
	t.Parallel()
	s := load(t)
	carrier, program := parser(t, s, "syslog", Options{}), parser(t, s, "sshd", Options{})
	n := 0
	for _, l := range ownLines(t) {
		if l.preset != "syslog" || !strings.Contains(l.line, " sshd") {
			continue
		}
		a, _ := carrier.Append(nil, []byte(l.line))
		b, _ := program.Append(nil, []byte(l.line))
		if n++; !bytes.Equal(a, b) {
			t.Errorf("%s\n%s\n%s", l.line, a, b)
		}
	}
	if n == 0 {
		t.Error("no line was compared")
	}
}

func TestOverridesAndEvents(t *testing.T) {
	t.Parallel()
	s := load(t)
	const failed = "Nov 21 01:42:45 web1 sshd[12]: Failed password for root from 192.0.2.7 port 22 ssh2"
	for _, tt := range []struct {
		preset string
		o      Options
		line   string
		want   string
	}{
		{"sshd", Options{Fields: "host=h,user=u,event=e,x=y"}, failed,
			`{"time":"2026-11-21T01:42:45Z","application":"sshd","pid":12,"method":"password","user":"u","ip":"192.0.2.7","port":22,"protocol":"ssh2","event":"e","outcome":"failure","host":"h","x":"y"}`},
		{"syslog", Options{Fields: "x=y"}, "Nov 21 01:42:45 web1 app: words", `{"time":"2026-11-21T01:42:45Z","host":"web1","application":"app","message":"words","x":"y"}`},
		{"sshd", Options{Fields: "x=y"}, "Nov 21 01:42:45 web1 sshd: words", `{"time":"2026-11-21T01:42:45Z","host":"web1","application":"sshd","message":"words","event":"other","x":"y"}`},
		{"json", Options{Fields: "a=y"}, `{"a":1,"_b":2}`, `{"b":2,"a":"y"}`},
		{"auditd", Options{}, "type=USER_AUTH msg=audit(1795225365.123:7): pid=1 uid=0 auid=5 ses=1 msg='op=PAM:authentication acct=\"bob\" exe=\"/usr/bin/su\" hostname=? addr=? terminal=pts/0 res=success'\x1dUID=\"root\" AUID=\"bob\"",
			`{"type":"USER_AUTH","time":"2026-11-21T01:42:45.123Z","serial":7,"pid":1,"uid":"0","auid":"5","ses":"1","event":"PAM:authentication","user":"bob","exe":"/usr/bin/su","client":"?","terminal":"pts/0","UID":"root","AUID":"bob","outcome":"success","application":"auditd"}`},
		{"json", Options{}, `{"ip":"192.0.2.7"}`, `{"ip":"192.0.2.7","event":"record"}`},
		{"json", Options{}, `{"ip":"192.0.2.7","event":"login"}`, `{"ip":"192.0.2.7","event":"login"}`},
		{"logfmt", Options{}, `ip=192.0.2.7 a=b`, `{"ip":"192.0.2.7","a":"b","event":"record"}`},
		{"json", Options{Fields: "a=y"}, `{}`, `{"a":"y"}`},
		{"json", Options{}, `{"_a":1,"a":2,"a_3":3,"__a":4}`, `{"a":1,"a_2":2,"a_3":3,"a_4":4}`},
		{"json", Options{}, `{"ip":"192.0.2.7","event":null,"x":{"event":1}}`, `{"ip":"192.0.2.7","event":"record","x":{"event":1}}`},
		{"json", Options{Fields: "event=e"}, `{"x":{"event":{"y":1}},"ip":"192.0.2.7"}`, `{"x":{"event":{"y":1}},"ip":"192.0.2.7","event":"e"}`},
		{"journald", Options{}, `{"__REALTIME_TIMESTAMP":"1","B\"":1,"time":2,"B_1":3,"A":4,"MESSAGE":"x"}`, `{"time":"1970-01-01T00:00:00.000001Z","A":4,"B_1":3,"message":"x"}`},
		{"journald", Options{Fields: "a=b"}, `{"__REALTIME_TIMESTAMP":"9223372036854775807"}`, `{"a":"b"}`},
		{"syslog", Options{Fields: "message=a,message=b"}, "<13>words", `{"facility":"user","level":"notice","message":"b"}`},
		{"sshd", Options{Fields: "event=e,message=m"}, "<13>sshd: words", `{"application":"sshd","facility":"user","level":"notice","event":"e","message":"m"}`},
		{"caddy", Options{}, `{"logger":"a","level":"b","msg":"c","application":"d"}`, `{"logger":"a","level":"b","msg":"c","application":"caddy","event":"log"}`},
		{"sshd", Options{Events: "accepted"}, failed, "skipped"},
		{"sshd", Options{Events: "accepted, failed", Fields: "host=h"}, failed,
			`{"time":"2026-11-21T01:42:45Z","application":"sshd","pid":12,"method":"password","user":"root","ip":"192.0.2.7","port":22,"protocol":"ssh2","event":"failed","outcome":"failure","host":"h"}`},
		{"fail2ban", Options{}, "2026-11-21 01:42:45,123 fail2ban.actions [1]: NOTICE [sshd] Unban 192.0.2.7", "skipped"},
		{"sshd", Options{}, "Nov 21 01:42:45 web1 cron[1]: x", "rejected"},
		{"sshd", Options{}, " ", "skipped"},
		{"nginx-error", Options{}, "words", "rejected"},
	} {
		p := parser(t, s, tt.preset, tt.o)
		out, verdict := p.Append([]byte("kept"), []byte(tt.line))
		got := map[format.Verdict]string{format.Skipped: "keptskipped", format.Rejected: "keptrejected"}[verdict]
		if verdict == format.Matched {
			got = string(out)
		} else if string(out) != "kept" {
			t.Errorf("%s: output %q", tt.line, out)
		}
		if verdict == format.Rejected && p.Reason([]byte(tt.line)) == "" {
			t.Errorf("%s: no reason", tt.line)
		}
		if got != "kept"+tt.want {
			t.Errorf("%s %+v: %s\ngot  %s\nwant kept%s", tt.preset, tt.o, tt.line, got, tt.want)
		}
	}
}

// nasty are lines with members that nobody expects, under names that docs have otherwise.
var nasty = []string{
	`{"__REALTIME_TIMESTAMP":"1","time":"x","message":"y","event":null,"ip":"192.0.2.7","MESSAGE":"x","SYSLOG_IDENTIFIER":"sshd"}`,
	`{"__REALTIME_TIMESTAMP":"9223372036854775807","A\"B":1,"_HOSTNAME":[[]],"_PID":[[1],2],"MESSAGE":[[255]]}`,
	`{"__REALTIME_TIMESTAMP":"-9223372036854775808","MESSAGE":[255,254],"PRIORITY":"9","_PID":"-007"}`,
	`{"__REALTIME_TIMESTAMP":"x"}`,
	`{"__REALTIME_TIMESTAMP":"1","SYSLOG_IDENTIFIER":"audit","UID":"0","MESSAGE":"type=A msg=audit(1795225365.123:7): UID=2"}`,
	`{"_":1,"__":2,"":3,"_2":4}`,
	`{"_a":1,"a":2,"a_2":3,"__a":4,"_ip":"192.0.2.7","ip":"192.0.2.8","ts":1497453372,"_ts":2,"time":3}`,
	`{"IP":"192.0.2.7","Event":null,"ip":"192.0.2.8","event":null,"x":[{"event":1}]}`,
	`{"ip":"192.0.2.7","event":null,"msg":null,"logger":"a","level":"b","request":{"client_ip":"192.0.2.7:1","event":1}}`,
	`{"x":{"event":{"y":1},"event_":[{}]},"event":null,"ip":"192.0.2.7"}`,
	`{"s":"a","c":"b","ctx":"c","msg":{"event":"x"},"attr":{"event":1,"msg":2,"remote":"[::1]:1"}}`,
	`{"stream":"stdout","log":"x","time":"2026-11-21T01:42:45Z","ip":"192.0.2.7","_message":1,"application":2,"_application":3}`,
	`<13>1 - - - - - [time@1 time="x"][host a="b" a="c\"]"][event ip="192.0.2.7"] x`,
	`<13>Feb 29 2025 01:42:45 host sshd[1]: Failed password for root from ::ffff:192.0.2.7 port 22 ssh2`,
	`<13>`, `<13> :`, `a="1" a=2 _a=3 a_2=4 time=5 event ip=192.0.2.1 ip=192.0.2.2 msg="x`,
	`[event event="1"][ip ip="192.0.2.1"]`,
	`192.0.2.7 - - [21/Nov/2026:01:42:45 +0000] "GET /` + strings.Repeat("1", 400) + ` HTTP/1.1" ` + strings.Repeat("9", 400) + ` 0`,
}

// What must hold for every line and every preset: the output is one JSON object in stored form, and each string in it is a part of
// the line (but for times, names that follow from numbers, and what was escaped), or a constant.
func FuzzPresets(f *testing.F) {
	s := load(f)
	names := s.Names()
	parsers := map[string]*Parser{}
	for _, name := range names {
		parsers[name] = parser(f, s, name, Options{Events: "all"})
	}
	for _, l := range ownLines(f) {
		for i, name := range names {
			if name == l.preset {
				f.Add(uint8(i), l.line)
			}
		}
	}
	for _, line := range nasty {
		for _, name := range []string{"syslog", "journald", "sshd", "auditd", "firewall", "access", "fail2ban", "json", "logfmt", "caddy", "mongodb", "docker", "cri"} {
			f.Add(uint8(slices.Index(names, name)), line)
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, line string) {
		p := parsers[names[int(i)%len(names)]]
		if out := checkLine(t, p, line); out != nil {
			checkCaptured(t, p, line, out)
		}
	})
}

// checkLine checks what must hold for a line whatever fields are asked for, and gives its doc, nil if it has none.
func checkLine(t *testing.T, p *Parser, line string) []byte {
	t.Helper()
	out, verdict := p.Append([]byte("x"), []byte(line))
	if verdict != format.Matched {
		if string(out) != "x" {
			t.Fatalf("output %q without a match", out)
		}
		if reason := p.Reason([]byte(line)); strings.ContainsFunc(reason, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			t.Fatalf("reason %q", reason)
		}
		return nil
	}
	stored, err := ejson.Compact(nil, out[1:])
	if err != nil || !bytes.Equal(stored, out[1:]) {
		t.Fatalf("%s makes of %q\n%s\nstored as\n%s (%v)", p.def.Name, line, out[1:], stored, err)
	}
	checkCounted(t, p, out[1:])
	return out[1:]
}

// checkCounted checks that a doc with an address says what happened: without an event it would count as an attack.
func checkCounted(t *testing.T, p *Parser, out []byte) {
	t.Helper()
	doc := decoded(t, out)
	if ip, _ := doc["ip"].(string); ip != "" && doc["event"] == nil {
		t.Fatalf("%s: an address and no event: %s", p.def.Name, out)
	}
}

// decoded is an object whose numbers may be of any length.
func decoded(t *testing.T, object []byte) (members map[string]any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		t.Fatal(err)
	}
	return members
}

// checkCaptured checks that an address and a user, which reports count, stand in the line.
func checkCaptured(t *testing.T, p *Parser, line string, out []byte) {
	t.Helper()
	if p.def.Delimiter != "" || p.def.Reader == readerJSON || p.def.Reader == readerJournald || strings.HasPrefix(strings.TrimSpace(line), "{") {
		return // what was escaped is no part of the line
	}
	doc := decoded(t, out)
	whole := strings.ToValidUTF8(line, "")
	for _, name := range []string{"ip", "user", "message"} {
		if text, ok := doc[name].(string); ok && !strings.Contains(whole, strings.ReplaceAll(text, "\uFFFD", "")) && !strings.Contains(text, "\uFFFD") {
			t.Fatalf("%s: %s %q is no part of %q", p.def.Name, name, text, line)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	s := load(t)
	for _, l := range ownLines(t) {
		switch l.preset {
		case "syslog", "access", "nginx-error", "apache-error", "auditd", "postgresql", "mysql":
		default:
			continue
		}
		if strings.Contains(l.line, "a=\"b") { // structured data goes through JSON
			continue
		}
		p := parser(t, s, l.preset, Options{})
		line, buf := []byte(l.line), make([]byte, 0, 4096)
		buf, _ = p.Append(buf[:0], line)
		if n := testing.AllocsPerRun(50, func() { buf, _ = p.Append(buf[:0], line) }); n > 0 {
			t.Errorf("%v allocations for %s", n, l.line)
		}
	}
}

func BenchmarkPresets(b *testing.B) {
	s := load(b)
	for _, bm := range []struct{ name, preset, line string }{
		{"sshd", "sshd", "Nov 21 01:42:45 web1 sshd[12]: Failed password for invalid user oracle from 192.0.2.7 port 4022 ssh2"},
		{"syslog-sshd", "syslog", "Nov 21 01:42:45 web1 sshd[12]: Failed password for invalid user oracle from 192.0.2.7 port 4022 ssh2"},
		{"syslog-other", "syslog", "Nov 21 01:42:45 web1 app[12]: words of a program that nobody knows"},
		{"postfix", "syslog", "Nov 21 01:42:45 web1 postfix/smtpd[9]: warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: authentication failure"},
		{"access", "nginx-access", `192.0.2.7 - - [21/Nov/2026:01:42:45 +0100] "GET /a?b=c HTTP/1.1" 200 1534 "https://example.org/" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"`},
		{"nginx-error", "nginx-error", `2026/11/21 01:42:45 [error] 9#9: *1 user "bob" was not found in "/etc/nginx/.htpasswd", client: 192.0.2.7, server: a, request: "GET / HTTP/1.1", host: "a"`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			p := parser(b, s, bm.preset, Options{})
			line, buf := []byte(bm.line), make([]byte, 0, 4096)
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				var verdict format.Verdict
				if buf, verdict = p.Append(buf[:0], line); verdict != format.Matched {
					b.Fatal("no match")
				}
			}
		})
	}
}
