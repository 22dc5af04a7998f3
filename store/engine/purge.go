package engine

import (
	"context"
	"maps"
	"slices"

	"logctl/store"
)

// Purge removes leaf revisions for good, with what led only to them, as if they had never been; an id without revisions
// is unknown again. It gives those that it removed: revisions that are no leaves stay. Replicas don't learn of it; view indexes
// do, from the log of purges.
func (d *DB) Purge(ctx context.Context, revs map[string][]store.Rev) (map[string][]store.Rev, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	defer d.end()
	purged, pos, err := d.purge(ctx, revs)
	if err != nil {
		return nil, err
	}
	return purged, d.e.group.wait(ctx, pos, d.e.disk)
}

func (d *DB) purge(ctx context.Context, revs map[string][]store.Rev) (map[string][]store.Rev, uint64, error) {
	if err := d.lock(ctx); err != nil {
		return nil, 0, err
	}
	purged := make(map[string][]store.Rev, len(revs))
	pos, err := d.edits.run(ctx, d, 0, func(ed *editor) error {
		for _, id := range slices.Sorted(maps.Keys(revs)) {
			if id == "" {
				continue
			}
			gone, err := ed.purge(id, revs[id])
			if err != nil {
				return err
			}
			purged[id] = gone
		}
		return nil
	})
	return purged, pos, err
}

// purge removes those of revs that are leaves of a doc.
func (ed *editor) purge(id string, revs []store.Rev) ([]store.Rev, error) {
	gone := []store.Rev{}
	st, err := ed.load(id)
	if err != nil || st.seq == 0 {
		return gone, err
	}
	keep := make([]bool, len(st.tree))
	for _, leaf := range st.tree.leaves(store.Rev{}) {
		if slices.Contains(revs, st.tree[leaf].rev) {
			gone = append(gone, st.tree[leaf].rev)
			continue
		}
		for i := leaf; i != noParent; i = st.tree[i].parent {
			keep[i] = true
		}
	}
	if len(gone) == 0 {
		return gone, nil
	}
	ed.count.seq++
	ed.count.purges++
	ed.log(id, gone)
	for _, n := range st.tree.drop(keep) {
		if err := ed.forget(&n); err != nil {
			return gone, err
		}
	}
	if len(st.tree) > 0 {
		st.changed = true
		return gone, ed.store(&st)
	}
	ed.batch.Delete(ed.db.keys.byID(id), nil)
	ed.uncountDoc(&st)
	return gone, ed.dropSeq(st.seq, st.bundle)
}
