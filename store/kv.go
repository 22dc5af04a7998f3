package store

import "context"

// KVReader reads an ordered keyspace: that of one view index.
type KVReader interface {
	// Get gives the value of key and whether there is one. The bytes are the caller's.
	Get(key []byte) ([]byte, bool, error)
	// Scan calls fn for every key in [lo, hi), ascending. A nil hi means to the end. k and v hold only during the call.
	Scan(lo, hi []byte, fn func(k, v []byte) error) error
}

// KVSnapshot is a keyspace as it was at one moment. Close releases it.
type KVSnapshot interface {
	KVReader
	Close() error
}

// KV is the private keyspace of one view index. Writes are atomic and keep their order among themselves and after the doc
// writes that came before: after a crash an index may be older than the docs, never newer and never torn.
type KV interface {
	KVReader
	Snapshot() KVSnapshot
	// Apply gives up when ctx ends. Then nobody can tell whether the ops came through or still will.
	Apply(ctx context.Context, ops []KVOp) error
	// Drop removes all that is in it at a cost that does not depend on how much that is.
	Drop() error
}

// KVOp sets Key to Value, or deletes Key.
type KVOp struct {
	Key, Value []byte
	Delete     bool
}
