package view

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"

	"logctl/store"
	"logctl/store/view/btree"
)

// Check compares the index of d over db with the docs: its trees are whole, their reductions are those of their rows, and their rows,
// and what is kept of each doc, are what mapping all docs anew gives. It brings the index up to date first. Nothing may be written
// meanwhile. It tells what is wrong with the index, "" for nothing; the error is of what kept it from being checked.
func (m *Manager) Check(ctx context.Context, db Database, d *Design) (problem string, err error) {
	x, err := m.index(db, d)
	if err == nil {
		err = x.ensure(ctx, db, db.UpdateSeq())
	}
	if err == nil {
		err = x.check(ctx, db)
	}
	if store.IsKind(err, store.KindCorrupt) || errors.Is(err, errUnequal) {
		return err.Error(), nil
	}
	return "", err
}

// Rebuild drops the index of d over db and builds it anew.
func (m *Manager) Rebuild(ctx context.Context, db Database, d *Design) error {
	for _, x := range m.take(func(k indexKey) bool { return k.db == db.Name() && k.instance == db.Instance() && k.sig == d.sig }) {
		x.stop()
	}
	kv, err := db.Index(d.sig)
	if err == nil {
		err = kv.Drop()
	}
	if err != nil {
		return err
	}
	x, err := m.index(db, d)
	if err != nil {
		return err
	}
	return x.ensure(ctx, db, db.UpdateSeq())
}

var errUnequal = errors.New("view index")

// tally is a set of rows, or of entries of docs: how many they are and the sum of their hashes, which does not depend on the order.
type tally struct {
	n   int
	sum uint64
}

// tallies are of the views' rows, and of what docs have.
type tallies struct {
	seed maphash.Seed
	rows []tally
	docs tally
}

func (t *tallies) add(to *tally, key, value []byte) {
	var h maphash.Hash
	h.SetSeed(t.seed)
	var size [4]byte
	for i := range size {
		size[i] = byte(len(key) >> (8 * i))
	}
	_, _ = h.Write(size[:]) // it never fails
	_, _ = h.Write(key)
	_, _ = h.Write(value)
	to.n++
	to.sum += h.Sum64()
}

// check compares what is there with what should be.
func (x *index) check(ctx context.Context, db Database) error {
	snap := x.kv.Snapshot()
	defer snap.Close()
	seed := maphash.MakeSeed()
	there, err := x.tallyIndex(snap, seed)
	if err != nil {
		return err
	}
	should, err := x.tallyDocs(ctx, db, seed)
	if err != nil {
		return err
	}
	for i := range there.rows {
		if there.rows[i] != should.rows[i] {
			return fmt.Errorf("%w: view %s has %d rows, mapping all docs anew gives %d, or others", errUnequal, x.design.views[i].name,
				there.rows[i].n, should.rows[i].n)
		}
	}
	if there.docs != should.docs {
		return fmt.Errorf("%w: it has rows of %d docs, mapping all docs anew gives rows of %d, or others", errUnequal, there.docs.n, should.docs.n)
	}
	return nil
}

// tallyIndex reads all that is in the index.
func (x *index) tallyIndex(snap store.KVReader, seed maphash.Seed) (*tallies, error) {
	h, err := readHeader(snap, len(x.design.views))
	if err != nil {
		return nil, err
	}
	t := &tallies{seed: seed, rows: make([]tally, len(x.design.views))}
	nodes, bytes := 0, uint64(0)
	for i := range x.design.views {
		n, err := x.tree(snap, h, i).Check(func(e btree.Entry) error {
			t.add(&t.rows[i], e.Key, e.Value)
			_, err := parseRow(e)
			return err
		})
		if err != nil {
			return nil, err
		}
		nodes += n
	}
	keys := 0
	err = snap.Scan([]byte{}, nil, func(k, v []byte) error {
		if keys++; len(k) > 0 && k[0] == keyDoc {
			t.add(&t.docs, k, v)
			bytes += uint64(len(k) - 1 + len(v))
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case keys != 0 && keys != nodes+t.docs.n+1:
		return nil, fmt.Errorf("%w: it holds %d things that belong to nothing", errUnequal, keys-nodes-t.docs.n-1)
	case bytes != h.docBytes:
		return nil, fmt.Errorf("%w: it says %d bytes of docs and has %d", errUnequal, h.docBytes, bytes)
	}
	return t, nil
}

// tallyDocs maps all docs.
func (x *index) tallyDocs(ctx context.Context, db Database, seed maphash.Seed) (*tallies, error) {
	t := &tallies{seed: seed, rows: make([]tally, len(x.design.views))}
	u := &update{wanted: make(chan struct{})}
	close(u.wanted)
	err := x.pipeline(ctx, db, u, header{}, func(_ context.Context, b *batch) error {
		for i := range b.docs {
			d := &b.docs[i]
			for _, r := range d.rows {
				t.add(&t.rows[r.view], r.key, r.value)
			}
			if len(d.rows) > 0 {
				t.add(&t.docs, docKey(d.id), docEntry(d.rows))
			}
		}
		return nil
	})
	return t, err
}
