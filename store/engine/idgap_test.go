package engine

import (
	"math/rand/v2"
	"testing"

	"logctl/store"
)

// TestGap writes docs between, before and beyond those that are there, and some of those again, in one call.
func TestGap(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	docs := banDocs(0, 3000)
	rnd := rand.New(rand.NewPCG(3, 3))
	there := map[string]bool{}
	write := func(list []store.Doc) {
		t.Helper()
		for _, r := range mustWrite(t, d, list) {
			if there[r.ID] != store.IsKind(r.Err, store.KindConflict) {
				t.Errorf("%s: %v, there: %v", r.ID, r.Err, there[r.ID])
			}
		}
		for i := range list {
			there[list[i].ID] = true
		}
	}
	write(docs[2000:2100])
	write(docs[2900:])
	write(docs[2100:2900]) // into one gap
	write(docs[:1000])     // before all
	write(docs[900:1300])  // the end of some and the gap behind them
	write(docs[1900:2950]) // all sorts
	for range 20 {
		var some []store.Doc
		for range 1 + rnd.IntN(60) {
			some = append(some, docs[rnd.IntN(len(docs))])
		}
		write(dedup(some))
	}
	sound(t, d)
}

// dedup leaves the first of docs with equal ids.
func dedup(docs []store.Doc) (list []store.Doc) {
	seen := map[string]bool{}
	for _, doc := range docs {
		if !seen[doc.ID] {
			list = append(list, doc)
		}
		seen[doc.ID] = true
	}
	return list
}

// TestGapSpares counts looks.
func TestGapSpares(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	docs := banDocs(0, 1000)
	mustWrite(t, d, []store.Doc{docs[0], docs[999]})
	var g idGap
	defer g.close()
	for _, doc := range docs[1:999] {
		if g.has(doc.ID) {
			continue
		}
		if there, _, err := g.find(d, doc.ID); there || err != nil {
			t.Fatal(there, err)
		}
	}
	if g.looks != 1 || g.spared != 997 || !g.pays() {
		t.Errorf("%d looks, %d spared", g.looks, g.spared)
	}
}
