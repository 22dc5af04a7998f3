package view

import (
	"context"

	"logctl/store/view/btree"
)

// Docs that a database forgets leave no change behind. Those that have, come again in a batch, without rows; changes that are
// read after them have what has been stored under their ids since.

// checkPurges empties an index that has missed purges which nobody knows any more: it is built anew.
func (x *index) checkPurges(ctx context.Context, db Database) error {
	p, ok := db.(purger)
	head := x.state()
	if !ok || head.seq == 0 {
		return nil
	}
	complete, err := p.Purges(ctx, head.purge, func(uint64, string) bool { return false })
	if complete || err != nil {
		return err
	}
	if err := x.kv.Drop(); err != nil {
		return err
	}
	empty := header{roots: make([]btree.Root, len(head.roots))}
	for i := range empty.roots {
		empty.roots[i].Next = head.roots[i].Next // nodes are cached under numbers that never come again
	}
	x.mu.Lock()
	x.head = empty
	x.mu.Unlock()
	return nil
}

// purgeSeq is the number of the latest purge, 0 for a database that knows none.
func purgeSeq(db Database) uint64 {
	if p, ok := db.(purger); ok {
		return p.PurgeSeq()
	}
	return 0
}

// readPurges calls fn for the purges after since.
func readPurges(ctx context.Context, db Database, since uint64, fn func(seq uint64, id string) bool) error {
	p, ok := db.(purger)
	if !ok {
		return nil
	}
	_, err := p.Purges(ctx, since, fn)
	return err
}
