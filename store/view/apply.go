package view

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"logctl/store"
	"logctl/store/view/btree"
)

// apply replaces the rows of a batch's docs: all trees, what each doc has, and the header, in one piece.
func (x *index) apply(ctx context.Context, b *batch) error {
	docs := latest(b.docs)
	head := x.state()
	head.roots = slices.Clone(head.roots)
	changes, kv, err := x.changes(docs, &head)
	if err != nil {
		return err
	}
	for view := range x.design.views {
		if head.roots[view], kv, err = x.tree(x.kv, head, view).Apply(ctx, changes[view], kv); err != nil {
			return err
		}
	}
	head.seq, head.purge = b.seq, max(head.purge, b.purge)
	kv = append(kv, store.KVOp{Key: []byte{keyHeader}, Value: head.append(nil)})
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

// changes are what the docs' new rows do to each tree, sorted by key, and to the entries of the docs.
func (x *index) changes(docs []mapped, head *header) ([][]btree.Op, []store.KVOp, error) {
	old, err := x.oldRows(docs)
	if err != nil {
		return nil, nil, err
	}
	kv := make([]store.KVOp, 0, len(docs))
	ops := make([][]btree.Op, len(x.design.views))
	for view := range ops {
		ops[view] = make([]btree.Op, 0, len(docs))
	}
	for i := range docs {
		d, was := &docs[i], old[docs[i].id]
		if was != nil {
			head.docBytes -= uint64(len(d.id) + len(was))
			err := docRows(was, d.id, func(view int, key []byte) {
				if view < len(ops) {
					ops[view] = append(ops[view], btree.Op{Key: key, Delete: true})
				}
			})
			if err != nil {
				return nil, nil, err
			}
		}
		for _, r := range d.rows {
			ops[r.view] = append(ops[r.view], btree.Op{Key: r.key, Value: r.value})
		}
		switch {
		case len(d.rows) > 0:
			entry := docEntry(d.rows)
			head.docBytes += uint64(len(d.id) + len(entry))
			kv = append(kv, store.KVOp{Key: docKey(d.id), Value: entry})
		case was != nil:
			kv = append(kv, store.KVOp{Key: docKey(d.id), Delete: true})
		}
	}
	for view := range ops {
		ops[view] = sortOps(ops[view])
	}
	return ops, kv, nil
}

// sortOps sorts by key; of a removal and a new row with the same key the row remains. No two rows have the same key.
func sortOps(ops []btree.Op) []btree.Op {
	slices.SortFunc(ops, func(a, b btree.Op) int {
		c := bytes.Compare(a.Key, b.Key)
		if c == 0 && a.Delete != b.Delete {
			if c = 1; a.Delete {
				c = -1
			}
		}
		return c
	})
	kept := ops[:0]
	for _, op := range ops {
		if n := len(kept); n > 0 && bytes.Equal(kept[n-1].Key, op.Key) {
			kept[n-1] = op
			continue
		}
		kept = append(kept, op)
	}
	return kept
}

// docEntry is what is kept of a doc's rows: see docRows. Rows come view by view.
func docEntry(rows []emittedRow) []byte {
	size := 0
	for i := range rows {
		size += rows[i].sortLen + 4
	}
	dst := make([]byte, 0, size)
	for i := 0; i < len(rows); {
		n := i
		for n < len(rows) && rows[n].view == rows[i].view {
			n++
		}
		dst = binary.AppendUvarint(dst, uint64(rows[i].view))
		dst = binary.AppendUvarint(dst, uint64(n-i))
		for ; i < n; i++ {
			dst = binary.AppendUvarint(dst, uint64(rows[i].sortLen))
			dst = append(dst, rows[i].key[:rows[i].sortLen]...)
		}
	}
	return dst
}

// scanFactor is how many entries oldRows looks at for each doc before it asks for the docs one by one.
const scanFactor = 2

// oldRows finds the entries of docs (sorted by id) that the index has. New docs of a log mostly sort behind all others, so
// that a look at the entries between the first and the last tells that there are none.
func (x *index) oldRows(docs []mapped) (map[string][]byte, error) {
	old := map[string][]byte{}
	if len(docs) == 0 {
		return old, nil
	}
	left := scanFactor*len(docs) + 1
	at := 0
	hi := append(docKey(docs[len(docs)-1].id), 0)
	err := x.kv.Scan(docKey(docs[0].id), hi, func(k, v []byte) error {
		if left--; left == 0 {
			return errTooMany
		}
		id := k[1:]
		for at < len(docs) && docs[at].id < string(id) {
			at++
		}
		if at < len(docs) && docs[at].id == string(id) {
			old[docs[at].id] = bytes.Clone(v)
		}
		return nil
	})
	if !errors.Is(err, errTooMany) {
		return old, err
	}
	for ; at < len(docs); at++ {
		v, ok, err := x.kv.Get(docKey(docs[at].id))
		if err != nil {
			return nil, err
		}
		if ok {
			old[docs[at].id] = v
		}
	}
	return old, nil
}

var errTooMany = store.NewError(store.KindInternal, "more entries than docs")
