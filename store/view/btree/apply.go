package btree

import (
	"context"
	"sort"

	"logctl/store"
)

// Op sets a row, or removes it. The row has its doc's ID.
type Op struct {
	Entry
	Delete bool
}

// writer collects what one Apply does.
type writer struct {
	*Tree
	ctx  context.Context
	root Root
	ops  []store.KVOp
}

// Apply gives the tree that ops, in the order of their rows and each row once, make of t, and appends to kv what must be done to the
// keyspace for it. Names is the tree of docs as it was when t was made: a doc that is not in it has a number that none in it has.
func (t *Tree) Apply(ctx context.Context, ops []Op, kv []store.KVOp) (Root, []store.KVOp, error) {
	if len(ops) == 0 {
		return t.Root, kv, nil
	}
	w := &writer{Tree: t, ctx: ctx, root: t.Root, ops: kv}
	var kids []kid
	var err error
	level := max(t.Root.Height-1, 1)
	if t.Root.Height > 1 {
		kids, err = w.innerItems(t.Root.ID, t.Root.Height, ops)
	} else {
		b := w.leaves()
		var entries []Entry
		if entries, err = w.leafItems(t.Root.ID, ops); err == nil {
			b.add(entries)
			kids, err = b.finish()
		}
	}
	for err == nil && len(kids) > 1 {
		b := w.inners()
		b.add(kids)
		kids, err = b.finish()
		level++
	}
	if err != nil {
		return t.Root, kv, err
	}
	if len(kids) == 0 {
		w.root.ID, w.root.Height, w.root.Rows = 0, 0, 0
	} else {
		w.root.ID, w.root.Height, w.root.Rows = kids[0].id, level, kids[0].rows
	}
	return w.root, w.ops, nil
}

// take reads a node that is going to be replaced, and deletes it.
func (w *writer) take(id uint64) (*node, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	n, err := w.node(id)
	if err != nil {
		return nil, err
	}
	w.ops = append(w.ops, store.KVOp{Key: nodeKey(w.Prefix, id), Delete: true})
	w.root.Bytes -= uint64(n.size)
	return n, nil
}

// takeLeaf is take for the rows of a leaf.
func (w *writer) takeLeaf(id uint64) ([]Entry, error) {
	n, err := w.take(id)
	if err != nil {
		return nil, err
	}
	if n.leaf == nil {
		return nil, corrupt("an inner node in the place of a leaf")
	}
	rows := make([]Entry, 0, n.leaf.n)
	err = n.leaf.each(0, n.leaf.n, func(e Entry) error {
		rows = append(rows, e)
		return nil
	})
	return rows, err
}

// takeInner is take for the kids of an inner node.
func (w *writer) takeInner(id uint64) ([]kid, error) {
	n, err := w.take(id)
	if err == nil && n.kids == nil {
		err = corrupt("a leaf in the place of an inner node")
	}
	if err != nil {
		return nil, err
	}
	return n.kids, nil
}

// leafItems are the rows of a leaf (0: none) after ops.
func (w *writer) leafItems(id uint64, ops []Op) ([]Entry, error) {
	var old []Entry
	if id != 0 {
		var err error
		if old, err = w.takeLeaf(id); err != nil {
			return nil, err
		}
	}
	names := w.namer()
	merged := make([]Entry, 0, len(old)+len(ops))
	for i := range ops {
		op := &ops[i]
		at := sort.Search(len(old), func(k int) bool { return names.compare(&old[k], &op.Entry) >= 0 })
		merged = append(merged, old[:at]...)
		if old = old[at:]; len(old) > 0 && names.compare(&old[0], &op.Entry) == 0 {
			old = old[1:]
		}
		if !op.Delete {
			merged = append(merged, op.Entry)
		}
	}
	return append(merged, old...), names.err
}

// innerItems are the kids of an inner node after ops. Kids that ops do not touch stay as they are, unless a neighbour became
// too small.
func (w *writer) innerItems(id uint64, level int, ops []Op) ([]kid, error) {
	kids, err := w.takeInner(id)
	if err != nil {
		return nil, err
	}
	if level == 2 {
		return forKids(w.leaves(), kids, ops, w.leafItems)
	}
	return forKids(w.inners(), kids, ops, func(id uint64, ops []Op) ([]kid, error) {
		return w.innerItems(id, level-1, ops)
	})
}

// forKids gives each kid the ops that are its own and packs what comes out.
func forKids[T any](b *packer[T], kids []kid, ops []Op, items func(id uint64, ops []Op) ([]T, error)) ([]kid, error) {
	for i := range kids {
		n := len(ops)
		if i < len(kids)-1 {
			n = sort.Search(len(ops), func(j int) bool { return ops[j].comparePlace(kids[i].last) > 0 })
		}
		if n == 0 {
			if err := b.keep(kids[i]); err != nil {
				return nil, err
			}
			continue
		}
		list, err := items(kids[i].id, ops[:n])
		if err != nil {
			return nil, err
		}
		b.add(list)
		ops = ops[n:]
	}
	return b.finish()
}

// dearFactor is how many times fewer rows a leaf has where reducing them is dear.
const dearFactor = 4

func (w *writer) leaves() *packer[Entry] {
	return &packer[Entry]{
		least: 1,
		size: func(e Entry) int {
			if w.Remember {
				return dearFactor * e.size()
			}
			return e.size()
		},
		load: w.takeLeaf,
		write: func(rows []Entry) (kid, error) {
			last, names := &rows[len(rows)-1], w.namer()
			k := kid{last: appendPlace(nil, last.Sort, names.id(last.Doc), last.Repeat), rows: uint64(len(rows))}
			l := newLeaf(rows, w.Names == nil)
			err := names.err
			if err == nil && w.Reducer != nil {
				k.red, err = w.Reducer.Reduce(nil, w.rows(l, 0, l.n))
			}
			k.id = w.put(encodeLeaf(l, &w.texts))
			return k, err
		},
	}
}

func (w *writer) inners() *packer[kid] {
	return &packer[kid]{
		least: minFanout,
		size:  func(k kid) int { return len(k.last)/2 + len(k.red) + 12 },
		load:  w.takeInner,
		write: func(kids []kid) (kid, error) {
			k := kid{last: kids[len(kids)-1].last}
			reds := make([][]byte, len(kids))
			for i := range kids {
				k.rows += kids[i].rows
				reds[i] = kids[i].red
			}
			var err error
			if w.Reducer != nil && len(kids) == 1 {
				k.red = reds[0]
			} else if w.Reducer != nil {
				k.red, err = w.Reducer.Rereduce(nil, reds)
			}
			k.id = w.put(encodeInner(kids))
			return k, err
		},
	}
}

// put writes a node under a fresh number.
func (w *writer) put(data []byte) uint64 {
	w.root.Next++
	w.root.Bytes += uint64(len(data))
	w.ops = append(w.ops, store.KVOp{Key: nodeKey(w.Prefix, w.root.Next), Value: data})
	return w.root.Next
}
