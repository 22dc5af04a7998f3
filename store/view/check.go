package view

import (
	"context"
	"encoding/binary"
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
	if err := m.drop(db, d.sig); err != nil {
		return err
	}
	x, err := m.index(db, d)
	if err != nil {
		return err
	}
	return x.ensure(ctx, db, db.UpdateSeq())
}

var errUnequal = errors.New("view index")

// tally is a set of rows of a tree: how many they are and the sum of their hashes, which does not depend on the order.
type tally struct {
	n   int
	sum uint64
}

// tallies are of the trees, that of docs last.
type tallies struct {
	seed maphash.Seed
	rows []tally
}

// add counts a row that has its doc's id.
func (t *tallies) add(tree int, e *btree.Entry) {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, part := range [...][]byte{e.Sort, []byte(e.Doc.ID), binary.BigEndian.AppendUint32(nil, e.Repeat), e.JSON, e.AppendValue(nil)} {
		_, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) // it never fails
		_, _ = h.Write(part)
	}
	t.rows[tree].n++
	t.rows[tree].sum += h.Sum64()
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
	for i, v := range x.design.views {
		if there.rows[i] != should.rows[i] {
			return fmt.Errorf("%w: view %s has %d rows, mapping all docs anew gives %d, or others", errUnequal, v.name,
				there.rows[i].n, should.rows[i].n)
		}
	}
	if has, docs := there.rows[x.docs()], should.rows[x.docs()]; has != docs {
		return fmt.Errorf("%w: it has rows of %d docs, mapping all docs anew gives rows of %d, or others", errUnequal, has.n, docs.n)
	}
	return nil
}

// tallyIndex reads all that is in the index.
func (x *index) tallyIndex(snap store.KVReader, seed maphash.Seed) (*tallies, error) {
	h, err := readHeader(snap, len(x.design.views))
	if err != nil {
		return nil, err
	}
	t := &tallies{seed: seed, rows: make([]tally, len(h.roots))}
	known := 1 // the header
	for i := range h.roots {
		n, err := x.tree(snap, h, i).Check(func(e btree.Entry) error {
			t.add(i, &e)
			return nil
		})
		if err != nil {
			return nil, err
		}
		known += n
	}
	keys := 0
	err = snap.Scan([]byte{}, nil, func(k, v []byte) error {
		keys++
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case keys != 0 && keys != known:
		return nil, fmt.Errorf("%w: it holds %d things that belong to nothing", errUnequal, keys-known)
	}
	return t, nil
}

// tallyDocs maps all docs.
func (x *index) tallyDocs(ctx context.Context, db Database, seed maphash.Seed) (*tallies, error) {
	t := &tallies{seed: seed, rows: make([]tally, x.docs()+1)}
	u := &update{wanted: make(chan struct{})}
	close(u.wanted)
	err := x.pipeline(ctx, db, u, header{}, func(_ context.Context, b *batch) error {
		for i := range b.docs {
			d := &b.docs[i]
			name := btree.Doc{ID: d.id}
			for _, r := range d.rows {
				r.Doc = name
				t.add(r.view, &r.Entry)
			}
			if len(d.rows) > 0 {
				t.add(x.docs(), &btree.Entry{Doc: name, Value: docEntry(d.rows)})
			}
		}
		return nil
	})
	return t, err
}
