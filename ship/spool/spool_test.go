package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"logctl/store"
)

func segments(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestQueue(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "spool")
	if _, err := Look(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Look before there is one: %v", err)
	}
	c := newClock()
	s := mustOpen(t, dir, Options{now: c.now})
	wantTexts(t, s, "")
	mustAppend(t, s, "a", "bb", "", "dddd")
	c.pass(time.Hour)
	mustAppend(t, s, "eeeee")
	entries := wantTexts(t, s, "a bb  dddd eeeee")
	s.Ack(entries[1])
	s.Ack(entries[1])
	st, err := Look(dir)
	if mine := s.Status(); err != nil || mine.Records != 4 || mine.Docs != 10 || st.Records != 5 || mine.Bytes != st.Bytes || !mine.Oldest.Equal(st.Oldest) {
		t.Errorf("status %+v, from outside %+v, %v", mine, st, err)
	}
	s.Ack(entries[0])
	if st, err := Look(dir); err != nil || st.Records != 3 || st.Docs != 9 {
		t.Errorf("after the first two: %+v, %v", st, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = mustOpen(t, dir, Options{now: c.now})
	mustAppend(t, s, "f")
	for _, e := range wantTexts(t, s, " dddd eeeee f") {
		s.Ack(e)
	}
	if st := s.Status(); st.Records != 0 || st.Docs != 0 || !st.Oldest.IsZero() {
		t.Errorf("empty: %+v", st)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left := segments(t, dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	s = mustOpen(t, dir, Options{})
	mustAppend(t, s, "again")
	wantTexts(t, s, "again")
	s.Close()
}

func TestMore(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), Options{})
	defer s.Close()
	<-s.More() // something may be there
	go s.Append(1, []byte("x"))
	<-s.More()
	wantTexts(t, s, "x")
}

func TestLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{})
	if _, err := Open(dir, Options{}); !store.IsKind(err, store.KindLocked) {
		t.Errorf("opened twice: %v", err)
	}
	s.Close()
	mustOpen(t, dir, Options{}).Close()
}

func TestNewerFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	head := order.AppendUint32([]byte(segmentMagic), version+1)
	head = order.AppendUint32(head, checksum(head))
	path := filepath.Join(dir, segmentName(1, 2))
	if err := os.WriteFile(path, head, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !store.IsKind(err, store.KindNewerFormat) {
		t.Errorf("opened: %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(head) {
		t.Errorf("it was changed: %q, %v", now, err)
	}
}

// TestSegmentsGo sees segments of acknowledged records removed while others stay.
func TestSegmentsGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{segmentBytes: 200})
	defer s.Close()
	for i := range 20 {
		mustAppend(t, s, fmt.Sprintf("%060d", i))
	}
	entries, _ := take(t, s)
	before := len(segments(t, dir))
	for _, e := range entries[1:] {
		s.Ack(e)
	}
	if left := len(segments(t, dir)); before < 5 || left != 2 {
		t.Errorf("%d segments, then %d: want the first and the last", before, left)
	}
	s.Ack(entries[0])
	if left := len(segments(t, dir)); left != 1 {
		t.Errorf("%d segments left", left)
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), Options{MaxBytes: 500})
	defer s.Close()
	big := strings.Repeat("x", 400)
	mustAppend(t, s, big)
	if err := s.Append(1, []byte(big)); !errors.Is(err, ErrFull) {
		t.Fatalf("full: %v", err)
	}
	s.Ack(wantTexts(t, s, big)[0])
	mustAppend(t, s, strings.Repeat("y", 1000)) // into an empty queue
	if err := s.Append(1, nil); !errors.Is(err, ErrFull) {
		t.Errorf("full: %v", err)
	}
}

func TestTooOld(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := mustOpen(t, t.TempDir(), Options{MaxAge: time.Hour, now: c.now})
	defer s.Close()
	mustAppend(t, s, "a")
	c.pass(59 * time.Minute)
	mustAppend(t, s, "b")
	c.pass(2 * time.Minute)
	if err := s.Append(1, []byte("c")); !errors.Is(err, ErrFull) {
		t.Fatalf("too old: %v", err)
	}
	s.Ack(wantTexts(t, s, "a b")[0])
	mustAppend(t, s, "c")
}

func TestDropOldest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newClock()
	o := Options{MaxBytes: 1000, segmentBytes: 100, DropOldest: true, now: c.now}
	s := mustOpen(t, dir, o)
	mustAppend(t, s, strings.Repeat("0", 100))
	first, err := s.Next()
	if err != nil || first == nil {
		t.Fatal(err)
	}
	for i := range 30 {
		c.pass(time.Second)
		mustAppend(t, s, fmt.Sprintf("%0100d", i))
	}
	st := s.Status()
	if st.Bytes > 1500 || st.Dropped.Docs < 2000 || st.Dropped.Docs != 100*st.Dropped.Records {
		t.Errorf("%+v", st)
	}
	s.Ack(first) // was never in danger
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = mustOpen(t, dir, o)
	defer s.Close()
	entries, damage := take(t, s)
	var records, docs int64
	for _, e := range entries {
		if d := e.Dropped; d != nil {
			records += d.Records
			docs += d.Docs
			if d.From.Before(first.at()) || d.To.After(c.now()) || d.From.After(d.To) {
				t.Errorf("dropped %+v", d)
			}
			continue
		}
		records++
	}
	if records != 30 || docs != st.Dropped.Docs || len(damage) > 0 {
		t.Errorf("%d records, %d docs dropped, %v, want 30 and %d: %s", records, docs, damage, st.Dropped.Docs, texts(entries))
	}
}

