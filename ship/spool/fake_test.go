package spool

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// faulty is the real file system with errors, without the time that syncs take; it knows what a loss of power would leave of it.
type faulty struct {
	osFiles
	mu     sync.Mutex
	ops    int
	fail   func(op int, what string) error // nil: nothing fails
	synced map[string]int64                // bytes that are sure, by path
	slow   func()                          // called in a sync, where set
}

func (f *faulty) do(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ops++
	if f.fail == nil {
		return nil
	}
	return f.fail(f.ops, what)
}

func (f *faulty) open(name string, flag int) (file, error) {
	what := "open"
	if flag&os.O_CREATE != 0 {
		what = "create"
	}
	if err := f.do(what); err != nil {
		return nil, err
	}
	inner, err := f.osFiles.open(name, flag)
	if err != nil {
		return nil, err
	}
	return &faultyFile{inner, name, f}, nil
}

func (f *faulty) remove(name string) error {
	if err := f.do("remove"); err != nil {
		return err
	}
	return f.osFiles.remove(name)
}

func (f *faulty) list(dir string) ([]string, error) {
	if err := f.do("list"); err != nil {
		return nil, err
	}
	return f.osFiles.list(dir)
}

func (f *faulty) syncDir(dir string) error {
	if err := f.do("sync directory"); err != nil {
		return err
	}
	return nil
}

type faultyFile struct {
	file
	name string
	fs   *faulty
}

func (f *faultyFile) ReadAt(b []byte, at int64) (int, error) {
	if err := f.fs.do("read"); err != nil {
		return 0, err
	}
	return f.file.ReadAt(b, at)
}

// WriteAt writes half of it where it fails.
func (f *faultyFile) WriteAt(b []byte, at int64) (int, error) {
	if err := f.fs.do("write"); err != nil {
		n, _ := f.file.WriteAt(b[:len(b)/2], at)
		return n, err
	}
	return f.file.WriteAt(b, at)
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.fs.do("truncate"); err != nil {
		return err
	}
	return f.file.Truncate(size)
}

func (f *faultyFile) Sync() error {
	if f.fs.slow != nil {
		f.fs.slow()
	}
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if err := f.fs.do("sync"); err != nil {
		return err
	}
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.fs.synced == nil {
		f.fs.synced = map[string]int64{}
	}
	f.fs.synced[f.name] = info.Size()
	return nil
}

// crash copies dir as a loss of power may leave it: of what was not synced any part.
func (f *faulty) crash(t *testing.T, dir string, rnd *rand.Rand) string {
	t.Helper()
	to := t.TempDir()
	f.mu.Lock()
	defer f.mu.Unlock()
	names, err := f.osFiles.list(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		sure := min(f.synced[path], int64(len(data)))
		unsure := data[sure:]
		if rnd.IntN(2) == 0 {
			clear(unsure[rnd.IntN(len(unsure)+1):])
		}
		data = data[:int(sure)+rnd.IntN(len(unsure)+1)]
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func mustOpen(t *testing.T, dir string, o Options) *Spool {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustAppend(t *testing.T, s *Spool, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := s.Append(len(text), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

// take gives what Next gives until there is no more.
func take(t *testing.T, s *Spool) (entries []*Entry, damage []*DamageError) {
	t.Helper()
	for {
		e, err := s.Next()
		var d *DamageError
		switch {
		case errors.As(err, &d):
			damage = append(damage, d)
		case err != nil:
			t.Fatal(err)
		case e == nil:
			return entries, damage
		default:
			entries = append(entries, e)
		}
	}
}

func texts(entries []*Entry) string {
	var all []string
	for _, e := range entries {
		if e.Dropped != nil {
			all = append(all, fmt.Sprintf("dropped %d/%d", e.Dropped.Records, e.Dropped.Docs))
		} else {
			all = append(all, string(e.Data))
		}
	}
	return strings.Join(all, " ")
}

func wantTexts(t *testing.T, s *Spool, want string) []*Entry {
	t.Helper()
	entries, damage := take(t, s)
	if got := texts(entries); got != want || len(damage) > 0 {
		t.Errorf("got %q and %v, want %q", got, damage, want)
	}
	return entries
}

// clock is a time that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
