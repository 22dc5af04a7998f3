package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/ship/source"
	"logctl/store"
)

// asJournalctl makes the test's binary be journalctl on the journal in that directory.
const asJournalctl = "JOURNAL_TEST_IS_JOURNALCTL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asJournalctl); dir != "" {
		os.Exit(journalctl(dir, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// journalctl shows the entries in the file entries, each one line of it: its cursor, a blank, and the entry in JSON's base64. The file die tells
// after how many entries it kills itself, once; fail has it say something and end.
func journalctl(dir string, args []string) int {
	if text, err := os.ReadFile(filepath.Join(dir, "fail")); err == nil {
		fmt.Fprint(os.Stderr, string(text))
		return 1
	}
	at, units := "", ""
	for _, arg := range args {
		if c, ok := strings.CutPrefix(arg, "--cursor="); ok {
			at = c
		}
		if u, ok := strings.CutPrefix(arg, "--unit="); ok {
			units += u + " "
		}
	}
	_ = os.WriteFile(filepath.Join(dir, "units"), []byte(units), 0o600)
	die := -1
	if text, err := os.ReadFile(filepath.Join(dir, "die")); err == nil && slices.Contains(args, "--follow") {
		_, _ = fmt.Sscan(string(text), &die)
	}
	for shown := 0; ; time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(dir, "entries"))
		n := 0
		for line := range strings.Lines(string(text)) {
			cursor, quoted, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			var entry []byte
			_ = json.Unmarshal([]byte(quoted), &entry)
			if cursor < at {
				continue
			}
			if n++; n <= shown {
				continue
			}
			_, _ = os.Stdout.Write(entry)
			shown = n
			if shown == die {
				os.Remove(filepath.Join(dir, "die"))
				_, _ = os.Stdout.WriteString("__CURSOR=torn\nMESSAGE=not who")
				return 137
			}
		}
		if !slices.Contains(args, "--follow") {
			return 0
		}
	}
}

// fake is a journal.
type fake struct {
	t   *testing.T
	dir string
}

func newFake(t *testing.T, entries ...string) *fake {
	f := &fake{t, t.TempDir()}
	f.set(entries...)
	return f
}

// set makes the journal that of these entries.
func (f *fake) set(entries ...string) {
	var text bytes.Buffer
	for _, e := range entries {
		line, _, _ := strings.Cut(e, "\n")
		quoted, _ := json.Marshal([]byte(e))
		fmt.Fprintf(&text, "%s %s\n", strings.TrimPrefix(line, "__CURSOR="), quoted)
	}
	f.write("entries.new", text.String())
	if err := os.Rename(filepath.Join(f.dir, "entries.new"), filepath.Join(f.dir, "entries")); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) write(name, text string) {
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// source is a Source of the journal.
func (f *fake) source(o Options) *Source {
	self, err := os.Executable()
	if err != nil {
		f.t.Fatal(err)
	}
	if o.MaxLine == 0 {
		o.MaxLine = 1 << 20
	}
	s := New(o)
	s.program = filepath.Join(f.dir, "journalctl")
	s.retry = time.Millisecond
	text := fmt.Sprintf("#!/bin/sh\nGORACE=atexit_sleep_ms=0 %s='%s' exec '%s' \"$@\"\n", asJournalctl, f.dir, self)
	if err := os.WriteFile(s.program, []byte(text), 0o700); err != nil {
		f.t.Fatal(err)
	}
	return s
}

// cursor is that of the n-th entry.
func cursor(n int) string { return fmt.Sprintf("s=1;i=%x;b=2;m=3;t=4;x=%x", n, n) }

// said is the n-th entry with a message of text.
func said(n int, message string) string {
	return fmt.Sprintf("__CURSOR=%s\n__REALTIME_TIMESTAMP=%d\nMESSAGE=%s\n_PID=1\n\n", cursor(n), 1764000000000000+n, message)
}

// sink keeps what it takes, and is the Positions of the next Run.
type sink struct {
	lines []string
	long  int
	marks map[string][]byte
	full  int // lines at which it fails; 0: never
	enter func(lines []string)
}

var errFull = errors.New("full")

func (s *sink) Take(_ context.Context, c source.Chunk) error {
	for _, l := range c.Lines {
		if s.full > 0 && len(s.lines) == s.full {
			return errFull
		}
		s.lines = append(s.lines, string(l.Text))
		if l.TooLong {
			s.long++
		}
	}
	for _, m := range c.Marks {
		if s.marks == nil {
			s.marks = map[string][]byte{}
		}
		s.marks[m.Key] = slices.Clone(m.Value)
	}
	if s.enter != nil {
		s.enter(s.lines)
	}
	return nil
}

func (s *sink) Position(key string) []byte        { return s.marks[key] }
func (s *sink) Each(string, func(string, []byte)) {}

// messages are those of the lines.
func (s *sink) messages() (all []any) {
	for _, line := range s.lines {
		var e map[string]any
		_ = json.Unmarshal([]byte(line), &e)
		all = append(all, e["MESSAGE"])
	}
	return all
}

func binaryField(name, value string) string {
	return name + "\n" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(value)))) + value + "\n"
}

