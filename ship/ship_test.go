package ship

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/store"
)

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func zip(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// balance checks that every line read is accounted for.
func balance(t *testing.T, s Summary) {
	t.Helper()
	if sum := s.Stored + s.There + s.Either + s.Rejected + s.Refused + s.Skipped + s.Spooled + s.Left; sum != s.Lines {
		t.Errorf("%d lines read, %d accounted for: %+v", s.Lines, sum, s)
	}
}

func mustRun(t *testing.T, o Options) Summary {
	t.Helper()
	s, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	balance(t, s)
	return s
}

func wantLines(t *testing.T, f *fakeCouch, text string) {
	t.Helper()
	want := map[string]int{}
	for line := range strings.Lines(text) {
		want[strings.TrimSuffix(line, "\n")]++
	}
	if got := f.lines(); !maps.Equal(got, want) {
		t.Errorf("stored %v, want %v", got, want)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newFake(t)
	old := write(t, filepath.Join(dir, "x.log.1"), zip("a\nb\nb\nend of gzip"))
	now := write(t, filepath.Join(dir, "x.log"), "b\nreject me\nskip me\nc\r\nhalf a li")

	o := plainOptions(f, filepath.Join(dir, "x.log*"), old, now)
	o.Rejects = filepath.Join(dir, "rejects")
	s := mustRun(t, o)
	if s.Lines != 8 || s.Stored != 6 || s.Rejected != 1 || s.Skipped != 1 || s.Unfinished != 1 || s.There != 0 {
		t.Errorf("first run: %+v", s)
	}
	wantLines(t, f, "a\nb\nb\nb\nc\nend of gzip\n")

	write(t, now, "b\nreject me\nskip me\nc\r\nhalf a line\n")
	s = mustRun(t, o)
	if s.Stored != 1 || s.There != 6 || s.Rejected != 1 || s.Unfinished != 0 {
		t.Errorf("second run: %+v", s)
	}
	wantLines(t, f, "a\nb\nb\nb\nc\nend of gzip\nhalf a line\n")
	if kept, err := os.ReadFile(o.Rejects); err != nil || string(kept) != "reject me\n" {
		t.Errorf("rejects hold %q, %v", kept, err)
	}
}

func TestRunStdin(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"plain": "a\na\nlast", "gzip": zip("a\na\nlast"), "empty": ""} {
		for _, anonymous := range []bool{false, true} {
			f := newFake(t)
			f.anonymous = anonymous
			o := plainOptions(f)
			o.Stdin = strings.NewReader(text)
			o.Endpoint.Compress = true
			s := mustRun(t, o)
			if name == "empty" {
				if s.Lines != 0 || f.requests != 0 {
					t.Errorf("%s: %+v", name, s)
				}
				continue
			}
			if anonymous && s.Either != 3 || !anonymous && s.Stored != 3 {
				t.Errorf("%s: %+v", name, s)
			}
			wantLines(t, f, "a\na\nlast\n")
		}
	}
}

// TestRunStdinIdle sees lines of a pipe that stays open stored before it ends.
func TestRunStdinIdle(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	r, w := io.Pipe()
	o := plainOptions(f)
	o.Stdin = r
	stored := make(chan struct{})
	o.Progress = func(p Progress) {
		if p.Sent == 1 {
			select {
			case <-stored:
			default:
				close(stored)
			}
		}
	}
	done := make(chan error)
	go func() {
		_, err := Run(t.Context(), o)
		done <- err
	}()
	io.WriteString(w, "one\nha")
	<-stored
	io.WriteString(w, "lf\n")
	w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	wantLines(t, f, "one\nhalf\n")
}

func TestRunInterrupted(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	r, w := io.Pipe()
	o := plainOptions(f)
	o.Stdin = r
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(p Progress) {
		if p.Sent == 1 {
			cancel()
		}
	}
	done := make(chan error)
	go func() {
		s, err := Run(ctx, o)
		balance(t, s)
		done <- err
	}()
	io.WriteString(w, "one\ntw")
	var e *store.Error
	if err := <-done; !errors.As(err, &e) || e.Reason != "interrupted" || e.Hint == "" {
		t.Errorf("error %v", err)
	}
	w.Close()
	wantLines(t, f, "one\n")
}

func TestRunMachine(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		`{}`:                                  `{"machine":"a\"b"}`,
		`{"x":1}`:                             `{"x":1,"machine":"a\"b"}`,
		`{"machine":"own"}`:                   `{"machine":"own"}`,
		`{"x":"\"machine\":","Machine":true}`: `{"x":"\"machine\":","Machine":true,"machine":"a\"b"}`,
	} {
		f := newFake(t)
		o := plainOptions(f)
		o.Machine = `a"b`
		o.Stdin = strings.NewReader("x\n")
		o.Format = func(time.Time) Formatter { return fixed(doc) }
		mustRun(t, o)
		for _, got := range f.docs {
			if got != want {
				t.Errorf("doc %s is stored as %s, want %s", doc, got, want)
			}
		}
	}
}

