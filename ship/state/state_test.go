package state

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"testing"

	"logctl/ship/source"
	"logctl/store"
)

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// print is the fingerprint of a made-up doc.
func print(doc int, time uint64) Fingerprint {
	f := Fingerprint{hi: mix(uint64(doc)), lo: uint16(doc), time: time}
	if doc%5 == 0 { // many that differ in the last bits alone
		f.hi = 42
	}
	return f
}

func mustOpen(t testing.TB, dir string, slots, limit int) *State {
	t.Helper()
	s, fresh, err := open(dir, Options{About: "test"}, slots, limit)
	if err != nil || fresh != "" {
		t.Fatal(err, fresh)
	}
	return s
}

// TestCounts compares the counts with a map's over random docs, with a table so small that most of them are in runs, for
// times in order, in disorder and absent, in memory and in a directory that is closed and opened again and again.
func TestCounts(t *testing.T) {
	t.Parallel()
	times := map[string]func(doc int) uint64{
		"in order":    func(doc int) uint64 { return uint64(doc + 5000) },
		"in disorder": func(doc int) uint64 { return 1 + uint64(doc*7919+1e6)%1000 },
		"no times":    func(int) uint64 { return 0 },
		"some times":  func(doc int) uint64 { return uint64(doc+5000) * uint64(doc&1) },
	}
	for name, timeOf := range times {
		for _, slots := range []int{1024} {
			for _, onDisk := range []bool{false, true} {
				t.Run(fmt.Sprint(name, slots, onDisk), func(t *testing.T) {
					t.Parallel()
					testCounts(t, timeOf, slots, onDisk)
				})
			}
		}
	}
}

func testCounts(t *testing.T, timeOf func(int) uint64, slots int, onDisk bool) {
	rnd := rand.New(rand.NewPCG(1, uint64(slots)))
	s := Memory()
	s.slots = slots
	dir := t.TempDir()
	if onDisk {
		s = mustOpen(t, dir, slots, 1000)
	}
	model := map[Fingerprint]uint32{}
	for i := range 8 * slots {
		doc := i/3 + rnd.IntN(300) - rnd.IntN(1+rnd.IntN(3000))
		f := print(doc, timeOf(doc))
		got, err := s.Next(f)
		if err != nil {
			t.Fatal(err)
		}
		if got != model[f] {
			t.Fatalf("place of doc %d at step %d is %d, want %d", doc, i, got, model[f])
		}
		model[f]++
		if n, err := s.Count(f); n != model[f] || err != nil {
			t.Fatalf("count of doc %d is %d, %v, want %d", doc, n, err, model[f])
		}
		if !onDisk {
			continue
		}
		if len(s.pending) > rnd.IntN(400) {
			if err := s.Commit(nil, rnd.IntN(len(s.pending)+1)); err != nil {
				t.Fatal(err)
			}
		}
		if i%(2*slots) == 0 {
			if err := errors.Join(s.Commit(nil, len(s.pending)), s.Close()); err != nil {
				t.Fatal(err)
			}
			s = mustOpen(t, dir, slots, 1000)
		}
	}
	if len(s.runs) == 0 {
		t.Error("nothing was spilled: the test is too small")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestPositions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, maxSlots, maxRuns)
	commit := func(marks ...source.Mark) {
		if err := s.Commit(marks, 0); err != nil {
			t.Fatal(err)
		}
	}
	commit(source.Mark{Key: "a/1", Value: []byte("x")}, source.Mark{Key: "a/2", Value: []byte{}}, source.Mark{Key: "b", Value: []byte("y")})
	commit(source.Mark{Key: "a/1", Value: []byte("z")}, source.Mark{Key: "b"})
	want := map[string]string{"a/1": "z", "a/2": ""}
	check := func() {
		t.Helper()
		got := map[string]string{}
		s.Each("a/", func(key string, value []byte) { got[key] = string(value) })
		if !maps.Equal(got, want) || s.Position("b") != nil {
			t.Errorf("positions %v, b %q", got, s.Position("b"))
		}
	}
	check()
	if _, _, err := Open(dir, Options{About: "test"}); !store.IsKind(err, store.KindLocked) {
		t.Errorf("opened twice: %v", err)
	}
	look := func() {
		t.Helper()
		seen, last, err := Look(dir)
		if err != nil || last.IsZero() || string(seen.Position("a/1")) != "z" || seen.Position("a/2") == nil || seen.Position("b") != nil {
			t.Errorf("looked at: %v, %v", last, err)
		}
	}
	look()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		look()
		s = mustOpen(t, dir, maxSlots, maxRuns)
		check()
		look()
	}
	if _, _, err := Look(dir + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no state: %v", err)
	}
	s.Close()
	s, fresh, err := Open(dir, Options{About: "another"})
	if err != nil || fresh == "" || s.Position("a/1") != nil {
		t.Errorf("about another: %q %v", fresh, err)
	}
	s.Close()
}

