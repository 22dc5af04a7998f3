package view

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"logctl/store"
	"logctl/store/view/btree"
)

// A gatherer applies all when it has gatherBytes, or after gatherTime, or after gatherFactor times as long as applying took the time before:
// nobody sees what is gathered, and when the store goes down it is lost.
const (
	gatherBytes  = 32 << 20
	gatherTime   = 10 * time.Second
	gatherFactor = 8
)

// gatherer collects what batches do to an index and applies it in one piece. An index that is built from nothing, or that is far behind,
// would else write most leaves of a view anew for each batch: an address that a key begins with has rows in all of them.
//
// The tree of docs is kept up with each batch, because the next one asks it what a doc had and which numbers are free.
type gatherer struct {
	*index
	u       *update
	head    header // as all batches leave it, but for the views' trees
	docs    *btree.Tree
	fresh   *overlay   // the nodes of docs
	runs    [][]rowRun // by view
	bytes   int
	batches int
	since   time.Time     // of the first batch
	took    time.Duration // to apply the last time

	// Room of add, by view.
	ops     [][]rowOp
	sorters []*sorter
}

func (x *index) gatherer(u *update) *gatherer {
	g := &gatherer{index: x, u: u, ops: make([][]rowOp, x.docs()), sorters: make([]*sorter, x.docs())}
	for i := range g.sorters {
		g.sorters[i] = newSorter()
	}
	g.reset()
	return g
}

// reset makes the gatherer begin anew from what the index has.
func (g *gatherer) reset() {
	g.head = g.state()
	g.head.roots = slices.Clone(g.head.roots)
	g.docs = g.tree(g.kv, g.head, g.index.docs())
	g.fresh = &overlay{g.kv, map[string][]byte{}}
	g.runs = make([][]rowRun, g.index.docs())
	g.bytes, g.batches = 0, 0
}

// add takes a batch, and applies all if that is much, or waits for long.
func (g *gatherer) add(ctx context.Context, b *batch) error {
	if g.batches == 0 {
		g.since = time.Now()
	}
	docs := latest(b.docs)
	found, err := find(docs, g.docs)
	if err != nil {
		return err
	}
	own, err := g.changes(docs, found)
	if err != nil {
		return err
	}
	root, kv, err := g.docs.Apply(ctx, btree.Once(own), nil)
	if err != nil {
		return err
	}
	names, runs := newRunDocs(found), make([]rowRun, len(g.ops))
	var all sync.WaitGroup
	for i, ops := range g.ops {
		g.each(&all, func() {
			runs[i] = newRun(names, g.sorters[i].sort(ops))
			g.sorters[i].forget()
			clear(ops)
		})
	}
	all.Wait()
	for i := range runs {
		if len(runs[i].data) > 0 {
			g.runs[i] = append(g.runs[i], runs[i])
			g.bytes += len(runs[i].data)
		}
	}
	g.bytes += names.bytes() + g.fresh.add(kv)
	g.head.roots[g.index.docs()] = root
	g.head.seq, g.head.purge = b.seq, max(g.head.purge, b.purge)
	if g.batches++; g.batches == 1 {
		// Nodes of this tree may never be written, and their numbers be given again.
		g.docs = g.tree(g.fresh, g.head, g.index.docs())
		g.docs.Space = g.m.cache.Space()
	}
	g.docs.Root = root
	if g.bytes < g.m.gatherBytes && time.Since(g.since) < max(gatherTime, gatherFactor*g.took) {
		return nil
	}
	return g.apply(ctx)
}

// latest sorts docs by id and keeps the last of each: a doc that changes while it is read comes twice.
func latest(docs []mapped) []mapped {
	slices.SortStableFunc(docs, func(a, b mapped) int { return strings.Compare(a.id, b.id) })
	kept := docs[:0]
	for i := range docs {
		if i+1 < len(docs) && docs[i+1].id == docs[i].id {
			continue
		}
		kept = append(kept, docs[i])
	}
	return kept
}

