package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"logctl/store"
)

// TestLogAhead: a log is longer than what is written in it, and nobody who reads it minds.
func TestLogAhead(t *testing.T) {
	t.Parallel()
	const docs = 150
	dir := t.TempDir()
	e := mustOpen(t, dir, Options{})
	defer e.Close()
	d := mustCreate(t, e, "log_a")
	for i := range docs {
		mustPut(t, d, store.Doc{ID: fmt.Sprint("doc", i), Body: fmt.Appendf(nil, `{"text":"%01000d"}`, i)})
	}
	// As a power cut leaves it.
	killed := t.TempDir()
	if err := os.CopyFS(filepath.Join(killed, "data"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	killed = filepath.Join(killed, "data")
	logs, err := filepath.Glob(filepath.Join(killed, pebbleDir, "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	text, err := os.ReadFile(logs[len(logs)-1])
	if err != nil {
		t.Fatal(err)
	}
	if ahead := len(text) - len(bytes.TrimRight(text, "\x00")); ahead < 1000 {
		if canExtend(t) {
			t.Errorf("%d zeros at the end of the log", ahead)
		} else {
			t.Log("files can't be extended here: nothing of it was tested")
		}
	}
	if _, err := CheckFiles(context.Background(), killed, Options{}, func(dmg Damage) { t.Error(dmg) }); err != nil {
		t.Error(err)
	}
	again := mustOpen(t, killed, Options{})
	defer again.Close()
	d, err = again.DB("log_a")
	if err != nil {
		t.Fatal(err)
	}
	if n := d.Stats().DocCount; n != docs {
		t.Errorf("%d docs of %d", n, docs)
	}
}

// canExtend tells whether the file system of temporary files can make one longer.
func canExtend(t *testing.T) bool {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return extend(f.Fd(), 0, 1) == nil
}
