package couchapi

import (
	"context"
	"slices"

	"logctl/store"
	"logctl/store/engine"
)

// viewDB is a database of the engine as a view index reads it.
type viewDB struct{ *engine.DB }

// Changes gives each doc's latest change with its body and its live leaves: map functions see a doc's conflicts.
func (d viewDB) Changes(ctx context.Context, since uint64, fn func(c store.Change) bool) error {
	var failed error
	err := d.DB.Changes(ctx, engine.ChangesOptions{Since: since, Bodies: true, AllLeaves: true}, func(c store.Change) bool {
		if len(c.Leaves) > 1 {
			if c.Leaves, failed = d.liveLeaves(c); failed != nil {
				return false
			}
		}
		return fn(c)
	})
	if failed != nil {
		return failed
	}
	return err
}

// liveLeaves are the leaves of a change without those that are tombstones; the winner stays, whatever it is.
func (d viewDB) liveLeaves(c store.Change) ([]store.Rev, error) {
	_, tree, err := d.Revs(c.Doc.ID)
	if store.IsKind(err, store.KindNotFound) { // purged since
		return c.Leaves[:1], nil
	}
	return slices.DeleteFunc(c.Leaves, func(rev store.Rev) bool {
		r := findRev(tree, rev)
		return rev != c.Doc.Rev && r != nil && r.Deleted
	}), err
}
