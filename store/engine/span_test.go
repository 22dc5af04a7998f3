package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
)

// machineDocs are n docs of one machine's log, one every second from a time on.
func machineDocs(machine string, from time.Time, n int) []store.Doc {
	docs := make([]store.Doc, n)
	for i := range docs {
		at := from.Add(time.Duration(i) * time.Second)
		docs[i] = contentDoc(fmt.Sprintf(`{"date":"%s","hour":"%s","machine":"%s"}`, at.Format(time.DateOnly), at.Format("15:04:05,000"), machine), 0)
	}
	return docs
}

var newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func writeIn(t *testing.T, d *DB, docs []store.Doc, size int) {
	t.Helper()
	for ; len(docs) > 0; docs = docs[min(size, len(docs)):] {
		for _, r := range mustWrite(t, d, docs[:min(size, len(docs))]) {
			if r.Err != nil {
				t.Fatal(r.ID, r.Err)
			}
		}
	}
}

// keptByID counts by-id records, and spans.
func keptByID(t *testing.T, d *DB) (records, spans int) {
	t.Helper()
	for sub, n := range map[byte]*int{subByID: &records, subSpans: &spans} {
		lo, hi := d.keys.space(sub)
		if err := d.e.scan(lo, hi, func(_, _ []byte) error { *n++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	return records, spans
}

// TestWhereIDsAreKept stores docs as they come in practice, and counts what is kept for their ids.
func TestWhereIDsAreKept(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return newYear.AddDate(0, 0, n) }
	var machines, late, odd, bare, many []store.Doc
	for i := range 20 {
		machines = append(machines, machineDocs(fmt.Sprint("m", i), newYear, 1000)...)
	}
	for i := range 12 {
		late = append(late, machineDocs("late", day(i), 1)...)
		late = append(late, machineDocs("now", day(40).Add(time.Duration(i)*time.Hour), 999)...)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range 4000 {
		odd = append(odd, store.Doc{ID: fmt.Sprintf("%016x%016x", rnd.Uint64(), rnd.Uint64()), Body: []byte(`{"n":1}`)})
		bare = append(bare, contentDoc(fmt.Sprintf(`{"n":%d}`, i), 0))
		many = append(many, contentDoc(fmt.Sprintf(`{"time":"2026-01-01 00:00:%02d","n":%d}`, i/1500, i), 0))
	}
	for _, tt := range []struct {
		name    string
		docs    []store.Doc
		lanes   int
		records int // at most
	}{
		{"one machine", machineDocs("m", newYear, 5000), 1, 0},
		{"one machine, backwards", append(machineDocs("m", day(1), 3000), machineDocs("m", newYear, 3000)...), 1, 0},
		{"one after the other", machines, maxLanes, 20*1000 - maxLanes*1000},
		{"some late ones", late, 1, 12},
		{"many at a time", many, 4, 0},
		{"without times", bare, 1, 3500},
		{"ids at random", odd, 1, 4000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDB(t, Options{FS: vfs.NewMem()})
			writeIn(t, d, tt.docs, 1000)
			records, _ := keptByID(t, d)
			if d.lanes.used() > tt.lanes || records > tt.records {
				t.Errorf("%d by-id records, %d lanes; want at most %d, %d", records, d.lanes.used(), tt.records, tt.lanes)
			}
			for range 2 {
				for docs := tt.docs; len(docs) > 0; docs = docs[1000:] {
					for _, r := range mustWrite(t, d, docs[:1000]) {
						if !store.IsKind(r.Err, store.KindConflict) {
							t.Fatalf("%s again: %v", r.ID, r.Err)
						}
					}
				}
				if got := d.Stats().DocCount; got != uint64(len(tt.docs)) {
					t.Errorf("%d docs", got)
				}
				noDamage(t, d)
				if err := d.Compact(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			sound(t, d)
		})
	}
}

// TestCompactBundles has docs that came one by one, and in small calls, put together, once and for all.
func TestCompactBundles(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{FS: vfs.NewMem()})
	writeIn(t, d, machineDocs("a", newYear, 700), 1)
	writeIn(t, d, machineDocs("b", newYear, 1000), 10)
	writeIn(t, d, machineDocs("c", newYear, 5000), 1000)
	edited := machineDocs("a", newYear, 700)[100]
	mustPut(t, d, store.Doc{ID: edited.ID, Rev: mustGet(t, d, edited.ID).Rev, Body: []byte(`{"edited":1}`)})
	for range 3 {
		if err := d.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		records, spans := keptByID(t, d)
		if all := bundles(t, d); records != 1 || spans != all || all > 2+1+2+10 {
			t.Errorf("%d by-id records, %d spans of %d bundles", records, spans, all)
		}
		noDamage(t, d)
		sound(t, d)
	}
	last := uint64(0)
	err := d.Changes(t.Context(), ChangesOptions{}, func(c store.Change) bool {
		if c.Seq > 102 && c.Seq != last+1 {
			t.Errorf("%s at %d, after %d", c.Doc.ID, c.Seq, last)
		}
		last = c.Seq
		return true
	})
	if err != nil || last != 6701 {
		t.Errorf("changes up to %d, %v", last, err)
	}
}

func mustGet(t *testing.T, d *DB, id string) store.Doc {
	t.Helper()
	doc, err := d.Get(id)
	if err != nil {
		t.Fatal(id, err)
	}
	return doc
}

// TestReadWhileDocsMove reads docs that move into bundles and out of them all the time: they are always there.
func TestReadWhileDocsMove(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{FS: vfs.NewMem()})
	ctx := context.Background()
	var stop atomic.Bool
	var wg sync.WaitGroup
	docs := machineDocs("a", newYear, 40)
	writeIn(t, d, docs, 1)
	for w := range 3 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 3))
			for !stop.Load() {
				id := docs[rnd.IntN(len(docs))].ID
				if doc, err := d.Get(id); err != nil || doc.ID != id {
					t.Errorf("%s: %v", id, err)
					return
				}
				n := 0
				if err := d.AllDocs(ctx, IDRange{}, false, func(store.Doc) bool { n++; return true }); err != nil || n != len(docs) {
					t.Errorf("%d docs, %v", n, err)
					return
				}
			}
		})
	}
	for n := range 30 {
		if err := d.Compact(ctx); err != nil { // into bundles
			t.Fatal(err)
		}
		for i := n % 3; i < len(docs); i += 3 { // out of them
			doc := mustGet(t, d, docs[i].ID)
			mustPut(t, d, store.Doc{ID: doc.ID, Rev: doc.Rev, Body: docs[i].Body})
		}
	}
	stop.Store(true)
	wg.Wait()
	noDamage(t, d)
}

