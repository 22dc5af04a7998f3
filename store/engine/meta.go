package engine

import (
	"context"
	"encoding/binary"
	"slices"

	"logctl/store"
)

// Meta is a small named value of the database that SetMeta stored, e.g. "security", nil if there is none. Many may have it: it must
// not be changed.
func (d *DB) Meta(name string) ([]byte, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	defer d.end()
	d.metaMu.RLock()
	value, known := d.metas[name]
	d.metaMu.RUnlock()
	if known {
		return value, nil
	}
	// Who reads a value keeps others from noting a newer one meanwhile.
	d.metaMu.Lock()
	defer d.metaMu.Unlock()
	value, err := d.e.get(d.keys.setting(userSetting, name))
	if err == nil && len(d.metas) < maxMetas {
		d.metas[name] = value
	}
	return value, err
}

// maxMetas is how many named values are kept in memory.
const maxMetas = 16

// SetMeta stores a small value under a name, or removes it if value is nil. It is on disk when SetMeta returns.
func (d *DB) SetMeta(ctx context.Context, name string, value []byte) error {
	value = slices.Clone(value)
	return d.set(ctx, d.keys.setting(userSetting, name), value, func() {
		d.metaMu.Lock()
		defer d.metaMu.Unlock()
		if _, known := d.metas[name]; known {
			d.metas[name] = value
		}
	})
}

// RevsLimit is how many generations of a branch a doc's revision tree keeps.
func (d *DB) RevsLimit() int { return int(d.limit.Load()) }

// SetRevsLimit sets it, from the next edit of each doc on. It is on disk when SetRevsLimit returns.
func (d *DB) SetRevsLimit(ctx context.Context, n int) error {
	if n < 1 {
		return store.NewError(store.KindBadRequest, "Invalid revs limit")
	}
	value := binary.AppendUvarint(nil, uint64(n))
	return d.set(ctx, d.keys.setting(ownSetting, settingRevsLimit), value, func() { d.limit.Store(int64(n)) })
}

// set writes one key of the database under its write lock, calls done when it is in force, and waits for the disk.
func (d *DB) set(ctx context.Context, key, value []byte, done func()) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.end()
	if err := d.lock(ctx); err != nil {
		return err
	}
	b := d.e.batchOf(key, value)
	pos, err := d.e.attempt(ctx, func() (uint64, error) {
		defer d.unlock()
		defer b.Close()
		pos, err := d.e.apply(b)
		if err == nil && done != nil {
			done()
		}
		return pos, err
	})
	if err != nil {
		return err
	}
	return d.e.group.wait(ctx, pos, d.e.disk)
}
