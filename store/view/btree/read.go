package btree

import (
	"bytes"
	"sort"

	"logctl/store"
)

// Tree reads a tree in a keyspace. It is one goroutine's.
type Tree struct {
	KV      store.KVReader
	Prefix  []byte // of the keys of its nodes
	Cache   *Cache
	Space   uint64 // the tree's nodes in Cache, from Cache.Space
	Root    Root
	Reducer Reducer // nil: no reductions are stored
	Names   *Tree   // where the ids are of docs that rows name by numbers; nil: in this tree
	// Remember tells that reducing is dear: Reduce keeps its results in Cache for the next time, and leaves have fewer rows.
	Remember bool
	// Early writes new nodes while Apply makes others, so that it need not keep all of them: nothing leads to them until the new Root is
	// written. nil: they are among what Apply gives. If Apply, or what its caller does then, fails, they are left behind; see Stray.
	Early func(nodes []store.KVOp) error

	names *namer
}

func (t *Tree) namer() *namer {
	if t.names == nil {
		t.names = &namer{tree: t.Names}
	}
	return t.names
}

// ID is the id of the doc of a row.
func (t *Tree) ID(e Entry) (string, error) {
	names := t.namer()
	return names.id(e.Doc), names.err
}

func (t *Tree) node(id uint64) (*node, error) {
	n, cached, err := t.peek(id)
	if err == nil && !cached {
		t.Cache.put(cacheKey{space: t.Space, id: id}, n)
	}
	return n, err
}

// peek is node for one that nobody will ask for again: it tells whether the node is in Cache and does not put it there.
func (t *Tree) peek(id uint64) (n *node, cached bool, err error) {
	if n, ok := t.Cache.get(cacheKey{space: t.Space, id: id}).(*node); ok {
		return n, true, nil
	}
	data, ok, err := t.KV.Get(nodeKey(t.Prefix, id))
	if err != nil {
		return nil, false, err
	}
	if !ok {
		return nil, false, corrupt("missing node")
	}
	n, err = decode(data)
	return n, false, err
}

// reduction is that of all below a kid.
func (t *Tree) reduction(k *kid) (reduction, error) {
	if k.red != nil || k.far == 0 {
		return k.reduction, nil
	}
	name := cacheKey{space: t.Space, id: k.id, parts: "reduction"}
	if r, ok := t.Cache.get(name).(*reduction); ok {
		return *r, nil
	}
	data, ok, err := t.KV.Get(reductionKey(t.Prefix, k.id))
	if err != nil {
		return reduction{}, err
	}
	if !ok {
		return reduction{}, corrupt("missing reduction")
	}
	kind, body, err := unwrap(data)
	if err == nil && (kind != kindReduction || len(data) != k.far) {
		err = corrupt("a reduction of another length than its node says")
	}
	if err != nil {
		return reduction{}, err
	}
	d := decoder{data: body}
	settled := d.byte()
	r := &reduction{input: d.length(), settled: settled == 1}
	if r.red = d.data; d.bad || settled > 1 {
		return reduction{}, corrupt("a reduction that does not add up")
	}
	if !t.Remember { // else what is made of it is kept
		t.Cache.put(name, r)
	}
	return *r, nil
}

// at is the node with a number at a level, 1 for leaves; one of another kind there is corruption.
func (t *Tree) at(id uint64, level int) (*node, error) {
	n, err := t.node(id)
	switch {
	case err != nil:
		return nil, err
	case level > 1 && n.kids == nil:
		return nil, corrupt("a leaf in the place of an inner node")
	case level == 1 && n.leaf == nil:
		return nil, corrupt("an inner node in the place of a leaf")
	}
	return n, nil
}

func (t *Tree) inner(id uint64) (*node, error) { const above = 2; return t.at(id, above) }

func (t *Tree) leaf(id uint64) (*leaf, error) {
	n, err := t.at(id, 1)
	if err != nil {
		return nil, err
	}
	return n.leaf, nil
}

// Rank is the number of rows before a place: a sort key; or one, the id of a doc as collate.AppendBytes writes it, and nothing or
// 0xFF, which is behind all rows that begin so.
func (t *Tree) Rank(place []byte) (uint64, error) {
	l, before, err := t.leafOf(place)
	if err != nil || l == nil {
		return before, err
	}
	names := t.namer()
	n := l.search(place, names)
	return before + uint64(n), names.err
}

// leafOf is the leaf that the first row at a place or behind it is in, and how many rows are before that leaf; nil if there is no such row.
func (t *Tree) leafOf(place []byte) (l *leaf, before uint64, err error) {
	if t.Root.ID == 0 {
		return nil, 0, nil
	}
	id := t.Root.ID
	for level := t.Root.Height; level > 1; level-- {
		n, err := t.inner(id)
		if err != nil {
			return nil, 0, err
		}
		at := sort.Search(len(n.kids), func(i int) bool { return bytes.Compare(n.kids[i].last, place) >= 0 })
		for _, k := range n.kids[:at] {
			before += k.rows
		}
		if at == len(n.kids) {
			return nil, before, nil
		}
		id = n.kids[at].id
	}
	l, err = t.leaf(id)
	return l, before, err
}

// At is the row at a position less than Root.Rows.
func (t *Tree) At(pos uint64) (Entry, error) {
	var row Entry
	found := false
	err := t.Scan(pos, pos+1, false, func(e Entry) error {
		row, found = e, true
		return nil
	})
	if err == nil && !found {
		err = corrupt("a position without a row")
	}
	return row, err
}

// Scan calls fn for the rows at positions from (included) to to (not included), the last first if descending, until it
// gives an error, which is Scan's then.
func (t *Tree) Scan(from, to uint64, descending bool, fn func(Entry) error) error {
	to = min(to, t.Root.Rows)
	if from >= to {
		return nil
	}
	return t.scan(t.Root.ID, t.Root.Height, from, to, descending, fn)
}

// scan is Scan under one node, positions counted from its first row.
func (t *Tree) scan(id uint64, level int, from, to uint64, descending bool, fn func(Entry) error) error {
	if level > 1 {
		n, err := t.inner(id)
		if err != nil {
			return err
		}
		return n.parts(from, to, descending, func(k *kid, from, to uint64) error {
			return t.scan(k.id, level-1, from, to, descending, fn)
		})
	}
	l, err := t.leaf(id)
	if err != nil {
		return err
	}
	if !descending {
		return l.each(int(from), int(to), fn)
	}
	if to > uint64(l.n) {
		return errRows
	}
	run := l.run(int(to) - 1)
	for i := int(to) - 1; i >= int(from); i-- {
		for i < l.runStart(run) {
			run--
		}
		if err := fn(l.entry(run, i)); err != nil {
			return err
		}
	}
	return nil
}

// parts calls fn for each kid that has rows at the positions, with the positions inside it.
func (n *node) parts(from, to uint64, descending bool, fn func(k *kid, from, to uint64) error) error {
	if !descending {
		before := uint64(0)
		for i := range n.kids {
			k := &n.kids[i]
			if before >= to {
				break
			}
			if before+k.rows > from {
				if err := fn(k, max(from, before)-before, min(to-before, k.rows)); err != nil {
					return err
				}
			}
			before += k.rows
		}
		return nil
	}
	before := uint64(0)
	for i := range n.kids {
		before += n.kids[i].rows
	}
	for i := len(n.kids) - 1; i >= 0; i-- {
		k := &n.kids[i]
		before -= k.rows
		if before+k.rows <= from {
			break
		}
		if before < to {
			if err := fn(k, max(from, before)-before, min(to-before, k.rows)); err != nil {
				return err
			}
		}
	}
	return nil
}
