package btree

import (
	"bytes"
	"strconv"
)

// Group is a run of rows whose sort keys begin alike.
type Group struct {
	Sort, JSON []byte // the key of its first row, as an Entry has it, or if that has no JSON as much of Sort as they begin with
	Rows       uint64

	t    *Tree
	rows Rows     // of the leaf that is read
	reds [][]byte // what comes before them
}

// Reduce appends the reduction of the group's rows.
func (g *Group) Reduce(dst []byte) ([]byte, error) {
	if len(g.reds) == 0 {
		return g.t.Reducer.Reduce(dst, g.rows)
	}
	if err := g.close(); err != nil {
		return dst, err
	}
	if len(g.reds) == 1 {
		return append(dst, g.reds[0]...), nil
	}
	return g.t.Reducer.Rereduce(dst, g.reds)
}

// close reduces the rows gathered so far, those of one leaf.
func (g *Group) close() error {
	if g.rows.Len() == 0 || g.t.Reducer == nil {
		return nil
	}
	red, err := g.t.Reducer.Reduce(nil, g.rows)
	g.reds, g.rows = append(g.reds, red), Rows{}
	return err
}

// grouper walks over rows and tells groups apart.
type grouper struct {
	Group
	prefix []byte // of the group's keys; nil before the first group
	name   string // of what a leaf's groups are in Cache
	cut    Cut
	fn     func(*Group) error
}

// Cut tells how many bytes of a sort key all keys of its group begin with. more: there is something behind the key.
type Cut func(sort []byte, more bool) int

// Groups calls fn for each group of the rows at positions from to to, in order: rows whose keys share what cut gives the length of
// for the first of them, and no other row's key begins with. Where all rows below a node are of one group, it takes the reduction that is
// stored, and reads the others. level is one for each cut: what is made of leaves is kept in Cache.
func (t *Tree) Groups(from, to uint64, level int, cut Cut, fn func(*Group) error) error {
	to = min(to, t.Root.Rows)
	if from >= to {
		return nil
	}
	g := grouper{Group: Group{t: t}, name: "groups " + strconv.Itoa(level), cut: cut, fn: fn}
	if err := g.walk(t.Root.ID, t.Root.Height, from, to); err != nil {
		return err
	}
	return g.end()
}

func (g *grouper) walk(id uint64, level int, from, to uint64) error {
	if level == 1 {
		return g.leaf(id, from, to)
	}
	n, err := g.t.inner(id)
	if err != nil {
		return err
	}
	return n.parts(from, to, false, func(k *kid, from, to uint64) error {
		if from > 0 || to < k.rows {
			return g.walk(k.id, level-1, from, to)
		}
		if !g.has(k.last) {
			n := g.cut(k.last, true)
			if n > k.alike {
				return g.walk(k.id, level-1, from, to)
			}
			if err := g.begin(k.last[:n], nil, n); err != nil {
				return err
			}
		}
		g.Rows += k.rows
		if g.t.Reducer == nil {
			return nil
		}
		r, err := g.t.reduction(k)
		g.reds = append(g.reds, r.red)
		return err
	})
}

// grouped are the groups of a leaf whose rows are of few sort keys.
type grouped struct {
	rows   uint64
	groups []share
	size   int
}

// share is what a leaf has of a group.
type share struct {
	sort, json []byte // of the first row
	prefix     int    // how many bytes of sort the group's keys begin with
	rows       uint64
	red        []byte
}

func (l *grouped) memory() int { return l.size }

// leaf walks over rows of a leaf.
func (g *grouper) leaf(id, from, to uint64) error {
	name := cacheKey{space: g.t.Space, id: id, parts: g.name}
	if known, ok := g.t.Cache.get(name).(*grouped); ok && from == 0 && to == known.rows {
		return g.walkGrouped(known)
	}
	l, err := g.t.leaf(id)
	if err != nil {
		return err
	}
	if g.t.Reducer != nil && from == 0 && to == uint64(l.n) && 2*len(l.sorts) <= l.n {
		known, err := g.group(l)
		if err != nil {
			return err
		}
		g.t.Cache.put(name, known)
		return g.walkGrouped(known)
	}
	if err := g.walkLeaf(l, int(from), int(to)); err != nil {
		return err
	}
	return g.close()
}

// group makes the groups of a leaf.
func (g *grouper) group(l *leaf) (*grouped, error) {
	made := &grouped{rows: uint64(l.n), size: overhead}
	own := grouper{Group: Group{t: g.t}, cut: g.cut}
	own.fn = func(group *Group) error {
		red, err := group.Reduce(nil)
		made.groups = append(made.groups, share{group.Sort, group.JSON, len(own.prefix), group.Rows, red})
		made.size += overhead + len(group.Sort) + len(group.JSON) + len(red)
		return err
	}
	if err := own.walkLeaf(l, 0, l.n); err != nil {
		return nil, err
	}
	return made, own.end()
}

// walkGrouped walks over a leaf whose groups are known.
func (g *grouper) walkGrouped(l *grouped) error {
	for i := range l.groups {
		p := &l.groups[i]
		if !g.has(p.sort) {
			if err := g.begin(p.sort, p.json, p.prefix); err != nil {
				return err
			}
		}
		g.Rows, g.reds = g.Rows+p.rows, append(g.reds, p.red)
	}
	return nil
}

// has tells whether a key is of the group.
func (g *grouper) has(key []byte) bool { return g.prefix != nil && bytes.HasPrefix(key, g.prefix) }

// walkLeaf walks over rows of a leaf.
func (g *grouper) walkLeaf(l *leaf, from, to int) error {
	if to > l.n {
		return errRows
	}
	for run := l.run(from); from < to; run++ {
		if !g.has(l.sorts[run]) {
			if err := g.begin(l.sorts[run], l.json(from), g.cut(l.sorts[run], false)); err != nil {
				return err
			}
		}
		end := min(l.ends[run], to)
		if g.rows.Len() == 0 {
			g.rows = g.t.rows(l, from, from)
		}
		g.rows.to = end
		g.Rows += uint64(end - from)
		from = end
	}
	return nil
}

// begin ends the group and begins that of a row with a key, of which all others begin with n bytes.
func (g *grouper) begin(sort, json []byte, n int) error {
	if err := g.end(); err != nil {
		return err
	}
	g.Sort, g.JSON, g.prefix = sort, json, sort[:n]
	if g.prefix == nil {
		g.prefix = []byte{}
	}
	g.Rows, g.rows, g.reds = 0, Rows{}, g.reds[:0]
	return nil
}

func (g *grouper) end() error {
	if g.prefix == nil {
		return nil
	}
	return g.fn(&g.Group)
}
