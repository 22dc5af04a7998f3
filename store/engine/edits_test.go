package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"logctl/internal/growth"
	"logctl/store"
	"logctl/store/ejson"
)

// TestEditsAtOnce makes the same edits of a few docs in one call and one by one: chains and branches, deletions and what follows
// them, edits of what was replaced, of what nobody knows, of what is too old to be kept. All that is stored is the same.
func TestEditsAtOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		limit := 1 + rnd.IntN(8)
		at, by := newDB(t, Options{RevsLimit: limit}), newDB(t, Options{RevsLimit: limit})
		known := map[string][]store.Rev{}
		for round := range 4 {
			branches := someBranches(rnd, known)
			for _, d := range []*DB{at, by} {
				if _, err := d.Write(t.Context(), branches, WriteOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			o := WriteOptions{NewEdits: true, NoSync: true, UnknownParents: rnd.IntN(2) == 0}
			var docs []store.Doc
			var want []WriteResult
			for n := range 45 {
				doc := someEdit(rnd, string(rune('a'+n/15)), known) // a call takes its docs by id
				res, err := by.Write(t.Context(), []store.Doc{doc}, o)
				if err != nil {
					t.Fatal(err)
				}
				if res[0].Err == nil {
					known[doc.ID] = append(known[doc.ID], res[0].Rev)
				}
				docs, want = append(docs, doc), append(want, res[0])
			}
			got, err := at.Write(t.Context(), docs, o)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if got[i].Rev != want[i].Rev || kindAndReason(got[i].Err) != kindAndReason(want[i].Err) {
					t.Fatalf("seed %d, round %d, edit %d of %v: %v, want %v", seed, round, i, docs[i], got[i], want[i])
				}
			}
			for id := range known {
				if g, w := storedDoc(t, at, id), storedDoc(t, by, id); g != w {
					t.Fatalf("seed %d, round %d: %s is stored as\n%s, want\n%s", seed, round, id, g, w)
				}
			}
		}
	}
}

// someBranches are revisions of docs that another server made.
func someBranches(rnd *rand.Rand, known map[string][]store.Rev) []store.Doc {
	docs := make([]store.Doc, rnd.IntN(6))
	for i := range docs {
		d := &docs[i]
		d.ID, d.Body, d.Deleted = string(rune('a'+rnd.IntN(3))), fmt.Appendf(nil, `{"b":%d}`, rnd.IntN(1000)), rnd.IntN(3) == 0
		parent := store.Rev{Gen: rnd.IntN(4), Hash: fmt.Sprintf("%032x", rnd.Uint64())}
		if revs := known[d.ID]; len(revs) > 0 && rnd.IntN(2) == 0 {
			parent = revs[rnd.IntN(len(revs))]
		}
		if parent.Gen > 0 {
			d.Ancestors = []string{parent.Hash}
		}
		d.Rev = store.Rev{Gen: parent.Gen + 1, Hash: fmt.Sprintf("%032x", rnd.Uint64())}
		known[d.ID] = append(known[d.ID], d.Rev)
	}
	return docs
}

func someEdit(rnd *rand.Rand, id string, known map[string][]store.Rev) store.Doc {
	doc := store.Doc{ID: id, Deleted: rnd.IntN(4) == 0, Body: fmt.Appendf(nil, `{"e":%d}`, rnd.IntN(3))}
	revs := known[doc.ID]
	switch p := rnd.IntN(20); {
	case p < 3:
	case p < 4 || len(revs) == 0:
		doc.Rev = store.Rev{Gen: 1 + rnd.IntN(3), Hash: fmt.Sprintf("%032x", rnd.Uint64())}
	case p < 12:
		doc.Rev = revs[len(revs)-1]
	default:
		doc.Rev = revs[rnd.IntN(len(revs))]
	}
	return doc
}

// storedDoc is all that the store has of a doc and of its seqs.
func storedDoc(t *testing.T, d *DB, id string) string {
	t.Helper()
	v, err := d.e.get(d.keys.byID(id))
	if err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprintf("%x\n", v)
	if v == nil {
		return out
	}
	rec, err := parseIDRecord(v)
	if err != nil {
		t.Fatal(err)
	}
	sr, _, _, err := d.readSeq(rec.seq)
	if err != nil {
		t.Fatal(err)
	}
	out += fmt.Sprintf("%v %v %v %s\n", sr.rev.rev(), sr.deleted, sr.leaves, sr.body)
	for _, n := range rec.tree {
		body, err := d.e.get(d.keys.revBody(n.seq))
		if err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprintf("%v %d %s\n", n.rev, n.seq, bytes.TrimSpace(body))
	}
	return out
}

// chain are edits of one doc, each of the revision that the one before makes.
func chain(n int, doc func(i int) store.Doc) []store.Doc {
	docs := make([]store.Doc, n)
	for i := range docs {
		docs[i] = doc(i)
		if docs[i].ID = "a"; i > 0 {
			p := &docs[i-1]
			docs[i].Rev = store.Rev{Gen: i, Hash: string(ejson.AppendRevHash(nil, p.Deleted, p.Rev, p.Body))}
		}
	}
	return docs
}

// TestManyEditsAtOnce: edits of one doc in one call take no time with their square, in which nobody else could write.
func TestManyEditsAtOnce(t *testing.T) {
	t.Parallel()
	in := func(d *DB, docs []store.Doc) {
		t.Helper()
		res, err := d.Write(t.Context(), docs, WriteOptions{NewEdits: true})
		if err != nil || res[len(res)-1].Err != nil {
			t.Fatal(err, res[len(res)-1].Err)
		}
	}
	growth.Linear(t, 100_000, func(n int) {
		d := newDB(t, Options{})
		in(d, chain(n, func(i int) store.Doc { return store.Doc{Body: fmt.Appendf(nil, `{"n":%d}`, i)} }))
		_, revs, err := d.Revs("a")
		if err != nil || len(revs) != defaultRevsLimit {
			t.Errorf("%d revisions are left, %v", len(revs), err)
		}
	})
	// Conflicts that are done away with, the winner first.
	growth.Linear(t, 50_000, func(n int) {
		d := newDB(t, Options{})
		docs := make([]store.Doc, n)
		for i := range docs {
			docs[i] = store.Doc{ID: "a", Rev: store.Rev{Gen: 1, Hash: fmt.Sprintf("%032x", n-i)}, Body: []byte("{}")}
		}
		if _, err := d.Write(t.Context(), docs, WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		for i := range docs {
			docs[i].Deleted = true
		}
		in(d, docs)
	})
}
