package engine

import (
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
