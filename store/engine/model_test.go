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
	"logctl/store/ejson"
)

// model is what a database should hold, said as simply as possible.
type model struct {
	docs  map[string]*modelDoc
	local map[string]store.Doc
	meta  map[string]string
	seq   uint64
	limit int

	purges []Purged
}

type modelDoc struct {
	nodes map[store.Rev]*modelNode
	seq   uint64
}

type modelNode struct {
	parent  store.Rev
	deleted bool
	body    string // with what text tells of attachments; "" if it was never seen
	atts    []store.Attachment
}

func newModel(limit int) *model {
	return &model{docs: map[string]*modelDoc{}, local: map[string]store.Doc{}, meta: map[string]string{}, limit: limit}
}

// leaves are the leaves in winning order.
func (m *modelDoc) leaves() []store.Rev {
	inner := map[store.Rev]bool{}
	for _, n := range m.nodes {
		inner[n.parent] = true
	}
	var l []store.Rev
	for r := range m.nodes {
		if !inner[r] {
			l = append(l, r)
		}
	}
	slices.SortFunc(l, func(a, b store.Rev) int {
		if da, db := m.nodes[a].deleted, m.nodes[b].deleted; da != db {
			if da {
				return 1
			}
			return -1
		}
		return b.Compare(a)
	})
	return l
}

func (m *modelDoc) stem(limit int) {
	keep := map[store.Rev]bool{}
	for _, r := range m.leaves() {
		for n := 0; n < limit && m.nodes[r] != nil; n++ {
			keep[r] = true
			r = m.nodes[r].parent
		}
	}
	maps.DeleteFunc(m.nodes, func(r store.Rev, _ *modelNode) bool { return !keep[r] })
	for _, n := range m.nodes {
		if m.nodes[n.parent] == nil {
			n.parent = store.Rev{}
		}
	}
}

// write does what DB.Write should and gives what its results should be.
func (m *model) write(docs []store.Doc, newEdits bool) []WriteResult {
	res := make([]WriteResult, len(docs))
	order := make([]int, len(docs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(docs[a].ID, docs[b].ID) })
	for k, i := range order {
		doc := docs[i]
		d := m.docs[doc.ID]
		if d == nil {
			d = &modelDoc{nodes: map[store.Rev]*modelNode{}}
		}
		res[i].ID = doc.ID
		var changed bool
		if newEdits {
			res[i].Rev, res[i].Err = d.edit(doc)
			changed = res[i].Err == nil
		} else {
			res[i].Rev = doc.Rev
			changed = d.merge(doc)
		}
		if changed {
			m.seq++
			d.seq = m.seq
			m.docs[doc.ID] = d
		}
		if k+1 == len(order) || docs[order[k+1]].ID != doc.ID {
			d.stem(m.limit)
		}
	}
	return res
}

func (m *modelDoc) edit(doc store.Doc) (store.Rev, error) {
	parent, name := doc.Rev, func(dst []byte, parent store.Rev) []byte {
		return ejson.AppendRevHash(dst, doc.Deleted, parent, doc.Body, doc.Attachments...)
	}
	leaves := m.leaves()
	switch {
	case len(leaves) == 0:
		if !parent.IsZero() {
			return store.Rev{}, errConflict()
		}
	case m.nodes[leaves[0]].deleted:
		if !parent.IsZero() || doc.Deleted {
			return store.Rev{}, errConflict()
		}
		parent, name = leaves[0], func(dst []byte, parent store.Rev) []byte {
			return ejson.AppendRevivalHash(dst, parent, doc.Body, doc.Attachments...)
		}
	case !slices.Contains(leaves, parent):
		return store.Rev{}, errConflict()
	}
	rev := store.Rev{Gen: parent.Gen + 1, Hash: string(name(nil, parent))}
	if m.nodes[rev] != nil {
		return store.Rev{}, errConflict()
	}
	m.nodes[rev] = &modelNode{parent: parent, deleted: doc.Deleted, body: text(&doc), atts: doc.Attachments}
	return rev, nil
}

