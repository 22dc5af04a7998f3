package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestShipTakesEveryRealLine ships logs that fail2ban wrote, in files and through syslog: what is stored and what is rejected
// are all the lines that wc -l counts, and shipping again stores nothing.
func TestShipTakesEveryRealLine(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "data", "fail2ban-log", "*.log"))
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED: no real fail2ban logs to ship in ../shared/data/fail2ban-log")
	}
	t.Setenv("LOGCTL_URL", "")
	t.Setenv("LOGCTL_CONFIG", os.DevNull)
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "input-") {
			continue // what fail2ban read
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			data, rejects := t.TempDir(), filepath.Join(t.TempDir(), "rejects")
			for range 2 {
				run(t, data, "ship", "--app", "fail2ban", "--preset", "fail2ban", "--events", "all", "--rejects", rejects, file)
				kept, err := os.ReadFile(rejects)
				if err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				lines, rejected := bytes.Count(text, []byte("\n")), bytes.Count(kept, []byte("\n"))
				if stored := storedDocs(t, data); stored+rejected != lines {
					t.Errorf("%d docs and %d rejects of %d lines", stored, rejected, lines)
				}
			}
		})
	}
}

// storedDocs counts the docs of app fail2ban, which app show tells without its design documents.
func storedDocs(t *testing.T, data string) int {
	t.Helper()
	var apps []struct{ Docs int }
	if err := json.Unmarshal(run(t, data, "app", "show", "fail2ban", "-o", "json"), &apps); err != nil || len(apps) != 1 {
		t.Fatalf("app show: %v, %d apps", err, len(apps))
	}
	return apps[0].Docs
}

// TestProblems shows that what may be done about files that can't be read is told, and once.
func TestProblems(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tell := problems(&out)
	for _, name := range []string{"a.log", "b.log"} {
		tell(fmt.Errorf("%s: %w", name, fs.ErrPermission))
	}
	tell(fmt.Errorf("c.log: %w", fs.ErrNotExist))
	want := regexp.MustCompile(`^logctl: error: a.log: .*\nlogctl: hint: .*root.*\nlogctl: error: b.log: .*\nlogctl: error: c.log: .*\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("told:\n%s", &out)
	}
}
