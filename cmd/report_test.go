package cmd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// run runs a command line on the data directory dir and gives what it writes to stdout.
func run(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	var out, talk bytes.Buffer
	root := newRoot()
	root.SetArgs(append([]string{"--data", dir}, args...))
	root.SetOut(&out)
	root.SetErr(&talk)
	if err := root.ExecuteContext(context.Background()); err != nil && statusOf(err) != statusPartly {
		t.Fatalf("logctl %q: %v\n%s", args, err, talk.Bytes())
	}
	return out.Bytes()
}

// banned finds a ban by its looks alone: what no format of ours is asked for.
var banned = regexp.MustCompile(`\] Ban ([0-9A-Fa-f.:/]+)\s*$`)

// What report attackers says of real logs is what counting their lines says, and what EXPECTED.json beside them says.
func TestReportAgreesWithCountedLines(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "data", "fail2ban-log")
	text, err := os.ReadFile(filepath.Join(dir, "EXPECTED.json"))
	if err != nil {
		t.Skipf("SKIPPED: no real fail2ban logs to count: %v", err)
	}
	t.Setenv("LOGCTL_URL", "")
	t.Setenv("LOGCTL_CONFIG", os.DevNull)
	var expected map[string]struct {
		Distinct int `json:"ban_distinct_ips"`
		Bans     int `json:"grep_Ban"`
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	for name := range expected {
		want, bans := countBans(t, filepath.Join(dir, name))
		if bans == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			run(t, data, "ship", "--app", "fail2ban", "--preset", "fail2ban", "--events", "all", filepath.Join(dir, name))
			var got []struct {
				IP          string
				Count       int
				First, Last string
			}
			if err := json.Unmarshal(run(t, data, "report", "attackers", "--limit", "0", "-o", "json"), &got); err != nil {
				t.Fatal(err)
			}
			total := 0
			for i, a := range got {
				total += a.Count
				if a.Count != want[a.IP] {
					t.Errorf("%s: %d attacks, want %d", a.IP, a.Count, want[a.IP])
				}
				if a.First > a.Last || i > 0 && got[i-1].Count < a.Count {
					t.Errorf("%+v is out of order", a)
				}
			}
			if len(got) != len(want) || total != bans {
				t.Errorf("%d addresses with %d attacks, want %d with %d", len(got), total, len(want), bans)
			}
			if e := expected[name]; e.Distinct != len(want) {
				t.Errorf("%d addresses counted, EXPECTED.json has %d", len(want), e.Distinct)
			}
			for _, by := range []string{"hour", "day", "week", "month", "year", "machine", "process"} {
				var rows []struct{ Count int }
				if err := json.Unmarshal(run(t, data, "report", "attacks", "--by", by, "-o", "json"), &rows); err != nil {
					t.Fatal(err)
				}
				sum := 0
				for _, r := range rows {
					sum += r.Count
				}
				if sum != bans {
					t.Errorf("attacks by %s: %d, want %d", by, sum, bans)
				}
			}
		})
	}
}

// countBans counts the bans of a log by address.
func countBans(t *testing.T, file string) (byIP map[string]int, bans int) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	byIP = map[string]int{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if m := banned.FindSubmatch(lines.Bytes()); m != nil && !bytes.Contains(lines.Bytes(), []byte("Restore Ban")) {
			byIP[string(m[1])]++
			bans++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return byIP, bans
}
