package format

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/store/ejson"
)

var reference = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)

func newPreset(t testing.TB, events, fields string) *Formatter {
	t.Helper()
	f, err := New(Options{Preset: "fail2ban", Events: events, Fields: fields, Reference: reference})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFail2ban holds each line of testdata/fail2ban.log against the line of the same number in testdata/fail2ban.ndjson,
// where a dash stands for a reject.
func TestFail2ban(t *testing.T) {
	t.Parallel()
	in := readLines(t, filepath.Join("testdata", "fail2ban.log"))
	want := readLines(t, filepath.Join("testdata", "fail2ban.ndjson"))
	if len(in) != len(want) {
		t.Fatalf("%d lines, %d expected objects", len(in), len(want))
	}
	f := newPreset(t, "all", "")
	for i, line := range in {
		out, verdict := f.Append(nil, line)
		if verdict == Rejected {
			out = []byte("-")
		}
		if !bytes.Equal(out, want[i]) {
			t.Errorf("line %d: %s\ngot  %s\nwant %s", i+1, line, out, want[i])
		}
	}
}

func readLines(t testing.TB, path string) [][]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
}

func TestFail2banEvents(t *testing.T) {
	t.Parallel()
	const (
		ban   = "2017-06-14 17:16:12,329 fail2ban.actions [1112]: NOTICE [sshd] Ban 59.45.175.88"
		unban = "2017-06-14 17:16:12,329 fail2ban.actions [1112]: NOTICE [sshd] Unban 59.45.175.88"
		other = "2017-06-14 17:16:12,329 fail2ban.filter [1112]: INFO maxRetry: 3"
		alien = "Traceback (most recent call last):"
	)
	tests := []struct {
		events string
		want   [4]Verdict
	}{
		{"", [4]Verdict{Matched, Skipped, Skipped, Rejected}},
		{"ban", [4]Verdict{Matched, Skipped, Skipped, Rejected}},
		{"unban, other", [4]Verdict{Skipped, Matched, Matched, Rejected}},
		{"all", [4]Verdict{Matched, Matched, Matched, Rejected}},
	}
	for _, tt := range tests {
		f := newPreset(t, tt.events, "")
		for i, line := range []string{ban, unban, other, alien} {
			if out, got := f.Append(nil, []byte(line)); got != tt.want[i] || (len(out) > 0) != (got == Matched) {
				t.Errorf("%q, line %d: %v %q, want %v", tt.events, i, got, out, tt.want[i])
			}
		}
	}
}

func TestFail2banFields(t *testing.T) {
	t.Parallel()
	f := newPreset(t, "all", "machine=server,level=x,process=all,rack=7")
	out, _ := f.Append(nil, []byte("2017-06-14 17:16:12,329 fail2ban.filter [1112]: INFO maxRetry: 3"))
	const want = `{"date":"2017-06-14","hour":"17:16:12,329","process":"all","level":"x","event":"other",` +
		`"message":"maxRetry: 3","machine":"server","rack":"7"}`
	if string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
}

func TestFail2banYear(t *testing.T) {
	t.Parallel()
	tests := []struct{ reference, line, want string }{
		{"2026-11-21", "Nov 21 01:42:45", "2026-11-21"},
		{"2026-11-21", "Nov 22 01:42:45", "2026-11-22"},
		{"2026-11-21", "Nov 23 01:42:45", "2025-11-23"},
		{"2027-01-01", "Dec 31 23:59:59", "2026-12-31"},
		{"2026-12-31", "Jan  1 00:00:00", "2027-01-01"},
		{"2027-06-01", "Feb 29 00:00:00", "2024-02-29"},
		{"2024-06-01", "Feb 29 00:00:00", "2024-02-29"},
		{"2024-01-01", "Feb 29 00:00:00", "2020-02-29"},
		{"2026-11-21", "Nov 30 2021 00:00:00", "2021-11-30"},
	}
	for _, tt := range tests {
		day, err := time.Parse(time.DateOnly, tt.reference)
		if err != nil {
			t.Fatal(err)
		}
		f := newPreset(t, "", "")
		f.SetReference(day)
		out, _ := f.Append(nil, []byte(tt.line+" vm fail2ban.actions[1]: NOTICE [sshd] Ban 192.0.2.1"))
		if !bytes.Contains(out, []byte(`"date":"`+tt.want+`"`)) {
			t.Errorf("%s at %s: %s, want %s", tt.line, tt.reference, out, tt.want)
		}
	}
}

// expected is what the file of that name beside the real logs says of each.
type expected struct {
	Lines  int
	Counts map[string]int
	IPs    int            `json:"ban_distinct_ips"`
	ByJail map[string]int `json:"ban_by_jail"`
	ByDay  map[string]int `json:"ban_by_day"`
}

