// Package btree keeps sorted rows with reductions of every subtree in the values of a keyspace.
//
// A tree is its Root; nodes are never changed in place: Apply writes new ones under fresh numbers, deletes those that they
// replace, and gives the new Root, all as operations that the caller hands to its keyspace in one piece together with the
// Root; where there are many new nodes, they may be written before (Tree.Early). So a reader with a snapshot has a whole tree for as long as it likes, and decoded nodes may be cached by number.
//
// Rows are addressed by position: Rank turns a place into the number of rows before it, and everything else (rows, counts,
// reductions) takes a range of positions, at a cost of the height of the tree and, for rows, their number. Bytes that a Tree
// gives are shared: they must not be changed.
//
// Reductions of more than a few bytes stand apart from the nodes: who goes through inner nodes to a row, or changes a row, does not read and
// write those of all their kids, and they leave the cache to others. In the tree of a view, a group of keys that fills
// a node is one, and what is stored for it is its reduction. Of all rows together none is stored: it changes with each row, and who asks
// for it makes it of those of the root's kids.
//
// A leaf keeps its rows column by column, in a few bytes each. The rows of the trees of views mostly name their docs by the time in
// the doc's id and a number (Doc); the ids are in a tree of their own, of docs, to which Tree.Names leads. Its rows have
// no sort keys, and values that the tree does not look into but to keep them well: sort keys, each behind two bytes.
package btree

import "logctl/store"

// Sizes of encoded inner nodes with all reductions in bytes, about, and of leaves by Entry.size, which is more than what they take. A leaf of one row may
// be of any size, and so may an inner node of minFanout kids, or of two that are a group: reductions that grow must not make a tree that is a list.
const (
	targetSize = 6 << 10
	maxSize    = 8 << 10
	minSize    = targetSize / 4
	minFanout  = 8
	nearSize   = 256 // of the longest reduction that stands in the parent
)

// Reducer computes what is stored beside each subtree. Reductions are opaque here.
type Reducer interface {
	// Reduce appends the reduction of rows, at least one.
	Reduce(dst []byte, rows Rows) ([]byte, error)
	// Rereduce appends the reduction of what those reductions stand for, at least two, in order; or one alone, where a tree remembers.
	Rereduce(dst []byte, reductions [][]byte) ([]byte, error)
}

// Root is a tree. The zero Root is the empty one.
type Root struct {
	ID     uint64 // number of the root node, 0 for none
	Height int    // levels of nodes; 1: the root is a leaf
	Rows   uint64
	Next   uint64 // number that the next node gets, less one
	Bytes  uint64 // of all nodes as written
}

// kid is what a node knows of one below it.
type kid struct {
	last      []byte // the greatest place in it
	alike     int    // how many bytes of last the sort keys of all rows below begin with; 0 if one of them has JSON
	id        uint64
	rows      uint64
	reduction     // its bytes are nil if it stands apart
	far       int // bytes of a reduction that stands apart as written, 0 for none
}

// reduction is what a Reducer makes, and of how much.
type reduction struct {
	red   []byte
	input int // bytes of reductions, or of rows, that it was made of, where a Tree remembers; not kept of short ones

	settled bool // it is known to stay what it is when it is reduced again; not kept of short ones
}

// node is a decoded node: either a leaf or kids.
type node struct {
	leaf *leaf
	kids []kid
	far  int // of its own reduction, as a kid's
	size int // bytes as written
}

// written is how many bytes a node and its reduction take.
func (n *node) written() int { return n.size + n.far }

func corrupt(what string) error {
	return store.NewError(store.KindCorrupt, "view index: "+what)
}
