package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"logctl/store"
)

// errStop ends a scan early; it never leaves the package.
var errStop = errors.New("stop")

func ignoreStop(err error) error {
	if err == errStop {
		return nil
	}
	return err
}

// Index is the keyspace of the view index with that signature, made if there is none. It goes with the database.
func (d *DB) Index(sig string) (store.KV, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	defer d.end()
	x, err := d.findIndex(sig)
	if err != nil {
		return nil, err
	}
	if x != nil && !x.gone.Load() {
		return x, nil
	}
	_, err = d.e.attempt(context.Background(), func() (pos uint64, err error) {
		d.rowsMu.Lock()
		defer d.rowsMu.Unlock()
		if d.dropped.Load() {
			return 0, errNoDB()
		}
		if x, err = d.findIndex(sig); err == nil && x == nil {
			if pos, err = d.makeIndex(sig); err == nil {
				x, err = d.findIndex(sig)
			}
		} else if err == nil {
			// Its number serves again, since nothing is left under it.
			pos, err = x.apply(context.Background(), d.e.pdb.NewBatch())
		}
		return pos, err
	})
	if err != nil {
		return nil, err
	}
	return x, nil
}

// findIndex is the index with that signature, nil if there is none.
func (d *DB) findIndex(sig string) (*index, error) {
	d.indexMu.Lock()
	defer d.indexMu.Unlock()
	if x := d.indexes[sig]; x != nil {
		return x, nil
	}
	v, err := d.e.get(d.keys.index(sig))
	if err != nil || v == nil {
		return nil, err
	}
	if len(v) != 4 {
		return nil, errCorrupt(errors.New("index record"))
	}
	lo := d.keys.rows(binary.BigEndian.Uint32(v))
	x := &index{db: d, sig: sig, lo: lo, hi: successor(lo)}
	d.indexes[sig] = x
	return x, nil
}

// makeIndex gives a signature a number that no index of the database had. rowsMu is locked.
func (d *DB) makeIndex(sig string) (uint64, error) {
	key := d.keys.setting(ownSetting, settingNextIndex)
	next, err := d.e.get(key)
	if err != nil {
		return 0, err
	}
	if next == nil {
		next = make([]byte, 4)
	}
	if len(next) != 4 {
		return 0, errCorrupt(errors.New("next index number"))
	}
	b := d.e.pdb.NewBatch()
	defer b.Close()
	b.Set(key, binary.BigEndian.AppendUint32(nil, binary.BigEndian.Uint32(next)+1), nil)
	b.Set(d.keys.index(sig), next, nil)
	return d.e.apply(b)
}

// Indexes are the signatures of the database's indexes, in bytewise order.
func (d *DB) Indexes() ([]string, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	defer d.end()
	var sigs []string
	lo, hi := d.keys.space(subIndexes)
	err := d.e.scan(lo, hi, func(k, v []byte) error {
		sigs = append(sigs, string(k[prefixLen:]))
		return nil
	})
	return sigs, err
}

// index is a store.KV. Its keys carry a prefix in Pebble. There is one for each signature that was asked for.
type index struct {
	db     *DB
	sig    string
	lo, hi []byte
	mu     sync.Mutex  // held by who writes it
	gone   atomic.Bool // dropped and not written since: its name is not on record; written under mu
}

func (x *index) key(k []byte) []byte {
	return append(x.lo[:len(x.lo):len(x.lo)], k...)
}

func (x *index) Get(key []byte) ([]byte, bool, error) {
	if err := x.db.begin(); err != nil {
		return nil, false, err
	}
	defer x.db.end()
	return x.get(x.db.e.pdb, key)
}