// changes fills g.ops with what the docs' new rows do to each view, in the order of the docs' ids, and gives what they do to the tree
// of docs.
func (g *gatherer) changes(docs []mapped, found []known) (own []btree.Op, err error) {
	for i := range g.ops {
		g.ops[i] = g.ops[i][:0]
	}
	own = make([]btree.Op, 0, len(docs))
	entries := make([]btree.Entry, len(docs))
	for i := range docs {
		d, was := &docs[i], found[i]
		if was.entry != nil {
			err := docRows(was.entry, func(view int, sortKey []byte, repeat uint32) {
				if view < len(g.ops) {
					e := &btree.Entry{Sort: sortKey, Doc: was.name, Repeat: repeat}
					g.ops[view] = append(g.ops[view], rowOp{entry: e, doc: i, delete: true})
				}
			})
			if err != nil {
				return nil, err
			}
		}
		for k := range d.rows {
			r := &d.rows[k]
			r.Doc = was.name
			g.ops[r.view] = append(g.ops[r.view], rowOp{entry: &r.Entry, doc: i})
		}
		op := btree.Op{Entry: &entries[i]}
		op.Doc = was.name
		switch {
		case len(d.rows) > 0:
			op.Value = docEntry(d.rows)
		case was.entry != nil:
			op.Delete = true
		default:
			continue
		}
		own = append(own, op)
	}
	return own, nil
}

// apply writes all that was gathered: first what takes much room, new nodes that nothing leads to, then the rest of all trees and the
// header in one piece.
func (g *gatherer) apply(ctx context.Context) error {
	if g.batches == 0 {
		return nil
	}
	start, before := time.Now(), g.state()
	g.strays = true
	kvs := make([][]store.KVOp, len(g.runs))
	errs := make([]error, len(g.runs))
	var all sync.WaitGroup
	for i, runs := range g.runs {
		g.each(&all, func() {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			tree := g.tree(g.kv, before, i)
			tree.Early = g.early(ctx)
			g.head.roots[i], kvs[i], errs[i] = tree.Apply(ctx, g.pieces(ctx, newMerger(runs)), nil)
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	kv, err := g.fresh.ops(g.early(ctx))
	if err != nil {
		return err
	}
	kv = append(append(kv, slices.Concat(kvs...)...), store.KVOp{Key: []byte{keyHeader}, Value: g.head.append(nil)})
	if err := g.kv.Apply(ctx, kv); err != nil {
		return err
	}
	g.mu.Lock()
	g.index.head = g.head
	g.mu.Unlock()
	g.strays = false
	g.reset()
	g.took = time.Since(start)
	return nil
}

// each runs fn, beside others of its kind if somebody waits for the update.
func (g *gatherer) each(all *sync.WaitGroup, fn func()) {
	if g.u.isWanted() {
		all.Go(fn)
		return
	}
	fn()
}

// early writes new nodes, and gives way to everybody else for as long as making and writing them took.
func (g *gatherer) early(ctx context.Context) func([]store.KVOp) error {
	start := time.Now()
	return func(nodes []store.KVOp) error {
		err := g.kv.Apply(ctx, nodes)
		g.u.rest(ctx, time.Since(start))
		start = time.Now()
		return err
	}
}

// sweep removes the nodes that an update has left behind which did not come to its end.
func (x *index) sweep(ctx context.Context) error {
	if !x.strays {
		return nil
	}
	var kv []store.KVOp
	head := x.state()
	for i := range head.roots {
		var err error
		if kv, err = x.tree(x.kv, head, i).Stray(kv); err != nil {
			return err
		}
	}
	if len(kv) > 0 {
		if err := x.kv.Apply(ctx, kv); err != nil {
			return err
		}
	}
	x.strays = false
	return nil
}

// pieces are those of m, made while others are worked on if somebody waits for the update.
func (g *gatherer) pieces(ctx context.Context, m *merger) btree.Pieces {
	if g.u.isWanted() {
		return ahead(ctx, m)
	}
	return func() ([]btree.Op, error) { return m.piece(), nil }
}

// ahead makes the next pieces while one is worked on, until ctx ends.
func ahead(ctx context.Context, m *merger) btree.Pieces {
	pieces := make(chan []btree.Op, 2)
	go func() {
		defer close(pieces)
		for piece := m.piece(); len(piece) > 0; piece = m.piece() {
			select {
			case pieces <- piece:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() ([]btree.Op, error) {
		piece := <-pieces
		if len(piece) == 0 {
			return nil, ctx.Err() // the pieces may have ended with it
		}
		return piece, nil
	}
}
