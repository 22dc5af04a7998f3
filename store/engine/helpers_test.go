package engine

import (
	"context"
	"testing"

	"logctl/store"
)

func mustOpen(t testing.TB, dir string, o Options) *Engine {
	t.Helper()
	e, err := Open(dir, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return e
}

// newDB is a fresh database in an engine that is closed with the test.
func newDB(t testing.TB, o Options) *DB {
	t.Helper()
	e := mustOpen(t, t.TempDir(), o)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return mustCreate(t, e, "log_a")
}

func mustCreate(t testing.TB, e *Engine, name store.DBName) *DB {
	t.Helper()
	d, err := e.Create(context.Background(), name)
	if err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
	return d
}

// put writes one edit and gives the new revision.
func put(t testing.TB, d *DB, doc store.Doc) (store.Rev, error) {
	t.Helper()
	res, err := d.Write(context.Background(), []store.Doc{doc}, WriteOptions{NewEdits: true})
	if err != nil {
		t.Fatalf("write %s: %v", doc.ID, err)
	}
	return res[0].Rev, res[0].Err
}

func mustPut(t testing.TB, d *DB, doc store.Doc) store.Rev {
	t.Helper()
	rev, err := put(t, d, doc)
	if err != nil {
		t.Fatalf("put %s: %v", doc.ID, err)
	}
	return rev
}

func rev(t testing.TB, s string) store.Rev {
	t.Helper()
	r, err := store.ParseRev(s)
	if err != nil {
		t.Fatalf("revision %q: %v", s, err)
	}
	return r
}

func kindAndReason(err error) string {
	if err == nil {
		return "ok"
	}
	return store.KindOf(err).Word() + ": " + err.Error()
}

func missingRevs(t testing.TB, d *DB, id string, revs []store.Rev) (missing, ancestors []store.Rev, err error) {
	t.Helper()
	r, err := d.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return r.MissingRevs(id, revs)
}