// at is a time before all others.
func (*Entry) at() time.Time { return newClock().at }

// TestDropBesideOut: what is given out does not make a queue full that drops, and no notice is dropped to make room for the next one, and
// so on.
func TestDropBesideOut(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), Options{MaxBytes: 1000, segmentBytes: 100, DropOldest: true})
	defer s.Close()
	const n = 6
	for i := range n {
		mustAppend(t, s, fmt.Sprintf("%0100d", i))
	}
	for range n - 1 {
		if e, err := s.Next(); err != nil || e == nil {
			t.Fatal(e, err)
		}
	}
	for i := range int64(3) {
		mustAppend(t, s, strings.Repeat("x", 900+50*int(i)))
		if st := s.Status(); st.Dropped.Records != i+1 || st.Records != n+1 || st.Bytes > 2100 {
			t.Errorf("%+v, want those that are out, one notice and the newest", st)
		}
	}
}

func TestDropTooOld(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := mustOpen(t, t.TempDir(), Options{MaxAge: time.Hour, DropOldest: true, now: c.now})
	defer s.Close()
	for _, text := range []string{"a", "b", "c", "d"} {
		mustAppend(t, s, text)
		c.pass(25 * time.Minute)
	}
	mustAppend(t, s, "e")
	wantTexts(t, s, "c dropped 1/1 d dropped 1/1 e")
}

// TestFullDisk is a disk that has no room for a while.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"create", "write", "sync", "sync directory"} {
		f := &faulty{}
		dir := t.TempDir()
		s := mustOpen(t, dir, Options{files: f, segmentBytes: 100})
		if what != "create" {
			mustAppend(t, s, "first")
		}
		f.fail = func(_ int, op string) error {
			if op == what {
				return fmt.Errorf("%s: %w", op, syscall.ENOSPC)
			}
			return nil
		}
		for range 3 {
			if err := s.Append(1, make([]byte, 200)); !store.IsDiskFull(err) && what != "sync directory" {
				t.Errorf("%s: %v", what, err)
			}
		}
		f.fail = nil
		mustAppend(t, s, "last")
		entries, damage := take(t, s)
		if got := texts(entries); !strings.HasSuffix(got, "last") || len(damage) > 0 {
			t.Errorf("%s: %q, %v", what, got, damage)
		}
		s.Close()
		s = mustOpen(t, dir, Options{})
		again, damage := take(t, s)
		if texts(again) != texts(entries) || len(damage) > 0 {
			t.Errorf("%s: %q, %v, before %q", what, texts(again), damage, texts(entries))
		}
		s.Close()
	}
}

// TestReadOnly: a directory that can't be written to is told at once.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	if _, err := Open("/proc/spool", Options{}); err == nil || !strings.Contains(err.Error(), "/proc/spool") {
		t.Errorf("error %v", err)
	}
}

// TestSharedSync appends from many goroutines: while one sync is under way all others wait for the next.
func TestSharedSync(t *testing.T) {
	t.Parallel()
	const goroutines = 16
	var writes, syncs atomic.Int32
	all := make(chan struct{})
	f := &faulty{slow: func() { syncs.Add(1); <-all }}
	f.fail = func(_ int, op string) error {
		if op == "write" && writes.Add(1) == goroutines+1 { // one is of the segment's header
			close(all)
		}
		return nil
	}
	s := mustOpen(t, t.TempDir(), Options{files: f})
	defer s.Close()
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			if err := s.Append(1, []byte("x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if entries, damage := take(t, s); len(entries) != goroutines || len(damage) > 0 || syncs.Load() > 2 {
		t.Errorf("%d records, %d syncs, %v", len(entries), syncs.Load(), damage)
	}
}

// TestManyAppend keeps the order of each goroutine's records, over many segments.
func TestManyAppend(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir(), Options{files: &faulty{}, segmentBytes: 1 << 12})
	defer s.Close()
	const goroutines, each = 16, 50
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				if err := s.Append(1, fmt.Appendf(nil, "%d %d", g, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	entries, damage := take(t, s)
	var next [goroutines]int
	for _, e := range entries {
		var g, i int
		fmt.Sscanf(string(e.Data), "%d %d", &g, &i)
		if next[g] != i {
			t.Fatalf("%s comes when %d is due", e.Data, next[g])
		}
		next[g]++
	}
	if len(entries) != goroutines*each || len(damage) > 0 {
		t.Errorf("%d records, %v", len(entries), damage)
	}
}
