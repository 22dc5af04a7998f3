package engine

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"logctl/store"
)

// ChangesOptions say what DB.Changes gives.
type ChangesOptions struct {
	Since      uint64 // only sequences greater than this
	Descending bool
	Bodies     bool // with the winner's body
	Conflicts  bool // with the leaves beside the winner
}

// Changes calls fn for each doc's latest change in the order of sequences, until it returns false. The changes are those
// of one moment; some may not be on disk yet. What fn is given is its own.
func (d *DB) Changes(ctx context.Context, o ChangesOptions, fn func(c store.Change) bool) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.end()
	if o.Since+1 == 0 {
		return nil
	}
	docs, err := d.newSeqReader(d.e.pdb, o.Since)
	if err != nil {
		return err
	}
	defer docs.close()
	begin, step := docs.first, docs.next
	if o.Descending {
		begin, step = docs.last, docs.prev
	}
	w := walker{bodies: o.Bodies}
	var trees treeReader
	defer trees.close()
	ok, err := begin()
	for n := 0; ok && err == nil; n++ {
		if n%aliveEvery == 0 {
			if err := d.alive(ctx); err != nil {
				return err
			}
		}
		rec := &docs.rec
		c := store.Change{Seq: docs.seq}
		if c.Doc, err = w.doc(docs.seq, rec); err != nil {
			return err
		}
		if o.Conflicts && rec.leaves {
			if c.Conflicts, err = trees.conflicts(d, docs.it, rec); err != nil {
				return err
			}
		}
		if !fn(c) {
			return nil
		}
		ok, err = step()
	}
	return err
}

// treeReader reads the trees of the docs that have several leaves, as of the moment of the iterator it is made from.
type treeReader struct{ ids *pebble.Iterator }

func (r *treeReader) conflicts(d *DB, it *pebble.Iterator, rec *seqRecord) ([]store.Leaf, error) {
	if r.ids == nil {
		lo, hi := d.keys.space(subByID)
		ids, err := it.Clone(pebble.CloneOptions{IterOptions: &pebble.IterOptions{LowerBound: lo, UpperBound: hi}})
		if err != nil {
			return nil, readError(err)
		}
		r.ids = ids
	}
	key := d.keys.byID(string(rec.id))
	if !r.ids.SeekGE(key) || string(r.ids.Key()) != string(key) {
		if err := r.ids.Error(); err != nil {
			return nil, readError(err)
		}
		return nil, errCorrupt(errors.New("a change has no doc"))
	}
	v, err := r.ids.ValueAndErr()
	if err != nil {
		return nil, readError(err)
	}
	idr, err := parseIDRecord(v)
	if err != nil {
		return nil, err
	}
	leaves := idr.tree.leaves(rec.rev.rev())
	if len(leaves) < 2 {
		return nil, errCorrupt(errors.New("a change tells of leaves that its doc does not have"))
	}
	conflicts := make([]store.Leaf, len(leaves)-1)
	for k, i := range leaves[1:] {
		conflicts[k] = store.Leaf{Rev: idr.tree[i].rev, Deleted: idr.tree[i].deleted}
	}
	return conflicts, nil
}

func (r *treeReader) close() {
	if r.ids != nil {
		r.ids.Close()
	}
}
