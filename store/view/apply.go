package view

import (
	"context"
	"slices"
	"strings"
	"sync"

	"logctl/store"
	"logctl/store/view/btree"
)

// apply replaces the rows of a batch's docs: all trees and the header, in one piece.
func (x *index) apply(ctx context.Context, b *batch) error {
	docs := latest(b.docs)
	head := x.state()
	before := head
	head.roots = slices.Clone(head.roots)
	changes, err := x.changes(docs, before)
	if err != nil {
		return err
	}
	kvs := make([][]store.KVOp, len(changes))
	errs := make([]error, len(changes))
	var all sync.WaitGroup
	for i := range changes {
		all.Go(func() {
			head.roots[i], kvs[i], errs[i] = x.tree(x.kv, before, i).Apply(ctx, sortOps(changes[i]), nil)
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	head.seq, head.purge = b.seq, max(head.purge, b.purge)
	kv := append(slices.Concat(kvs...), store.KVOp{Key: []byte{keyHeader}, Value: head.append(nil)})
	if err := x.kv.Apply(ctx, kv); err != nil {
		return err
	}
	x.mu.Lock()
	x.head = head
	x.mu.Unlock()
	return nil
}

// latest sorts docs by id and keeps the last of each: a doc that changes while it is read comes twice.
func latest(docs []mapped) []mapped {
	slices.SortStableFunc(docs, func(a, b mapped) int { return strings.Compare(a.id, b.id) })
	kept := docs[:0]
	for i := range docs {
		if i+1 < len(docs) && docs[i+1].id == docs[i].id {
			continue
		}
		kept = append(kept, docs[i])
	}
	return kept
}

// changes are what the docs' new rows do to each tree, in the order of the docs' ids.
func (x *index) changes(docs []mapped, head header) ([][]btree.Op, error) {
	found, err := find(docs, x.tree(x.kv, head, x.docs()))
	if err != nil {
		return nil, err
	}
	ops := make([][]btree.Op, len(head.roots))
	for i := range ops {
		ops[i] = make([]btree.Op, 0, len(docs))
	}
	for i := range docs {
		d, was := &docs[i], found[i]
		if was.entry != nil {
			err := docRows(was.entry, func(view int, sortKey []byte, repeat uint32) {
				if view < x.docs() {
					ops[view] = append(ops[view], btree.Op{Entry: &btree.Entry{Sort: sortKey, Doc: was.name, Repeat: repeat}, Delete: true})
				}
			})
			if err != nil {
				return nil, err
			}
		}
		for k := range d.rows {
			r := &d.rows[k]
			r.Doc = was.name
			ops[r.view] = append(ops[r.view], btree.Op{Entry: &r.Entry})
		}
		own := btree.Op{Entry: &btree.Entry{Doc: was.name}}
		switch {
		case len(d.rows) > 0:
			own.Value = docEntry(d.rows)
		case was.entry != nil:
			own.Delete = true
		default:
			continue
		}
		ops[x.docs()] = append(ops[x.docs()], own)
	}
	return ops, nil
}
