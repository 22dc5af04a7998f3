package engine

import (
	"context"
	"errors"

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
			if c.Conflicts, err = docs.conflicts(); err != nil {
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

// conflicts are the leaves beside the winner of the doc that the reader is at, which has several.
func (r *seqReader) conflicts() ([]store.Leaf, error) {
	v, err := getClone(r.it, r.db.keys.byID(string(r.rec.id)))
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, errCorrupt(errors.New("a change has no doc"))
	}
	idr, err := parseIDRecord(v)
	if err != nil {
		return nil, err
	}
	leaves := idr.tree.leaves(r.rec.rev.rev())
	if len(leaves) < 2 {
		return nil, errCorrupt(errors.New("a change tells of leaves that its doc does not have"))
	}
	conflicts := make([]store.Leaf, len(leaves)-1)
	for k, i := range leaves[1:] {
		conflicts[k] = store.Leaf{Rev: idr.tree[i].rev, Deleted: idr.tree[i].deleted}
	}
	return conflicts, nil
}
