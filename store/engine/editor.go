package engine

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"logctl/store"
	"logctl/store/ejson"
)

// editor makes the batch of one call of Write. It is the database's and used under its write lock; its slices are scratch
// space that stays from call to call.
type editor struct {
	db      *DB
	call    *call
	batch   *pebble.Batch
	count   counters
	pending []pending
	buf     []byte
}

// pending is a by-sequence record that will be written. They come last, so that each of the two keyspaces is written in
// ascending order, which memtables like.
type pending struct {
	seq     uint64
	id      string
	rev     rawRev
	deleted bool
	leaves  bool
	body    []byte
}

// run applies what fill puts into the batch, which has about size bytes, and gives the position to wait for: that of the
// batch or, if nothing changed, that of everything that was seen.
func (ed *editor) run(d *DB, size int, fill func(*editor) error) (uint64, error) {
	ed.db, ed.batch, ed.count = d, d.e.pdb.NewBatchWithSize(size), d.count
	defer ed.release()
	if err := fill(ed); err != nil {
		return 0, err
	}
	if ed.count == d.count {
		return d.e.group.position(), nil
	}
	ed.finish()
	pos, err := d.e.apply(ed.batch)
	if err != nil {
		return 0, err
	}
	d.setCount(ed.count)
	d.highest.settle()
	return pos, nil
}

// finish writes the by-sequence records and, within the last of them or beside them, the counters.
func (ed *editor) finish() {
	last := len(ed.pending) - 1
	for i := range ed.pending {
		if i < last {
			ed.writeBySeq(&ed.pending[i], nil)
		} else {
			ed.writeBySeq(&ed.pending[i], &ed.count)
		}
	}
	if last < 0 || ed.pending[last].seq != ed.count.seq {
		ed.buf = ed.count.append(append(ed.buf[:0], recordV1))
		ed.batch.Set(ed.db.keys.counters(), ed.buf, nil)
	}
}

// takeAll takes the docs of a call.
func (ed *editor) takeAll(c *call) error {
	ed.call = c
	for n := 0; n < len(c.docs); {
		more, err := ed.take(n)
		if err != nil {
			return err
		}
		n += more
	}
	return nil
}

func (ed *editor) release() {
	ed.batch.Close()
	ed.call, ed.batch = nil, nil
	clear(ed.pending)
	ed.pending = ed.pending[:0]
	if cap(ed.pending) > maxKept {
		ed.pending = nil
	}
}

// batchSize is about what a batch of new docs takes.
func batchSize(docs []store.Doc) int {
	const perDoc = 96
	n := 64
	for i := range docs {
		n += perDoc + 2*len(docs[i].ID) + len(docs[i].Body)
	}
	return n
}

// take takes the docs with the id of the n-th and tells how many these are.
func (ed *editor) take(n int) (int, error) {
	c := ed.call
	first := c.at(n)
	id := c.docs[first].ID
	more := 1
	for n+more < len(c.docs) && c.docs[c.at(n+more)].ID == id {
		more++
	}
	if err := checkID(id); err != nil {
		for k := range more {
			c.results[c.at(n+k)] = WriteResult{ID: id, Err: err}
		}
		return more, nil
	}
	unknown, err := ed.db.isNew(id)
	if err != nil {
		return 0, err
	}
	if unknown && more == 1 && c.newEdits && c.docs[first].Rev.IsZero() {
		ed.insert(first)
		return 1, nil
	}
	st, err := ed.load(id, unknown)
	if err != nil {
		return 0, err
	}
	for k := range more {
		i := c.at(n + k)
		doc, res := &c.docs[i], &c.results[i]
		if c.newEdits {
			res.Rev, res.Err = st.edit(doc, res.Rev, ed)
		} else {
			res.Rev, res.Err = doc.Rev, st.merge(doc, ed)
		}
	}
	return more, ed.store(&st)
}

