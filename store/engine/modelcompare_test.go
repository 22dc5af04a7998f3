package engine

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"logctl/store"
)

func sameResults(t *testing.T, got, want []WriteResult, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	for i := range want {
		if got[i].ID != want[i].ID || got[i].Rev != want[i].Rev || kindAndReason(got[i].Err) != kindAndReason(want[i].Err) {
			t.Errorf("result %d:\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

// compare reads everything that the database holds.
func (m *model) compare(t *testing.T, d *DB) {
	t.Helper()
	live := 0
	r, err := d.NewReader()
	if err != nil {
		t.Fatal(err)
	}
	for id, md := range m.docs {
		m.compareDoc(t, d, id, md)
		m.compareReader(t, d, r, id, md)
		if !md.nodes[md.leaves()[0]].deleted {
			live++
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	s := d.Stats()
	if s.DocCount != uint64(live) || s.DelDocCount != uint64(len(m.docs)-live) || s.UpdateSeq != m.seq {
		t.Errorf("stats %+v, want %d live, %d deleted, seq %d", s, live, len(m.docs)-live, m.seq)
	}
	m.compareScans(t, d)
	m.compareBlobs(t, d)
	var purges []Purged
	complete, err := d.Purges(context.Background(), 0, func(p Purged) bool {
		purges = append(purges, p)
		return true
	})
	if !complete || err != nil || fmt.Sprint(purges) != fmt.Sprint(m.purges) || d.PurgeSeq() != uint64(len(m.purges)) {
		t.Errorf("purges %v (%v), want %v", purges, err, m.purges)
	}
	for name, want := range m.meta {
		if got, err := d.Meta(name); err != nil || string(got) != want {
			t.Errorf("meta %s: %q %v, want %q", name, got, err, want)
		}
	}
	n := 0
	err = d.LocalDocs(context.Background(), false, func(doc store.Doc) bool {
		n++
		if want := m.local[doc.ID]; string(doc.Body) != string(want.Body) || doc.Rev != want.Rev {
			t.Errorf("local doc %s: %s, want %s", doc.ID, doc.Body, want.Body)
		}
		return true
	})
	if err != nil || n != len(m.local) {
		t.Errorf("%d local docs (%v), want %d", n, err, len(m.local))
	}
}

func (m *model) compareDoc(t *testing.T, d *DB, id string, md *modelDoc) {
	t.Helper()
	leaves := md.leaves()
	win := md.nodes[leaves[0]]
	doc, err := d.Get(id)
	switch {
	case win.deleted:
		if !store.IsKind(err, store.KindNotFound) || err.Error() != reasonDeleted {
			t.Errorf("get %s: %v, want deleted", id, err)
		}
	case err != nil || doc.Rev != leaves[0] || text(&doc) != win.body || doc.Seq != md.seq:
		t.Errorf("get %s: %+v %s %v, want %v %s seq %d", id, doc, doc.Body, err, leaves[0], win.body, md.seq)
	}
	winner, revs, err := d.Revs(id)
	if err != nil || winner != leaves[0] || len(revs) != len(md.nodes) {
		t.Errorf("revs %s: winner %v of %d, %v; want %v of %d", id, winner, len(revs), err, leaves[0], len(md.nodes))
	}
	for i, r := range revs {
		n := md.nodes[r.Rev]
		if n == nil || r.Deleted != n.deleted || r.Available != (n.body != "") || r.Leaf != (i < len(leaves)) {
			t.Errorf("%s: revision %+v, want %+v", id, r, n)
			continue
		}
		if r.Leaf && r.Rev != leaves[i] {
			t.Errorf("%s: leaf %d is %v, want %v", id, i, r.Rev, leaves[i])
		}
		var history, told []string
		for p := n.parent; md.nodes[p] != nil; p = md.nodes[p].parent {
			history = append(history, p.Hash)
		}
		for k, p := i, r.Parent; p > k; k, p = p, revs[p].Parent {
			told = append(told, revs[p].Rev.Hash)
		}
		if !slices.Equal(history, told) {
			t.Errorf("%s: history of %v is %v, want %v", id, r.Rev, told, history)
		}
		got, err := d.GetRev(id, r.Rev)
		if n.body == "" && !store.IsKind(err, store.KindNotFound) || n.body != "" && (err != nil || text(&got) != n.body) {
			t.Errorf("%s: body of %v: %q %v, want %q", id, r.Rev, got.Body, err, n.body)
		}
	}
}

// compareReader checks that a Reader gives what the database itself does.
func (m *model) compareReader(t *testing.T, d *DB, r *Reader, id string, md *modelDoc) {
	t.Helper()
	w1, revs1, err1 := d.Revs(id)
	w2, revs2, err2 := r.Revs(id)
	if w1 != w2 || !reflect.DeepEqual(revs1, revs2) || err1 != nil || err2 != nil {
		t.Errorf("revs %s: %v %v, by a reader %v %v", id, revs1, err1, revs2, err2)
	}
	for rev := range md.nodes {
		a, err1 := d.GetRev(id, rev)
		b, err2 := r.GetRev(id, rev)
		if !reflect.DeepEqual(a, b) || kindAndReason(err1) != kindAndReason(err2) {
			t.Errorf("%s of %s: %+v %v, by a reader %+v %v", rev, id, a, err1, b, err2)
		}
	}
}

func (m *model) compareScans(t *testing.T, d *DB) {
	t.Helper()
	ctx := context.Background()
	var want, got []string
	for id, md := range m.docs {
		if l := md.leaves(); !md.nodes[l[0]].deleted {
			want = append(want, id+" "+l[0].String()+" "+md.nodes[l[0]].body)
		}
	}
	slices.Sort(want)
	for _, descending := range []bool{false, true} {
		got = nil
		err := d.AllDocs(ctx, IDRange{Descending: descending}, true, func(doc store.Doc) bool {
			got = append(got, doc.ID+" "+doc.Rev.String()+" "+text(&doc))
			return true
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("all docs (descending %v, %v):\n got %q\nwant %q", descending, err, got, want)
		}
		slices.Reverse(want)
	}
	var bySeq []string
	for id, md := range m.docs {
		leaves := md.leaves()
		line := fmt.Sprintf("%08d %s %v", md.seq, id, leaves[0])
		for _, r := range leaves[1:] {
			line += fmt.Sprintf(" %v %v", r, md.nodes[r].deleted)
		}
		bySeq = append(bySeq, line)
	}
	slices.Sort(bySeq)
	got = nil
	err := d.Changes(ctx, ChangesOptions{Conflicts: true}, func(c store.Change) bool {
		line := fmt.Sprintf("%08d %s %v", c.Seq, c.Doc.ID, c.Doc.Rev)
		for _, l := range c.Conflicts {
			line += fmt.Sprintf(" %v %v", l.Rev, l.Deleted)
		}
		got = append(got, line)
		return true
	})
	if err != nil || !slices.Equal(got, bySeq) {
		t.Errorf("changes (%v):\n got %q\nwant %q", err, got, bySeq)
	}
	if err := d.Changes(ctx, ChangesOptions{Since: m.seq}, func(store.Change) bool { return false }); err != nil {
		t.Errorf("changes after the last: %v", err)
	}
	if m.seq > 0 {
		if err := d.Wait(ctx, m.seq-1); err != nil {
			t.Errorf("wait for what is there: %v", err)
		}
	}
}
