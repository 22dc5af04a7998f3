package engine

import (
	"errors"
	"math"
	"slices"

	"logctl/store"
	"logctl/store/ejson"
)

// docState is a doc while it is edited.
type docState struct {
	id      string
	seq     uint64 // of its by-sequence record when it was loaded, 0 if the doc is new
	bundle  uint64 // that this record is kept under, 0 if it has a record of its own
	deleted bool   // as it was loaded
	size    uint64 // of the winner's payload as it was loaded
	tree    tree
	places  map[store.Rev]int // see tree.find; nil unless there may be many steps
	live    int               // leaves that are not deleted: as it was loaded and after each edit
	top     int               // so too: the greatest leaf, which is the winner if none is live
	changed bool
}

// load reads a doc. Whatever is in the batch is of other docs.
func (ed *editor) load(id string) (docState, error) {
	st := docState{id: id}
	if unknown, err := ed.db.isNew(id); unknown || err != nil {
		return st, err
	}
	v, err := ed.db.e.get(ed.db.keys.byID(id))
	if err != nil {
		return st, err
	}
	if v == nil {
		return st, ed.loadSpanned(&st)
	}
	rec, err := parseIDRecord(v)
	if err != nil {
		return st, err
	}
	sr, bundle, ok, err := ed.db.readSeq(rec.seq)
	if err == nil && !ok {
		err = errCorrupt(errors.New("a doc has no by-sequence record"))
	}
	if err != nil {
		return st, err
	}
	st.bundle = bundle
	st.seq, st.deleted, st.tree = rec.seq, rec.deleted, rec.tree
	if st.size, err = externalSize(sr.body); err != nil {
		return st, err
	}
	if st.tree == nil {
		st.tree = tree{sr.only(rec.seq)}
	}
	winner := st.tree.find(sr.rev.rev(), nil)
	if winner == noParent {
		return st, errCorrupt(errors.New("a doc's winner is not in its tree"))
	}
	st.tree[winner].body = sr.body
	for _, i := range st.tree.which(false) {
		st.countLeaf(i)
	}
	if st.live == 0 {
		st.top = winner // that of the record, see tree.leaves
	}
	return st, nil
}

// countLeaf counts node i as a leaf.
func (st *docState) countLeaf(i int) {
	n := &st.tree[i]
	if !n.deleted {
		st.live++
	}
	if n.rev.Compare(st.tree[st.top].rev) > 0 {
		st.top = i
	}
}

// loadSpanned reads a doc that has no by-id record, if it is there.
func (ed *editor) loadSpanned(st *docState) error {
	b, i, err := ed.spanned(st.id)
	if b == nil || err != nil {
		return err
	}
	seqs := ed.finder.seqs
	seqs.goTo(b, i)
	rec := seqs.rec
	rec.body = slices.Clone(rec.body)
	st.bundle, st.seq, st.size = b.last, seqs.seq, uint64(len(rec.body))
	st.tree = tree{rec.only(st.seq)}
	st.tree[0].body = rec.body
	st.countLeaf(0)
	return nil
}

// edit makes a new revision of the doc; rev is the one that it gets if it replaces doc.Rev.
func (st *docState) edit(doc *store.Doc, rev store.Rev, ed *editor) (store.Rev, error) {
	parent := noParent
	switch {
	case len(st.tree) == 0:
		if doc.Rev.IsZero() {
			break
		}
		if !ed.call.unknown || doc.Rev.Gen < 1 || doc.Rev.Gen > maxGen {
			return store.Rev{}, errConflict()
		}
	case st.live == 0:
		if !doc.Rev.IsZero() || doc.Deleted {
			return store.Rev{}, errConflict()
		}
		parent = st.top
		old := st.tree[parent].rev
		hash := ejson.AppendRevivalHash(nil, old, body(doc), doc.Attachments...)
		rev = store.Rev{Gen: old.Gen + 1, Hash: string(hash)}
	default:
		parent = st.tree.find(doc.Rev, st.places)
		if parent == noParent || st.tree[parent].replaced || st.tree.find(rev, st.places) != noParent {
			return store.Rev{}, errConflict()
		}
	}
	if err := ed.checkBlobs(doc); err != nil {
		return store.Rev{}, err
	}
	switch {
	case len(st.tree) == 0 && !doc.Rev.IsZero():
		parent, _ = st.tree.attach(doc.Rev, noParent, st.places)
	case parent != noParent && !st.tree[parent].deleted:
		st.live--
	}
	i, _ := st.tree.attach(rev, parent, st.places)
	st.fill(i, doc, ed)
	st.countLeaf(i)
	return rev, nil
}

// maxGen is the highest generation that is taken from elsewhere. Those of edits that follow are numbers still.
const maxGen = math.MaxInt / 2

// merge takes a revision that another server made.
func (st *docState) merge(doc *store.Doc, ed *editor) error {
	if doc.Rev.Gen < 1 || doc.Rev.Hash == "" {
		return store.NewError(store.KindBadRequest, "When `new_edits: false`, the document needs `_rev` or `_revisions` specified")
	}
	if doc.Rev.Gen > maxGen {
		return store.NewError(store.KindBadRequest, "Invalid rev format")
	}
	if i := st.tree.find(doc.Rev, st.places); i == noParent || !st.tree[i].kept {
		if err := ed.checkBlobs(doc); err != nil {
			return err
		}
	}
	i, changed := st.tree.merge(doc.Rev, doc.Ancestors, st.places)
	if !st.tree[i].kept {
		st.fill(i, doc, ed)
	} else if changed {
		ed.count.seq++
		st.changed = true
	}
	return nil
}

// fill gives node i the doc's payload and a sequence.
func (st *docState) fill(i int, doc *store.Doc, ed *editor) {
	ed.count.seq++
	st.changed = true
	n := &st.tree[i]
	n.deleted, n.kept, n.seq, n.body = doc.Deleted, true, ed.count.seq, payload(doc)
	n.atts = len(doc.Attachments) > 0
	ed.hold(doc.Attachments)
}

// store puts an edited doc into the batch.
func (ed *editor) store(st *docState) error {
	if !st.changed {
		return nil
	}
	b, k := ed.batch, &ed.db.keys
	if st.seq != 0 {
		if err := ed.dropSeq(st.seq, st.bundle); err != nil {
			return err
		}
		ed.uncountDoc(st)
	}
	for _, n := range st.tree.stem(ed.db.RevsLimit()) {
		if err := ed.forget(&n); err != nil {
			return err
		}
	}
	leaves := st.tree.leaves(store.Rev{})
	win := &st.tree[leaves[0]]
	for i := range st.tree {
		if n := &st.tree[i]; n.body != nil && n != win {
			ed.replaced += len(n.body)
			b.Set(k.revBody(n.seq), n.body, nil)
		}
	}
	if win.body == nil {
		v, err := ed.db.e.get(k.revBody(win.seq))
		if err != nil {
			return err
		}
		if v == nil {
			return errCorrupt(errors.New("a leaf has no body"))
		}
		win.body = v
		b.Delete(k.revBody(win.seq), nil)
	}
	rec := idRecord{seq: ed.count.seq, deleted: win.deleted}
	if len(st.tree) > 1 {
		rec.tree = st.tree
	}
	ed.writeByID(st.id, &rec)
	ed.pending = append(ed.pending, pending{
		seq: rec.seq, id: st.id, rev: makeRawRev(win.rev), deleted: win.deleted, leaves: len(leaves) > 1, body: win.body,
	})
	size, err := externalSize(win.body)
	ed.countDoc(win.deleted, size)
	ed.db.highest.raise(st.id)
	return err
}