// insert stores a doc that is known to be new.
func (ed *editor) insert(i int) {
	doc := &ed.call.docs[i]
	ed.count.seq++
	rec := idRecord{seq: ed.count.seq, deleted: doc.Deleted}
	ed.writeByID(doc.ID, &rec)
	ed.pending = append(ed.pending, pending{
		seq: rec.seq, id: doc.ID, deleted: doc.Deleted, body: body(doc),
		rev: rawRev{gen: 1, raw: true, hash: ed.call.raw[i][:]},
	})
	ed.countDoc(doc.Deleted, len(body(doc)))
	ed.db.highest.raise(doc.ID)
}

// countDoc counts a doc whose winner has these properties.
func (ed *editor) countDoc(deleted bool, size int) {
	ed.count.external += uint64(size)
	if deleted {
		ed.count.deleted++
	} else {
		ed.count.docs++
	}
}

// uncountDoc takes back what was counted for a doc as it was loaded.
func (ed *editor) uncountDoc(st *docState) {
	ed.count.external -= st.size
	if st.deleted {
		ed.count.deleted--
	} else {
		ed.count.docs--
	}
}

// forget deletes the body of a node that left its tree, if it has a key of its own.
func (ed *editor) forget(n *node) {
	if n.kept && n.body == nil {
		ed.batch.Delete(ed.db.keys.revBody(n.seq), nil)
	}
}

func (ed *editor) writeByID(id string, rec *idRecord) {
	ed.buf = rec.append(ed.buf[:0])
	w := ed.batch.SetDeferred(prefixLen+len(id), len(ed.buf))
	copy(w.Key, ed.db.keys.prefix[:])
	w.Key[prefixLen-1] = subByID
	copy(w.Key[prefixLen:], id)
	copy(w.Value, ed.buf)
	w.Finish()
}

func (ed *editor) writeBySeq(p *pending, counts *counters) {
	ed.buf = appendSeqHead(ed.buf[:0], p, counts)
	w := ed.batch.SetDeferred(prefixLen+8, len(ed.buf)+len(p.body))
	copy(w.Key, ed.db.keys.prefix[:])
	w.Key[prefixLen-1] = subBySeq
	binary.BigEndian.PutUint64(w.Key[prefixLen:], p.seq)
	copy(w.Value[copy(w.Value, ed.buf):], p.body)
	w.Finish()
}

// docState is a doc while it is edited.
type docState struct {
	id      string
	seq     uint64 // of its by-sequence record when it was loaded, 0 if the doc is new
	deleted bool   // as it was loaded
	size    uint64 // of the winner's body as it was loaded
	tree    tree
	winner  int
	changed bool
}

// load reads a doc. Whatever is in the batch is of other docs.
func (ed *editor) load(id string, unknown bool) (docState, error) {
	st := docState{id: id}
	if unknown {
		return st, nil
	}
	e, k := ed.db.e, &ed.db.keys
	v, err := e.get(k.byID(id))
	if err != nil || v == nil {
		return st, err
	}
	rec, err := parseIDRecord(v)
	if err != nil {
		return st, err
	}
	v, err = e.get(k.bySeq(rec.seq))
	if err != nil {
		return st, err
	}
	if v == nil {
		return st, errCorrupt(errors.New("a doc has no by-sequence record"))
	}
	sr, err := parseSeqRecord(v)
	if err != nil {
		return st, err
	}
	st.seq, st.deleted, st.size, st.tree = rec.seq, rec.deleted, uint64(len(sr.body)), rec.tree
	if st.tree == nil {
		st.tree = tree{{rev: sr.rev.rev(), parent: noParent, deleted: sr.deleted, kept: true, seq: rec.seq}}
	}
	st.winner = st.tree.find(sr.rev.rev())
	if st.winner == noParent {
		return st, errCorrupt(errors.New("a doc's winner is not in its tree"))
	}
	st.tree[st.winner].body = sr.body
	return st, nil
}

