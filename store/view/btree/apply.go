package btree

import (
	"bytes"
	"context"
	"sort"

	"logctl/store"
)

// Op sets a row, or removes it. The row has its doc's ID.
type Op struct {
	*Entry
	Delete bool
}

// writer collects what one Apply does.
type writer struct {
	*Tree
	ctx  context.Context
	root Root
	ops  []store.KVOp
	buf  []byte // of a node that is written
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
		var items []rowRef
		if items, err = w.leafItems(t.Root.ID, ops); err == nil {
			b.add(items)
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
func (w *writer) takeLeaf(id uint64) ([]rowRef, error) {
	l, err := w.takenLeaf(id)
	if err != nil {
		return nil, err
	}
	return l.items(make([]rowRef, 0, l.n), 0, l.n), nil
}

func (w *writer) takenLeaf(id uint64) (*leaf, error) {
	n, err := w.take(id)
	if err == nil && n.leaf == nil {
		err = corrupt("an inner node in the place of a leaf")
	}
	if err != nil {
		return nil, err
	}
	return n.leaf, nil
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
func (w *writer) leafItems(id uint64, ops []Op) ([]rowRef, error) {
	old := &leaf{}
	if id != 0 {
		var err error
		if old, err = w.takenLeaf(id); err != nil {
			return nil, err
		}
	}
	names := w.namer()
	merged := make([]rowRef, 0, old.n+len(ops))
	next := 0
	for _, op := range ops {
		at, there := old.place(next, op.Entry, names)
		merged = old.items(merged, next, at)
		if next = at; there {
			next++
		}
		if !op.Delete {
			merged = append(merged, rowRef{new: op.Entry})
		}
	}
	return old.items(merged, next, old.n), names.err
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

func (w *writer) leaves() *packer[rowRef] {
	factor := 1
	if w.Remember {
		factor = dearFactor
	}
	return &packer[rowRef]{
		least: 1,
		size: func(it rowRef) int {
			if w.Names == nil {
				return it.docSize()
			}
			return factor * it.size()
		},
		load: w.takeLeaf,
		write: func(rows []rowRef) (kid, error) {
			last, names := rows[len(rows)-1].entry(), w.namer()
			k := kid{last: appendPlace(nil, last.Sort, names.id(last.Doc), last.Repeat), rows: uint64(len(rows))}
			l := newLeaf(rows, w.Names == nil)
			err := names.err
			if err == nil && w.Reducer != nil {
				k.red, err = w.Reducer.Reduce(nil, w.rows(l, 0, l.n))
			}
			w.buf = finish(l.append(begin(w.buf, kindLeaf, l.n), &w.texts))
			k.id = w.put(w.buf)
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
			w.buf = appendInner(w.buf, kids)
			k.id = w.put(w.buf)
			return k, err
		},
	}
}

// put writes a node under a fresh number.
func (w *writer) put(data []byte) uint64 {
	w.root.Next++
	w.root.Bytes += uint64(len(data))
	w.ops = append(w.ops, store.KVOp{Key: nodeKey(w.Prefix, w.root.Next), Value: bytes.Clone(data)})
	return w.root.Next
}
