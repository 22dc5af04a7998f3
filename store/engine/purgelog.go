package engine

import (
	"context"
	"encoding/binary"

	"logctl/store"
)

// defaultPurgesLimit is how many purges the log of a new database keeps.
const defaultPurgesLimit = 1000

// Purged is an entry of a database's log of purges: revisions of a doc that are gone.
type Purged struct {
	Seq  uint64 // counts the purges of the database from 1
	ID   string
	Revs []store.Rev
}

// PurgeSeq is the Seq of the latest purge. A purge raises UpdateSeq as well.
func (d *DB) PurgeSeq() uint64 {
	d.countMu.RLock()
	defer d.countMu.RUnlock()
	return d.count.purges
}

// PurgesLimit is how many purges the log keeps.
func (d *DB) PurgesLimit() int { return int(d.purgesLimit.Load()) }

// SetPurgesLimit sets it, from the next purge on. It is on disk when SetPurgesLimit returns.
func (d *DB) SetPurgesLimit(ctx context.Context, n int) error {
	if n < 1 {
		return store.NewError(store.KindBadRequest, "`purged_infos_limit` must be positive integer")
	}
	value := binary.AppendUvarint(nil, uint64(n))
	return d.set(ctx, d.keys.setting(ownSetting, settingPurgesLimit), value, func() { d.purgesLimit.Store(int64(n)) })
}

// loadPurgesLimit reads what SetPurgesLimit set.
func (d *DB) loadPurgesLimit() error {
	v, err := d.e.get(d.keys.setting(ownSetting, settingPurgesLimit))
	n, _ := binary.Uvarint(v)
	if n == 0 {
		n = defaultPurgesLimit
	}
	d.purgesLimit.Store(int64(n))
	return err
}

// Purges calls fn for the purges after since, the oldest first, until it returns false. complete is false where some of them
// have left the log: then who follows it has to begin anew.
func (d *DB) Purges(ctx context.Context, since uint64, fn func(Purged) bool) (complete bool, err error) {
	if err := d.begin(); err != nil {
		return false, err
	}
	defer d.end()
	complete = d.PurgeSeq() <= since
	first := true
	_, hi := d.keys.space(subPurges)
	err = d.e.scan(d.keys.purge(since+1), hi, func(k, v []byte) error {
		if err := d.alive(ctx); err != nil {
			return err
		}
		p, err := parsePurged(binary.BigEndian.Uint64(k[prefixLen:]), v)
		if err != nil {
			return err
		}
		if first {
			first, complete = false, p.Seq == since+1
		}
		if !fn(p) {
			return errStop
		}
		return nil
	})
	return complete, ignoreStop(err)
}

// log writes an entry of the log within the batch, and takes out those that are too many.
func (ed *editor) log(id string, revs []store.Rev) {
	p := Purged{Seq: ed.count.purges, ID: id, Revs: revs}
	ed.batch.Set(ed.db.keys.purge(p.Seq), p.append(nil), nil)
	if limit := uint64(ed.db.PurgesLimit()); p.Seq > limit {
		ed.batch.DeleteRange(ed.db.keys.purge(0), ed.db.keys.purge(p.Seq-limit+1), nil)
	}
}

// append appends the value of an entry: version byte, id, revisions.
func (p *Purged) append(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, recordV1), uint64(len(p.ID)))
	dst = append(dst, p.ID...)
	dst = binary.AppendUvarint(dst, uint64(len(p.Revs)))
	for _, r := range p.Revs {
		raw := makeRawRev(r)
		dst = raw.append(append(dst, raw.flag()))
	}
	return dst
}

func parsePurged(seq uint64, v []byte) (Purged, error) {
	d := decoder{src: v}
	d.version()
	p := Purged{Seq: seq, ID: string(d.bytes(d.uvarint()))}
	for n := d.uvarint(); n > 0 && d.wrong == ""; n-- {
		raw := d.rev(d.byte())
		p.Revs = append(p.Revs, raw.rev())
	}
	return p, d.err("purge")
}
