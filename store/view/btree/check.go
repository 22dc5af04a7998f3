package btree

import (
	"bytes"
)

// Check reads the whole tree, past the cache, and tells what is wrong with it: nodes that can't be read, keys out of order, numbers of
// rows, reductions that are not those of what is below. It calls fn for each row, with the id of its doc, in order, and gives the
// number of keys that the tree has: one for each node, and one for each reduction that stands apart.
func (t *Tree) Check(fn func(Entry) error) (keys int, err error) {
	c := treeCheck{t: t, fn: fn}
	if t.Root.ID == 0 {
		if t.Root.Rows != 0 || t.Root.Bytes != 0 {
			return 0, corrupt("an empty tree with rows")
		}
		return 0, nil
	}
	k, err := c.node(t.Root.ID, t.Root.Height)
	switch {
	case err != nil:
		return c.keys, err
	case k.rows != t.Root.Rows:
		return c.keys, corrupt("a tree with another number of rows than counted")
	case c.bytes != t.Root.Bytes:
		return c.keys, corrupt("a tree with another number of bytes than counted")
	}
	return c.keys, nil
}

type treeCheck struct {
	t     *Tree
	fn    func(Entry) error
	keys  int
	bytes uint64
	last  []byte // the key before
	any   bool
}

// node checks what is below a node and gives what its parent must say of it.
func (c *treeCheck) node(id uint64, level int) (kid, error) {
	uncached := Tree{KV: c.t.KV, Prefix: c.t.Prefix, Cache: NewCache(1)}
	n, err := uncached.node(id)
	if err != nil {
		return kid{}, err
	}
	c.keys++
	c.bytes += uint64(n.written())
	if (n.leaf != nil) != (level == 1) {
		return kid{}, corrupt("a node at a wrong height")
	}
	var is kid
	if n.leaf != nil {
		is, err = c.leaf(id, n.leaf)
	} else {
		is, err = c.inner(id, n, level)
	}
	if is.far = n.far; err != nil || is.far == 0 {
		return is, err
	}
	c.keys++
	if err := c.t.settle(&is.reduction); err != nil {
		return is, err
	}
	r, err := uncached.reduction(&kid{id: id, far: is.far})
	if err == nil && (!bytes.Equal(r.red, is.red) || r.input != is.input || r.settled != is.settled) {
		err = corrupt("a node with another reduction beside it than it has")
	}
	return is, err
}

func (c *treeCheck) inner(id uint64, n *node, level int) (is kid, err error) {
	is.id = id
	reds := make([]reduction, len(n.kids))
	for i := range n.kids {
		says := &n.kids[i]
		k, err := c.node(says.id, level-1)
		switch {
		case err != nil:
			return kid{}, err
		case !bytes.Equal(k.last, says.last):
			return kid{}, corrupt("a node with another last key than its parent says")
		case k.alike != says.alike:
			return kid{}, corrupt("a node with keys that have another beginning in common than its parent says")
		case k.rows != says.rows:
			return kid{}, corrupt("a node with another number of rows than its parent says")
		case k.far != says.far || k.far == 0 && !bytes.Equal(k.red, says.red):
			return kid{}, corrupt("a node with another reduction than its parent says")
		}
		is.rows, is.last, reds[i] = is.rows+k.rows, k.last, k.reduction
	}
	is.alike = alike(n.kids)
	if c.t.Reducer != nil && (id != c.t.Root.ID || n.far > 0) {
		is.reduction, err = c.t.rereduce(reds)
	}
	return is, err
}

func (c *treeCheck) leaf(id uint64, l *leaf) (kid, error) {
	names := c.t.namer()
	var place []byte
	err := l.each(0, l.n, func(e Entry) error {
		e.Doc.ID = names.id(e.Doc)
		place = appendPlace(place[:0], e.Sort, e.Doc.ID, e.Repeat)
		switch {
		case names.err != nil:
			return names.err
		case c.any && bytes.Compare(c.last, place) >= 0:
			return corrupt("rows out of order")
		}
		c.last, c.any = append(c.last[:0], place...), true
		return c.fn(e)
	})
	is := kid{id: id, rows: uint64(l.n), last: bytes.Clone(c.last), alike: l.alike()}
	if err == nil && c.t.Reducer != nil {
		is.reduction, err = c.t.reduceRows(l, 0, l.n)
	}
	return is, err
}
