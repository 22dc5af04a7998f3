package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/store"
)

func TestDatabases(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir := t.TempDir()
	e := mustOpen(t, dir, Options{RevsLimit: 7})
	a, b := mustCreate(t, e, "a"), mustCreate(t, e, "b")
	if _, err := e.Create(ctx, "a"); kindAndReason(err) != "file_exists: "+reasonDBExists {
		t.Errorf("create again: %v", err)
	}
	if a.RevsLimit() != 7 {
		t.Errorf("revision limit %d", a.RevsLimit())
	}
	mustPut(t, a, store.Doc{ID: "x"})
	mustPut(t, b, store.Doc{ID: "x"})
	if err := e.SetMeta(ctx, "secret", []byte("s")); err != nil {
		t.Error(err)
	}
	old := a.Instance()
	if err := e.Drop(ctx, "a"); err != nil {
		t.Error(err)
	}
	if err := e.Drop(ctx, "a"); kindAndReason(err) != "not_found: "+reasonNoDB {
		t.Errorf("drop again: %v", err)
	}
	a = mustCreate(t, e, "a")
	if a.Instance() == old {
		t.Error("a database that was made again is the old one")
	}
	uuid := e.UUID()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	e = mustOpen(t, dir, Options{})
	defer e.Close()
	if e.UUID() != uuid || len(uuid) != 32 {
		t.Errorf("uuid %q, before %q", e.UUID(), uuid)
	}
	if names := e.Names(); !slices.Equal(names, []store.DBName{"a", "b"}) {
		t.Errorf("names %q", names)
	}
	if v, err := e.Meta("secret"); string(v) != "s" || err != nil {
		t.Errorf("meta %q %v", v, err)
	}
	if a, _ = e.DB("a"); a.Stats().UpdateSeq != 0 || a.RevsLimit() != 7 {
		t.Errorf("a has %+v, revision limit %d", a.Stats(), a.RevsLimit())
	}
	if b, _ = e.DB("b"); b.Stats().DocCount != 1 {
		t.Errorf("b has %+v", b.Stats())
	}
}

// uses are calls of everything that a database offers.
func uses(d *DB, x store.KV) map[string]func() error {
	ctx := context.Background()
	doc := store.Doc{ID: "a"}
	return map[string]func() error{
		"Write":     func() error { _, err := d.Write(ctx, []store.Doc{doc}, WriteOptions{NewEdits: true}); return err },
		"Get":       func() error { _, err := d.Get("a"); return err },
		"GetRev":    func() error { _, err := d.GetRev("a", store.Rev{Gen: 1, Hash: "x"}); return err },
		"Revs":      func() error { _, _, err := d.Revs("a"); return err },
		"Reader":    func() error { _, err := d.NewReader(); return err },
		"AllDocs":   func() error { return d.AllDocs(ctx, IDRange{}, false, func(store.Doc) bool { return true }) },
		"Changes":   func() error { return d.Changes(ctx, ChangesOptions{}, func(store.Change) bool { return true }) },
		"Wait":      func() error { return d.Wait(ctx, 99) },
		"GetLocal":  func() error { _, err := d.GetLocal("_local/a"); return err },
		"PutLocal":  func() error { _, err := d.PutLocal(ctx, store.Doc{ID: "_local/a"}); return err },
		"LocalDocs": func() error { return d.LocalDocs(ctx, false, func(store.Doc) bool { return true }) },
		"Meta":      func() error { _, err := d.Meta("a"); return err },
		"SetMeta":   func() error { return d.SetMeta(ctx, "a", []byte("b")) },
		"RevsLimit": func() error { return d.SetRevsLimit(ctx, 5) },
		"Upload":    func() error { _, err := d.Upload(ctx, func(io.Writer) error { return nil }); return err },
		"Discard":   func() error { return d.Discard(ctx, 1) },
		"Compact":   func() error { return d.Compact(ctx) },
		"Read": func() error {
			_, err := d.Attachment(store.Attachment{Blob: 1, Stored: 1}).Read(make([]byte, 1))
			return err
		},
		"Purge":     func() error { _, err := d.Purge(ctx, nil); return err },
		"Index":     func() error { _, err := d.Index("b"); return err },
		"Indexes":   func() error { _, err := d.Indexes(); return err },
		"KV.Get":    func() error { _, _, err := x.Get([]byte("a")); return err },
		"KV.Scan":   func() error { return x.Scan(nil, nil, func(k, v []byte) error { return nil }) },
		"CountDocs": func() error { _, err := d.CountDocs(ctx, IDRange{}); return err },
		"KV.Apply":  func() error { return x.Apply(context.Background(), []store.KVOp{{Key: []byte("a")}}) },
		"KV.Drop":   func() error { return x.Drop() },
		"Snapshot": func() error {
			s := x.Snapshot()
			defer s.Close()
			_, _, err := s.Get([]byte("a"))
			return err
		},
	}
}

