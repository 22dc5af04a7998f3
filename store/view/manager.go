package view

import (
	"context"
	"log/slog"
	"time"

	"logctl/store"
)

// Database is what an index reads.
type Database interface {
	Name() store.DBName
	// Instance changes when a database is deleted and made again.
	Instance() string
	UpdateSeq() uint64
	// Changes calls fn for each doc's latest change after since, ascending, with bodies, deleted docs and design documents
	// included, until fn returns false.
	Changes(ctx context.Context, since uint64, fn func(c store.Change) bool) error
	// Index is the keyspace of the index with that signature, made when missing.
	Index(sig string) (store.KV, error)
}

// Options: the zero value works.
type Options struct {
	Workers    int           // map runtimes of one update; 0: GOMAXPROCS
	MapTimeout time.Duration // of one call of a map or reduce function; 0: 5 s
	Log        *slog.Logger  // nil: discard
}

// Manager keeps the indexes of all databases of a store. It is safe for concurrent use.
type Manager struct{ o Options }

// New makes a Manager.
func New(o Options) *Manager { return &Manager{o: o} }

// Close stops every update and waits for it.
func (m *Manager) Close() error { return nil }

// Info is what CouchDB's _design/x/_info tells about an index.
type Info struct {
	Signature      string
	Language       string
	UpdateSeq      uint64
	PurgeSeq       uint64
	DiskSize       int64 // bytes of the index as stored
	ActiveSize     int64 // bytes of live nodes
	ExternalSize   int64 // bytes of keys and values before compression
	Updating       bool
	Compacting     bool
	WaitingClients int
	WaitingCommit  bool
	PendingUpdates uint64 // changes that the index has not seen yet
}

// Info tells the state of the index of d over db.
func (m *Manager) Info(db Database, d *Design) (Info, error) {
	return Info{Signature: d.Signature(), Language: "javascript"}, nil
}

// Forget stops the updates of a deleted database and drops what is in memory of its indexes.
func (m *Manager) Forget(db Database) {}

// Cleanup drops the indexes of db whose signatures are not in keep.
func (m *Manager) Cleanup(db Database, keep []string) error { return nil }

// Notify tells that db was written to.
func (m *Manager) Notify(db Database) {}

// Meta is what an answer tells beside its rows.
type Meta struct {
	TotalRows int
	Offset    int
	HasOffset bool
	Reduced   bool
	UpdateSeq uint64
}

// Query brings the index of d up to date as q.Update says and calls head once and then fn for each row.
//
// A row whose reduction failed has Err set to CouchDB's "error" word and Value to its reason, a JSON string.
// Errors: KindNotFound "missing_named_view"; KindQueryParse with CouchDB's reasons; KindOSProcess when a function does not
// end. IncludeDocs is the caller's work.
func (m *Manager) Query(ctx context.Context, db Database, d *Design, view string, q store.ViewQuery,
	head func(Meta) error, fn func(store.Row) error) error {
	if !d.Has(view) {
		return store.NewError(store.KindNotFound, "missing_named_view")
	}
	return head(Meta{})
}
