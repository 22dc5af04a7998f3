package btree

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"sync"
)

// Group is a run of rows whose sort keys begin alike.
type Group struct {
	Key  []byte // what Grouping calls it; it holds until the next group
	Rows uint64

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

// Grouping tells groups apart: of rows whose sort keys begin alike, and no other row's does.
type Grouping interface {
	// Level is a number for each way to tell them apart: by it and the node, what is made of nodes is kept in Cache.
	Level() int
	// Prefix is how many bytes of a sort key all keys of its group begin with. more: there is something behind the key.
	Prefix(sort []byte, more bool) int
	// AppendKey appends what a group is called: sort and json are those of its first row, or if json is nil as much of sort as all of the
	// group begin with.
	AppendKey(dst, sort, json []byte) []byte
}

// grouper walks over rows and tells groups apart.
type grouper struct {
	Group
	Grouping
	begun  bool
	prefix []byte // of the group's keys
	room   []byte // for Key
	name   string // of what a node's groups are in Cache
	left   *int   // how many bytes of groups of leaves may still be looked for and kept
	fn     func(*Group) error
}

// Groups calls fn for each group of the rows at positions from to to, in order. Where all rows below a node are of one group, it takes the
// reduction that is stored, and where they are of few, what it made of them before, if that is in Cache; it reads the others.
func (t *Tree) Groups(from, to uint64, by Grouping, fn func(*Group) error) error {
	to = min(to, t.Root.Rows)
	if from >= to {
		return nil
	}
	left := t.Cache.max / 4 // who asks for more must not drive out what others ask for
	g := grouper{Group: Group{t: t}, Grouping: by, name: "groups " + strconv.Itoa(by.Level()), left: &left, fn: fn}
	if err := g.walk(t.Root.ID, t.Root.Height, t.Root.Rows, from, to); err != nil {
		return err
	}
	return g.end()
}

// walk walks over some of the rows below a node.
func (g *grouper) walk(id uint64, level int, rows, from, to uint64) error {
	var known *grouped
	whole, name := from == 0 && to == rows && (level > 1 || *g.left > 0), cacheKey{space: g.t.Space, id: id, parts: g.name}
	if whole {
		if known, _ = g.t.Cache.get(name).(*grouped); known != nil && len(known.shares) > 0 {
			return g.walkGrouped(known, level)
		}
	}
	n, err := g.t.at(id, level)
	if err != nil {
		return err
	}
	if whole && known == nil {
		if known, err = g.group(n, level, rows); err != nil {
			return err
		}
		g.t.Cache.put(name, known)
		if len(known.shares) > 0 {
			return g.walkGrouped(known, level)
		}
	}
	return g.read(n, level, from, to)
}

// maxShares is how many groups an inner node may have for each kid that are kept: more are not many fewer than those of its kids.
const maxShares = 4

var errShares = errors.New("more groups than are kept")

// group makes the groups of a node, none if they are too many.
func (g *grouper) group(n *node, level int, rows uint64) (*grouped, error) {
	made := groupedRoom.Get().(*grouped)
	defer groupedRoom.Put(made)
	made.text, made.shares = made.text[:0], made.shares[:0]
	own := grouper{Group: Group{t: g.t}, Grouping: g.Grouping, name: g.name, left: g.left}
	own.fn = func(group *Group) error {
		if level > 1 && len(made.shares) == maxShares*len(n.kids) {
			return errShares
		}
		return made.add(own.prefix, group)
	}
	err := own.read(n, level, 0, rows)
	if err == nil {
		err = own.end()
	}
	if errors.Is(err, errShares) {
		return &grouped{}, nil
	}
	return &grouped{bytes.Clone(made.text), slices.Clone(made.shares)}, err
}

// groupedRoom has room to make groups in.
var groupedRoom = sync.Pool{New: func() any { return new(grouped) }}

// read walks over rows below a node of which nothing is known.
func (g *grouper) read(n *node, level int, from, to uint64) error {
	if level > 1 {
		return g.walkInner(n, level, from, to)
	}
	if err := g.walkLeaf(n.leaf, int(from), int(to)); err != nil {
		return err
	}
	return g.close()
}

func (g *grouper) walkInner(n *node, level int, from, to uint64) error {
	return n.parts(from, to, false, func(k *kid, from, to uint64) error {
		if from > 0 || to < k.rows {
			return g.walk(k.id, level-1, k.rows, from, to)
		}
		if !g.has(k.last) {
			n := g.Prefix(k.last, true)
			if n > k.alike {
				return g.walk(k.id, level-1, k.rows, from, to)
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

// grouped are the groups of all rows below a node; none: they are not worth keeping.
type grouped struct {
	text   []byte // of the shares, one behind the other: what the sort keys begin with, Key, the reduction
	shares []share
}

// share is what a node has of a group. Its parts begin where those before them end.
type share struct {
	prefix, key, red int // where they end in text
	rows             uint64
}

// shareSize is what a share takes beside its text.
const shareSize = 32

func (l *grouped) memory() int { return overhead + cap(l.text) + cap(l.shares)*shareSize }

// add adds a group behind the others.
func (l *grouped) add(prefix []byte, g *Group) error {
	l.text = append(l.text, prefix...)
	s := share{prefix: len(l.text), rows: g.Rows}
	l.text = append(l.text, g.Key...)
	s.key = len(l.text)
	var err error
	if g.t.Reducer != nil {
		l.text, err = g.Reduce(l.text)
	}
	s.red = len(l.text)
	l.shares = append(l.shares, s)
	return err
}

// walkGrouped walks over a node whose groups are known.
func (g *grouper) walkGrouped(l *grouped, level int) error {
	if level == 1 {
		*g.left -= l.memory()
	}
	at := 0
	for i := range l.shares {
		s := &l.shares[i]
		if prefix := l.text[at:s.prefix:s.prefix]; !g.begun || !bytes.Equal(prefix, g.prefix) {
			if err := g.end(); err != nil {
				return err
			}
			g.start(prefix, l.text[s.prefix:s.key:s.key])
		}
		g.Rows, at = g.Rows+s.rows, s.red
		if g.t.Reducer != nil {
			g.reds = append(g.reds, l.text[s.key:s.red:s.red])
		}
	}
	return nil
}

// has tells whether a key is of the group.
func (g *grouper) has(key []byte) bool { return g.begun && bytes.HasPrefix(key, g.prefix) }

// walkLeaf walks over rows of a leaf.
func (g *grouper) walkLeaf(l *leaf, from, to int) error {
	if to > l.n {
		return errRows
	}
	for run := l.run(from); from < to; run++ {
		if !g.has(l.sorts[run]) {
			if err := g.begin(l.sorts[run], l.json(from), g.Prefix(l.sorts[run], false)); err != nil {
				return err
			}
		}
		end := min(l.ends[run], to)
		if g.rows.Len() == 0 {
			g.rows = g.t.rows(l, from, from)
		}
		g.rows.to = end
		g.Group.Rows += uint64(end - from)
		from = end
	}
	return nil
}

// begin ends the group and begins that of a row with a key, of which all others begin with n bytes.
func (g *grouper) begin(sort, json []byte, n int) error {
	if err := g.end(); err != nil {
		return err
	}
	g.room = g.AppendKey(g.room[:0], sort, json)
	g.start(sort[:n], g.room)
	return nil
}

func (g *grouper) start(prefix, key []byte) {
	g.begun, g.prefix, g.Key = true, prefix, key
	g.Rows, g.rows, g.reds = 0, Rows{}, g.reds[:0]
}

func (g *grouper) end() error {
	if !g.begun {
		return nil
	}
	return g.fn(&g.Group)
}
