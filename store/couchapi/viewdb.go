package couchapi

import (
	"context"

	"logctl/store"
	"logctl/store/engine"
	"logctl/store/view"
)

// viewDB is a database of the engine as a view index reads it.
type viewDB struct{ *engine.DB }

// Changes gives each doc's latest change with its body and its conflicts: map functions see them.
func (d viewDB) Changes(ctx context.Context, since uint64, fn func(c store.Change) bool) error {
	return d.DB.Changes(ctx, engine.ChangesOptions{Since: since, Bodies: true, Conflicts: true}, fn)
}

// Purges gives the docs that were purged.
func (d viewDB) Purges(ctx context.Context, since uint64, fn func(seq uint64, id string) bool) (complete bool, err error) {
	return d.DB.Purges(ctx, since, func(p engine.Purged) bool { return fn(p.Seq, p.ID) })
}

// Designs are the database's design documents; what is none that CouchDB would take is left out.
func (d viewDB) Designs(ctx context.Context) ([]*view.Design, error) {
	var list []*view.Design
	err := d.AllDocs(ctx, designRange(), true, func(doc store.Doc) bool {
		if design, err := parseDesign(d.DB, &doc); err == nil {
			list = append(list, design)
		}
		return true
	})
	return list, err
}