func (x *index) get(r pebble.Reader, key []byte) ([]byte, bool, error) {
	v, closer, err := r.Get(x.key(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, readError(err)
	}
	return append([]byte{}, v...), true, closer.Close()
}

func (x *index) Scan(lo, hi []byte, fn func(k, v []byte) error) error {
	if err := x.db.begin(); err != nil {
		return err
	}
	defer x.db.end()
	return x.scan(x.db.e.pdb, lo, hi, fn)
}

func (x *index) scan(r pebble.Reader, lo, hi []byte, fn func(k, v []byte) error) error {
	end := x.hi
	if hi != nil {
		end = x.key(hi)
	}
	return scan(r, x.key(lo), end, false, func(k, v []byte) error {
		if x.db.dropped.Load() {
			return errNoDB()
		}
		if x.db.e.gate.IsShut() {
			return errClosed()
		}
		return fn(k[len(x.lo):], v)
	})
}

// Apply writes without a sync: the index is on disk after the next synced write, or when Pebble flushes. It waits for room.
func (x *index) Apply(ctx context.Context, ops []store.KVOp) error {
	if err := x.db.begin(); err != nil {
		return err
	}
	defer x.db.end()
	b := x.db.e.pdb.NewBatch()
	for i := range ops {
		op := &ops[i]
		if op.Delete {
			w := b.DeleteDeferred(len(x.lo) + len(op.Key))
			copy(w.Key[copy(w.Key, x.lo):], op.Key)
			w.Finish()
			continue
		}
		w := b.SetDeferred(len(x.lo)+len(op.Key), len(op.Value))
		copy(w.Key[copy(w.Key, x.lo):], op.Key)
		copy(w.Value, op.Value)
		w.Finish()
	}
	_, err := x.db.e.attemptPatiently(ctx, func() (uint64, error) {
		x.db.rowsMu.RLock()
		defer x.db.rowsMu.RUnlock()
		return x.apply(ctx, b)
	})
	return err
}

// apply applies and closes a batch of rows; it puts an index that was dropped on record again. rowsMu is locked. Once ctx has ended it
// begins nothing: whoever gave up may have dropped the index by then.
func (x *index) apply(ctx context.Context, b *pebble.Batch) (uint64, error) {
	defer b.Close()
	if x.db.dropped.Load() {
		return 0, errNoDB()
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	gone := x.gone.Load()
	if gone {
		b.Set(x.db.keys.index(x.sig), x.lo[len(x.lo)-4:], nil)
	}
	if b.Empty() {
		return 0, nil
	}
	pos, err := x.db.e.apply(b)
	if err == nil && gone {
		x.gone.Store(false)
	}
	return pos, err
}

// Drop removes the rows and takes the index off the record until it is written or asked for again.
func (x *index) Drop() error {
	if err := x.db.begin(); err != nil {
		return err
	}
	defer x.db.end()
	_, err := x.db.e.attempt(context.Background(), func() (uint64, error) {
		x.db.rowsMu.RLock()
		defer x.db.rowsMu.RUnlock()
		if x.db.dropped.Load() {
			return 0, errNoDB()
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		b := x.db.e.pdb.NewBatch()
		defer b.Close()
		b.Delete(x.db.keys.index(x.sig), nil)
		b.DeleteRange(x.lo, x.hi, nil)
		pos, err := x.db.e.apply(b)
		if err == nil {
			x.gone.Store(true)
		}
		return pos, err
	})
	return err
}

// DiscardIndex drops the index with that signature as Drop does, and moves what stands beside it in the same files into other ones:
// so blocks of it that can't be read are gone with it.
func (d *DB) DiscardIndex(ctx context.Context, sig string) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.end()
	x, err := d.findIndex(sig)
	if err != nil || x == nil {
		return err
	}
	if err := x.Drop(); err != nil {
		return err
	}
	pdb := d.e.pdb
	if err := pdb.Excise(ctx, pebble.KeyRange{Start: x.lo, End: x.hi}); err != nil {
		return readError(err)
	}
	lo, hi := d.keys.all()
	return readError(pdb.Compact(ctx, lo, hi, false))
}

// Snapshot is of everything applied before. It must be closed before the engine can be.
func (x *index) Snapshot() store.KVSnapshot {
	if err := x.db.begin(); err != nil {
		return &snapshot{err: err}
	}
	return &snapshot{x: x, snap: x.db.e.pdb.NewSnapshot()}
}

// snapshot is inside the gate from its making to its Close.
type snapshot struct {
	x    *index
	snap *pebble.Snapshot
	err  error
}

func (s *snapshot) Get(key []byte) ([]byte, bool, error) {
	if s.err != nil {
		return nil, false, s.err
	}
	return s.x.get(s.snap, key)
}

func (s *snapshot) Scan(lo, hi []byte, fn func(k, v []byte) error) error {
	if s.err != nil {
		return s.err
	}
	return s.x.scan(s.snap, lo, hi, fn)
}

func (s *snapshot) Close() error {
	if s.err != nil {
		return nil
	}
	s.err = errClosed()
	err := s.snap.Close()
	s.x.db.end()
	return err
}
