package view

import (
	"context"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"logctl/store"
	"logctl/store/view/btree"
)

// Database is what an index reads.
type Database interface {
	Name() store.DBName
	// Instance changes when a database is deleted and made again.
	Instance() string
	UpdateSeq() uint64
	// Changes calls fn for each doc's latest change after since, ascending, with bodies, deleted docs and design documents
	// included, until fn returns false. Map functions see a Change's Conflicts.
	Changes(ctx context.Context, since uint64, fn func(c store.Change) bool) error
	// Index is the keyspace of the index with that signature, made when missing.
	Index(sig string) (store.KV, error)
	// Indexes are the signatures of the indexes that there are.
	Indexes() ([]string, error)
}

// purger is a Database that forgets docs without a change of theirs.
type purger interface {
	// PurgeSeq is the number of the latest purge; a purge raises UpdateSeq, too.
	PurgeSeq() uint64
	// Purges calls fn for the purges after since, the oldest first, until it returns false. complete is false where some of
	// them are no longer known.
	Purges(ctx context.Context, since uint64, fn func(seq uint64, id string) bool) (complete bool, err error)
}

// Options: the zero value works.
type Options struct {
	Workers     int           // map runtimes of one update; 0: GOMAXPROCS
	MapTimeout  time.Duration // of one call of a map or reduce function; 0: 5 s
	CacheSize   int           // bytes of index nodes kept in memory while there are queries; 0: 64 MiB
	Delay       time.Duration // after a write until indexes are updated in the background; 0: 5 s, negative: never
	ReduceLimit bool          // CouchDB's reduce_limit: answers of JavaScript reducers that do not shrink are errors
	Log         *slog.Logger  // nil: discard
}

// Manager keeps the indexes of all databases of a store. It is safe for concurrent use.
type Manager struct {
	o           Options
	cache       *btree.Cache
	idle        *time.Timer // empties cache
	reduceLimit atomic.Bool
	ctx         context.Context // of all updates; ends with Close
	cancel      context.CancelFunc
	updates     sync.WaitGroup
	background  background
	batchDocs   int // see the constants of these names
	gatherBytes int

	mu      sync.Mutex
	closed  bool                // guarded by mu, as is indexes
	indexes map[indexKey]*index // open ones
}

// idleTime is how long after the last query the cache gives its memory back.
const idleTime = time.Minute

// New makes a Manager. Close ends it.
func New(o Options) *Manager {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Delay == 0 {
		o.Delay = defaultDelay
	}
	m := &Manager{o: o, cache: btree.NewCache(o.CacheSize), indexes: map[indexKey]*index{}, batchDocs: batchDocs, gatherBytes: gatherBytes}
	m.background.written, m.background.failed = map[indexKey]Database{}, map[indexKey]*failure{}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.reduceLimit.Store(o.ReduceLimit)
	m.idle = time.AfterFunc(idleTime, m.cache.Clear)
	return m
}

// SetReduceLimit changes Options.ReduceLimit for queries to come.
func (m *Manager) SetReduceLimit(on bool) { m.reduceLimit.Store(on) }

// Release gives up the memory of what was read and may be read again.
func (m *Manager) Release() { m.cache.Clear() }

// Close stops every update and waits for it. What was indexed stays.
func (m *Manager) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	m.updates.Wait()
	m.idle.Stop()
	m.cache.Clear()
	return nil
}

// enter counts a new update; leave ends it.
func (m *Manager) enter() (context.Context, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	m.updates.Add(1)
	return m.ctx, nil
}

func (m *Manager) leave() { m.updates.Done() }

// Forget stops the updates of a deleted database and drops what is in memory of its indexes.
func (m *Manager) Forget(db Database) {
	for k, x := range m.open(db) {
		x.retire()
		m.mu.Lock()
		m.remove(k, x)
		m.mu.Unlock()
	}
}

// open are the open indexes of db.
func (m *Manager) open(db Database) map[indexKey]*index {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := maps.Clone(m.indexes)
	maps.DeleteFunc(list, func(k indexKey, _ *index) bool { return k.db != db.Name() || k.instance != db.Instance() })
	return list
}

// remove takes a retired index from the manager, if it is there; m.mu is held.
func (m *Manager) remove(k indexKey, x *index) {
	if m.indexes[k] == x {
		delete(m.indexes, k)
		close(x.gone)
	}
}

// drop drops the index of db with that signature, which nobody opens anew meanwhile.
func (m *Manager) drop(db Database, sig string) error {
	key := indexKey{db.Name(), db.Instance(), sig}
	var retired *index
	m.mu.Lock()
	defer m.mu.Unlock()
	for x := m.indexes[key]; x != retired; x = m.indexes[key] {
		m.mu.Unlock()
		if x != nil {
			x.retire()
		}
		retired = x
		m.mu.Lock()
	}
	kv, err := db.Index(sig)
	if err == nil {
		err = kv.Drop()
	}
	if retired != nil {
		m.remove(key, retired)
	}
	return err
}

// Cleanup drops the indexes of db whose signatures are not in keep.
func (m *Manager) Cleanup(db Database, keep []string) error {
	there, err := db.Indexes()
	if err != nil {
		return err
	}
	for _, sig := range there {
		if slices.Contains(keep, sig) {
			continue
		}
		if err := m.drop(db, sig); err != nil {
			return err
		}
	}
	return nil
}

// Info is what CouchDB's _design/x/_info tells about an index.
type Info struct {
	Signature      string
	Language       string
	UpdateSeq      uint64
	PurgeSeq       uint64
	DiskSize       int64 // bytes of the index, before the keyspace compresses it
	ActiveSize     int64 // bytes of it that are not garbage: the same
	ExternalSize   int64 // bytes of the rows' trees alone
	Updating       bool
	Compacting     bool
	WaitingClients int
	WaitingCommit  bool
	PendingUpdates uint64 // sequence numbers that the index has not seen yet
}

// Info tells the state of the index of d over db.
func (m *Manager) Info(db Database, d *Design) (Info, error) {
	info := Info{Signature: d.sig, Language: d.language}
	if !d.isJavaScript() && !d.isQuery() {
		return info, nil
	}
	x, err := m.index(db, d)
	if err != nil {
		return info, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	info.UpdateSeq, info.Updating, info.WaitingClients = x.head.seq, x.update != nil, x.waiting
	info.PurgeSeq = x.head.purge
	for i, r := range x.head.roots {
		if info.ActiveSize += int64(r.Bytes); i < x.docs() {
			info.ExternalSize += int64(r.Bytes)
		}
	}
	info.DiskSize = info.ActiveSize
	if seq := db.UpdateSeq(); seq > x.head.seq {
		info.PendingUpdates = seq - x.head.seq
	}
	return info, nil
}
