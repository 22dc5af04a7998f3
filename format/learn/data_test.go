package learn

import (
	"bytes"
	"context"
	"encoding/csv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logctl/format"
	"logctl/internal/lines"
)

const shared = "../../../shared/data"

// sampleOf is a Sample of a text.
func sampleOf(t testing.TB, text []byte) *Sample {
	t.Helper()
	s := NewSample(Options{})
	if err := s.Read(context.Background(), bytes.NewReader(text), 0, 1); err != nil {
		t.Fatal(err)
	}
	return s
}

// accuracy is the grouping accuracy: the share of the lines whose group holds exactly the lines of their event.
func accuracy(groups []int, events []string) float64 {
	byGroup, byEvent := map[int]int{}, map[string]int{}
	type pair struct {
		group int
		event string
	}
	both := map[pair]int{}
	for i, g := range groups {
		byGroup[g]++
		byEvent[events[i]]++
		both[pair{g, events[i]}]++
	}
	right := 0
	for p, n := range both {
		if byGroup[p.group] == n && byEvent[p.event] == n {
			right += n
		}
	}
	return float64(right) / float64(len(groups))
}

// firsts is the group of the first schema that matches each line, or -1.
func firsts(t testing.TB, s *Sample, r *Result) []int {
	t.Helper()
	rules := format.Rules{}
	if r.TimeFields != nil {
		var err error
		if rules.Time, err = format.NewTime(r.TimeFields, r.TimeLayout, "UTC"); err != nil {
			t.Fatal(err)
		}
	}
	schemas := make([]*format.Schema, len(r.Schemas))
	for k, u := range r.Schemas {
		var err error
		if schemas[k], err = format.Compile(u.Text, rules); err != nil {
			t.Fatalf("%s: %v", u.Text, err)
		}
	}
	var m format.Match
	groups := make([]int, s.Lines())
	counts := make([]int, len(schemas))
	for i := range groups {
		groups[i] = -1
		line, _ := s.Line(i)
		for k, schema := range schemas {
			if schema.Match(&m, line) {
				groups[i] = r.Schemas[k].Group
				counts[k]++
				break
			}
		}
	}
	for k, u := range r.Schemas {
		if counts[k] != u.Lines {
			t.Errorf("%s is the first to match %d lines, told are %d", u.Text, counts[k], u.Lines)
		}
	}
	return groups
}

// events reads the event of each line of one of loghub's sets.
func events(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for column, name := range rows[0] {
		if name == "EventId" {
			for _, row := range rows[1:] {
				all = append(all, row[column])
			}
		}
	}
	return all
}

// TestGroupingAccuracy holds what is learned against the kinds of line that people found in the same logs. The best of
// the tuned parsers that the benchmark was made for, Drain, has 0.875 on these sets.
func TestGroupingAccuracy(t *testing.T) {
	t.Parallel()
	names, _ := filepath.Glob(filepath.Join(shared, "loghub", "*", "*_2k.log"))
	if len(names) == 0 {
		t.Skip("SKIPPED: " + shared + " is not there, so nothing is compared with loghub's logs")
	}
	sum, sumSchemas := 0.0, 0.0
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s := sampleOf(t, text)
		r := Learn(s)
		want := events(t, name+"_structured.csv")
		if len(want) != s.Lines() {
			t.Fatalf("%s: %d lines, %d events", name, s.Lines(), len(want))
		}
		a := accuracy(r.Of, want)
		b := a
		if len(r.Schemas) < 200 { // it takes its time
			b = accuracy(firsts(t, s, r), want)
		}
		t.Logf("%-20s %.4f of groups, %.4f of schemas; %d groups, %d schemas", filepath.Base(name), a, b, len(r.Groups), len(r.Schemas))
		sum += a
		sumSchemas += b
	}
	mean, meanSchemas := sum/float64(len(names)), sumSchemas/float64(len(names))
	t.Logf("%-20s %.4f of groups, %.4f of schemas", "mean", mean, meanSchemas)
	if mean < 0.92 || meanSchemas < 0.92 {
		t.Errorf("the mean of %d sets is %.4f, of the schemas alone %.4f; want 0.92", len(names), mean, meanSchemas)
	}
}

// readTSV reads a log of testdata, of lines with the name of their kind and a tab in front.
func readTSV(t testing.TB, name string) (text []byte, kinds []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		kind, line, _ := strings.Cut(line, "\t")
		kinds = append(kinds, kind)
		text = append(text, line...)
	}
	return text, kinds
}

func TestOwnLogs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"auth.tsv", "shop.tsv"} {
		text, kinds := readTSV(t, name)
		s := sampleOf(t, text)
		r := Learn(s)
		if a := accuracy(r.Of, kinds); a < 0.98 {
			t.Errorf("%s: grouping accuracy %.3f", name, a)
			for _, g := range r.Groups {
				t.Logf("%4d %s", g.Lines, g.Template)
			}
		}
		if a := accuracy(firsts(t, s, r), kinds); a < 0.98 {
			t.Errorf("%s: grouping accuracy of the schemas %.3f", name, a)
		}
		if r.Matched != s.Lines() {
			t.Errorf("%s: %d of %d lines matched", name, r.Matched, s.Lines())
		}
	}
}

// TestEveryFile learns from every file that is kept beside the project, of whatever kind, and tries what it learned on
// the same file.
func TestEveryFile(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(shared); err != nil {
		t.Skip("SKIPPED: " + shared + " is not there, so no other people's logs are learned from")
	}
	files, all := 0, 0
	err := filepath.WalkDir(shared, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		in, err := lines.Open(path)
		if err != nil {
			t.Error(err)
			return nil
		}
		defer in.Close()
		s := NewSample(Options{})
		if err := s.Read(context.Background(), in, 0, 1); err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		r := Learn(s)
		if r.Matched+r.General+len(r.Left) != s.Lines() {
			t.Errorf("%s: %d lines matched, %d by general schemas and %d by none are not %d", path, r.Matched, r.General, len(r.Left), s.Lines())
		}
		if r.Matched*100 < s.Lines()*99 {
			t.Errorf("%s: %d of %d lines have a schema of their own", path, r.Matched, s.Lines())
		}
		if s.Lines()*len(r.Schemas) < 50_000 { // it takes its time
			firsts(t, s, r)
		}
		files++
		all += s.Lines()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d lines of %d files", all, files)
}