// Entries become lines, always the same ones, and a second run goes on behind them.
func TestLines(t *testing.T) {
	t.Parallel()
	first := "__CURSOR=" + cursor(1) + "\n_PID=7\nTAG=b\nMESSAGE=say \"hi\"\nTAG=a\n" + binaryField("DATA", "\xff\n\n=") + binaryField("TEXT", "a\nb") + "EMPTY=\n\n"
	f := newFake(t, first)
	s := f.source(Options{Units: []string{"a", "b@*"}})
	got := &sink{}
	if err := s.Run(t.Context(), got, got); err != nil {
		t.Fatal(err)
	}
	want := []string{`{"__CURSOR":"` + cursor(1) + `","_PID":"7","DATA":[255,10,10,61],"EMPTY":"","MESSAGE":"say \"hi\"","TAG":["b","a"],"TEXT":"a\nb"}`}
	if !reflect.DeepEqual(got.lines, want) {
		t.Errorf("got %q\nwant %q", got.lines, want)
	}
	if units, _ := os.ReadFile(filepath.Join(f.dir, "units")); string(units) != "a b@* " {
		t.Errorf("units %q", units)
	}
	f.set(first, said(2, "two"))
	if err := s.Run(t.Context(), got, got); err != nil {
		t.Fatal(err)
	}
	if want := []any{`say "hi"`, "two"}; !reflect.DeepEqual(got.messages(), want) || string(got.marks[Key]) != `{"v":1,"cursor":"`+cursor(2)+`"}` {
		t.Errorf("got %q at %s", got.messages(), got.marks[Key])
	}
}

// What the sink has not taken is given again.
func TestNotTaken(t *testing.T) {
	t.Parallel()
	f := newFake(t, said(1, "one"))
	s := f.source(Options{})
	got := &sink{}
	if err := s.Run(t.Context(), got, got); err != nil {
		t.Fatal(err)
	}
	f.set(said(1, "one"), said(2, "two"))
	got.full = 1
	if err := s.Run(t.Context(), got, got); !errors.Is(err, errFull) {
		t.Fatal(err)
	}
	got.full = 0
	if err := s.Run(t.Context(), got, got); err != nil {
		t.Fatal(err)
	}
	if want := []any{"one", "two"}; !reflect.DeepEqual(got.messages(), want) {
		t.Errorf("got %q", got.messages())
	}
}

// An entry that is too long is there with its beginning, and is passed over the next time. What is cut off is no part of a character.
func TestTooLong(t *testing.T) {
	t.Parallel()
	f := newFake(t, said(1, strings.Repeat("é", 100_000)), "__CURSOR="+cursor(2)+"\n"+binaryField("MESSAGE", strings.Repeat("\xff", 100_000))+"\n", said(3, "end"))
	s := f.source(Options{MaxLine: 20_000})
	got := &sink{}
	for range 2 {
		if err := s.Run(t.Context(), got, got); err != nil {
			t.Fatal(err)
		}
	}
	if got.long != 2 || len(got.lines) != 3 || len(got.lines[0]) < 19_000 || len(got.lines[1]) != 20_000 {
		t.Fatalf("%d lines, %d too long", len(got.lines), got.long)
	}
	if want := `{"__CURSOR":"` + cursor(1) + `","__REALTIME_TIMESTAMP":"1764000000000001","MESSAGE":"é`; !strings.HasPrefix(got.lines[0], want) || strings.Contains(got.lines[0], "\ufffd") {
		t.Errorf("%.200q", got.lines[0])
	}
	if !strings.HasPrefix(got.lines[1], `{"__CURSOR":"`+cursor(2)+`","MESSAGE":[255,255`) {
		t.Errorf("%.200q", got.lines[1])
	}
}

// The entry that was read last may be gone, with others or alone, or all may be.
func TestGone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		left   []string
		units  []string
		unread int64
	}{
		{[]string{said(9, "nine")}, nil, 7},
		{[]string{said(9, "nine")}, []string{"shop"}, 0}, // nobody knows whose the others were
		{[]string{said(2, "two")}, nil, 0},
		{nil, nil, 0},
	} {
		f := newFake(t, said(1, "one"))
		s := f.source(Options{Units: tt.units})
		got := &sink{}
		if err := s.Run(t.Context(), got, got); err != nil {
			t.Fatal(err)
		}
		f.set(tt.left...)
		err := s.Run(t.Context(), got, got)
		var gone *GoneError
		if !errors.As(err, &gone) || gone.Unread != tt.unread {
			t.Errorf("%q: %v", tt.left, err)
		}
		if len(got.lines) != 1 {
			t.Errorf("%q", got.lines)
		}
	}
}

