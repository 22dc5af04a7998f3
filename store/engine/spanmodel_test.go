package engine

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
)

// logModel is what a database of logs should hold: the body of each live doc, and its revision.
type logModel struct {
	rnd  *rand.Rand
	d    *DB
	docs map[string]store.Doc
	gone map[string]store.Doc // deleted ones
}

// TestSpans does with a database what logs and those who tidy them up do, in any order: calls of many docs of several machines whose
// times overlap, docs one by one, late ones, the same again, edits, deletions, purges, compactions, and opening it again.
func TestSpans(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			testSpans(t, rand.New(rand.NewPCG(seed, 9)))
		})
	}
}

func testSpans(t *testing.T, rnd *rand.Rand) {
	o := Options{FS: vfs.NewMem()}
	e := mustOpen(t, "data", o)
	m := &logModel{rnd: rnd, d: mustCreate(t, e, "log_m"), docs: map[string]store.Doc{}, gone: map[string]store.Doc{}}
	for step := range 100 {
		switch p := rnd.IntN(100); {
		case p < 45:
			m.write(t, m.lines(10+rnd.IntN(60)))
		case p < 60:
			for _, doc := range m.lines(1 + rnd.IntN(12)) {
				m.write(t, []store.Doc{doc})
			}
		case p < 68:
			m.write(t, m.edits(rnd.IntN(2) == 0))
		case p < 76:
			m.purge(t)
		case p < 78:
			m.d.loose.Store(leastLoose)
			compactNow(t, m.d, noRest)
		case p < 80:
			if err := m.d.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		case p < 84:
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			e = mustOpen(t, "data", o)
			var err error
			if m.d, err = e.DB("log_m"); err != nil {
				t.Fatal(err)
			}
		default:
			m.compareRanges(t)
		}
		if t.Failed() {
			t.Fatalf("step %d", step)
		}
	}
	for range 2 {
		m.compareAll(t)
		noDamage(t, m.d)
		sound(t, m.d)
		if err := m.d.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if lanes, unordered := m.d.lanes.used(), unorderedBundles(t, m.d); lanes < 2 || unordered == 0 {
		t.Errorf("%d lanes, %d bundles that are not in the order of ids", lanes, unordered)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// lines are docs of one machine's log from some time on; some have no time, some are late by far, and some were there before.
func (m *logModel) lines(n int) []store.Doc {
	docs := make([]store.Doc, 0, n)
	machine, at := m.rnd.IntN(4), m.rnd.IntN(2500)
	for range n {
		at += m.rnd.IntN(10)
		when := at
		if m.rnd.IntN(60) == 0 {
			when = m.rnd.IntN(2500)
		}
		body := fmt.Sprintf(`{"date":"2026-01-%02d","hour":"%02d:%02d:%02d,000","machine":"m%d"}`, when/3600/24+1, when/3600%24, when/60%60, when%60, machine)
		switch m.rnd.IntN(50) {
		case 0:
			body = fmt.Sprintf(`{"n":%d}`, m.rnd.IntN(100))
		case 1:
			docs = append(docs, store.Doc{ID: fmt.Sprintf("own%04d", m.rnd.IntN(2500)), Body: []byte(body)})
			continue
		}
		docs = append(docs, contentDoc(body, uint32(m.rnd.IntN(2))))
	}
	return dedup(docs)
}

func (m *logModel) someIDs(from map[string]store.Doc, n int) []string {
	all := slices.Sorted(maps.Keys(from))
	m.rnd.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return all[:min(n, len(all))]
}

// edits are edits of docs that are there, or docs once more that were deleted.
func (m *logModel) edits(again bool) []store.Doc {
	var docs []store.Doc
	if again {
		for _, id := range m.someIDs(m.gone, 5) {
			docs = append(docs, store.Doc{ID: id, Body: []byte(`{"again":1}`)})
		}
		return docs
	}
	for _, id := range m.someIDs(m.docs, 1+m.rnd.IntN(40)) {
		doc := store.Doc{ID: id, Rev: m.docs[id].Rev, Body: []byte(`{"edited":1}`)}
		doc.Deleted = m.rnd.IntN(2) == 0
		docs = append(docs, doc)
	}
	return docs
}

func (m *logModel) write(t *testing.T, docs []store.Doc) {
	t.Helper()
	for i, r := range mustWrite(t, m.d, docs) {
		doc := docs[i]
		if old, there := m.docs[doc.ID]; there && old.Rev != doc.Rev {
			if !store.IsKind(r.Err, store.KindConflict) {
				t.Errorf("%s again: %v", doc.ID, r.Err)
			}
			continue
		}
		if r.Err != nil {
			t.Errorf("%s: %v", doc.ID, r.Err)
		}
		doc.Rev = r.Rev
		delete(m.docs, doc.ID)
		delete(m.gone, doc.ID)
		if doc.Deleted {
			m.gone[doc.ID] = doc
		} else {
			m.docs[doc.ID] = doc
		}
	}
}

func (m *logModel) purge(t *testing.T) {
	revs := map[string][]store.Rev{}
	for _, id := range m.someIDs(m.docs, 1+m.rnd.IntN(30)) {
		revs[id] = []store.Rev{m.docs[id].Rev}
	}
	gone, err := m.d.Purge(t.Context(), revs)
	if err != nil || len(gone) != len(revs) {
		t.Fatalf("purge: %v %v", gone, err)
	}
	for id := range revs {
		delete(m.docs, id)
	}
}

// compareRanges reads some ranges of ids, in both directions, and counts their docs.
func (m *logModel) compareRanges(t *testing.T) {
	t.Helper()
	all := slices.Sorted(maps.Keys(m.docs))
	for range 4 {
		r := IDRange{HasStart: m.rnd.IntN(4) > 0, HasEnd: m.rnd.IntN(4) > 0, ExclusiveEnd: m.rnd.IntN(2) == 0, Descending: m.rnd.IntN(2) == 0}
		r.Start, r.End = m.bound(all), m.bound(all)
		var want []string
		for _, id := range all {
			first, last := id, id
			if r.Descending {
				first, last = r.Start, r.End
				if r.HasStart && id > first || r.HasEnd && (id < last || r.ExclusiveEnd && id == last) {
					continue
				}
			} else if r.HasStart && first < r.Start || r.HasEnd && (last > r.End || r.ExclusiveEnd && last == r.End) {
				continue
			}
			want = append(want, id)
		}
		if r.Descending {
			slices.Reverse(want)
		}
		limit := len(want)
		if m.rnd.IntN(2) == 0 {
			limit = min(limit, 7)
		}
		var got []string
		err := m.d.AllDocs(t.Context(), r, true, func(doc store.Doc) bool {
			got = append(got, doc.ID)
			if w := m.docs[doc.ID]; string(doc.Body) != string(w.Body) || doc.Rev != w.Rev {
				t.Errorf("%s: %s %v, want %s %v", doc.ID, doc.Body, doc.Rev, w.Body, w.Rev)
			}
			return len(got) < limit
		})
		if err != nil || limit > 0 && !slices.Equal(got, want[:limit]) || limit == 0 && len(got) > 0 {
			t.Errorf("%+v (%v): %d docs, want %d\n got %s\nwant %s", r, err, len(got), limit, shortened(got), shortened(want))
		}
		n, err := m.d.CountDocs(t.Context(), r)
		if err != nil || n != uint64(len(want)) {
			t.Errorf("%+v: counted %d (%v), want %d", r, n, err, len(want))
		}
	}
}

// bound is an id, of a doc or near it.
func (m *logModel) bound(all []string) string {
	if len(all) == 0 {
		return "2"
	}
	id := all[m.rnd.IntN(len(all))]
	switch m.rnd.IntN(4) {
	case 0:
		return id[:len(id)-1]
	case 1:
		return id + "0"
	case 2:
		return id[:m.rnd.IntN(len(id))]
	}
	return id
}

func shortened(ids []string) string {
	return strings.Join(ids[:min(20, len(ids))], " ")
}

// compareAll reads all docs in each way in which docs are read by their ids.
func (m *logModel) compareAll(t *testing.T) {
	t.Helper()
	m.compareRanges(t)
	r, err := m.d.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for id, want := range m.docs {
		doc, err := m.d.Get(id)
		if err != nil || string(doc.Body) != string(want.Body) || doc.Rev != want.Rev {
			t.Errorf("%s: %s %v %v, want %s %v", id, doc.Body, doc.Rev, err, want.Body, want.Rev)
		}
		again, err := r.GetRev(id, want.Rev)
		if err != nil || string(again.Body) != string(want.Body) || again.Seq != doc.Seq {
			t.Errorf("%s by a reader: %s %v, want %s", id, again.Body, err, want.Body)
		}
	}
	for id := range m.gone {
		if _, err := m.d.Get(id); err == nil || err.Error() != reasonDeleted {
			t.Errorf("%s: %v, want deleted", id, err)
		}
	}
	for range 100 {
		id := m.bound(slices.Sorted(maps.Keys(m.docs)))
		if _, there := m.docs[id]; there || m.gone[id].ID != "" || id == "" {
			continue
		}
		if _, err := m.d.Get(id); err == nil || err.Error() != reasonMissing {
			t.Errorf("%s: %v, want missing", id, err)
		}
		if _, _, err := r.Revs(id); err == nil || err.Error() != reasonMissing {
			t.Errorf("%s by a reader: %v, want missing", id, err)
		}
	}
}

func unorderedBundles(t *testing.T, d *DB) (n int) {
	t.Helper()
	lo, hi := d.keys.space(subBySeq)
	err := d.e.scan(lo, hi, func(k, v []byte) error {
		if !isBundle(v) {
			return nil
		}
		b, err := parseBundleHead(seqOf(k), v)
		if b.unordered {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// noDamage checks a database.
func noDamage(t *testing.T, d *DB) {
	t.Helper()
	got, err := d.Check(context.Background(), func(damage Damage) { t.Error(damage) })
	if s := d.Stats(); err != nil || got.Docs != s.DocCount || got.Damaged != 0 {
		t.Errorf("%+v, %v of %d docs", got, err, s.DocCount)
	}
}
