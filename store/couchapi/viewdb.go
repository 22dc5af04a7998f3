package couchapi

import (
	"context"

	"logctl/store"
	"logctl/store/engine"
)

// viewDB is a database of the engine as a view index reads it.
type viewDB struct{ *engine.DB }

// Changes gives each doc's latest change with its body and its conflicts: map functions see them.
func (d viewDB) Changes(ctx context.Context, since uint64, fn func(c store.Change) bool) error {
	return d.DB.Changes(ctx, engine.ChangesOptions{Since: since, Bodies: true, Conflicts: true}, fn)
}
