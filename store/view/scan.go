package view

import (
	"bytes"
	"context"
	"encoding/json"

	"logctl/store"
	"logctl/store/view/btree"
	"logctl/store/view/collate"
)

// KeyScan asks for the rows of a view whose keys, arrays, are in a range of beginnings: from the keys that begin like Low to
// those that begin like High.
type KeyScan struct {
	Low, High  json.RawMessage // arrays
	Descending bool
	After      *store.Row // go on behind this row, which need not be there any more
	Partition  string     // of which rows are asked for; "" for a view without
	Update     store.Stale
}

// Scan brings the index of d up to date as s.Update says and calls fn with the rows that s asks for, until fn returns an
// error, which is Scan's. A row's bytes hold only during the call.
func (m *Manager) Scan(ctx context.Context, db Database, d *Design, view string, s KeyScan, fn func(store.Row) error) error {
	at := d.find(view)
	if at < 0 {
		return store.NewError(store.KindNotFound, "missing_named_view")
	}
	r, err := s.keyRange(d.views[at].order)
	if err == nil {
		err = d.checkPartition(s.Partition)
	}
	if err != nil {
		return err
	}
	return m.read(ctx, db, d, s.Update, func(x *index, snap store.KVReader) error {
		return x.scan(ctx, snap, at, r, s.Descending, fn)
	})
}

// keyRange is the part of the tree.
func (s *KeyScan) keyRange(order collate.Order) (keyRange, error) {
	scope := scopeOf(s.Partition)
	lo, err := beginning(order, scope, s.Low)
	if err != nil {
		return keyRange{}, err
	}
	hi, err := beginning(order, scope, s.High)
	if err != nil {
		return keyRange{}, err
	}
	r := keyRange{lo: lo, hi: append(hi, idEnd)}
	if s.After == nil {
		return r, nil
	}
	place, err := bound(order, scope, s.After.Key, s.After.ID, !s.Descending)
	switch {
	case err != nil:
	case s.Descending && bytes.Compare(place, r.hi) < 0:
		r.hi = place
	case !s.Descending && bytes.Compare(place, r.lo) > 0:
		r.lo = place
	}
	return r, err
}

// beginning is what the sort keys of all arrays that begin with the elements of another one begin with.
func beginning(order collate.Order, scope []byte, array json.RawMessage) ([]byte, error) {
	key, err := bound(order, scope, array, "", false)
	if err != nil {
		return nil, err
	}
	return key[:len(key)-1], nil // without the mark of the array's end
}

// scan reads the rows out of one snapshot.
func (x *index) scan(ctx context.Context, snap store.KVReader, view int, r keyRange, descending bool, fn func(store.Row) error) error {
	h, err := readHeader(snap, len(x.design.views))
	if err != nil {
		return err
	}
	t := x.tree(snap, h, view)
	s, err := r.find(t)
	if err != nil {
		return err
	}
	n := 0
	var key, value []byte
	return t.Scan(s.from, s.to, descending, func(e btree.Entry) error {
		if n++; n%ctxEvery == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		id, err := t.ID(e)
		if err != nil {
			return err
		}
		key, value = appendKey(key[:0], &e), e.AppendValue(value[:0])
		return fn(store.Row{ID: id, Key: key, Value: value})
	})
}