// TestBound: what is on disk has its bound; the newest times stay, and of docs without a time those counted last.
func TestBound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, 1024, 3)
	defer s.Close()
	const docs = 6_000
	for i := range docs {
		for _, f := range []Fingerprint{print(i, uint64(i+1)), print(i+docs, 0)} {
			if n, err := s.Next(f); n != 0 || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := s.Commit(nil, 2); err != nil {
			t.Fatal(err)
		}
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 3+6 {
		t.Errorf("%d files", len(entries))
	}
	for _, f := range []Fingerprint{print(docs-800, docs-799), print(docs-800+docs, 0)} {
		if n, err := s.Count(f); n != 1 || err != nil {
			t.Errorf("a late one came %d times, %v", n, err)
		}
	}
}

func TestLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := Memory()
	s.slots = 1024
	for i := range 3000 {
		if _, err := s.Next(print(i, 0)); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 || len(s.runs) == 0 {
		t.Errorf("a kill now would leave %v behind, %v", entries, err)
	}
	s.Close()
	t.Setenv("TMPDIR", dir+"/missing")
	s = Memory()
	s.slots = 1024
	for i := 0; err == nil && i < 3000; i++ {
		_, err = s.Next(print(i, 0))
	}
	if err == nil {
		t.Error("no error where the temporary file can't be made")
	}
}

func BenchmarkNext(b *testing.B) {
	for name, slots := range map[string]int{"memory": maxSlots, "spilled": 1 << 14} {
		b.Run(name, func(b *testing.B) {
			s, _, err := open(b.TempDir(), Options{}, slots, maxRuns)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := s.Next(print(i, uint64(i+1))); err != nil {
					b.Fatal(err)
				}
				if i%1000 == 999 {
					if err := s.Commit(nil, 1000); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// TestAnew: a state may be begun anew, and what is not known to be about anything else is kept.
func TestAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, step := range []struct {
		o         Options
		there     bool
		wantFresh string
	}{
		{Options{}, false, ""},
		{Options{About: "one"}, true, ""},
		{Options{}, true, ""},
		{Options{About: "one"}, true, ""},
		{Options{About: "two"}, false, "what was remembered is about another database"},
		{Options{Anew: "so be it"}, false, "so be it"},
		{Options{About: "three"}, true, ""},
		{Options{About: "two"}, false, "what was remembered is about another database"},
	} {
		s, fresh, err := Open(dir, step.o)
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.Next(print(1, 1))
		if err != nil || (n > 0) != step.there || fresh != step.wantFresh || (s.Position("k") != nil) != step.there {
			t.Errorf("step %d: counted %d, %v, position %q, fresh %q", i, n, err, s.Position("k"), fresh)
		}
		if err := errors.Join(s.Commit([]source.Mark{{Key: "k", Value: []byte("v")}}, 1), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAbandon: what is counted after it is not remembered.
func TestAbandon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, dir, 1024, 1000)
	for i := range 3000 {
		if i == 1500 {
			s.Abandon()
		}
		if n, err := s.Next(print(i, 1)); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		if err := s.Commit([]source.Mark{{Key: "at", Value: fmt.Append(nil, i+1)}}, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir, 1024, 1000)
	defer s.Close()
	for i := range 3000 {
		if n, err := s.Count(print(i, 1)); n != uint32(b2u(i < 1500)) || err != nil {
			t.Fatal(i, n, err)
		}
	}
	if at := string(s.Position("at")); at != "1500" {
		t.Errorf("position %s", at)
	}
}
