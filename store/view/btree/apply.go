package btree

import (
	"bytes"
	"context"
	"math"
	"sort"

	"logctl/store"
	"logctl/store/view/collate"
)

// Op sets a row, or removes it. The row has its doc's ID.
type Op struct {
	*Entry
	Delete bool
}

// Pieces gives what is done to a tree, in the order of its rows and each row once: some ops with each call, none at the end. What it has
// given stays as it is.
type Pieces func() ([]Op, error)

// Once gives ops in one piece.
func Once(ops []Op) Pieces {
	return func() (piece []Op, _ error) {
		piece, ops = ops, nil
		return piece, nil
	}
}

// EarlyBytes is how many bytes of nodes Apply makes before it gives them to Early.
const EarlyBytes = 1 << 20

// writer collects what one Apply does.
type writer struct {
	*Tree
	ctx  context.Context
	root Root
	next Pieces
	todo []Op // of the piece at hand
	done bool // todo was the last
	ops  []store.KVOp
	made []store.KVOp // new nodes
	size int          // of made
	buf  []byte       // of a node that is written

	texts *textWriter
}

// Apply gives the tree that todo makes of t, and appends to kv what must be done to the keyspace for it, beside what Early has done. It
// keeps no more of todo in memory than some nodes need. Names is the tree of docs as it was when t was made: a doc that is not in it has a number that none in it has, or
// that of one whose rows todo removes, all of them.
func (t *Tree) Apply(ctx context.Context, todo Pieces, kv []store.KVOp) (Root, []store.KVOp, error) {
	w := &writer{Tree: t, ctx: ctx, root: t.Root, next: todo, ops: kv, texts: textWriters.Get().(*textWriter)}
	defer w.texts.free()
	if more, err := w.more(nil); err != nil || !more {
		return t.Root, kv, err
	}
	var kids []kid
	var err error
	level := max(t.Root.Height-1, 1)
	if t.Root.Height > 1 {
		kids, err = w.innerItems(t.Root.ID, t.Root.Height, nil)
	} else {
		b := w.leaves()
		if err = w.leafItems(b, t.Root.ID, nil); err == nil {
			kids, err = b.finish()
		}
	}
	for err == nil && len(kids) > 1 {
		b := w.inners()
		b.top = true
		if err = b.add(kids); err == nil {
			kids, err = b.finish()
		}
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
	return w.root, append(w.ops, w.made...), nil
}

// more tells whether something is to be done to rows up to a place (nil: the end).
func (w *writer) more(last []byte) (bool, error) {
	if len(w.todo) == 0 && !w.done {
		err := w.ctx.Err()
		if err == nil {
			w.todo, err = w.next()
		}
		if err != nil {
			return false, err
		}
		w.done = len(w.todo) == 0
	}
	return len(w.todo) > 0 && (last == nil || w.todo[0].comparePlace(last) <= 0), nil
}

// upTo takes what is to be done to rows up to a place (nil: the end), or a part of it; nothing if all is done.
func (w *writer) upTo(last []byte) ([]Op, error) {
	more, err := w.more(last)
	if err != nil || !more {
		return nil, err
	}
	n := len(w.todo)
	if last != nil {
		n = sort.Search(n, func(i int) bool { return w.todo[i].comparePlace(last) > 0 })
	}
	ops := w.todo[:n]
	w.todo = w.todo[n:]
	return ops, nil
}

// take reads a node that is going to be replaced, and deletes it.
func (w *writer) take(id uint64) (*node, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	n, cached, err := w.peek(id)
	if err != nil {
		return nil, err
	}
	if cached {
		w.Cache.drop(cacheKey{space: w.Space, id: id})
	}
	w.ops = append(w.ops, store.KVOp{Key: nodeKey(w.Prefix, id), Delete: true})
	if n.far > 0 {
		w.ops = append(w.ops, store.KVOp{Key: reductionKey(w.Prefix, id), Delete: true})
	}
	w.root.Bytes -= uint64(n.written())
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

// leafItems adds the rows of a leaf (0: none) as they are after what is to be done up to a place.
func (w *writer) leafItems(b *packer[rowRef], id uint64, last []byte) error {
	old := &leaf{}
	if id != 0 {
		var err error
		if old, err = w.takenLeaf(id); err != nil {
			return err
		}
	}
	names := w.namer()
	next := 0
	for {
		ops, err := w.upTo(last)
		if err != nil {
			return err
		}
		if len(ops) == 0 {
			return b.add(old.items(make([]rowRef, 0, old.n-next), next, old.n))
		}
		merged := make([]rowRef, 0, len(ops)+min(old.n-next, len(ops)))
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
		if names.err != nil {
			return names.err
		}
		if err := b.add(merged); err != nil {
			return err
		}
	}
}

// innerItems are the kids of an inner node after what is to be done up to a place. Kids with which nothing is done stay as they are,
// unless a neighbour became too small.
func (w *writer) innerItems(id uint64, level int, last []byte) ([]kid, error) {
	kids, err := w.takeInner(id)
	if err != nil {
		return nil, err
	}
	if level == 2 {
		return forKids(w, w.leaves(), kids, last, w.leafItems)
	}
	return forKids(w, w.inners(), kids, last, func(b *packer[kid], id uint64, last []byte) error {
		items, err := w.innerItems(id, level-1, last)
		if err != nil {
			return err
		}
		return b.add(items)
	})
}

// forKids adds to b the items of those kids with which something is to be done, up to a place, and the others as they are.
func forKids[T any](w *writer, b *packer[T], kids []kid, last []byte, items func(b *packer[T], id uint64, last []byte) error) ([]kid, error) {
	for i := range kids {
		end := kids[i].last
		if i == len(kids)-1 {
			end = last
		}
		more, err := w.more(end)
		switch {
		case err != nil:
		case more:
			err = items(b, kids[i].id, end)
		default:
			err = b.keep(kids[i])
		}
		if err != nil {
			return nil, err
		}
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
		alike: w.sameKeys(),
		size: func(it rowRef) int {
			if w.Names == nil {
				return it.docSize()
			}
			return factor * it.size()
		},
		load: w.takeLeaf,
		write: func(rows []rowRef, _ bool) (kid, error) {
			last, names := rows[len(rows)-1].entry(), w.namer()
			k := kid{last: appendPlace(nil, last.Sort, names.id(last.Doc), last.Repeat), rows: uint64(len(rows))}
			l := newLeaf(rows, w.Names == nil)
			k.alike = l.alike()
			err := names.err
			if err == nil && w.Reducer != nil {
				k.reduction, err = w.reduceRows(l, 0, l.n)
			}
			if err == nil {
				err = w.put(&k, func(dst []byte) []byte { return finish(l.append(begin(dst, kindLeaf, k.far, l.n), w.texts)) })
			}
			return k, err
		},
	}
}

func (w *writer) inners() *packer[kid] {
	return &packer[kid]{
		least:  minFanout,
		alike:  seams(w, func(a, b kid) int { return store.Shared(a.last, b.last) }),
		groups: seams(w, func(a, b kid) int { return sharedGroups(a.last, b.last) }),
		size:   func(k kid) int { return len(k.last)/2 + max(len(k.red), k.far) + 12 },
		load:   w.takeInner,
		write: func(kids []kid, root bool) (k kid, err error) {
			k.last, k.alike = kids[len(kids)-1].last, alike(kids)
			for i := range kids {
				k.rows += kids[i].rows
			}
			if w.Reducer != nil && !root { // what is asked of all rows is made of those of its kids
				k.reduction, err = w.reductionOf(kids)
			}
			if err == nil {
				err = w.put(&k, func(dst []byte) []byte { return appendInner(dst, k.far, kids) })
			}
			return k, err
		},
	}
}

// reductionOf is that of all below some kids.
func (w *writer) reductionOf(kids []kid) (reduction, error) {
	reds := make([]reduction, len(kids))
	for i := range kids {
		var err error
		if reds[i], err = w.reduction(&kids[i]); err != nil {
			return reduction{}, err
		}
	}
	return w.rereduce(reds)
}

// sameKeys tells how much the sort keys of two rows share. Where reducing costs little it is whether they are the same: the rows of a key that
// has many are whole leaves then, less often read than the others.
func (w *writer) sameKeys() func(a, b rowRef) int {
	switch {
	case w.Remember:
		return func(a, b rowRef) int { return store.Shared(a.sort(), b.sort()) }
	case w.Names == nil:
		return nil
	}
	return func(a, b rowRef) int {
		if a.old != nil && a.old == b.old && a.run == b.run || bytes.Equal(a.sort(), b.sort()) {
			return 1
		}
		return 0
	}
}

// alike is leaf.alike of all leaves below the kids.
func alike(kids []kid) int {
	n := kids[0].alike
	for i := 1; i < len(kids); i++ {
		n = min(n, kids[i].alike, store.Shared(kids[i-1].last, kids[i].last))
	}
	return n
}

// seams is alike where groups of keys are asked for: so that less is reduced, nodes may be smaller.
func seams[T any](w *writer, alike func(a, b T) int) func(a, b T) int {
	if w.Remember || w.Names != nil {
		return alike
	}
	return nil
}

// maxGroups is how many groups are told apart that lie in each other.
const maxGroups = 16

// sharedGroups is of how many groups two places are: for one level after the other, up to the whole key.
func sharedGroups(a, b []byte) int {
	shared, end := store.Shared(a, b), 0
	for level := 1; level <= maxGroups; level++ {
		n := collate.Group(a, level)
		if n == end || n > shared {
			return level - 1
		}
		end = n
	}
	return maxGroups
}

// put writes a node under a fresh number, and before it, if that is long, its reduction apart.
func (w *writer) put(k *kid, node func(dst []byte) []byte) (err error) {
	w.root.Next++
	k.id = w.root.Next
	if len(k.red) > nearSize {
		if err := w.settle(&k.reduction); err != nil {
			return err
		}
		w.buf = appendReduction(w.buf, k.reduction)
		k.far = len(w.buf)
		w.add(reductionKey(w.Prefix, k.id))
	}
	w.buf = node(w.buf)
	w.add(nodeKey(w.Prefix, k.id))
	if w.Early != nil && w.size >= EarlyBytes {
		err = w.Early(w.made)
		w.made, w.size = nil, 0
	}
	return err
}

// add writes what is in buf.
func (w *writer) add(key []byte) {
	w.root.Bytes += uint64(len(w.buf))
	w.size += len(w.buf)
	w.made = append(w.made, store.KVOp{Key: key, Value: bytes.Clone(w.buf)})
}

// Stray appends to kv the removal of nodes under numbers that the tree has not given: Early had them, of an Apply that came to nothing.
func (t *Tree) Stray(kv []store.KVOp) ([]store.KVOp, error) {
	err := t.KV.Scan(nodeKey(t.Prefix, t.Root.Next+1), nodeKey(t.Prefix, math.MaxUint64), func(k, _ []byte) error {
		kv = append(kv, store.KVOp{Key: bytes.Clone(k), Delete: true})
		return nil
	})
	return kv, err
}
