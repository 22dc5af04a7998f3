package engine

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"logctl/store"
	"logctl/store/engine/bundle"
)

// editor makes the batch of one call of Write. It is the database's and used under its write lock; its slices are scratch
// space that stays from call to call.
type editor struct {
	db       *DB
	call     *call
	batch    *pebble.Batch
	count    counters
	pending  []pending
	refs     map[uint64]int // by how much references to blobs change
	left     map[uint64]*left
	bundle   bundle.Writer
	finder   *finder    // nil: it was not needed yet
	kept     []*bundled // that the last finder has opened
	placed   []placed   // spans in the batch
	dropped  []uint64   // bundles whose spans the batch deletes
	gap      idGap
	loose    int // new docs that get no bundle, or one that is soon put together with others
	replaced int // bytes of revisions that are no longer shown
	buf      []byte
}

// pending is a by-sequence record that will be written. They come last, so that each of the two keyspaces is written in
// ascending order, which memtables like.
type pending struct {
	seq     uint64
	id      string
	rev     rawRev
	deleted bool
	leaves  bool
	hashed  bool // store.Doc.Hashed
	fresh   bool // it has the first revision that its body gives, and nothing else: it may be in a bundle, and has no by-id record yet
	body    []byte
}

// run applies what fill puts into the batch, which has about size bytes, and gives the position to wait for: that of the
// batch or, if nothing changed, that of everything that was seen. The write lock is held; run gives it back.
func (ed *editor) run(ctx context.Context, d *DB, size int, fill func(*editor) error) (uint64, error) {
	ed.db, ed.batch, ed.count = d, d.e.pdb.NewBatchWithSize(size), d.count
	end := func() {
		ed.release()
		d.unlock()
	}
	applying := false
	defer func() {
		if !applying {
			end()
		}
	}()
	changes, err := ed.fill(fill)
	if err != nil {
		return 0, err
	}
	if !changes {
		return d.e.Written(), nil
	}
	applying = true
	return d.e.attempt(ctx, func() (uint64, error) {
		defer end()
		pos, err := d.e.apply(ed.batch)
		if err == nil {
			d.setCount(ed.count)
			d.noteWritten(ed)
		}
		return pos, err
	})
}

// fill makes the batch and tells whether there is anything in it.
func (ed *editor) fill(fill func(*editor) error) (changes bool, err error) {
	defer func() { ed.closeFinder(len(ed.left)+len(ed.dropped) > 0 || err != nil) }()
	err = fill(ed)
	ed.db.highest.settle()
	if err != nil {
		return false, err
	}
	if ed.batch.Empty() && len(ed.pending) == 0 {
		return false, nil
	}
	if err := ed.settleRefs(); err != nil {
		return false, err
	}
	if ed.count != ed.db.count { // what is of no sequence leaves the counters where they are
		return true, ed.finish()
	}
	return true, nil
}

// finish writes the by-sequence records and, within the last of them or beside them, the counters.
func (ed *editor) finish() error {
	if err := ed.settleLeft(); err != nil {
		return err
	}
	if err := ed.writePending(); err != nil {
		return err
	}
	if last := len(ed.pending) - 1; last < 0 || ed.pending[last].seq != ed.count.seq {
		ed.buf = ed.count.append(append(ed.buf[:0], recordV1))
		ed.batch.Set(ed.db.keys.counters(), ed.buf, nil)
	}
	return nil
}

// takeAll takes the docs of a call.
func (ed *editor) takeAll(c *call) error {
	ed.call = c
	defer ed.gap.close()
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
	ed.call, ed.batch, ed.refs, ed.left = nil, nil, nil, nil
	ed.loose, ed.replaced = 0, 0
	clear(ed.placed)
	ed.placed, ed.dropped = ed.placed[:0], ed.dropped[:0]
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
	if c.newEdits && more == 1 && c.docs[first].Rev.IsZero() && c.docs[first].Attachments == nil {
		done, err := ed.takeNew(first)
		if done || err != nil {
			return 1, err
		}
	}
	st, err := ed.load(id)
	if err != nil {
		return 0, err
	}
	if more > 1 || len(st.tree)+len(c.docs[first].Ancestors) > 64 && !c.newEdits {
		st.places = st.tree.places()
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

// takeNew takes a doc that claims to be new, if a glance is enough: it is, or it conflicts.
func (ed *editor) takeNew(i int) (bool, error) {
	id := ed.call.docs[i].ID
	unknown, err := ed.db.isNew(id)
	if err != nil {
		return false, err
	}
	if !unknown {
		there, deleted, err := ed.look(id)
		if err != nil || deleted {
			return false, err
		}
		if !there {
			b, _, err := ed.spanned(id)
			if err != nil {
				return false, err
			}
			there = b != nil
		}
		if there {
			ed.call.results[i] = WriteResult{ID: id, Err: errConflict()}
			return true, nil
		}
	}
	ed.insert(i)
	return true, nil
}

// look tells whether a doc has a by-id record and is deleted.
func (ed *editor) look(id string) (there, deleted bool, err error) {
	switch {
	case len(ed.call.docs) == 1 || !ed.gap.pays():
		return ed.glance(id)
	case ed.gap.has(id):
		return false, false, nil
	}
	return ed.gap.find(ed.db, id)
}

// glance tells whether a doc has a by-id record and is deleted.
func (ed *editor) glance(id string) (there, deleted bool, err error) {
	ed.buf = append(ed.db.keys.sub(ed.buf[:0], subByID), id...)
	v, closer, err := ed.db.e.pdb.Get(ed.buf)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, false, nil
	}
	if err != nil {
		return false, false, readError(err)
	}
	_, deleted, _, err = parseIDHead(v)
	return true, deleted, errors.Join(err, closer.Close())
}

// insert stores a doc that is known to be new.
func (ed *editor) insert(i int) {
	doc := &ed.call.docs[i]
	ed.count.seq++
	if doc.Deleted {
		ed.writeByID(doc.ID, &idRecord{seq: ed.count.seq, deleted: true})
	}
	ed.pending = append(ed.pending, pending{
		seq: ed.count.seq, id: doc.ID, deleted: doc.Deleted, body: body(doc),
		rev: rawRev{gen: 1, raw: true, hash: ed.call.raw[i][:]}, fresh: !doc.Deleted, hashed: doc.Hashed,
	})
	ed.countDoc(doc.Deleted, uint64(len(body(doc))))
	ed.db.highest.raise(doc.ID)
}

// countDoc counts a doc whose winner has these properties.
func (ed *editor) countDoc(deleted bool, size uint64) {
	ed.count.external += size
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

// forget deletes the payload of a node that left its tree, if it has a key of its own, and what only it refers to.
func (ed *editor) forget(n *node) error {
	if n.atts {
		if err := ed.letGo(n); err != nil {
			return err
		}
	}
	if n.kept && n.body == nil {
		ed.batch.Delete(ed.db.keys.revBody(n.seq), nil)
	}
	return nil
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