func (m *modelDoc) merge(doc store.Doc) bool {
	path := []store.Rev{doc.Rev}
	for i, h := range doc.Ancestors {
		path = append(path, store.Rev{Gen: doc.Rev.Gen - 1 - i, Hash: h})
	}
	changed := false
	for i, r := range path {
		n := m.nodes[r]
		if n == nil {
			n = &modelNode{}
			m.nodes[r], changed = n, true
		}
		if n.parent.IsZero() && i+1 < len(path) {
			n.parent, changed = path[i+1], true
		}
	}
	if n := m.nodes[doc.Rev]; n.body == "" {
		n.body, n.deleted, n.atts, changed = text(&doc), doc.Deleted, doc.Attachments, true
	}
	return changed
}

// TestModel does the same random operations with an engine, which is closed and opened in between, and with the model.
func TestModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			testModel(t, rand.New(rand.NewPCG(seed, 1)))
		})
	}
}

func testModel(t *testing.T, rnd *rand.Rand) {
	ctx := context.Background()
	fs := vfs.NewMem()
	limit := 1 + rnd.IntN(6)
	o := Options{FS: fs, RevsLimit: limit}
	e := mustOpen(t, "data", o)
	d := mustCreate(t, e, "log_m")
	m := newModel(limit)
	for step := range 400 {
		switch p := rnd.IntN(100); {
		case p < 55:
			docs := m.someEdits(rnd)
			m.attach(t, rnd, d, docs)
			got, err := d.Write(ctx, docs, WriteOptions{NewEdits: true, NoSync: rnd.IntN(2) == 0})
			sameResults(t, got, m.write(docs, true), err)
			discard(t, d, docs)
		case p < 80:
			docs := m.someRevisions(rnd)
			m.attach(t, rnd, d, docs)
			got, err := d.Write(ctx, docs, WriteOptions{NoSync: rnd.IntN(2) == 0})
			sameResults(t, got, m.write(docs, false), err)
			discard(t, d, docs)
		case p < 84:
			id := fmt.Sprintf("_local/%d", rnd.IntN(3))
			doc := store.Doc{ID: id, Body: fmt.Appendf(nil, `{"n":%d}`, step)}
			r, err := d.PutLocal(ctx, doc)
			if err != nil || r.String() != "0-1" {
				t.Fatalf("step %d: local doc: %v %v", step, r, err)
			}
			doc.Rev = r
			m.local[id] = doc
		case p < 88:
			name := fmt.Sprint(rnd.IntN(3))
			if err := d.SetMeta(ctx, name, fmt.Append(nil, step)); err != nil {
				t.Fatal(err)
			}
			m.meta[name] = fmt.Sprint(step)
		case p < 89:
			m.purge(t, rnd, d)
		case p < 90:
			if err := d.Compact(ctx); err != nil {
				t.Fatal(err)
			}
			m.compact()
		case p < 91:
			if err := e.Drop(ctx, "log_m"); err != nil {
				t.Fatal(err)
			}
			d, m = mustCreate(t, e, "log_m"), newModel(limit)
		case p < 95:
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			e = mustOpen(t, "data", o)
			var err error
			if d, err = e.DB("log_m"); err != nil {
				t.Fatal(err)
			}
		default:
			m.compare(t, d)
		}
		if t.Failed() {
			t.Fatalf("step %d", step)
		}
	}
	m.compare(t, d)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// someID is the id of a doc that may be there.
func (m *model) someID(rnd *rand.Rand) string {
	if ids := slices.Sorted(maps.Keys(m.docs)); len(ids) > 0 && rnd.IntN(3) == 0 {
		return ids[rnd.IntN(len(ids))]
	}
	return randomID(rnd)
}

// someLines are docs as a log gives them, with ids of their content, in the order of time; some may be there.
func someLines(rnd *rand.Rand) []store.Doc {
	docs := make([]store.Doc, 4+rnd.IntN(20))
	hour := rnd.IntN(20)
	for i := range docs {
		body := fmt.Appendf(nil, `{"date":"2026-01-%02d","hour":"%02d:%02d:00,000","ip":"192.0.2.%d"}`, 1+rnd.IntN(2), hour, i, rnd.IntN(3))
		docs[i] = contentDoc(string(body), uint32(rnd.IntN(2)))
	}
	return docs
}

func randomID(rnd *rand.Rand) string {
	return []string{"", "2017-", "_design/", "é\x00"}[rnd.IntN(4)] + fmt.Sprintf("%02d", 10+rnd.IntN(8))
}

func randomBody(rnd *rand.Rand) []byte {
	if rnd.IntN(4) == 0 {
		return []byte("{}")
	}
	return fmt.Appendf(nil, `{"n":%d}`, rnd.IntN(50))
}

// someEdits are edits, many of which replace the right revision.
func (m *model) someEdits(rnd *rand.Rand) []store.Doc {
	if rnd.IntN(8) == 0 {
		return someLines(rnd)
	}
	docs := make([]store.Doc, 1+rnd.IntN(6))
	for i := range docs {
		doc := store.Doc{ID: m.someID(rnd), Body: randomBody(rnd), Deleted: rnd.IntN(5) == 0}
		if d := m.docs[doc.ID]; d != nil {
			leaves := d.leaves()
			switch rnd.IntN(6) {
			case 0, 1, 2:
				doc.Rev = leaves[0]
			case 3:
				doc.Rev = leaves[rnd.IntN(len(leaves))]
			case 4:
				all := slices.SortedFunc(maps.Keys(d.nodes), store.Rev.Compare)
				doc.Rev = all[rnd.IntN(len(all))]
			}
		} else if rnd.IntN(10) == 0 {
			doc.Rev = store.Rev{Gen: 1 + rnd.IntN(3), Hash: "abc"}
		}
		docs[i] = doc
	}
	return docs
}

// someRevisions are revisions as from other servers: of a few branches, so that they meet.
func (m *model) someRevisions(rnd *rand.Rand) []store.Doc {
	docs := make([]store.Doc, 1+rnd.IntN(3))
	for i := range docs {
		gen, branch := 1+rnd.IntN(5), rnd.IntN(3)
		hash := func(gen int) string { return fmt.Sprintf("%c%d", "abc"[min(branch, gen-1)], gen) }
		doc := store.Doc{ID: m.someID(rnd), Body: randomBody(rnd), Deleted: rnd.IntN(4) == 0}
		doc.Rev = store.Rev{Gen: gen, Hash: hash(gen)}
		for g := gen - 1; g >= 1 && rnd.IntN(5) > 0; g-- {
			doc.Ancestors = append(doc.Ancestors, hash(g))
		}
		docs[i] = doc
	}
	return docs
}

func (m *model) purge(t *testing.T, rnd *rand.Rand, d *DB) {
	id := m.someID(rnd)
	md := m.docs[id]
	if md == nil {
		return
	}
	leaf := md.leaves()[0]
	got, err := d.Purge(context.Background(), map[string][]store.Rev{id: {leaf, {Gen: 99, Hash: "x"}}})
	if err != nil || len(got[id]) != 1 || got[id][0] != leaf {
		t.Fatalf("purge %s: %v %v", leaf, got, err)
	}
	m.seq++
	m.purges = append(m.purges, Purged{Seq: uint64(len(m.purges) + 1), ID: id, Revs: []store.Rev{leaf}})
	alive := map[store.Rev]bool{}
	for _, r := range md.leaves()[1:] {
		for ; md.nodes[r] != nil; r = md.nodes[r].parent {
			alive[r] = true
		}
	}
	maps.DeleteFunc(md.nodes, func(r store.Rev, _ *modelNode) bool { return !alive[r] })
	md.seq = m.seq
	if len(md.nodes) == 0 {
		delete(m.docs, id)
	}
}