func TestUseAfterDrop(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	x, err := d.Index("sig")
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() { waiting <- d.Wait(context.Background(), 99) }()
	if err := d.e.Drop(context.Background(), d.Name()); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; kindAndReason(err) != "not_found: "+reasonNoDB {
		t.Errorf("wait: %v", err)
	}
	for name, use := range uses(d, x) {
		if err := use(); kindAndReason(err) != "not_found: "+reasonNoDB {
			t.Errorf("%s: %v", name, err)
		}
	}
	d.Stats()
}

func TestUseAfterClose(t *testing.T) {
	t.Parallel()
	e := mustOpen(t, t.TempDir(), Options{})
	d := mustCreate(t, e, "a")
	x, err := d.Index("sig")
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, d, store.Doc{ID: "a"})
	waiting := make(chan error, 1)
	go func() { waiting <- d.Wait(context.Background(), 99) }()
	// An iteration under way ends.
	closed := make(chan error, 1)
	err = d.Changes(context.Background(), ChangesOptions{}, func(store.Change) bool {
		go func() { closed <- e.Close() }()
		for !e.gate.IsShut() {
			continue
		}
		_, err := d.Get("a")
		if !store.IsKind(err, store.KindUnavailable) {
			t.Errorf("get while the engine closes: %v", err)
		}
		return true
	})
	if err != nil {
		t.Errorf("changes: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
	if err := <-waiting; !store.IsKind(err, store.KindUnavailable) {
		t.Errorf("wait: %v", err)
	}
	for name, use := range uses(d, x) {
		if err := use(); !store.IsKind(err, store.KindUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := e.Close(); !store.IsKind(err, store.KindUnavailable) {
		t.Errorf("close again: %v", err)
	}
	d.Stats()
}

// TestCountDocs counts on both sides of ids that have more docs on the one side or on the other, some of them deleted.
func TestCountDocs(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newDB(t, Options{})
	const n = 1000
	docs := make([]store.Doc, n)
	for i := range docs {
		docs[i] = store.Doc{ID: fmt.Sprintf("d%03d", i), Deleted: i%10 == 9}
	}
	if _, err := d.Write(ctx, docs, WriteOptions{NewEdits: true}); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 1, 100, 420, 500, 510, 860, 999, 1000} {
		id := fmt.Sprintf("d%03d", i)
		if i == n {
			id = "e"
		}
		before, err := d.CountDocs(ctx, IDRange{End: id, HasEnd: true, ExclusiveEnd: true})
		if want := uint64(i - i/10); err != nil || before != want {
			t.Errorf("before %s: %d %v, want %d", id, before, err, want)
		}
		from, err := d.CountDocs(ctx, IDRange{Start: id, HasStart: true})
		if want := n*9/10 - before; err != nil || from != want {
			t.Errorf("from %s: %d %v, want %d", id, from, err, want)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := d.CountDocs(cancelled, IDRange{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestAllDocsRanges(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	for _, id := range []string{"d3", "d0", "d2", "d1", "e", "_design/x"} {
		mustPut(t, d, store.Doc{ID: id})
	}
	r := mustPut(t, d, store.Doc{ID: "d4"})
	mustPut(t, d, store.Doc{ID: "d4", Rev: r, Deleted: true})
	for _, c := range []struct {
		r    IDRange
		want string
	}{
		{IDRange{}, "_design/x d0 d1 d2 d3 e"},
		{IDRange{Descending: true}, "e d3 d2 d1 d0 _design/x"},
		{IDRange{Start: "d1", HasStart: true, End: "d3", HasEnd: true}, "d1 d2 d3"},
		{IDRange{Start: "d1", HasStart: true, End: "d3", HasEnd: true, ExclusiveEnd: true}, "d1 d2"},
		{IDRange{Start: "d3", HasStart: true, End: "d1", HasEnd: true, Descending: true}, "d3 d2 d1"},
		{IDRange{Start: "d3", HasStart: true, End: "d1", HasEnd: true, Descending: true, ExclusiveEnd: true}, "d3 d2"},
		{IDRange{Start: "d3", HasStart: true, End: "d1", HasEnd: true}, ""},
		{IDRange{Start: "d1x", HasStart: true}, "d2 d3 e"},
		{IDRange{End: "d", HasEnd: true}, "_design/x"},
		{IDRange{Start: "", HasStart: true, End: "", HasEnd: true}, ""},
		{IDRange{Start: "d1", HasStart: true, End: "d1", HasEnd: true}, "d1"},
		{IDRange{Start: "d1", HasStart: true, End: "d1", HasEnd: true, ExclusiveEnd: true}, ""},
	} {
		var got []string
		err := d.AllDocs(context.Background(), c.r, false, func(doc store.Doc) bool {
			got = append(got, doc.ID)
			return true
		})
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %q %v, want %q", c.r, got, err, c.want)
		}
		if n, err := d.CountDocs(context.Background(), c.r); err != nil || n != uint64(len(got)) {
			t.Errorf("%+v: counted %d %v, want %d", c.r, n, err, len(got))
		}
	}
}

func TestLocalDocs(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	for _, c := range []struct {
		id, rev string
		deleted bool
		want    string
	}{
		{id: "_local/a", want: "0-1"},
		{id: "_local/a", rev: "0-1", want: "0-2"},
		{id: "_local/a", want: "0-1"},
		{id: "_local/a", rev: "0-7", want: "0-8"},
		{id: "_local/a", rev: "1-abc", want: "bad_request: Invalid rev format"},
		{id: "_local/a", deleted: true, want: "0-0"},
		{id: "_local/a", deleted: true, want: "0-0"},
		{id: "_local/", want: "bad_request: Invalid _local document id."},
		{id: "a", want: "bad_request: Invalid _local document id."},
	} {
		doc := store.Doc{ID: c.id, Deleted: c.deleted, Body: []byte("{}")}
		if c.rev != "" {
			doc.Rev = rev(t, c.rev)
		}
		r, err := d.PutLocal(context.Background(), doc)
		got := r.String()
		if err != nil {
			got = kindAndReason(err)
		}
		if got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// TestGivenUp: a write of an index that was given up while it waited for others does not come when they are done.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := mustOpen(t, dir, Options{})
	kv, err := mustCreate(t, e, "log_a").Index("sig")
	if err != nil {
		t.Fatal(err)
	}
	x := kv.(*index)
	x.mu.Lock()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := kv.Apply(ctx, []store.KVOp{{Key: []byte("k"), Value: []byte("v")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	x.mu.Unlock()
	if err := e.Close(); err != nil { // it waits for all that is inside
		t.Fatal(err)
	}
	e = mustOpen(t, dir, Options{})
	defer e.Close()
	d, err := e.DB("log_a")
	if err != nil {
		t.Fatal(err)
	}
	if kv, err = d.Index("sig"); err != nil {
		t.Fatal(err)
	}
	if v, there, err := kv.Get([]byte("k")); there || err != nil {
		t.Errorf("it has %q, %v", v, err)
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	a, err := d.Index("a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.Index("b")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []store.KV{a, b} {
		ops := []store.KVOp{{Key: nil, Value: []byte("0")}}
		for i := range 5 {
			ops = append(ops, store.KVOp{Key: fmt.Append(nil, i), Value: fmt.Append(nil, i*i)})
		}
		if err := x.Apply(context.Background(), ops); err != nil {
			t.Fatal(err)
		}
	}
	snap := a.Snapshot()
	if err := a.Apply(context.Background(), []store.KVOp{{Key: []byte("3"), Delete: true}, {Key: []byte("1"), Value: []byte("one")}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Drop(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		r      store.KVReader
		lo, hi string
		want   string
	}{
		"all":       {a, "", "-", "=0 0=0 1=one 2=4 4=16"},
		"a range":   {a, "1", "4", "1=one 2=4"},
		"a moment":  {snap, "1", "4", "1=1 2=4 3=9"},
		"a dropped": {b, "", "-", ""},
	} {
		var got []string
		hi := []byte(c.hi)
		if c.hi == "-" {
			hi = nil
		}
		err := c.r.Scan([]byte(c.lo), hi, func(k, v []byte) error {
			got = append(got, string(k)+"="+string(v))
			return nil
		})
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q %v, want %q", name, got, err, c.want)
		}
	}
	if err := snap.Close(); err != nil {
		t.Error(err)
	}
	if sigs, err := d.Indexes(); err != nil || !slices.Equal(sigs, []string{"a"}) {
		t.Errorf("indexes %q %v", sigs, err)
	}
	// A dropped index is there again once it is written.
	if err := b.Apply(context.Background(), []store.KVOp{{Key: []byte("k"), Value: []byte("v")}}); err != nil {
		t.Error(err)
	}
	if sigs, err := d.Indexes(); err != nil || !slices.Equal(sigs, []string{"a", "b"}) {
		t.Errorf("indexes %q %v", sigs, err)
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	mustWrite(t, d, banDocs(0, 5000))
	mustTidy(t, d.e)
	sound(t, d)
	if n := d.e.cache.Size(); n == 0 {
		t.Error("nothing that was read is in memory")
	}
	d.e.Release(t.Context())
	if n := d.e.cache.Size(); n > 100<<10 {
		t.Errorf("%d bytes are left in memory", n)
	}
	sound(t, d)
}

// TestDroppedDatabasesLeaveFewTables: what tells that a database was deleted is not cut up where its parts would end.
func TestDroppedDatabasesLeaveFewTables(t *testing.T) {
	t.Parallel()
	const databases = 30
	e := mustOpen(t, t.TempDir(), Options{})
	defer e.Close()
	for i := range databases {
		mustPut(t, mustCreate(t, e, store.DBName(fmt.Sprintf("db%d", i))), store.Doc{ID: "x"})
	}
	flush := func() int64 {
		if err := e.pdb.Flush(); err != nil {
			t.Fatal(err)
		}
		m := e.pdb.Metrics()
		return m.Total().TablesCount
	}
	live := flush()
	for i := range databases {
		if err := e.Drop(t.Context(), store.DBName(fmt.Sprintf("db%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if after := flush(); after > live+2*databases {
		t.Errorf("%d tables before the databases were deleted, %d after", live, after)
	}
}