// edit makes a new revision of the doc; rev is the one that it gets if it replaces doc.Rev.
func (st *docState) edit(doc *store.Doc, rev store.Rev, ed *editor) (store.Rev, error) {
	parent := noParent
	switch {
	case len(st.tree) == 0 && doc.Rev.IsZero():
	case len(st.tree) == 0:
		// CouchDB takes an edit of a revision that it never saw where it knows nothing of the doc.
		parent, _ = st.tree.attach(doc.Rev, noParent)
	case st.winnerDeleted():
		if !doc.Rev.IsZero() || doc.Deleted {
			return store.Rev{}, errConflict()
		}
		parent = st.winner
		old := st.tree[parent].rev
		hash := ejson.AppendRevHash(nil, doc.Deleted, old, body(doc))
		rev = store.Rev{Gen: old.Gen + 1, Hash: string(hash)}
	default:
		parent = st.tree.find(doc.Rev)
		if parent == noParent || st.tree.parents()[parent] || st.tree.find(rev) != noParent {
			return store.Rev{}, errConflict()
		}
	}
	i, _ := st.tree.attach(rev, parent)
	st.fill(i, doc, ed)
	return rev, nil
}

// merge takes a revision that another server made.
func (st *docState) merge(doc *store.Doc, ed *editor) error {
	if doc.Rev.Gen < 1 || doc.Rev.Hash == "" {
		return store.NewError(store.KindBadRequest, "When `new_edits: false`, the document needs `_rev` or `_revisions` specified")
	}
	i, changed := st.tree.merge(doc.Rev, doc.Ancestors)
	switch {
	case !st.tree[i].kept:
		st.fill(i, doc, ed)
	case changed:
		st.touch(ed)
		st.winner = st.tree.leaves()[0]
	}
	return nil
}

// fill gives node i the doc's body and a sequence.
func (st *docState) fill(i int, doc *store.Doc, ed *editor) {
	st.touch(ed)
	n := &st.tree[i]
	n.deleted, n.kept, n.seq, n.body = doc.Deleted, true, ed.count.seq, body(doc)
	st.winner = st.tree.leaves()[0]
}

// touch gives the doc a sequence.
func (st *docState) touch(ed *editor) {
	ed.count.seq++
	st.changed = true
}

func (st *docState) winnerDeleted() bool { return st.tree[st.winner].deleted }

// store puts an edited doc into the batch.
func (ed *editor) store(st *docState) error {
	if !st.changed {
		return nil
	}
	b, k := ed.batch, &ed.db.keys
	if st.seq != 0 {
		b.Delete(k.bySeq(st.seq), nil)
		ed.uncountDoc(st)
	}
	for _, n := range st.tree.stem(ed.db.RevsLimit()) {
		ed.forget(&n)
	}
	leaves := st.tree.leaves()
	win := &st.tree[leaves[0]]
	for i := range st.tree {
		if n := &st.tree[i]; n.body != nil && n != win {
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
	ed.countDoc(win.deleted, len(win.body))
	ed.db.highest.raise(st.id)
	return nil
}

// highest knows, for each first byte of an id, the greatest id of the database that begins with it. Docs come mostly in
// the order of their ids, and one that is greater than all others needs no look whether it is there. The design docs and
// whatever else has ids of its own kind don't spoil it for the others.
type highest struct {
	ids   [256]string
	known [256]bool
	fresh [256]bool // ids share the bytes of a caller
}

// isNew tells whether the id is known not to be there. False means that it may be.
func (d *DB) isNew(id string) (bool, error) {
	h, c := &d.highest, id[0]
	if !h.known[c] {
		last, err := d.lastID(c)
		if err != nil {
			return false, err
		}
		h.ids[c], h.known[c] = last, true
	}
	return id > h.ids[c], nil
}

// raise notes that an id is there.
func (h *highest) raise(id string) {
	if c := id[0]; id > h.ids[c] {
		h.ids[c], h.fresh[c] = id, true
	}
}

// settle copies ids whose bytes are the caller's.
func (h *highest) settle() {
	for c := range h.fresh {
		if h.fresh[c] {
			h.ids[c], h.fresh[c] = strings.Clone(h.ids[c]), false
		}
	}
}

// lastID is the greatest id that begins with c, "" if there is none.
func (d *DB) lastID(c byte) (string, error) {
	lo := d.keys.byID(string([]byte{c}))
	it, err := d.e.pdb.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: successor(lo)})
	if err != nil {
		return "", readError(err)
	}
	defer it.Close()
	if !it.Last() {
		return "", readError(it.Error())
	}
	return string(it.Key()[prefixLen:]), nil
}