type fixed string

func (fixed) Reason([]byte) string { return "" }

func (d fixed) Append(dst, _ []byte) ([]byte, Verdict) { return append(dst, d...), Doc }

func TestRunProblems(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newFake(t)
	whole := zip(strings.Repeat("line\n", 3) + strings.Repeat("x", 5000) + "\n")
	torn := write(t, filepath.Join(dir, "torn.gz"), whole[:len(whole)-12])
	noGzip := write(t, filepath.Join(dir, "header.gz"), "\x1f\x8b\x08")
	good := write(t, filepath.Join(dir, "good"), "good\n")
	rejects := write(t, filepath.Join(dir, "rejects"), "reject\n")
	missing := filepath.Join(dir, "missing")

	if err := os.MkdirAll(filepath.Join(dir, "sub", "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	none, onlyDirs := filepath.Join(dir, "no*such"), filepath.Join(dir, "su*")
	o := plainOptions(f, torn, noGzip, missing, dir, good, rejects, none, onlyDirs, filepath.Join(dir, "sub"))
	o.Rejects = rejects
	s := mustRun(t, o)
	if f.lines()["good"] != 1 || f.lines()["line"] != 3 {
		t.Errorf("stored %v", f.lines())
	}
	text := errors.Join(s.Problems...).Error()
	for _, want := range []string{torn + ": can't be read to its end", noGzip, missing + ": no such file", rejects + " keeps",
		"no file matches " + none, "no file matches " + onlyDirs} {
		if !strings.Contains(text, want) {
			t.Errorf("no problem %q in\n%s", want, text)
		}
	}
	if len(s.Problems) != 6 || len(s.Notes) != 1 || !strings.HasPrefix(s.Notes[0], "there is no file in ") {
		t.Errorf("problems and notes: %d %q", len(s.Problems), s.Notes)
	}
}

func TestRunLongLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newFake(t)
	o := plainOptions(f)
	o.Stdin = strings.NewReader("a\n" + strings.Repeat("x", 100) + "\nbinary \x00\xff junk\nb\n")
	o.MaxLine, o.Rejects = 20, filepath.Join(dir, "rejects")
	if s := mustRun(t, o); s.Rejected != 1 || s.Stored != 3 {
		t.Errorf("%+v", s)
	}
	if kept, _ := os.ReadFile(o.Rejects); string(kept) != strings.Repeat("x", 20)+"\n" {
		t.Errorf("kept %q", kept)
	}
}

func TestRunUsage(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	o := plainOptions(f)
	o.App = "Bad Name"
	if _, err := Run(t.Context(), o); !store.IsKind(err, store.KindIllegalName) {
		t.Errorf("error %v", err)
	}
	o = plainOptions(f, "x[")
	if _, err := Run(t.Context(), o); !errors.Is(err, filepath.ErrBadPattern) {
		t.Errorf("a bad pattern gives %v", err)
	}
	o = plainOptions(f)
	o.Stdin = strings.NewReader("x\n")
	o.Format = func(time.Time) Formatter { return fixed(`{"a":"b","_x":1}`) }
	s, err := Run(t.Context(), o)
	if !store.IsKind(err, store.KindDocValidation) {
		t.Errorf("error %v", err)
	}
	balance(t, s)
	o = plainOptions(f)
	o.Rejects = t.TempDir()
	if _, err := Run(t.Context(), o); err == nil {
		t.Error("a directory is taken for rejects")
	}
}
