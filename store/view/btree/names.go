package btree

import (
	"bytes"
	"slices"
	"sort"
)

// find looks an id up in the tree of docs.
func (n *namer) find(d Doc) (string, error) {
	near := sort.Search(len(n.near), func(i int) bool { return n.near[i].to >= d.Time })
	if near < len(n.near) && n.near[near].from <= d.Time {
		l := n.near[near].leaf
		if at := l.numbered(l.searchTime(d.Time, n), d); at >= 0 {
			return l.doc(at).ID, nil
		}
	}
	var room [timeDigits]byte
	place := appendTime(room[:0], d.Time)
	l, before, err := n.tree.leafOf(place)
	if err != nil {
		return "", err
	}
	missing := corrupt("a row of a doc that is not there")
	if l == nil {
		return "", missing
	}
	n.keep(near, l)
	i := l.searchTime(d.Time, n)
	if at := l.numbered(i, d); at >= 0 {
		return l.doc(at).ID, nil
	}
	id := ""
	err = n.tree.Scan(before+uint64(i), n.tree.Root.Rows, false, func(e Entry) error {
		if e.Doc.N > 0 && e.Doc.Time > d.Time {
			return missing
		}
		if e.Doc.Time == d.Time && e.Doc.N == d.N {
			id = e.Doc.ID
			return errFound
		}
		return nil
	})
	switch {
	case err == errFound:
		return id, nil
	case err == nil:
		return "", missing
	}
	return "", err
}

var errFound = corrupt("what was looked for") // it never leaves this package

// keep keeps a leaf at hand that a time was looked for in, before the i-th of those that are.
func (n *namer) keep(i int, l *leaf) {
	if l.times == nil || l.ids != nil || i < len(n.near) && n.near[i].to <= l.times[l.n-1] {
		return
	}
	if len(n.near) == nearby {
		n.near, i = n.near[:0], 0
	}
	n.near = slices.Insert(n.near, i, docSpan{l.times[0], l.times[l.n-1], l})
}

// searchTime is the number of docs before those of a time, in a leaf of docs.
func (l *leaf) searchTime(ms int64, names *namer) int {
	if l.times != nil && l.ids == nil {
		i, _ := slices.BinarySearch(l.times, ms)
		return i
	}
	var room [timeDigits]byte
	return l.search(appendTime(room[:0], ms), names)
}

// numbered is the doc with a number among those of a time, of which the i-th is the first; -1 if it is not in the leaf.
func (l *leaf) numbered(i int, d Doc) int {
	for ; i < l.n; i++ {
		if l.names != nil && l.names[i] == 0 {
			continue
		}
		if l.times == nil || l.times[i] != d.Time {
			return -1
		}
		if l.names == nil && d.N == 1 || l.names != nil && l.names[i] == d.N {
			return i
		}
	}
	return -1
}

// Range is a part of a tree by places: From is in it, To is not.
type Range struct{ From, To []byte }

// Find calls fn for the rows in ranges, which are sorted and apart. It visits each leaf once.
func (t *Tree) Find(ranges []Range, fn func(Entry) error) error {
	if t.Root.ID == 0 || len(ranges) == 0 {
		return nil
	}
	return t.find(t.Root.ID, t.Root.Height, ranges, fn)
}

func (t *Tree) find(id uint64, level int, ranges []Range, fn func(Entry) error) error {
	if level > 1 {
		n, err := t.inner(id)
		if err != nil {
			return err
		}
		return n.spread(ranges, func(k *kid, ranges []Range) error { return t.find(k.id, level-1, ranges, fn) })
	}
	l, err := t.leaf(id)
	if err != nil {
		return err
	}
	names := t.namer()
	for _, r := range ranges {
		from, to := l.search(r.From, names), l.search(r.To, names)
		if names.err != nil {
			return names.err
		}
		if from < to {
			if err := l.each(from, to, fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// spread calls fn with each kid and the ranges that it may have rows of, if there are any.
func (n *node) spread(ranges []Range, fn func(*kid, []Range) error) error {
	for i := range n.kids {
		k := &n.kids[i]
		its := sort.Search(len(ranges), func(r int) bool { return bytes.Compare(ranges[r].From, k.last) > 0 })
		if its == 0 {
			continue
		}
		if err := fn(k, ranges[:its]); err != nil {
			return err
		}
		if bytes.Compare(ranges[its-1].To, k.last) > 0 {
			its-- // it goes on in the next kid
		}
		ranges = ranges[its:]
	}
	return nil
}
