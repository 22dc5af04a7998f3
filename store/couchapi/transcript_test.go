package couchapi

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// transcripts are recorded answers of Apache CouchDB 3.5.0, which lie beside the repository.
var transcripts = filepath.Join("..", "..", "..", "shared", "couchdb-transcripts")

var showUnexpected = flag.Bool("transcript-failures", false, "log every failing step, expected or not")

// TestTranscripts asks the handler what a real CouchDB was asked and compares the answers. What does not match yet is in
// expectedFailures, and nothing else may be.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(transcripts); err != nil {
		t.Skipf("SKIPPED: the recorded CouchDB exchanges are not there (%v); only testdata/transcripts is replayed", err)
	}
	replayDir(t, transcripts, expectedFailures)
}

// TestOwnTranscripts replays the few cases that lie in the repository itself.
func TestOwnTranscripts(t *testing.T) {
	t.Parallel()
	replayDir(t, filepath.Join("testdata", "transcripts"), nil)
}

// transcript is one file: a group of cases.
type transcript struct {
	Group string           `json:"group"`
	Cases []transcriptCase `json:"cases"`
}

type transcriptCase struct {
	Case   string            `json:"case"`
	DBs    []string          `json:"dbs"`
	Users  []string          `json:"users"`
	Config map[string]string `json:"config"`
	Steps  []json.RawMessage `json:"steps"`
}

type tally struct{ passed, failed atomic.Int64 }

func replayDir(t *testing.T, dir string, expected map[string]string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts in %s: %v", dir, err)
	}
	counts := map[string]*tally{}
	used := &usedTable{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var tr transcript
		if err := json.Unmarshal(raw, &tr); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		count := &tally{}
		counts[tr.Group] = count
		t.Run(tr.Group, func(t *testing.T) {
			t.Parallel()
			for _, c := range tr.Cases {
				t.Run(c.Case, func(t *testing.T) {
					t.Parallel()
					replayCase(t, tr.Group, c, expected, used, count)
				})
			}
		})
	}
	t.Cleanup(func() {
		var pass, fail int64
		for _, g := range sortedKeys(counts) {
			c := counts[g]
			t.Logf("%-14s %4d of %4d steps", g, c.passed.Load(), c.passed.Load()+c.failed.Load())
			pass, fail = pass+c.passed.Load(), fail+c.failed.Load()
		}
		t.Logf("%-14s %4d of %4d steps; %d expected failures in the table", "all", pass, pass+fail, len(expected))
		used.check(t, expected)
	})
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// replayCase runs one case on a server of its own.
func replayCase(t *testing.T, group string, c transcriptCase, expected map[string]string, used *usedTable, count *tally) {
	r := newReplay(t, c)
	name := group + "/" + c.Case
	wholeCase, skipWhole := expected[name]
	failed := 0
	for i, outcome := range r.run(c.Steps) {
		step := fmt.Sprintf("%s/%d", name, i+1)
		reason, isExpected := expected[step]
		if outcome.diff != "" {
			failed++
			count.failed.Add(1)
		} else {
			count.passed.Add(1)
		}
		switch {
		case outcome.diff != "" && isExpected:
			used.mark(step)
		case outcome.diff != "" && !skipWhole:
			t.Errorf("%s %s: %s", step, outcome.what, outcome.diff)
		case outcome.diff == "" && isExpected:
			used.mark(step)
			t.Errorf("%s passes, though the table expects it to fail (%s): take it out", step, reason)
		}
		if outcome.diff != "" && *showUnexpected {
			t.Logf("FAIL %s %s: %s", step, outcome.what, outcome.diff)
		}
	}
	if skipWhole {
		used.mark(name)
		if failed == 0 {
			t.Errorf("%s passes, though the table expects it to fail (%s): take it out", name, wholeCase)
		}
	}
}

// usedTable knows which entries of the table named something that exists.
type usedTable struct {
	mu    sync.Mutex
	names map[string]bool
}

func (u *usedTable) mark(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.names == nil {
		u.names = map[string]bool{}
	}
	u.names[name] = true
}

// check errs on entries that name no step that was run. A run of a part of the cases proves nothing.
func (u *usedTable) check(t *testing.T, expected map[string]string) {
	if run := flag.Lookup("test.run"); run != nil && strings.Contains(run.Value.String(), "/") {
		return
	}
	for name := range expected {
		if !u.names[name] {
			t.Errorf("the table expects %s to fail, but there is no such step", name)
		}
	}
}
