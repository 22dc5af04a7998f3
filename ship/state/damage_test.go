package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logctl/ship/source"
	"logctl/store"
)

// TestCrash takes copies of the directory while docs are counted and committed, cuts the logs in them anywhere, and finds in each
// what some prefix of the commits left: positions and counts that go together.
func TestCrash(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 7))
	dir := t.TempDir()
	s := mustOpen(t, dir, 1024, 1000)
	var docs []Fingerprint // in the order of Next
	committed := 0
	for step := range 150 {
		for range rnd.IntN(40) {
			doc := len(docs)/2 - rnd.IntN(1+len(docs)/2)
			f := print(doc, uint64(doc*(doc&1)))
			docs = append(docs, f)
			if _, err := s.Next(f); err != nil {
				t.Fatal(err)
			}
		}
		n := rnd.IntN(1 + len(docs) - committed)
		committed += n
		if err := s.Commit([]source.Mark{{Key: "at", Value: fmt.Append(nil, committed)}}, n); err != nil {
			t.Fatal(err)
		}
		if step%15 == 0 {
			copied := crashCopy(t, dir, rnd)
			checkPrefix(t, copied, docs, committed)
		}
	}
	if len(s.runs) == 0 || s.generation < 2 {
		t.Error("nothing was spilled: the test is too small")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// crashCopy copies the directory as a crash may leave it.
func crashCopy(t *testing.T, dir string, rnd *rand.Rand) string {
	t.Helper()
	to := t.TempDir()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(e.Name(), "log.") {
			text = text[:logHead+rnd.IntN(len(text)-logHead+1)]
			if rnd.IntN(2) == 0 {
				text = append(text, make([]byte, rnd.IntN(100))...)
			}
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func checkPrefix(t *testing.T, dir string, docs []Fingerprint, committed int) {
	t.Helper()
	s := mustOpen(t, dir, 1024, 1000)
	defer s.Close()
	at := 0
	fmt.Sscan(string(s.Position("at")), &at)
	if at > committed {
		t.Fatalf("the position is %d of %d", at, committed)
	}
	model := map[Fingerprint]uint32{}
	for _, f := range docs[:at] {
		model[f]++
	}
	for i, f := range docs {
		if n, err := s.Count(f); err != nil || n != model[f] {
			t.Fatalf("at %d doc %d was counted %d times, %v, want %d", at, i, n, err, model[f])
		}
	}
}

// TestDamage flips each byte of a base, and of what else there is, and finds the state whole, begun anew, or an error: no
// counts that are wrong.
func TestDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, 1024, 1000)
	const docs = 1000
	for i := range docs {
		if _, err := s.Next(print(i, uint64(i+1))); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit([]source.Mark{{Key: "at", Value: fmt.Append(nil, i+1)}}, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(text); at += 1 + len(text)/15 {
			damaged := t.TempDir()
			if err := os.CopyFS(damaged, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			bad := bytes.Clone(text)
			bad[at] ^= 0x40
			if err := os.WriteFile(filepath.Join(damaged, e.Name()), bad, 0o600); err != nil {
				t.Fatal(err)
			}
			s, _, err := open(damaged, Options{About: "test"}, 1024, 1000)
			if err != nil {
				continue
			}
			n := 0
			fmt.Sscan(string(s.Position("at")), &n)
			for i := range docs {
				got, err := s.Count(print(i, uint64(i+1)))
				if err == nil && got != uint32(b2u(i < n)) {
					t.Fatalf("byte %d of %s: doc %d came %d times, at is %d", at, e.Name(), i, got, n)
				}
			}
			s.Close()
		}
	}
}

func TestNewer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustOpen(t, dir, maxSlots, maxRuns).Close()
	path := filepath.Join(dir, baseName)
	text, _ := os.ReadFile(path)
	text[len(magic)+2]++
	os.WriteFile(path, text, 0o600)
	if _, _, err := Open(dir, Options{About: "test"}); err == nil || !strings.Contains(err.Error(), "a newer logctl has written it") {
		t.Errorf("error %v", err)
	}
}

// FuzzLoad reads anything as a base and as a log.
func FuzzLoad(f *testing.F) {
	dir := f.TempDir()
	s := mustOpen(f, dir, 1024, 1000)
	for i := range 10 {
		s.Next(print(i, uint64(i%3)))
		s.Commit([]source.Mark{{Key: "k", Value: []byte("v")}}, 1)
	}
	s.Close()
	for _, name := range []string{"base", "log.1"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text[:len(text)-crcSize])
	}
	for _, n := range []uint64{math.MaxUint64/fenceSize + 1, math.MaxUint64} {
		for rest := range 2 * fenceSize {
			f.Add(append(append(binary.AppendUvarint([]byte{0}, n), make([]byte, 16+rest)...), 0))
			f.Add(append(binary.AppendUvarint(make([]byte, 1+1+16), n), make([]byte, rest)...))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := Memory()
		s.dir, s.about = t.TempDir(), "test"
		_ = s.loadBase(appendCRC(text, text)) // any error will do
		s = Memory()
		_, _ = replay(text, 1, s.apply)
		c := &commit{}
		if c.parse(text) == nil {
			_ = s.apply(c)
		}
	})
}

// TestNoRoom: a full disk is told with what to do about it, and what was there is still there.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("no full disk to be had:", err)
	}
	dir := t.TempDir()
	s := mustOpen(t, dir, 1024, 4)
	if err := errors.Join(s.Commit([]source.Mark{{Key: "a", Value: []byte("1")}}, 0), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(full, filepath.Join(dir, baseName+".new")); err != nil {
		t.Fatal(err)
	}
	_, _, err := Open(dir, Options{About: "test", Anew: "the test says so"})
	var told *store.Error
	if !errors.As(err, &told) || told.Kind != store.KindNoSpace || !strings.Contains(told.Hint, "make room on the disk of "+dir) {
		t.Errorf("%v, want one of a full disk with a hint", err)
	}
	s = mustOpen(t, dir, 1024, 4)
	defer s.Close()
	if got := s.Position("a"); string(got) != "1" {
		t.Errorf("a is at %q", got)
	}
}
