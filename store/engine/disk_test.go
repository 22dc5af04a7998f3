package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"logctl/store"
)

// faulty is a file system in memory that fails the operations that fault tells.
type faulty struct {
	vfs.FS
	mem   *vfs.MemFS
	fault atomic.Pointer[func(op errorfs.Op) error]
}

func newFaulty() *faulty {
	f := &faulty{mem: vfs.NewCrashableMem()}
	f.FS = errorfs.Wrap(f.mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fault := f.fault.Load(); fault != nil {
			return (*fault)(op)
		}
		return nil
	}))
	return f
}

func (f *faulty) set(fault func(op errorfs.Op) error) { f.fault.Store(&fault) }

// failWrites fails every operation that writes, of files whose name ends in suffix.
func failWrites(suffix string, err error) func(op errorfs.Op) error {
	return func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFilePreallocate, errorfs.OpReuseForWrite, errorfs.OpRename:
			if strings.HasSuffix(op.Path, suffix) {
				return err
			}
		}
		return nil
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", ".log"} {
		t.Run("files "+suffix, func(t *testing.T) {
			t.Parallel()
			fs := newFaulty()
			e := mustOpen(t, "data", Options{FS: fs})
			d := mustCreate(t, e, "log_a")
			mustPut(t, d, store.Doc{ID: "before"})

			fs.set(failWrites(suffix, syscall.ENOSPC))
			for i := range 3 {
				_, err := d.Write(context.Background(), []store.Doc{{ID: fmt.Sprint("full", i)}}, WriteOptions{NewEdits: true})
				if !store.IsKind(err, store.KindNoSpace) {
					t.Fatalf("write %d to a full disk: %v", i, err)
				}
			}
			if _, err := e.Create(context.Background(), "log_b"); !store.IsKind(err, store.KindNoSpace) {
				t.Errorf("create on a full disk: %v", err)
			}
			if _, err := d.Get("before"); err != nil {
				t.Errorf("read on a full disk: %v", err)
			}

			fs.set(func(errorfs.Op) error { return nil })
			waitFor(t, "writing again", func() bool {
				_, err := d.Write(context.Background(), []store.Doc{{ID: "after"}}, WriteOptions{NewEdits: true})
				if err != nil && !store.IsKind(err, store.KindNoSpace) {
					t.Fatalf("write to a disk with room: %v", err)
				}
				return err == nil
			})
			reopenAfterCrash(t, fs.mem, "before", "after")
			if err := e.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}

func TestCloseOnFullDisk(t *testing.T) {
	t.Parallel()
	fs := newFaulty()
	e := mustOpen(t, "data", Options{FS: fs})
	d := mustCreate(t, e, "log_a")
	mustPut(t, d, store.Doc{ID: "before"})
	fs.set(failWrites("", syscall.ENOSPC))
	if _, err := d.Write(context.Background(), []store.Doc{{ID: "full"}}, WriteOptions{NewEdits: true}); err == nil {
		t.Fatal("write to a full disk")
	}
	if err := e.Close(); !store.IsKind(err, store.KindNoSpace) {
		t.Errorf("close: %v", err)
	}
	fs.set(func(errorfs.Op) error { return nil })
	e = mustOpen(t, "data", Options{FS: fs})
	if d, err := e.DB("log_a"); err != nil {
		t.Error(err)
	} else if _, err := d.Get("before"); err != nil {
		t.Errorf("acknowledged doc: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// TestFailedWrites fails the n-th of the operations that change a file, for many n, while enough is written for several
// flushes: every call gets an answer, whatever was acknowledged is there after a crash, and the directory can be opened
// again.
func TestFailedWrites(t *testing.T) {
	t.Parallel()
	for n := int64(0); n < 300; n += 1 + n/20 {
		testFailedWrite(t, n)
	}
}

func testFailedWrite(t *testing.T, n int64) {
	t.Helper()
	ctx := context.Background()
	fs := newFaulty()
	e := mustOpen(t, "data", Options{FS: fs})
	d := mustCreate(t, e, "log_a")
	errDisk := errors.New("disk on fire")
	var count atomic.Int64
	fs.set(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpRemove && count.Add(1) == n+1 {
			return errDisk
		}
		return nil
	})
	body := fmt.Appendf(nil, `{"pad":"%s"}`, strings.Repeat("x", 20<<10))
	var mu sync.Mutex
	var acked []string
	failed := make(chan error, 1)
	go func() {
		for i := range 100 {
			id := fmt.Sprint("doc", i)
			if _, err := d.Write(ctx, []store.Doc{{ID: id, Body: body}}, WriteOptions{NewEdits: true}); err != nil {
				failed <- err
				return
			}
			mu.Lock()
			acked = append(acked, id)
			mu.Unlock()
		}
		failed <- nil
	}()
	select {
	case err := <-failed:
		if err != nil && !store.IsKind(err, store.KindUnavailable) {
			t.Errorf("fault %d: write: %v", n, err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("fault %d: a write hangs", n)
	}
	if e.disk.trouble() != nil {
		for what, call := range writingCalls(e, d) {
			if err := call(); !store.IsKind(err, store.KindUnavailable) {
				t.Errorf("fault %d: %s afterwards: %v", n, what, err)
			}
		}
	}
	if err := d.AllDocs(ctx, IDRange{}, true, func(store.Doc) bool { return true }); err != nil {
		t.Errorf("fault %d: read: %v", n, err)
	}
	trouble := e.disk.trouble()
	if err := e.Close(); trouble != nil && err == nil {
		t.Errorf("fault %d: close after %v: %v", n, trouble, err)
	}
	clone := fs.mem.CrashClone(vfs.CrashCloneCfg{})
	mu.Lock()
	defer mu.Unlock()
	reopen(t, clone, acked...)
	reopen(t, fs.mem, acked...)
}

// writingCalls are calls that change something.
func writingCalls(e *Engine, d *DB) map[string]func() error {
	ctx := context.Background()
	return map[string]func() error{
		"Write": func() error {
			_, err := d.Write(ctx, []store.Doc{{ID: "late"}}, WriteOptions{NewEdits: true})
			return err
		},
		"SetMeta": func() error { return d.SetMeta(ctx, "late", []byte("1")) },
		"Upload": func() error {
			_, err := d.Upload(ctx, func(w io.Writer) error { _, err := w.Write([]byte("x")); return err })
			return err
		},
		"PutLocal": func() error { _, err := d.PutLocal(ctx, store.Doc{ID: "_local/late"}); return err },
		"Index":    func() error { _, err := d.Index("late"); return err },
		"Create":   func() error { _, err := e.Create(ctx, "log_late"); return err },
		"Drop":     func() error { return e.Drop(ctx, "log_a") },
	}
}

// TestCallsUnderWay fails the disk while calls of all kinds are being applied, for good or until there is room again: none
// hangs, and in the latter case all work again.
func TestCallsUnderWay(t *testing.T) {
	t.Parallel()
	for _, errDisk := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, what := range []string{"Write", "Upload", "SetMeta", "Index", "KV.Apply", "Create", "Drop"} {
			t.Run(fmt.Sprint(what, " ", errDisk), func(t *testing.T) {
				t.Parallel()
				testCallUnderWay(t, what, errDisk)
			})
		}
	}
}

func testCallUnderWay(t *testing.T, what string, errDisk error) {
	fs := newFaulty()
	e := mustOpen(t, "data", Options{FS: fs})
	d := mustCreate(t, e, "log_a")
	mustCreate(t, e, "log_other")
	mustPut(t, d, store.Doc{ID: "before"})
	kv, err := d.Index("sig")
	if err != nil {
		t.Fatal(err)
	}
	// A new log is made when a memtable is full: under the locks of the call that finds it so.
	fs.set(func(op errorfs.Op) error {
		if (op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpReuseForWrite) && strings.HasSuffix(op.Path, ".log") {
			return errDisk
		}
		return nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pad := []byte(strings.Repeat("x", 1<<20))
	call := map[string]func(i int) error{
		"Write": func(i int) error {
			_, err := d.Write(ctx, []store.Doc{{ID: fmt.Sprint(i), Body: fmt.Appendf(nil, `{"pad":"%s"}`, pad)}}, WriteOptions{NewEdits: true})
			return err
		},
		"Upload": func(i int) error {
			_, err := d.Upload(ctx, func(w io.Writer) error { _, err := w.Write(pad); return err })
			return err
		},
		"SetMeta": func(i int) error { return d.SetMeta(ctx, fmt.Sprint(i), pad) },
		"Index":   func(i int) error { _, err := d.Index(fmt.Sprint(i) + string(pad)); return err },
		"KV.Apply": func(i int) error {
			ctx := ctx
			if errDisk == syscall.ENOSPC { // it waits for room
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
				defer cancel()
			}
			return kv.Apply(ctx, []store.KVOp{{Key: fmt.Append(nil, i), Value: pad}})
		},
		"Create": func(i int) error {
			_, err := e.Create(ctx, store.DBName("log_"+strings.Repeat("x", 1<<20)+fmt.Sprint(i)))
			return err
		},
		"Drop": func(i int) error {
			if err := d.SetMeta(ctx, fmt.Sprint(i), pad[:64<<10]); err != nil {
				return err
			}
			return e.Drop(ctx, "log_other")
		},
	}[what]
	failed := false
	for i := 0; i < 64 && !failed; i++ {
		err := call(i)
		failed = err != nil && !store.IsKind(err, store.KindNotFound)
	}
	if !failed || ctx.Err() != nil {
		t.Fatalf("failed: %v, %v", failed, ctx.Err())
	}
	if _, err := d.Get("before"); err != nil {
		t.Errorf("get: %v", err)
	}
	if _, _, err := kv.Get([]byte("x")); err != nil {
		t.Errorf("get of an index: %v", err)
	}
	if x, err := d.Index("sig"); err != nil || x != kv {
		t.Errorf("index: %v", err)
	}
	if got, err := e.DB("log_a"); err != nil || got != d {
		t.Errorf("DB: %v", err)
	}
	fs.set(func(errorfs.Op) error { return nil })
	if errDisk == syscall.ENOSPC {
		for name, call := range writingCalls(e, d) {
			if name != "Drop" {
				waitFor(t, name, func() bool { err := call(); return err == nil || store.IsKind(err, store.KindFileExists) })
			}
		}
		waitFor(t, "KV.Apply", func() bool { return kv.Apply(ctx, []store.KVOp{{Key: []byte("y")}}) == nil })
		sound(t, d)
	}
	if err := e.Close(); (err == nil) != (errDisk == syscall.ENOSPC) {
		t.Errorf("close: %v", err)
	}
	reopen(t, fs.mem, "before")
}

// reopenAfterCrash opens what survives a crash in which everything unsynced is lost.
func reopenAfterCrash(t *testing.T, mem *vfs.MemFS, ids ...string) {
	t.Helper()
	reopen(t, mem.CrashClone(vfs.CrashCloneCfg{}), ids...)
}

// reopen opens a store, checks that the docs are there, and closes it.
func reopen(t *testing.T, fs vfs.FS, ids ...string) {
	t.Helper()
	e := mustOpen(t, "data", Options{FS: fs})
	defer e.Close()
	d, err := e.DB("log_a")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if _, err := d.Get(id); err != nil {
			t.Errorf("acknowledged doc %s: %v", id, err)
		}
	}
	sound(t, d)
}

// waitFor asks until ok, for a minute.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("still not: %s", what)
		case <-tick.C:
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	t.Run("a newer format", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		path := filepath.Join(dir, versionFile)
		if err := os.WriteFile(path, []byte(versionLine(formatVersion+1)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, Options{})
		if !store.IsKind(err, store.KindNewerFormat) || !strings.Contains(err.Error(), fmt.Sprint("format ", formatVersion+1)) {
			t.Errorf("open: %v", err)
		}
		if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
			t.Errorf("the directory was touched: %v", names)
		}
	})
	t.Run("a damaged version", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		path := filepath.Join(dir, versionFile)
		for _, line := range []string{"", "x", strings.Replace(versionLine(1), "crc32c", "crc32d", 1), "logctl engine format x "} {
			if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(dir, Options{}); !store.IsKind(err, store.KindCorrupt) {
				t.Errorf("open with version %q: %v", line, err)
			}
		}
	})
	t.Run("a lost version file", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := mustOpen(t, dir, Options{}).Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, versionFile)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{}); !store.IsKind(err, store.KindCorrupt) {
			t.Errorf("open: %v", err)
		}
	})
	t.Run("a directory in use", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		e := mustOpen(t, dir, Options{})
		if _, err := Open(dir, Options{}); !store.IsKind(err, store.KindLocked) {
			t.Errorf("second open: %v", err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if err := mustOpen(t, dir, Options{}).Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("a full disk", func(t *testing.T) {
		t.Parallel()
		fs := newFaulty()
		fs.set(failWrites("", syscall.ENOSPC))
		if _, err := Open("data", Options{FS: fs}); !store.IsKind(err, store.KindNoSpace) {
			t.Errorf("open: %v", err)
		}
	})
	t.Run("a place that is a file", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); !store.IsKind(err, store.KindUnavailable) {
			t.Errorf("open: %v", err)
		}
	})
}
