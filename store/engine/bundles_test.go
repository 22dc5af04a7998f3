package engine

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"logctl/store"
	"logctl/store/ejson"
)

func contentDoc(body string, again uint32) store.Doc {
	return store.Doc{ID: string(ejson.AppendContentID(nil, []byte(body), again)), Body: []byte(body)}
}

// TestBundledDocsChange edits, deletes and purges docs that came together until none is left in a bundle.
func TestBundledDocsChange(t *testing.T) {
	t.Parallel()
	const n = 700
	d := newDB(t, Options{})
	docs := banDocs(0, n)
	ctx := context.Background()
	res, err := d.Write(ctx, docs, WriteOptions{NewEdits: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := bundles(t, d); got != 2 {
		t.Errorf("%d bundles", got)
	}
	body := map[string]string{}
	for i := range docs {
		body[docs[i].ID] = string(docs[i].Body)
	}
	order := rand.New(rand.NewPCG(1, 1)).Perm(n)
	for k := 0; k < n; k += 70 {
		var edits []store.Doc
		purges := map[string][]store.Rev{}
		for _, i := range order[k : k+70] {
			switch edit := (store.Doc{ID: docs[i].ID, Rev: res[i].Rev, Body: []byte(`{"edited":true}`)}); i % 3 {
			case 0:
				edits = append(edits, edit)
				body[edit.ID] = string(edit.Body)
			case 1:
				edit.Deleted = true
				edits = append(edits, edit)
				delete(body, edit.ID)
			default:
				purges[edit.ID] = []store.Rev{edit.Rev}
				delete(body, edit.ID)
			}
		}
		for _, r := range mustWrite(t, d, edits) {
			if r.Err != nil {
				t.Fatal(r.ID, r.Err)
			}
		}
		if gone, err := d.Purge(ctx, purges); err != nil || len(gone) != len(purges) {
			t.Fatal(err)
		}
		noDamage(t, d)
		sound(t, d)
		left := 0
		for _, i := range order[k+70:] {
			if doc, err := d.Get(docs[i].ID); err != nil || doc.Rev != res[i].Rev || !bytes.Equal(doc.Body, docs[i].Body) {
				t.Fatalf("%s: %+v %s, %v", docs[i].ID, doc, doc.Body, err)
			}
			left++
		}
		for id, want := range body {
			if doc, err := d.Get(id); err != nil || string(doc.Body) != want {
				t.Fatalf("%s: %s %v, want %s", id, doc.Body, err, want)
			}
		}
	}
	if got := bundles(t, d); got != 0 {
		t.Errorf("%d bundles are left", got)
	}
}

func mustWrite(t *testing.T, d *DB, docs []store.Doc) []WriteResult {
	t.Helper()
	res, err := d.Write(context.Background(), docs, WriteOptions{NewEdits: true})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// bundles counts the bundles of a database.
func bundles(t *testing.T, d *DB) (n int) {
	t.Helper()
	lo, hi := d.keys.space(subBySeq)
	err := d.e.scan(lo, hi, func(_, v []byte) error {
		if isBundle(v) {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// FuzzParseBundle reads any bytes as the record of a bundle.
func FuzzParseBundle(f *testing.F) {
	f.Add(appendBundleHead(nil, 20, []int{0, 7}, place{lane: 2}, &counters{seq: 9}))
	f.Add(append(appendBundleHead(nil, 1, nil, place{lane: noLane}, nil), 0, 0, 0, 1, 1, 2, '{', '}'))
	f.Fuzz(func(t *testing.T, record []byte) {
		b, err := parseBundle(1000, record)
		if err != nil {
			if !store.IsKind(err, store.KindCorrupt) {
				t.Errorf("%v", err)
			}
			return
		}
		for seq := b.first(); seq <= b.last; seq++ {
			if b.has(seq) {
				b.docs.Append(nil, nil, int(seq-b.first()))
			}
		}
	})
}
