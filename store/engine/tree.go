package engine

import (
	"cmp"
	"encoding/binary"
	"slices"

	"logctl/store"
)

// noParent is the parent of a root.
const noParent = -1

// node is one revision of a doc.
type node struct {
	rev      store.Rev
	parent   int  // index of the revision that it replaced, noParent if unknown or none
	replaced bool // by another one, whose parent it is
	deleted  bool
	kept     bool   // its body is in the store
	seq      uint64 // of the edit that brought its body; it names the body's key while the node is not the winner
	atts     bool   // its body is kept and comes with attachments
	body     []byte // while an edit is under way: the body, if it is at hand
}

// tree holds the revisions of a doc, a forest in no special order: a node is told by its revision, which is unique in it.
// How revisions merge, which of them wins and what is cut off is CouchDB's (its couch_key_tree and couch_doc modules).
type tree []node

// find is the index of a revision, or noParent. places has those of all, plus one, or is nil.
func (t tree) find(rev store.Rev, places map[store.Rev]int) int {
	if places != nil {
		return places[rev] - 1
	}
	for i := len(t) - 1; i >= 0; i-- {
		if t[i].rev == rev {
			return i
		}
	}
	return noParent
}

// places has, for find, where the revisions are. Few are sooner looked for one by one.
func (t tree) places() map[store.Rev]int {
	p := make(map[store.Rev]int, len(t))
	for i := range t {
		p[t[i].rev] = i + 1
	}
	return p
}

// follow makes node i the one that replaced its parent.
func (t tree) follow(i, parent int) {
	if t[i].parent = parent; parent != noParent {
		t[parent].replaced = true
	}
}

// which are the indexes of the nodes that another one replaced, or of the others.
func (t tree) which(replaced bool) (list []int) {
	for i := range t {
		if t[i].replaced == replaced {
			list = append(list, i)
		}
	}
	return list
}

// leaves are the indexes of the nodes that nothing replaced: first, if it is one, then in the order in which they would win. A read
// names the winner of the record: where hashes of several lengths meet, earlier versions had another one.
func (t tree) leaves(first store.Rev) []int {
	l := t.which(false)
	rank := func(n *node) int {
		switch {
		case n.rev == first:
			return 0
		case n.deleted:
			return 2
		}
		return 1
	}
	slices.SortFunc(l, func(a, b int) int { return cmp.Or(rank(&t[a])-rank(&t[b]), t[b].rev.Compare(t[a].rev)) })
	return l
}

// ancestors are the hashes of the revisions that led to node i, newest first.
func (t tree) ancestors(i int) []string {
	var a []string
	for p := t[i].parent; p != noParent; p = t[p].parent {
		a = append(a, t[p].rev.Hash)
	}
	return a
}

// merge adds the revision rev with its ancestors' hashes (newest first), gives its index and reports whether that changed
// the tree. Ancestors that are known join branches; unknown ones are added without bodies.
func (t *tree) merge(rev store.Rev, ancestors []string, places map[store.Rev]int) (i int, changed bool) {
	parent := noParent
	for k := len(ancestors) - 1; k >= 0; k-- {
		if gen := rev.Gen - 1 - k; gen >= 1 {
			var c bool
			parent, c = t.attach(store.Rev{Gen: gen, Hash: ancestors[k]}, parent, places)
			changed = changed || c
		}
	}
	i, c := t.attach(rev, parent, places)
	return i, changed || c
}

// attach finds or adds a revision, below parent unless it has a parent, and reports whether that changed the tree.
func (t *tree) attach(rev store.Rev, parent int, places map[store.Rev]int) (i int, changed bool) {
	if i = t.find(rev, places); i == noParent {
		i = len(*t)
		*t = append(*t, node{rev: rev, parent: noParent})
		if places != nil {
			places[rev] = i + 1
		}
		changed = true
	}
	if (*t)[i].parent == noParent && parent != noParent {
		t.follow(i, parent)
		changed = true
	}
	return i, changed
}

// stem cuts off what lies limit or more revisions behind every leaf and gives the nodes that went. From old leaves to new: the first
// that comes to a node is the nearest, and whatever is kept above the node for one behind it is kept already.
func (t *tree) stem(limit int) (cut []node) {
	if len(*t) <= limit {
		return nil
	}
	keep := make([]bool, len(*t))
	leaves := t.which(false)
	slices.SortFunc(leaves, func(a, b int) int { return (*t)[a].rev.Gen - (*t)[b].rev.Gen })
	for _, leaf := range leaves {
		for n, i := 0, leaf; n < limit && i != noParent && !keep[i]; n, i = n+1, (*t)[i].parent {
			keep[i] = true
		}
	}
	return t.drop(keep)
}

// drop removes the nodes that are not to be kept; what they led to becomes a root.
func (t *tree) drop(keep []bool) (cut []node) {
	moved := make([]int, len(*t))
	var rest tree
	for i, n := range *t {
		if !keep[i] {
			cut = append(cut, n)
			continue
		}
		moved[i], n.replaced = len(rest), false
		rest = append(rest, n)
	}
	for i := range rest {
		if p := rest[i].parent; p != noParent && keep[p] {
			rest.follow(i, moved[p])
		} else {
			rest[i].parent = noParent
		}
	}
	*t = rest
	return cut
}

// append encodes the tree: the number of nodes, then for each its flags, revision, parent's index + 1 and, where the body
// is kept, seq.
func (t tree) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(t)))
	for i := range t {
		n := &t[i]
		rev := makeRawRev(n.rev)
		flags := rev.flag()
		if n.deleted {
			flags |= flagDeleted
		}
		if n.kept {
			flags |= flagBody
		}
		if n.atts {
			flags |= flagAtts
		}
		dst = rev.append(append(dst, flags))
		dst = binary.AppendUvarint(dst, uint64(n.parent+1))
		if n.kept {
			dst = binary.AppendUvarint(dst, n.seq)
		}
	}
	return dst
}

func (d *decoder) tree() tree {
	count := d.uvarint()
	if count > uint64(len(d.src)) {
		d.short()
		return nil
	}
	t := make(tree, count)
	for i := range t {
		flags := d.byte()
		n := node{rev: d.rev(flags).rev(), deleted: flags&flagDeleted != 0, kept: flags&flagBody != 0, atts: flags&flagAtts != 0}
		parent := d.uvarint()
		if parent > count {
			d.short()
			return nil
		}
		n.parent = int(parent) - 1
		if n.kept {
			n.seq = d.uvarint()
		}
		t[i] = n
	}
	for i := range t {
		if p := t[i].parent; p != noParent && t[p].rev.Gen >= t[i].rev.Gen {
			d.wrong = "a revision is older than its parent"
			return nil
		}
		t.follow(i, t[i].parent)
	}
	return t
}