// TestCheckSpans spoils what is kept for ids of bundled docs.
func TestCheckSpans(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil func(b *pebble.Batch, k *keys, s span)
		want  string
	}{
		"a span is missing": {func(b *pebble.Batch, k *keys, s span) { b.Delete(k.span(0, s.max), nil) }, "it is not kept under its id"},
		"a span without a bundle": {func(b *pebble.Batch, k *keys, s span) {
			other := span{seq: s.seq - 1, docs: 4, min: "3"}
			b.Set(k.span(0, "4"), other.append(nil), nil)
		}, "docs that can't be read: 4 from \"3\" to \"4\""},
		"spans overlap": {func(b *pebble.Batch, k *keys, s span) {
			other := span{seq: s.seq, docs: 8, min: s.min}
			b.Set(k.span(0, s.max+"-1"), other.append(nil), nil)
		}, "overlaps with the one before it in lane 0"},
		"wrong lane": {func(b *pebble.Batch, k *keys, s span) {
			b.Delete(k.span(0, s.max), nil)
			b.Set(k.span(1, s.max), s.append(nil), nil)
		}, "its bundle does not know of it"},
		"wrong ids": {func(b *pebble.Batch, k *keys, s span) {
			s.min = "1"
			b.Set(k.span(0, s.max), s.append(nil), nil)
		}, "its bundle has other ids"},
		"a lane that can't be": {func(b *pebble.Batch, k *keys, s span) {
			b.Set(k.span(maxLanes, s.max), s.append(nil), nil)
		}, "the docs can't be listed by id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDB(t, Options{FS: vfs.NewMem()})
			docs := machineDocs("a", newYear, 8)
			writeIn(t, d, docs, 8)
			b := d.e.pdb.NewBatch()
			tt.spoil(b, &d.keys, span{seq: 8, docs: 8, min: docs[0].ID, max: docs[7].ID})
			if _, err := d.e.apply(b); err != nil {
				t.Fatal(err)
			}
			if err := d.lanes.load(d); err != nil {
				t.Fatal(err)
			}
			var told strings.Builder
			if _, err := d.Check(t.Context(), func(damage Damage) { fmt.Fprintln(&told, damage) }); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(told.String(), tt.want) {
				t.Errorf("nothing of %q in\n%s", tt.want, &told)
			}
		})
	}
}

// FuzzParseSpan reads any bytes as a span.
func FuzzParseSpan(f *testing.F) {
	k := newKeys(1)
	f.Add(k.span(3, "b"), (&span{seq: 7, docs: 12, min: "a"}).append(nil))
	f.Add([]byte{}, []byte{0x40})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		s, lane, err := parseSpan(key, value)
		if err != nil {
			if !store.IsKind(err, store.KindCorrupt) {
				t.Errorf("%v", err)
			}
			return
		}
		if lane < 0 || lane >= maxLanes || s.seq == 0 || s.min == "" {
			t.Errorf("%+v in lane %d", s, lane)
		}
	})
}