// What a newer logctl, or nobody, has kept is no position.
func TestBadPosition(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{`{"v":2}`: "a newer logctl has kept how far the journal is shipped", "s=1": "the position journal/cursor can't be read"} {
		got := &sink{marks: map[string][]byte{Key: []byte(value)}}
		if err := newFake(t, said(1, "one")).source(Options{}).Run(t.Context(), got, got); err == nil || !strings.Contains(err.Error(), want) || len(got.lines) > 0 {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// An entry is known in another of the journal's files, where it has other numbers.
func TestSameEntry(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"s=1;i=2;b=3;m=4;t=5;x=6", "s=1;i=2;b=3;m=4;t=5;x=6", true},
		{"s=1;i=2;b=3;m=4;t=5;x=6", "s=9;i=a;b=3;m=4;t=5;x=6", true},
		{"s=1;i=2;b=3;m=4;t=5;x=6", "s=1;i=2;b=3;m=4;t=5;x=7", false},
		{"s=1;i=2;", "s=2;i=2;", false},
		{"a", "b", false},
	} {
		if got := sameEntry(tt.a, tt.b); got != tt.want {
			t.Errorf("%s, %s: %v", tt.a, tt.b, got)
		}
	}
}

// A journalctl that dies while it follows is started again where it was, also in the middle of an entry.
func TestFollow(t *testing.T) {
	t.Parallel()
	f := newFake(t, said(1, "one"))
	f.write("die", "2")
	s := f.source(Options{Follow: true})
	var problems []error
	s.Tell(func(err error) { problems = append(problems, err) }, func(string) {})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got := &sink{}
	got.enter = func(lines []string) {
		switch len(lines) {
		case 1:
			f.set(said(1, "one"), said(2, "two"))
		case 2:
			f.set(said(1, "one"), said(2, "two"), said(3, "three"))
		case 3:
			cancel()
		}
	}
	if err := s.Run(ctx, got, got); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if want := []any{"one", "two", "three"}; !reflect.DeepEqual(got.messages(), want) {
		t.Errorf("got %q", got.messages())
	}
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "journalctl ended: exit status 137: it is started again in 1ms") {
		t.Errorf("%v", problems)
	}
}

// One that fails from the beginning is no use in starting again.
func TestFails(t *testing.T) {
	t.Parallel()
	for _, follow := range []bool{false, true} {
		f := newFake(t, said(1, "one"))
		f.write("fail", "No journal files were opened due to insufficient permissions.\n")
		got := &sink{}
		err := f.source(Options{Follow: follow}).Run(t.Context(), got, got)
		if err == nil || err.Error() != "journalctl ended: No journal files were opened due to insufficient permissions.: exit status 1" {
			t.Errorf("%v", err)
		}
	}
	s := New(Options{})
	s.program = "logctl-no-such-journalctl"
	err := s.Run(t.Context(), &sink{}, &sink{})
	var e *store.Error
	if !errors.As(err, &e) || e.Kind != store.KindNotFound || e.Hint == "" {
		t.Errorf("%v", err)
	}
}

// FuzzEntries reads anything as the export format: what is an entry makes a line of JSON, the same one again from its own bytes.
func FuzzEntries(f *testing.F) {
	f.Add([]byte(said(1, "x")+"__CURSOR=2\n"+binaryField("A", "b\xff\n")+"\n"), uint16(100))
	f.Add([]byte("A\n\xff\xff\xff\xff\xff\xff\xff\xff"), uint16(10))
	f.Add([]byte("=\n=a\n\xff=\xc3\n\xfe=\xc3\xa9\n"+binaryField("", "")+binaryField("\xff", "\n\n")+"\n\n\nA=1\nA=2\nA=\n\n"), uint16(3))
	f.Add([]byte(strings.Repeat(strings.Repeat("N", maxName)+"=\n", 3)+"B=\xf0\x9f\x98\x80\n\n"), uint16(maxName+2))
	f.Fuzz(func(t *testing.T, text []byte, limit uint16) {
		es := newEntries(bytes.NewReader(text), int(limit))
		var e entry
		for es.next(&e) == nil {
			if line := e.appendJSON(nil); !json.Valid(line) {
				t.Fatalf("%q", line)
			}
			if len(e.text) > int(limit)+maxName*len(e.fields) {
				t.Fatalf("%d bytes of an entry, limit %d", len(e.text), limit)
			}
		}
	})
}
