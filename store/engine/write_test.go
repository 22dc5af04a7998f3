package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"logctl/store"
)

// TestEdits are CouchDB's rules for an edit of one doc: steps in a row, each with its outcome. %1 and so on stand for the
// revision that step 1 made.
func TestEdits(t *testing.T) {
	t.Parallel()
	conflict := "conflict: " + reasonConflict
	type step struct {
		rev     string
		deleted bool
		body    string
		want    string // the new revision, or an error
	}
	for _, c := range []struct {
		name  string
		steps []step
		get   string // what Get says at the end
	}{
		{"new", []step{{body: `{"x":1}`, want: "1-0785e9eb543380151003dc452c3a001a"}}, `{"x":1}`},
		{"twice without a revision", []step{{want: "1-"}, {want: conflict}}, "{}"},
		{"replaced", []step{{want: "1-"}, {rev: "%1", body: `{"x":2}`, want: "2-"}}, `{"x":2}`},
		{"with an old revision", []step{{want: "1-"}, {rev: "%1", want: "2-"}, {rev: "%1", body: `{"x":3}`, want: conflict}}, "{}"},
		{"the same edit again", []step{{want: "1-"}, {rev: "%1", want: "2-"}, {rev: "%1", want: conflict}}, "{}"},
		{"with an unknown revision", []step{{want: "1-"}, {rev: "1-abc", want: conflict}}, "{}"},
		{"a revision of an unknown id", []step{{rev: "2-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", want: conflict}}, "not_found: missing"},
		{"a deletion of an unknown id's revision", []step{{rev: "1-abc", deleted: true, want: conflict}}, "not_found: missing"},
		{"deleted", []step{
			{body: `{"x":1}`, want: "1-"}, {rev: "%1", deleted: true, want: "2-d0ae140c7f7cdb92dd85a3e31ae18f0c"},
		}, "not_found: deleted"},
		{"written again after a deletion", []step{
			{body: `{"x":1}`, want: "1-"}, {rev: "%1", deleted: true, want: "2-"},
			{body: `{"x":2}`, want: "3-c6251bea3caf31d3e73e5cc232b4df06"},
		}, `{"x":2}`},
		{"with the tombstone's revision", []step{{want: "1-"}, {rev: "%1", deleted: true, want: "2-"}, {rev: "%2", want: conflict}}, "not_found: deleted"},
		{"deleted twice", []step{{want: "1-"}, {rev: "%1", deleted: true, want: "2-"}, {deleted: true, want: conflict}}, "not_found: deleted"},
		{"born deleted", []step{{deleted: true, want: "1-de715bf126efc93d225d9e3f8e8eb81a"}}, "not_found: deleted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDB(t, Options{})
			revs := map[string]store.Rev{}
			for i, s := range c.steps {
				doc := store.Doc{ID: "a", Deleted: s.deleted, Body: []byte(s.body), Rev: revs[s.rev]}
				if s.rev != "" && s.rev[0] != '%' {
					doc.Rev = rev(t, s.rev)
				}
				r, err := put(t, d, doc)
				revs[fmt.Sprintf("%%%d", i+1)] = r
				got := r.String()
				if err != nil {
					got = kindAndReason(err)
				}
				if got != s.want && (len(s.want) != 2 || got[:2] != s.want) {
					t.Errorf("step %d: %s, want %s", i+1, got, s.want)
				}
			}
			got := ""
			if doc, err := d.Get("a"); err != nil {
				got = kindAndReason(err)
			} else {
				got = string(doc.Body)
			}
			if got != c.get {
				t.Errorf("get: %s, want %s", got, c.get)
			}
		})
	}
}

func TestTombstoneKeepsItsBody(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	r := mustPut(t, d, store.Doc{ID: "a", Body: []byte(`{"x":4}`)})
	r = mustPut(t, d, store.Doc{ID: "a", Rev: r, Deleted: true, Body: []byte(`{"why":"kept"}`)})
	doc, err := d.GetRev("a", r)
	if err != nil || !doc.Deleted || string(doc.Body) != `{"why":"kept"}` || len(doc.Ancestors) != 1 {
		t.Errorf("tombstone %+v %s: %v", doc, doc.Body, err)
	}
}