// TestFail2banRealLogs counts what the preset makes of real logs against counts made without it.
func TestFail2banRealLogs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "shared", "data", "fail2ban-log")
	data, err := os.ReadFile(filepath.Join(dir, "EXPECTED.json"))
	if err != nil {
		t.Skipf("SKIPPED: the real fail2ban logs are absent: %v", err)
	}
	var files map[string]expected
	if err := json.Unmarshal(data, &files); err != nil {
		t.Fatal(err)
	}
	words := map[string]string{"Ban": "ban", "Unban": "unban", "Found": "found", "Restore Ban": "restore",
		"already banned": "already", "Ignore": "ignore", "Increase Ban": "increase"}
	for name, want := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := count(t, filepath.Join(dir, name))
			if got.matched != want.Lines || got.rejected != 0 {
				t.Errorf("%d matched and %d rejected of %d lines", got.matched, got.rejected, want.Lines)
			}
			for word, event := range words {
				if got.events[event] != want.Counts[word] {
					t.Errorf("%d times %s, want %d", got.events[event], event, want.Counts[word])
				}
			}
			if len(got.ips) != want.IPs {
				t.Errorf("%d addresses banned, want %d", len(got.ips), want.IPs)
			}
			for jail, n := range want.ByJail {
				if got.jails[jail] != n {
					t.Errorf("%d bans by %s, want %d", got.jails[jail], jail, n)
				}
			}
			for day, n := range want.ByDay {
				if got.days[day] != n {
					t.Errorf("%d bans on %s, want %d", got.days[day], day, n)
				}
			}
		})
	}
	t.Run("syslog", func(t *testing.T) {
		t.Parallel()
		files, _ := filepath.Glob(filepath.Join(dir, "syslog-*.log"))
		for _, file := range files {
			if got := count(t, file); got.matched != 782 || got.rejected != 0 || got.events["ban"] != 73 || got.days["2026-11-21"] != 73 {
				t.Errorf("%s: %+v", file, got)
			}
		}
	})
	t.Run("shapes", func(t *testing.T) {
		t.Parallel()
		for _, line := range readLines(t, filepath.Join(dir, "shapes.tsv"))[1:] {
			source, line, _ := bytes.Cut(line, []byte("\t"))
			undated := bytes.HasPrefix(line, []byte("host "))
			if _, verdict := newPreset(t, "all", "").Append(nil, line); (verdict == Rejected) != undated {
				t.Errorf("%s: verdict %v of %s", source, verdict, line)
			}
		}
	})
	t.Run("others", func(t *testing.T) {
		t.Parallel()
		files, _ := filepath.Glob(filepath.Join(dir, "input-*"))
		for _, file := range files {
			if got := count(t, file); got.matched != 0 {
				t.Errorf("%s: %d lines of other programs matched", file, got.matched)
			}
		}
	})
}

type counts struct {
	matched, rejected        int
	events, ips, jails, days map[string]int
}

func count(t *testing.T, path string) counts {
	t.Helper()
	c := counts{events: map[string]int{}, ips: map[string]int{}, jails: map[string]int{}, days: map[string]int{}}
	f := newPreset(t, "all", "")
	for _, line := range readLines(t, path) {
		out, verdict := f.Append(nil, line)
		if verdict == Rejected {
			c.rejected++
			continue
		}
		c.matched++
		var doc struct{ Date, Process, IP, Event string }
		if err := json.Unmarshal(out, &doc); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		c.events[doc.Event]++
		if doc.Event == "ban" {
			c.ips[doc.IP]++
			c.jails[doc.Process]++
			c.days[doc.Date]++
		}
	}
	return c
}

func FuzzFail2ban(f *testing.F) {
	for _, line := range readLines(f, filepath.Join("testdata", "fail2ban.log")) {
		f.Add(string(line))
	}
	preset := newPreset(f, "all", "")
	f.Fuzz(func(t *testing.T, line string) {
		out, verdict := preset.Append(nil, []byte(line))
		if verdict == Rejected {
			if len(out) > 0 {
				t.Fatalf("output %q of a reject", out)
			}
			return
		}
		stored, err := ejson.Compact(nil, out)
		if err != nil || !bytes.Equal(stored, out) {
			t.Fatalf("%s in stored form is %s, %v", out, stored, err)
		}
		var doc map[string]string
		if err := json.Unmarshal(out, &doc); err != nil {
			t.Fatal(err)
		}
		if _, ok := eventNamed(doc["event"]); !ok || doc["date"] == "" || doc["hour"] == "" {
			t.Fatalf("%s: no event, date or hour", out)
		}
		whole := repaired(line)
		for _, key := range []string{"hour", "process", "ip", "message"} {
			if !strings.Contains(whole, doc[key]) {
				t.Fatalf("%s: %q is no part of %q", key, doc[key], line)
			}
		}
		if len(doc["date"]) != len("2017-06-14") {
			t.Fatalf("date %q", doc["date"])
		}
	})
}
