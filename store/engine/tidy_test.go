package engine

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
)

// mustTidy does at once what is done when nothing was written for a while.
func mustTidy(t *testing.T, e *Engine) {
	t.Helper()
	for _, do := range []func(context.Context) error{e.flushTables, e.compactTop} {
		if err := do(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// TestTidyWaits writes now and then and looks when rooms are made tidy.
func TestTidyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		did := make(chan string, 100)
		do := func(what string) func(context.Context) error {
			return func(context.Context) error { did <- what; return nil }
		}
		done := func() (all []string) {
			synctest.Wait()
			for len(did) > 0 {
				all = append(all, <-did)
			}
			return all
		}
		tidy := newTidy(do("flush"), do("compact"))
		defer tidy.close(newDisk(vfs.NewMem(), nil))
		for range 20 { // never quiet
			tidy.note(tidyBytes)
			time.Sleep(tidyAfter / 2)
		}
		if got := done(); len(got) != 0 {
			t.Errorf("while it was busy: %v", got)
		}
		time.Sleep(tidyAfter)
		if got := done(); fmt.Sprint(got) != "[flush compact]" {
			t.Errorf("when it was quiet: %v", got)
		}
		tidy.note(tidyBytes - 1)
		time.Sleep(10 * tidyAfter)
		if got := done(); len(got) != 0 {
			t.Errorf("for so little: %v", got)
		}
		tidy.note(1)
		time.Sleep(10 * tidyAfter)
		if got := done(); len(got) != 2 {
			t.Errorf("for that and a little more: %v", got)
		}
	})
}

// TestTidyMakesRoom looks at what is on disk of docs that came by and by.
func TestTidyMakesRoom(t *testing.T) {
	t.Parallel()
	const n = 20_000
	fs := vfs.NewMem()
	e := mustOpen(t, "data", Options{FS: fs})
	d := mustCreate(t, e, "log_a")
	x, err := d.Index("sig")
	if err != nil {
		t.Fatal(err)
	}
	docs := banDocs(0, n)
	for i := 0; i < n; i += 1000 {
		mustWrite(t, d, docs[i:i+1000])
		if err := x.Apply(t.Context(), []store.KVOp{{Key: fmt.Append(nil, i), Value: docs[i].Body}}); err != nil {
			t.Fatal(err)
		}
		if i%5000 == 0 {
			if err := e.flushTables(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	mustTidy(t, e)
	if top := e.pdb.Metrics().Levels[0].TablesCount; top != 0 {
		t.Errorf("%d tables in the uppermost level", top)
	}
	sound(t, d)
	if err := e.Close(); err != nil { // which waits until files that are no longer needed are removed
		t.Fatal(err)
	}
	names, err := fs.List("data/" + pebbleDir)
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, name := range names {
		info, err := fs.Stat("data/" + pebbleDir + "/" + name)
		if err == nil {
			size += info.Size()
		}
	}
	if size > 15*n {
		t.Errorf("%d bytes on disk, %d a doc", size, size/n)
	}
	e = mustOpen(t, "data", Options{FS: fs})
	defer e.Close()
	if d, err = e.DB("log_a"); err != nil {
		t.Fatal(err)
	}
	sound(t, d)
}

// TestTidyAfterOpen opens a store whose last run had no time to be tidy.
func TestTidyAfterOpen(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	e := mustOpen(t, "data", Options{FS: fs})
	d := mustCreate(t, e, "log_a")
	mustWrite(t, d, banDocs(0, 40_000))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = mustOpen(t, "data", Options{FS: fs})
	defer e.Close()
	for late := time.After(time.Minute); e.pdb.Metrics().Levels[0].TablesCount > 0; {
		select {
		case <-late:
			t.Fatalf("%+v is left", e.pdb.Metrics().Levels[0])
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestTidyOnFullDisk closes a store while it waits for room to be tidy.
func TestTidyOnFullDisk(t *testing.T) {
	t.Parallel()
	fs := newFaulty()
	e := mustOpen(t, "data", Options{FS: fs})
	d := mustCreate(t, e, "log_a")
	mustWrite(t, d, banDocs(0, 100))
	fs.set(failWrites(".sst", syscall.ENOSPC))
	e.tidy.note(tidyBytes)
	select {
	case <-e.disk.troubled():
	case <-time.After(time.Minute):
		t.Fatal("nothing was written")
	}
	if _, err := d.Write(t.Context(), banDocs(100, 1), WriteOptions{NewEdits: true}); !store.IsKind(err, store.KindNoSpace) {
		t.Errorf("write: %v", err)
	}
	if err := e.Close(); !store.IsKind(err, store.KindNoSpace) {
		t.Errorf("close: %v", err)
	}
	fs.set(failWrites("no such file", nil))
	e = mustOpen(t, "data", Options{FS: fs})
	defer e.Close()
	if d, err := e.DB("log_a"); err != nil || d.Stats().DocCount < 100 {
		t.Errorf("%v after opening it again", err)
	}
}
