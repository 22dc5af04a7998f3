package btree

import "bytes"

// Group is a run of rows whose keys begin alike.
type Group struct {
	Key, Value []byte // of the first row; they hold during the call only
	Rows       uint64

	t       *Tree
	entries []Entry  // rows of the leaf that is read
	keys    []byte   // theirs
	reds    [][]byte // what comes before them
}

// Reduce appends the reduction of the group's rows.
func (g *Group) Reduce(dst []byte) ([]byte, error) {
	if len(g.reds) == 0 {
		return g.t.Reducer.Reduce(dst, g.entries)
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
	if len(g.entries) == 0 || g.t.Reducer == nil {
		return nil
	}
	red, err := g.t.Reducer.Reduce(nil, g.entries)
	g.reds, g.entries, g.keys = append(g.reds, red), g.entries[:0], g.keys[:0]
	return err
}

// grouper walks over rows and tells groups apart.
type grouper struct {
	Group
	prefix []byte // of the group's keys; nil before the first group
	cut    func(Entry) (int, error)
	fn     func(*Group) error
}

// Groups calls fn for each group of the rows at positions from to to, in order: rows whose keys share what cut gives the length of
// for the first of them, and no other row's key begins with. It reads the rows at the ends of groups; where all rows below a
// node are of one group, it takes the reduction that is stored.
func (t *Tree) Groups(from, to uint64, cut func(Entry) (int, error), fn func(*Group) error) error {
	to = min(to, t.Root.Rows)
	if from >= to {
		return nil
	}
	g := grouper{Group: Group{t: t}, cut: cut, fn: fn}
	if err := g.walk(t.Root.ID, t.Root.Height, from, to); err != nil {
		return err
	}
	return g.end()
}

func (g *grouper) walk(id uint64, level int, from, to uint64) error {
	if level == 1 {
		l, err := g.t.leaf(id)
		if err != nil {
			return err
		}
		if err := g.rows(l, int(from), int(to)); err != nil {
			return err
		}
		return g.close()
	}
	n, err := g.t.inner(id)
	if err != nil {
		return err
	}
	return n.parts(from, to, false, func(k *kid, from, to uint64) error {
		if from > 0 || to < k.rows || !g.has(k.last) {
			return g.walk(k.id, level-1, from, to)
		}
		g.Rows += k.rows
		if g.t.Reducer != nil {
			g.reds = append(g.reds, k.red)
		}
		return nil
	})
}

// has tells whether a key is of the group.
func (g *grouper) has(key []byte) bool { return g.prefix != nil && bytes.HasPrefix(key, g.prefix) }

// rows walks over rows of a leaf.
func (g *grouper) rows(l *leaf, from, to int) error {
	if to > l.n {
		return corrupt("a leaf with fewer rows than counted")
	}
	c := l.at(from/restartEvery, make([]byte, 0, 128))
	for i := from - from%restartEvery; i < to; i++ {
		if n := g.skip(l, i, to); n > 0 && i >= from {
			i += n
			c = l.at(i/restartEvery, c.key)
		}
		if !c.next() {
			return errRows
		}
		if i < from {
			continue
		}
		// A key that shares the prefix with the one before it, which was of the group, is of the group.
		if i == from || c.shared < len(g.prefix) || g.prefix == nil {
			if !g.has(c.key) {
				if err := g.begin(Entry{Key: c.key, Value: c.val}); err != nil {
					return err
				}
			}
		}
		g.Rows++
		if g.t.Reducer != nil {
			start := len(g.keys)
			g.keys = append(g.keys, c.key...)
			g.entries = append(g.entries, Entry{Key: g.keys[start:len(g.keys):len(g.keys)], Value: c.val})
		}
	}
	return nil
}

// skip counts rows from i on without reading them, where nothing else is wanted of them: those between two restarts that are of the
// group. It tells how many they are.
func (g *grouper) skip(l *leaf, i, to int) int {
	n := 0
	for g.t.Reducer == nil && i%restartEvery == 0 && i+n+restartEvery < to && g.has(l.first((i+n)/restartEvery)) && g.has(l.first((i+n)/restartEvery+1)) {
		n += restartEvery
	}
	g.Rows += uint64(n)
	return n
}

// begin ends the group and begins that of a row.
func (g *grouper) begin(e Entry) error {
	if err := g.end(); err != nil {
		return err
	}
	n, err := g.cut(e)
	if err != nil {
		return err
	}
	g.Key, g.Value = append(g.Key[:0], e.Key...), e.Value
	g.prefix = append(g.prefix[:0], e.Key[:n]...)
	if g.prefix == nil {
		g.prefix = []byte{}
	}
	g.Rows, g.entries, g.keys, g.reds = 0, g.entries[:0], g.keys[:0], g.reds[:0]
	return nil
}

func (g *grouper) end() error {
	if g.prefix == nil {
		return nil
	}
	return g.fn(&g.Group)
}
