package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"logctl/store"
)

// TestOpenOnFullDisk opens a store whose log must be flushed where there is no room for it.
func TestOpenOnFullDisk(t *testing.T) {
	t.Parallel()
	first := newFaulty()
	d := mustCreate(t, mustOpen(t, "data", Options{FS: first}), "log_a")
	mustPut(t, d, store.Doc{ID: "before"})

	fs := newFaulty()
	fs.mem = first.mem.CrashClone(vfs.CrashCloneCfg{})
	fs.FS = errorfs.Wrap(fs.mem, errorfs.InjectorFunc(func(op errorfs.Op) error { return (*fs.fault.Load())(op) }))
	for range 2 { // the second one finds the directory unlocked
		fs.set(failWrites("", syscall.ENOSPC))
		if _, err := Open("data", Options{FS: fs}); !store.IsKind(err, store.KindNoSpace) {
			t.Errorf("open on a full disk: %v", err)
		}
	}
	fs.set(func(errorfs.Op) error { return nil })
	reopen(t, fs, "before")
}

// TestOptionsAreNotRead opens stores of which the OPTIONS file is damaged in each of its lines: no docs are in it.
func TestOptionsAreNotRead(t *testing.T) {
	t.Parallel()
	fs := vfs.NewCrashableMem()
	mustPut(t, mustCreate(t, mustOpen(t, "data", Options{FS: fs}), "log_a"), store.Doc{ID: "before"})
	sub := fs.PathJoin("data", pebbleDir)
	text := readFile(t, fs, optionsFile(t, fs, sub))
	if len(text) < 100 {
		t.Fatalf("the options are %q", text)
	}
	for at := 0; at < len(text); at += bytes.IndexByte(text[at:], '\n') + 1 {
		clone := fs.CrashClone(vfs.CrashCloneCfg{})
		spoiled := bytes.Clone(text)
		for i := at; spoiled[i] != '\n'; i++ {
			spoiled[i] ^= 1
		}
		writeFile(t, clone, optionsFile(t, clone, sub), spoiled)
		if _, err := CheckFiles(context.Background(), "data", Options{FS: clone}, func(d Damage) { t.Error(d) }); err != nil {
			t.Error(err)
		}
		e, err := Open("data", Options{FS: clone})
		if err != nil {
			t.Fatalf("with %q: %v", spoiled[at:at+bytes.IndexByte(text[at:], '\n')], err)
		}
		d, err := e.DB("log_a")
		if err == nil {
			_, err = d.Get("before")
		}
		if err := errors.Join(err, e.Close()); err != nil {
			t.Error(err)
		}
	}
}

// optionsFile is the path of the one OPTIONS file.
func optionsFile(t *testing.T, fs vfs.FS, dir string) string {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range names {
		if strings.HasPrefix(name, optionsPrefix) {
			found = append(found, fs.PathJoin(dir, name))
		}
	}
	if len(found) != 1 {
		t.Fatalf("options: %v", found)
	}
	return found[0]
}

func readFile(t *testing.T, fs vfs.FS, path string) []byte {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func writeFile(t *testing.T, fs vfs.FS, path string, text []byte) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}
