package couchapi

import (
	"context"

	"logctl/store"
	"logctl/store/engine"
)

// viewDB is a database of the engine as a view index reads it.
type viewDB struct{ *engine.DB }

// Changes gives each doc's latest change with its body and all its leaves: map functions see a doc's conflicts.
func (d viewDB) Changes(ctx context.Context, since uint64, fn func(c store.Change) bool) error {
	return d.DB.Changes(ctx, engine.ChangesOptions{Since: since, Bodies: true, AllLeaves: true}, fn)
}
