package ship

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/store"
	"logctl/store/ejson"
)

// keptRejects are the rejects in the database, sorted by line.
func (f *fakeCouch) keptRejects() []keptReject {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []keptReject
	for body := range maps.Values(f.rejects) {
		var r keptReject
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			f.t.Error(err)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b keptReject) int { return strings.Compare(string(a.text()), string(b.text())) })
	return all
}

func wantRejects(t *testing.T, f *fakeCouch, text string) {
	t.Helper()
	var got []string
	for _, r := range f.keptRejects() {
		got = append(got, string(r.text())+"\n")
	}
	want := slices.Sorted(strings.Lines(text))
	if !slices.Equal(got, want) {
		t.Errorf("%d rejects, want %d", len(got), len(want))
	}
}

// TestRunKeepsRejects: every reject once as often as it came, as it was, whatever its file is called later.
func TestRunKeepsRejects(t *testing.T) {
	t.Parallel()
	for _, anonymous := range []bool{false, true} {
		f := newFake(t)
		f.anonymous = anonymous
		f.refuse = func(doc string) bool {
			return strings.HasPrefix(doc, `{"line":"unwanted`) && !strings.Contains(doc, "reason")
		}
		dir := t.TempDir()
		long := strings.Repeat("x", 50)
		input := write(t, filepath.Join(dir, "x.log"), "reject 1\nreject 1\nreject \xff\x00\n"+long+"\nunwanted\nfine\n")
		written := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
		if err := os.Chtimes(input, written, written); err != nil {
			t.Fatal(err)
		}
		o := plainOptions(f, filepath.Join(dir, "x.log*"))
		o.MaxLine, o.Machine = 40, "m"
		for range 2 {
			s := mustRun(t, o)
			if s.Rejected != 4 || s.TooLong != 1 || s.Refused != 1 || s.Kept != (Kept{Lines: 5}) {
				t.Errorf("%+v", s)
			}
			if err := os.Rename(input, filepath.Join(dir, "x.log.1")); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
		got, err := json.Marshal(f.keptRejects())
		if err != nil {
			t.Fatal(err)
		}
		one := func(line, base64, reason, detail string, cut bool) string {
			return fmt.Sprintf(`{"_rev":"","line":%s,"line_base64":%s,"machine":"m","cut":%v,"reason":%q,"detail":%q,"file":%q,"time":"2026-03-04T05:06:07Z"}`,
				line, base64, cut, reason, detail, input)
		}
		want := "[" + strings.Join([]string{
			one(`"reject 1"`, "null", NoFit, "because of reject", false), one(`"reject 1"`, "null", NoFit, "because of reject", false),
			one("null", `"`+base64.StdEncoding.EncodeToString([]byte("reject \xff\x00"))+`"`, NoFit, "because of reject", false),
			one(`"unwanted"`, "null", Refused, `forbidden: not "wanted" here`, false),
			one(`"`+long[:40]+`"`, "null", TooLong, "", true),
		}, ",") + "]"
		if string(got) != want {
			t.Errorf("rejects\n got %s\nwant %s", got, want)
		}
	}
}

// TestRunKeepsNoMore bounds what a wrong schema fills a disk with.
func TestRunKeepsNoMore(t *testing.T) {
	t.Parallel()
	for _, toFile := range []bool{false, true} {
		f := newFake(t)
		o := plainOptions(f, write(t, filepath.Join(t.TempDir(), "log"), strings.Repeat("reject a\nreject b\n", 5)))
		o.MaxRejects = 7
		if toFile {
			o.Rejects = filepath.Join(t.TempDir(), "rejects")
		}
		for range 2 {
			if s := mustRun(t, o); s.Rejected != 10 || s.Kept != (Kept{Lines: 7, Over: 3}) {
				t.Errorf("%+v", s)
			}
		}
		n := len(f.keptRejects())
		if toFile {
			text, err := os.ReadFile(o.Rejects)
			if err != nil {
				t.Fatal(err)
			}
			n = strings.Count(string(text), "\n")
		}
		if n != 7 {
			t.Errorf("%d kept", n)
		}
		o.MaxRejects = -1
		if s := mustRun(t, o); s.Kept != (Kept{Over: 10}) {
			t.Errorf("none wanted: %+v", s)
		}
	}
}

// TestRunLosesRejects: a server that does not take rejects is told of, and gets the docs all the same.
func TestRunLosesRejects(t *testing.T) {
	t.Parallel()
	const lines = 3 * batchDocs
	f := newFake(t)
	f.refuse = func(doc string) bool { return strings.Contains(doc, "reason") }
	o := plainOptions(f)
	o.Stdin = strings.NewReader(strings.Repeat("reject\nfine\n", lines))
	s := mustRun(t, o)
	if s.Stored != lines || s.Kept.Lost != lines || s.Kept.Why == nil || s.Kept.Why.Error() != `forbidden: not "wanted" here` {
		t.Errorf("%+v", s)
	}

	f = newFake(t)
	f.anonymous, f.rejects = true, nil
	o = plainOptions(f)
	o.Stdin = strings.NewReader(strings.Repeat("reject\nfine\n", lines))
	s = mustRun(t, o)
	if s.Either != lines || s.Kept.Lost != lines || !store.IsKind(s.Kept.Why, store.KindNotFound) {
		t.Errorf("%+v", s)
	}
}

// FuzzReject makes a reject of any line: it is JSON in stored form, its id follows from it, and the line comes back to the byte.
func FuzzReject(f *testing.F) {
	f.Add([]byte("no address"), "m", "detail", false)
	f.Add([]byte("\xff\x00\"\\"), "", "", true)
	f.Add([]byte(""), "\xff", "\u2028\x7f", false)
	f.Add([]byte("\ufffd\xed\xa0\x80"), "m\x00", "\xff", true)
	f.Fuzz(func(t *testing.T, line []byte, machine, detail string, tooLong bool) {
		r := reject{line: line, reason: NoFit, detail: detail, from: &origin{}}
		if tooLong {
			r.reason = TooLong
		}
		body := r.appendBody(nil, machine)
		if stored, err := ejson.Compact(nil, body); err != nil || string(stored) != string(body) {
			t.Fatalf("%s is no stored form: %v", body, err)
		}
		var kept keptReject
		if err := json.Unmarshal(body, &kept); err != nil || !kept.isOne() || string(kept.text()) != string(line) || kept.Cut != tooLong {
			t.Errorf("%q became %s: %v", line, body, err)
		}
		if id := ejson.AppendRejectID(nil, body, 2); !ejson.CheckRejectID(string(id), body) {
			t.Errorf("id %s of %s", id, body)
		}
	})
}