func TestWriteBulk(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	docs := []store.Doc{{ID: "e", Body: []byte(`{"v":1}`)}, {ID: ""}, {ID: "_local/x"}, {ID: "b"}, {ID: "e", Body: []byte(`{"v":2}`)}}
	res, err := d.Write(context.Background(), docs, WriteOptions{NewEdits: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"1-7a7e4b29f3af401e69b6f86e4c26b727",
		"illegal_docid: Document id must not be empty",
		"illegal_docid: Local documents are written one by one.",
		"1-967a00dff5e02add41819138abb3284d",
		"conflict: " + reasonConflict,
	}
	for i, r := range res {
		got := r.Rev.String()
		if r.Err != nil {
			got = kindAndReason(r.Err)
		}
		if r.ID != docs[i].ID || got != want[i] {
			t.Errorf("result %d: %q %s, want %q %s", i, r.ID, got, docs[i].ID, want[i])
		}
	}
	if s := d.Stats(); s.DocCount != 2 || s.UpdateSeq != 2 || s.ExternalSize != int64(len(`{"v":1}{}`)) {
		t.Errorf("stats %+v", s)
	}
}

func TestMergeErrors(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	docs := []store.Doc{{ID: "a"}, {ID: "b", Rev: store.Rev{Gen: 1, Hash: "x"}}}
	res, err := d.Write(context.Background(), docs, WriteOptions{})
	if err != nil || !store.IsKind(res[0].Err, store.KindBadRequest) || res[1].Err != nil {
		t.Errorf("results %+v, %v", res, err)
	}
}

func TestMissingRevs(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	r1 := mustPut(t, d, store.Doc{ID: "a"})
	r2 := mustPut(t, d, store.Doc{ID: "a", Rev: r1})
	other := []store.Rev{rev(t, "2-ff"), rev(t, "3-ee")}
	missing, ancestors, err := missingRevs(t, d, "a", append([]store.Rev{r1, r2}, other...))
	if err != nil || fmt.Sprint(missing) != fmt.Sprint(other) || fmt.Sprint(ancestors) != fmt.Sprint([]store.Rev{r2}) {
		t.Errorf("missing %v, possible ancestors %v, %v", missing, ancestors, err)
	}
	if missing, ancestors, err = missingRevs(t, d, "a", []store.Rev{r1}); len(missing)+len(ancestors) > 0 || err != nil {
		t.Errorf("nothing misses, but %v, %v, %v", missing, ancestors, err)
	}
	if missing, _, err = missingRevs(t, d, "nope", other); len(missing) != 2 || err != nil {
		t.Errorf("of an unknown id %v, %v", missing, err)
	}
}

// TestConcurrentWriters: sequences are unique and dense, and of edits of one revision exactly one wins.
func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	const writers, rounds = 8, 40
	d := newDB(t, Options{})
	ctx := context.Background()
	var mu sync.Mutex
	wins := map[string]int{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range rounds {
				shared := fmt.Sprintf("shared%d", n)
				res, err := d.Write(ctx, []store.Doc{{ID: fmt.Sprintf("%d/%d", w, n)}, {ID: shared, Body: fmt.Appendf(nil, `{"w":%d}`, w)}},
					WriteOptions{NewEdits: true})
				if err != nil || res[0].Err != nil {
					t.Errorf("write: %v %v", res, err)
					return
				}
				// Whoever lost can read what it lost to.
				if doc, err := d.Get(shared); err != nil {
					t.Errorf("%s: %v %v", shared, doc, err)
				}
				mu.Lock()
				if res[1].Err == nil {
					wins[shared]++
				}
				mu.Unlock()
			}
		})
	}
	seen := uint64(0)
	for seen < writers*rounds+rounds {
		if err := d.Wait(ctx, seen); err != nil {
			t.Fatal(err)
		}
		err := d.Changes(ctx, ChangesOptions{Since: seen}, func(c store.Change) bool {
			if c.Seq != seen+1 {
				t.Errorf("sequence %d after %d", c.Seq, seen)
			}
			seen = c.Seq
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	for n := range rounds {
		if k := fmt.Sprintf("shared%d", n); wins[k] != 1 {
			t.Errorf("%s was written %d times", k, wins[k])
		}
	}
	sound(t, d)
}

func TestCanceledWrite(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.lock(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, err := d.Write(ctx, []store.Doc{{ID: "a"}}, WriteOptions{NewEdits: true})
	d.unlock()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("write behind another one: %v", err)
	}
	if err := d.Wait(ctx, 99); !errors.Is(err, context.Canceled) {
		t.Errorf("wait: %v", err)
	}
}
