package engine

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"logctl/store"
)

const (
	defaultRevsLimit = 1000

	settingUUID       = "uuid"
	settingNextNumber = "next_database"
	settingRevsLimit  = "revs_limit"
	settingNextIndex  = "next_index"

	settingPurgesLimit = "purged_infos_limit"
)

// DB is one database. Its methods may be called from many goroutines. After the database was dropped or the engine
// closed they return errors: KindNotFound "Database does not exist." and KindUnavailable.
type DB struct {
	e       *Engine
	name    store.DBName
	keys    keys
	number  uint32
	created time.Time
	split   bool   // partitioned
	id      string // Instance
	limit   atomic.Int64

	purgesLimit atomic.Int64
	dropped     atomic.Bool

	asked      atomic.Bool                // Compact was called and is not done
	compacting chan struct{}              // holds a token while a compaction is under way
	progress   atomic.Pointer[Compaction] // of that, nil: none is
	bundled    uint64                     // up to here docs were put together since the database was opened, 0: not yet; compacting
	loose      atomic.Int64               // docs that came one by one, or few at a time, since the last compaction
	replaced   atomic.Int64               // bytes of revisions that were replaced since then
	toCompact  []byte                     // what is on disk of the last two

	writing chan struct{} // the write lock: holds a token while somebody writes
	edits   editor        // scratch space of Write; writing
	highest highest       // ids known to be the highest; writing
	lanes   lanes

	countMu sync.RWMutex
	count   counters // written under writing and countMu, read under either

	metaMu sync.RWMutex
	metas  map[string][]byte // values that Meta has read, nil for none; metaMu

	rowsMu  sync.RWMutex // read-locked by writers of view indexes, locked by who makes one and by Drop
	indexMu sync.Mutex
	indexes map[string]*index // by signature; indexMu

	blobMu   sync.Mutex
	nextBlob uint64 // number of the next attachment's bytes, 0: not yet known; blobMu

	waitMu  sync.Mutex
	waiters int           // waitMu
	news    chan struct{} // closed when something happened and there are waiters; waitMu
}

func openDB(e *Engine, name store.DBName, rec dbRecord) (*DB, error) {
	d := &DB{
		e:          e,
		name:       name,
		keys:       newKeys(rec.number),
		number:     rec.number,
		created:    time.UnixMilli(rec.created),
		split:      rec.partitioned,
		id:         hex.EncodeToString(rec.instance[:]),
		writing:    make(chan struct{}, 1),
		compacting: make(chan struct{}, 1),
		indexes:    map[string]*index{},
		metas:      map[string][]byte{},
		news:       make(chan struct{}),
	}
	var err error
	if d.count, err = d.readCount(e.pdb); err != nil {
		return nil, err
	}
	if err := d.lanes.load(d); err != nil {
		return nil, err
	}
	v, err := e.get(d.keys.setting(ownSetting, settingRevsLimit))
	if err != nil {
		return nil, err
	}
	n, _ := binary.Uvarint(v)
	d.limit.Store(int64(n))
	if err := d.loadToCompact(); err != nil {
		return nil, err
	}
	return d, d.loadPurgesLimit()
}

// begin enters the engine's gate, unless the database was dropped. The caller ends it with end.
func (d *DB) begin() error {
	if err := d.e.begin(); err != nil {
		return err
	}
	if d.dropped.Load() {
		d.end()
		return errNoDB()
	}
	return nil
}

func (d *DB) end() { d.e.gate.Leave() }

// alive tells an iteration under way why it has to stop, if it has to.
func (d *DB) alive(ctx context.Context) error {
	switch {
	case d.dropped.Load():
		return errNoDB()
	case d.e.gate.IsShut():
		return errClosed()
	}
	return ctx.Err()
}

// lock gets the write lock. It gives up when ctx ends, the disk is in trouble or the database is gone.
func (d *DB) lock(ctx context.Context) error {
	if err := d.e.acquire(ctx, d.writing); err != nil {
		return err
	}
	if d.dropped.Load() {
		d.unlock()
		return errNoDB()
	}
	return nil
}

func (d *DB) unlock() { <-d.writing }

// Partitioned tells whether the database was made for docs that belong to partitions. It means nothing to the engine.
func (d *DB) Partitioned() bool { return d.split }

// Name is the database's name.
func (d *DB) Name() store.DBName { return d.name }

// Instance tells databases of one name apart: it changes when the database is deleted and made again.
func (d *DB) Instance() string { return d.id }

// Stats are a database's figures. Sizes are bytes.
type Stats struct {
	DocCount     uint64 // docs whose winner is live
	DelDocCount  uint64 // docs whose winner is a tombstone
	UpdateSeq    uint64
	PurgeSeq     uint64
	DiskSize     int64 // of its docs and attachments in Pebble's tables or, while all is in the log, uncompressed
	ActiveSize   int64 // of what the docs would take after a compaction, estimated
	ExternalSize int64 // of the winners' bodies and attachments, uncompressed
	Created      time.Time
}

// Stats are the database's figures now. They count writes that are not yet on disk.
func (d *DB) Stats() Stats {
	d.countMu.RLock()
	c := d.count
	d.countMu.RUnlock()
	s := Stats{
		DocCount:     c.docs,
		DelDocCount:  c.deleted,
		UpdateSeq:    c.seq,
		PurgeSeq:     c.purges,
		ExternalSize: int64(c.external),
		Created:      d.created,
	}
	if d.begin() != nil {
		return s
	}
	defer d.end()
	lo, _ := d.keys.all()
	_, hi := d.keys.space(subChunks)
	if n, err := d.e.pdb.EstimateDiskUsage(lo, hi); err == nil {
		s.DiskSize = int64(n)
	}
	if s.DiskSize == 0 {
		s.DiskSize = s.ExternalSize
	}
	s.ActiveSize = min(s.DiskSize, s.ExternalSize)
	return s
}

// UpdateSeq is the sequence of the latest edit.
func (d *DB) UpdateSeq() uint64 {
	d.countMu.RLock()
	defer d.countMu.RUnlock()
	return d.count.seq
}

// setCount puts new counters in force and tells those who wait for changes. The write lock is held.
func (d *DB) setCount(c counters) {
	d.countMu.Lock()
	news := c.seq > d.count.seq
	d.count = c
	d.countMu.Unlock()
	if news {
		d.announce()
	}
}

// announce wakes everybody in Wait.
func (d *DB) announce() {
	d.waitMu.Lock()
	defer d.waitMu.Unlock()
	if d.waiters > 0 {
		close(d.news)
		d.news = make(chan struct{})
		d.waiters = 0
	}
}

// Wait blocks until the database's UpdateSeq is greater than since, it is dropped (KindNotFound), the engine is closed or
// ctx ends. The change that ends it may not be on disk yet.
func (d *DB) Wait(ctx context.Context, since uint64) error {
	for {
		d.waitMu.Lock()
		d.waiters++
		news := d.news
		d.waitMu.Unlock()
		if err := d.alive(ctx); err != nil {
			return err
		}
		if d.UpdateSeq() > since {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
