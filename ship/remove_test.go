package ship

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logctl/ship/receipt"
	"logctl/ship/state"
	"logctl/ship/tail"
)

// removing is a run over a file that removes what is stored.
func removing(t *testing.T, f *fakeCouch, how Remove, text string) (o Options, path string) {
	t.Helper()
	path = write(t, filepath.Join(t.TempDir(), "x.log"), text)
	o = plainOptions(f, path)
	o.State, o.Remove = filepath.Join(t.TempDir(), "state"), how
	return o, path
}

func receipts(t *testing.T, o Options) []receipt.Receipt {
	t.Helper()
	list, err := receipt.List(o.State)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func contents(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantReceipt(t *testing.T, r receipt.Receipt, text string, lines, docs, rejected int64) {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	if r.Done == nil || r.Void || r.SHA256 != hex.EncodeToString(sum[:]) || r.Bytes != int64(len(text)) ||
		r.Lines != lines || r.Docs != docs || r.Rejected != rejected || r.Proof != receipt.Answered {
		t.Errorf("%+v", r)
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	for _, anonymous := range []bool{false, true} {
		f := newFake(t)
		f.anonymous = anonymous
		text := "a\na\nreject b\nskip c\n"
		o, path := removing(t, f, Truncate, text)
		s := mustRun(t, o)
		if s.Removed != 1 || s.RemovedBytes != int64(len(text)) || contents(t, path) != "" {
			t.Errorf("%+v, left %q", s, contents(t, path))
		}
		list := receipts(t, o)
		if len(list) != 1 {
			t.Fatal(list)
		}
		wantReceipt(t, list[0], text, 4, 2, 1)
		var ids idSum
		for id := range f.docs {
			ids.add([]byte(id))
		}
		if list[0].IDs != ids.String() || list[0].Skipped != 1 {
			t.Errorf("%+v, want ids %s", list[0], ids)
		}

		write(t, path, "a\nunfini")
		s = mustRun(t, o)
		if s.Removed != 0 || contents(t, path) != "a\nunfini" {
			t.Errorf("%+v, left %q", s, contents(t, path))
		}
		write(t, path, "a\nunfinished\n")
		if s = mustRun(t, o); s.Removed != 1 || contents(t, path) != "" {
			t.Errorf("%+v, left %q", s, contents(t, path))
		}
		wantLines(t, f, "a\na\na\nunfinished\n")
		wantRejects(t, f, "reject b\n")
		wantReceipt(t, receipts(t, o)[1], "a\nunfinished\n", 2, 2, 0)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	o, path := removing(t, f, Delete, "a\nb\n")
	packed := write(t, path+".2.gz", zip("c\nd\n"))
	o.Inputs = append(o.Inputs, packed)
	s := mustRun(t, o)
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 || s.Removed != 2 {
		t.Errorf("%+v, left %v, %v", s, left, err)
	}
	wantLines(t, f, "a\nb\nc\nd\n")
	if list := receipts(t, o); len(list) != 2 || list[0].Done == nil || list[1].Done == nil {
		t.Errorf("%+v", list)
	}
}

// TestRemoveKeeps: what is not proved to be stored stays.
func TestRemoveKeeps(t *testing.T) {
	t.Parallel()
	const text = "a\nbad\n"
	tests := []struct {
		name string
		with func(*fakeCouch, *Options)
		why  string
	}{
		{"server away", func(f *fakeCouch, _ *Options) { f.fault = isAway }, ""},
		{"answer lost", func(f *fakeCouch, _ *Options) { f.fault = func(int) fault { return lostAnswer } }, ""},
		{"rejects not kept", func(f *fakeCouch, o *Options) {
			f.refuse = func(doc string) bool { return strings.Contains(doc, "bad") }
		}, "rejected lines of it are not kept"},
		{"too long", func(_ *fakeCouch, o *Options) { o.MaxLine = 2 }, "longer than --max-line"},
		{"shipped before", func(_ *fakeCouch, o *Options) {
			before := *o
			before.Remove = RemoveNothing
			mustRun(t, before)
			write(t, o.Inputs[0], text+"more\n")
		}, "without --truncate"},
	}
	for _, tt := range tests {
		for _, how := range []Remove{Truncate, Delete} {
			f := newFake(t)
			o, path := removing(t, f, how, text)
			tt.with(f, &o)
			for range 2 {
				s, err := Run(t.Context(), o)
				if !strings.HasPrefix(contents(t, path), text) || s.Removed > 0 || len(receipts(t, o)) > 0 {
					t.Errorf("%s: removed, %+v, %v", tt.name, s, err)
				}
				if tt.why != "" && !strings.Contains(fmt.Sprint(s.Notes), tt.why) {
					t.Errorf("%s: notes %q, %v", tt.name, s.Notes, err)
				}
			}
		}
	}
}

// TestTruncateOpenFile removes whole blocks of a file that a program appends to, and goes on with what is left.
func TestTruncateOpenFile(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	o, path := removing(t, f, Truncate, "")
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var want strings.Builder
	line := 0
	for round := range 5 {
		for range 300 + 100*round {
			text := fmt.Sprintf("line %d\n", line%450) // many come again
			want.WriteString(text)
			if _, err := w.WriteString(text); err != nil {
				t.Fatal(err)
			}
			line++
		}
		s := mustRun(t, o)
		if strings.Contains(fmt.Sprint(s.Notes), "can't cut off") {
			t.Skip("SKIPPED: the file system of the temporary directory can't collapse ranges (ext4 and XFS can)")
		}
	}
	if left := contents(t, path); len(left) >= 4096+64 || len(receipts(t, o)) == 0 {
		t.Errorf("%d bytes left, %d receipts", len(left), len(receipts(t, o)))
	}
	wantLines(t, f, want.String())
	var lines int64
	for _, r := range receipts(t, o) {
		lines += r.Lines
	}
	if lines > int64(line) || lines < int64(line)/2 {
		t.Errorf("receipts tell of %d lines, %d were written", lines, line)
	}
}

// TestTruncateWhileWritten runs over and over while a program writes as fast as it can: every line is stored, once.
func TestTruncateWhileWritten(t *testing.T) {
	t.Parallel()
	const count = 30_000
	f := newFake(t)
	o, path := removing(t, f, Truncate, "")
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	var want strings.Builder
	go func() {
		for i := range count {
			text := fmt.Sprintf("line %d\n", i)
			want.WriteString(text)
			if _, err := w.WriteString(text); err != nil {
				w.Close()
				written <- err
				return
			}
		}
		written <- w.Close() // before it tells: the last run must find nobody who has the file open
	}()
	for ended := false; !ended; {
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			ended = true
		default:
		}
		s := mustRun(t, o)
		if strings.Contains(fmt.Sprint(s.Notes), "can't cut off") {
			<-written
			t.Skip("SKIPPED: the file system of the temporary directory can't collapse ranges (ext4 and XFS can)")
		}
	}
	wantLines(t, f, want.String())
	if len(receipts(t, o)) == 0 || contents(t, path) != "" {
		t.Errorf("%d receipts, %d bytes left", len(receipts(t, o)), len(contents(t, path)))
	}
}

// TestRemovalCutOff has a crash between a receipt and what it is about, or right after that.
func TestRemovalCutOff(t *testing.T) {
	t.Parallel()
	for _, done := range []bool{false, true} {
		f := newFake(t)
		o, path := removing(t, f, Truncate, "a\nb\n")
		state := filepath.Join(t.TempDir(), "before")
		before := o
		before.Inputs = []string{path}
		mustRun(t, o)
		// What was there before the removal was noted: the receipt begun, the position as it was.
		text, err := os.ReadFile(filepath.Join(o.State, "receipts"))
		if err != nil {
			t.Fatal(err)
		}
		begun := text[:strings.LastIndex(strings.TrimSuffix(string(text), "\n"), "\n")+1]
		again := before
		again.State = state
		write(t, path, "a\nb\n")
		again.Remove = RemoveNothing
		mustRun(t, again)
		write(t, filepath.Join(state, "receipts"), string(begun))
		if done {
			write(t, path, "c\n")
		}
		s := mustRun(t, again)
		list := receipts(t, again)
		if len(list) != 1 || list[0].Void == done || (list[0].Done != nil) != done {
			t.Errorf("done %v: %+v, %+v", done, list, s)
		}
		if done {
			wantLines(t, f, "a\nb\nc\n")
		} else {
			wantLines(t, f, "a\nb\n")
		}
	}
}

// TestRemovalCutOffAnew has a crash after a removal that could not take everything, and then a state that is begun anew: what was left is
// read again, for it may be another database by then.
func TestRemovalCutOffAnew(t *testing.T) {
	t.Parallel()
	o, path := removing(t, newFake(t), RemoveNothing, "a\nb\n")
	mustRun(t, o)
	write(t, path, "b\n") // "a" was taken away
	after := o
	after.State = filepath.Join(t.TempDir(), "after")
	mustRun(t, after)
	kept, _, err := state.Open(after.State, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var then []receipt.Position
	kept.Each("file/", func(key string, value []byte) { then = append(then, receipt.Position{Key: key, Value: value}) })
	log, err := receipt.Open(o.State)
	if err != nil {
		t.Fatal(err)
	}
	_, err = log.Begin(receipt.Receipt{File: path, Bytes: 2, Then: then})
	if err := errors.Join(err, log.Close(), kept.Close()); err != nil {
		t.Fatal(err)
	}
	f := newFake(t)
	o.Endpoint.Transport, o.StateAnew = f, "the test says so"
	mustRun(t, o)
	wantLines(t, f, "b\n")
	if list := receipts(t, o); len(list) != 1 || list[0].Done == nil {
		t.Errorf("%+v", list)
	}
}

// TestRemovalCutOffAndPacked has a crash between a receipt and what it is about, after which the file is compressed: nobody knows any more
// whether it was cut before.
func TestRemovalCutOffAndPacked(t *testing.T) {
	t.Parallel()
	for _, cutFirst := range []bool{false, true} {
		f := newFake(t)
		o, path := removing(t, f, Truncate, "a\nb\n")
		o.Inputs = []string{path + "*"}
		again := o
		again.State, again.Remove = filepath.Join(t.TempDir(), "before"), RemoveNothing
		mustRun(t, again)
		mustRun(t, o)
		text, err := os.ReadFile(filepath.Join(o.State, "receipts"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(again.State, "receipts"), string(text[:strings.LastIndex(strings.TrimSuffix(string(text), "\n"), "\n")+1]))
		old := "a\nb\n"
		if cutFirst {
			old = "c\n"
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err = io.WriteString(z, old)
		if err := errors.Join(err, z.Close(), os.Remove(path)); err != nil {
			t.Fatal(err)
		}
		write(t, path+".1.gz", packed.String())
		write(t, path, "d\n")
		mustRun(t, again)
		if cutFirst {
			wantLines(t, f, "a\nb\nc\nd\n")
		} else {
			wantLines(t, f, "a\nb\nd\n")
		}
	}
}

// TestChangedSinceVerified: bytes that were written over since they were compared stay.
func TestChangedSinceVerified(t *testing.T) {
	t.Parallel()
	verified := sha256.Sum256([]byte("a\nb\n"))
	for text, want := range map[string]error{"a\nb\n": nil, "a\nx\n": errOtherBytes} {
		m := &remover{r: &runner{o: Options{}}}
		if _, _, err := m.after(strings.NewReader(text), tail.Shipped{Number: "1", Size: 4}, 2, verified[:]); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}
