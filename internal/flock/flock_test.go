package flock

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"logctl/store"
)

func TestLock(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, "a")
	release, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(path)
	var e *store.Error
	if !errors.As(err, &e) || e.Kind != store.KindLocked || !strings.Contains(e.Reason, "process ") || !strings.Contains(e.Hint, path) {
		t.Errorf("a second lock: %v", err)
	}
	if other, err := Lock(filepath.Join(dir, "b")); err != nil {
		t.Errorf("another lock: %v", err)
	} else {
		other()
	}
	release()
	release, err = Lock(path)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	release()
	if _, err := Lock(t.TempDir()); err == nil || store.IsKind(err, store.KindLocked) {
		t.Errorf("a directory as lock: %v", err)
	}
}
