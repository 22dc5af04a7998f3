package engine

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
	"logctl/store/engine/gate"
)

// Options: the zero value works.
type Options struct {
	FS        vfs.FS       // nil: the disk
	CacheSize int64        // bytes for blocks that were read; 0: 16 MiB
	Log       *slog.Logger // nil: discard
	RevsLimit int          // of new databases; 0: 1000
}

// Engine is an open store. Its methods may be called from many goroutines; after Close they return errors.
type Engine struct {
	dir        string
	log        *slog.Logger
	limit      int
	pdb        *pebble.DB
	cache      *pebble.Cache // pdb's
	lock       *pebble.Lock
	disk       *disk
	group      *group
	tidy       *tidy
	background *background
	gate       *gate.Gate
	quit       chan struct{} // closed when the engine begins to close
	uuid       string

	naming chan struct{} // held by who makes or drops a database

	mu   sync.RWMutex
	dbs  map[store.DBName]*DB // mu
	next uint32               // number of the next database; naming
}

// Open opens the store in dir, or makes one there (the directory gets mode 0700 if it is missing). KindLocked: another
// process has it. KindNewerFormat: a newer logctl wrote it; nothing is touched then. KindNoSpace, KindUnavailable: the
// disk is full or can't be written.
func Open(dir string, o Options) (*Engine, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.CacheSize <= 0 {
		o.CacheSize = defaultCache
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RevsLimit <= 0 {
		o.RevsLimit = defaultRevsLimit
	}
	version, err := readVersion(o.FS, dir)
	if err != nil {
		return nil, err
	}
	sub := o.FS.PathJoin(dir, pebbleDir)
	if err := makeDir(o.FS, sub); err != nil {
		return nil, unreadable(fmt.Errorf("make %s: %w", sub, err))
	}
	lock, err := pebble.LockDirectory(sub, o.FS)
	if err != nil {
		return nil, lockError(dir, sub, err)
	}
	e, err := open(dir, sub, version, o, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return e, nil
}

func open(dir, sub string, version int, o Options, lock *pebble.Lock) (*Engine, error) {
	if version < formatVersion {
		if err := writeVersion(o.FS, dir); err != nil {
			return nil, unreadable(fmt.Errorf("write %s: %w", versionFile, err))
		}
	}
	d := newDisk(o.FS, func(msg string, err error) {
		if err == nil {
			o.Log.Info(msg, "dir", dir)
			return
		}
		o.Log.Error(msg, "dir", dir, "error", err)
	})
	e := &Engine{dir: dir, log: o.Log, limit: o.RevsLimit, lock: lock, disk: d, gate: gate.New(), naming: make(chan struct{}, 1), quit: make(chan struct{}), dbs: map[store.DBName]*DB{}}
	if err := e.start(sub, o); err != nil {
		return nil, err
	}
	e.group = newGroup(e.syncLog)
	e.tidy = newTidy(e.flushTables, e.compactTop)
	e.background = newBackground(e.demand, e.Written, e.compactNeeded)
	e.tidy.note(int(e.pdb.Metrics().Levels[0].TablesSize)) // what the last run left
	e.background.note()
	return e, nil
}

// load reads the server's settings and databases.
func (e *Engine) load() error {
	uuid, err := e.get(serverKey(ownSetting, settingUUID))
	if err == nil && uuid == nil {
		var b [16]byte
		rand.Read(b[:])
		uuid = hex.AppendEncode(nil, b[:])
		err = e.pdb.Set(serverKey(ownSetting, settingUUID), uuid, pebble.Sync)
	}
	if err != nil {
		return unreadable(err)
	}
	e.uuid = string(uuid)
	next, err := e.get(serverKey(ownSetting, settingNextNumber))
	if err != nil {
		return unreadable(err)
	}
	if len(next) == 4 {
		e.next = binary.BigEndian.Uint32(next)
	}
	if err := e.dropUploads(); err != nil {
		return err
	}
	lo := nameKey("")
	return e.scan(lo, successor(lo), func(k, v []byte) error {
		name := store.DBName(k[len(lo):])
		rec, err := parseDBRecord(v)
		if err != nil {
			return err
		}
		e.dbs[name], err = openDB(e, name, rec)
		return err
	})
}

// Close waits for the calls under way, turns later ones away and closes the store. With a disk in trouble it abandons
// what is not on disk instead; nothing that was acknowledged is.
func (e *Engine) Close() error {
	if !e.gate.Shut() {
		return errClosed()
	}
	close(e.quit)
	e.background.cancel()
	for _, d := range e.all() {
		d.announce()
	}
	if !e.disk.pass() {
		return e.leave()
	}
	e.gate.Drain()
	_ = e.keepToCompact() // nothing depends on it
	e.group.close(true)
	e.tidy.close(e.disk)
	e.background.close(e.disk)
	if !e.disk.pass() {
		return e.leave()
	}
	if err := errors.Join(e.pdb.Close(), e.lock.Close()); err != nil {
		return fmt.Errorf("close store %s: %w", e.dir, err)
	}
	return nil
}

// leave gives up a store whose disk is in trouble. Pebble can't be closed: its goroutines hang in file operations.
func (e *Engine) leave() error {
	trouble := e.disk.trouble()
	e.disk.abandon()
	e.group.close(false)
	e.tidy.close(e.disk)
	e.background.close(e.disk)
	// The directory is locked once for us and once for Pebble.
	return errors.Join(trouble, e.lock.Close(), e.lock.Close())
}

// Release gives up the memory of what was read and may be read again, and of memtables. It is for a store that is at rest: what
// little is in memory alone gets a table of its own.
func (e *Engine) Release(ctx context.Context) {
	if e.begin() != nil {
		return
	}
	defer e.gate.Leave()
	for _, d := range e.all() {
		select {
		case d.writing <- struct{}{}:
			d.edits.kept = nil
			d.unlock()
		default: // it is busy
		}
	}
	if e.tidy.flushed.Swap(false) {
		// What does not succeed is done another time.
		_, _ = e.attempt(ctx, func() (uint64, error) { return 0, e.renewTables(ctx) })
	}
	e.cache.Reserve(int(e.cache.MaxSize()))() // to make room for nothing
}

// Written is how many batches were written since the engine was opened, those of indexes and of the background included.
func (e *Engine) Written() uint64 { return e.group.applied.Load() }

// UUID is the server's: 32 hex digits, made once.
func (e *Engine) UUID() string { return e.uuid }

// Create makes a database. KindFileExists if there is one of that name.
func (e *Engine) Create(ctx context.Context, name store.DBName) (*DB, error) {
	return e.createSynced(ctx, name, false)
}

// CreatePartitioned makes a database whose DB.Partitioned is true.
func (e *Engine) CreatePartitioned(ctx context.Context, name store.DBName) (*DB, error) {
	return e.createSynced(ctx, name, true)
}

func (e *Engine) createSynced(ctx context.Context, name store.DBName, partitioned bool) (*DB, error) {
	if err := e.begin(); err != nil {
		return nil, err
	}
	defer e.gate.Leave()
	d, pos, err := e.create(ctx, name, partitioned)
	if err != nil {
		return nil, err
	}
	return d, e.group.wait(ctx, pos, e.disk)
}

func (e *Engine) create(ctx context.Context, name store.DBName, partitioned bool) (*DB, uint64, error) {
	if err := e.acquire(ctx, e.naming); err != nil {
		return nil, 0, err
	}
	end := func() { <-e.naming }
	if e.lookup(name) != nil {
		end()
		return nil, 0, store.NewError(store.KindFileExists, reasonDBExists)
	}
	rec := dbRecord{number: e.next, created: time.Now().UnixMilli(), partitioned: partitioned}
	rand.Read(rec.instance[:])
	d, err := openDB(e, name, rec)
	if err != nil {
		end()
		return nil, 0, err
	}
	d.limit.Store(int64(e.limit))
	pos, err := e.attempt(ctx, func() (uint64, error) {
		defer end()
		b := e.pdb.NewBatch()
		defer b.Close()
		b.Set(serverKey(ownSetting, settingNextNumber), binary.BigEndian.AppendUint32(nil, e.next+1), nil)
		b.Set(nameKey(name), rec.append(nil), nil)
		b.Set(d.keys.setting(ownSetting, settingRevsLimit), binary.AppendUvarint(nil, uint64(e.limit)), nil)
		pos, err := e.apply(b)
		if err == nil {
			e.next++
			e.mu.Lock()
			e.dbs[name] = d
			e.mu.Unlock()
		}
		return pos, err
	})
	return d, pos, err
}

// lookup is the database of that name, nil if there is none.
func (e *Engine) lookup(name store.DBName) *DB {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.dbs[name]
}

// Drop deletes a database at a cost that does not depend on its size. KindNotFound if there is none of that name.
func (e *Engine) Drop(ctx context.Context, name store.DBName) error {
	if err := e.begin(); err != nil {
		return err
	}
	defer e.gate.Leave()
	pos, err := e.drop(ctx, name)
	if err != nil {
		return err
	}
	return e.group.wait(ctx, pos, e.disk)
}

func (e *Engine) drop(ctx context.Context, name store.DBName) (uint64, error) {
	if err := e.acquire(ctx, e.naming); err != nil {
		return 0, err
	}
	d := e.lookup(name)
	err := errNoDB()
	if d != nil {
		err = d.lock(ctx)
	}
	if err != nil {
		<-e.naming
		return 0, err
	}
	return e.attempt(ctx, func() (uint64, error) {
		defer func() { <-e.naming }()
		defer d.unlock()
		d.rowsMu.Lock()
		defer d.rowsMu.Unlock()
		b := e.pdb.NewBatch()
		defer b.Close()
		lo, hi := d.keys.all()
		b.Delete(nameKey(name), nil)
		b.DeleteRange(lo, hi, nil)
		lo, hi = d.keys.uploads()
		b.DeleteRange(lo, hi, nil)
		pos, err := e.apply(b)
		if err == nil {
			d.dropped.Store(true)
			e.mu.Lock()
			delete(e.dbs, name)
			e.mu.Unlock()
			d.announce()
		}
		return pos, err
	})
}

// DB is the database of that name. KindNotFound if there is none.
func (e *Engine) DB(name store.DBName) (*DB, error) {
	if e.gate.IsShut() {
		return nil, errClosed()
	}
	if d := e.lookup(name); d != nil {
		return d, nil
	}
	return nil, errNoDB()
}

// Names are the names of all databases, sorted.
func (e *Engine) Names() []store.DBName {
	e.mu.RLock()
	defer e.mu.RUnlock()
	names := make([]store.DBName, 0, len(e.dbs))
	for n := range e.dbs {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (e *Engine) all() []*DB {
	e.mu.RLock()
	defer e.mu.RUnlock()
	all := make([]*DB, 0, len(e.dbs))
	for _, d := range e.dbs {
		all = append(all, d)
	}
	return all
}

// Meta is a setting of the server that SetMeta stored, nil if there is none.
func (e *Engine) Meta(name string) ([]byte, error) {
	if err := e.begin(); err != nil {
		return nil, err
	}
	defer e.gate.Leave()
	return e.get(serverKey(userSetting, name))
}

// SetMeta stores a small setting of the server, or removes it if value is nil. It is on disk when SetMeta returns.
func (e *Engine) SetMeta(ctx context.Context, name string, value []byte) error {
	if err := e.begin(); err != nil {
		return err
	}
	defer e.gate.Leave()
	return e.put(ctx, serverKey(userSetting, name), value)
}
