package engine

import "logctl/store"

const (
	reasonNoDB     = "Database does not exist."
	reasonDBExists = "The database could not be created, the file already exists."
	reasonConflict = "Document update conflict."
	reasonMissing  = "missing"
	reasonDeleted  = "deleted"
)

func errNoDB() error     { return store.NewError(store.KindNotFound, reasonNoDB) }
func errConflict() error { return store.NewError(store.KindConflict, reasonConflict) }
func errMissing() error  { return store.NewError(store.KindNotFound, reasonMissing) }
func errDeleted() error  { return store.NewError(store.KindNotFound, reasonDeleted) }
func errClosed() error   { return store.NewError(store.KindUnavailable, "The store is closed.") }

func errCorrupt(err error) error {
	return &store.Error{Kind: store.KindCorrupt, Reason: "The store is damaged.", Err: err}
}
