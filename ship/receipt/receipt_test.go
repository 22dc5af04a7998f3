package receipt

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"logctl/store"
)

func mustOpen(t *testing.T, dir string) *Log {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// written makes a list of three receipts: one done, one void, one unfinished.
func written(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "state")
	for i, file := range []string{"/var/log/a", "/var/log/b", "/var/log/c"} {
		l := mustOpen(t, dir)
		n, err := l.Begin(Receipt{File: file, Bytes: 10, Then: []Position{{"file/1", []byte("x")}, {"file/2", nil}}})
		if err != nil || n != int64(i+1) {
			t.Fatal(n, err)
		}
		switch i {
		case 0:
			err = l.Done(n)
		case 1:
			err = l.Void(n)
		}
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
	return dir
}

func TestLog(t *testing.T) {
	t.Parallel()
	if list, err := List(t.TempDir()); list != nil || err != nil {
		t.Errorf("of an empty directory: %v, %v", list, err)
	}
	dir := written(t)
	list, err := List(dir)
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	if list[0].Done == nil || list[0].Time.IsZero() || list[1].Done != nil || !list[1].Void || list[2].Done != nil || list[2].Void || list[2].Number != 3 {
		t.Errorf("%+v", list)
	}
	l := mustOpen(t, dir)
	defer l.Close()
	open := l.Unfinished()
	if len(open) != 1 || open[0].File != "/var/log/c" || string(open[0].Then[0].Value) != "x" || open[0].Then[1].Value != nil {
		t.Errorf("unfinished: %+v", open)
	}
}

// TestTorn cuts the file at every byte: what whole lines tell is there, and the list can be gone on with.
func TestTorn(t *testing.T) {
	t.Parallel()
	dir := written(t)
	path := filepath.Join(dir, fileName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	full, _ := List(dir)
	for size := range len(whole) {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, line := range strings.SplitAfter(string(whole[:size]), "\n") {
			if strings.Contains(line, `"receipt"`) && strings.HasSuffix(line, "\n") {
				want++
			}
		}
		list, err := List(dir)
		if err != nil || len(list) != want || want == 3 && !reflect.DeepEqual(list[:2], full[:2]) {
			t.Fatalf("cut at %d: %d receipts, %v, want %d", size, len(list), err, want)
		}
		if size%16 > 0 {
			continue
		}
		l := mustOpen(t, dir)
		if n, err := l.Begin(Receipt{}); err != nil || n != int64(want+1) {
			t.Errorf("cut at %d: %d, %v", size, n, err)
		}
		l.Close()
		if list, err = List(dir); err != nil || len(list) != want+1 {
			t.Errorf("cut at %d: then %d, %v", size, len(list), err)
		}
	}
}

// TestChanged changes every byte, and leaves lines out: it is seen.
func TestChanged(t *testing.T) {
	t.Parallel()
	dir := written(t)
	whole, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		text := []byte(string(whole))
		text[i] ^= 1
		if c, err := parse(text); err == nil && i < len(whole)-1 {
			t.Errorf("byte %d changed: %+v", i, c)
		} else if err != nil && !store.IsKind(err, store.KindCorrupt) && !store.IsKind(err, store.KindNewerFormat) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	lines := strings.SplitAfter(string(whole), "\n")
	if _, err := parse([]byte(strings.Join(append(append([]string{}, lines[:2]...), lines[3:]...), ""))); !store.IsKind(err, store.KindCorrupt) {
		t.Errorf("a line left out: %v", err)
	}
	_, err = parse([]byte("logctl-receipts 2\n"))
	if !store.IsKind(err, store.KindNewerFormat) {
		t.Errorf("newer: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head))
	f.Add([]byte(head + chain("", []byte(`{"receipt":1}`)) + ` {"receipt":1}` + "\n"))
	f.Add([]byte(head + chain("", []byte(`{"done":1}`)) + ` {"done":1}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, _ := parse(text); c.size > int64(len(text)) {
			t.Error(c.size)
		}
	})
}
