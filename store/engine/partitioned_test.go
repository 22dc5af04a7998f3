package engine

import (
	"context"
	"testing"

	"logctl/store"
)

func TestPartitionedIsKept(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), t.TempDir()
	e := mustOpen(t, dir, Options{})
	mustCreate(t, e, "log_plain")
	d, err := e.CreatePartitioned(ctx, "log_parts")
	if err != nil || !d.Partitioned() {
		t.Fatalf("%v", err)
	}
	if _, err := e.CreatePartitioned(ctx, "log_plain"); !store.IsKind(err, store.KindFileExists) {
		t.Errorf("made twice: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = mustOpen(t, dir, Options{})
	defer e.Close()
	for name, want := range map[store.DBName]bool{"log_plain": false, "log_parts": true} {
		if d, err := e.DB(name); err != nil || d.Partitioned() != want {
			t.Errorf("%s after opening: %v", name, err)
		}
	}
}

func TestCountDeleted(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	for _, id := range []string{"a:1", "a:2", "a:3", "b:1"} {
		rev := mustPut(t, d, store.Doc{ID: id})
		if id != "a:2" {
			mustPut(t, d, store.Doc{ID: id, Rev: rev, Deleted: true})
		}
	}
	for _, c := range []struct {
		start, end string
		want       uint64
	}{{"a:", "a;", 2}, {"b:", "b;", 1}, {"", "z", 3}, {"c", "d", 0}, {"z", "a", 0}} {
		n, err := d.CountDeleted(context.Background(), IDRange{Start: c.start, End: c.end, HasStart: true, HasEnd: true})
		if err != nil || n != c.want {
			t.Errorf("from %s to %s: %d %v, want %d", c.start, c.end, n, err, c.want)
		}
	}
}
