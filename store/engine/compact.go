package engine

import (
	"context"
	"time"

	"logctl/store/engine/bundle"
)

// compactDocs is how many docs a compaction looks at in one go of the write lock: as many as a bundle has.
const compactDocs = bundle.MaxDocs

// Compaction is how far a compaction is.
type Compaction struct {
	Started, Updated time.Time
	Done, Total      uint64 // of the sequences that it looks at; those of docs whose replaced revisions it has looked for don't count
}

// Compact removes what nobody needs to read any more: the bodies of replaced revisions, their attachments, and what Pebble
// keeps of things that were deleted. Revisions stay known by their names. It puts docs that came one by one into bundles. One runs at a time; others that are asked for
// meanwhile do nothing. It ends early, without harm, when ctx or the engine does.
func (d *DB) Compact(ctx context.Context) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.end()
	if d.asked.Swap(true) {
		return nil
	}
	defer d.asked.Store(false)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := d.e.onClose(cancel)
	defer stop()
	if err := d.e.acquire(ctx, d.compacting); err != nil {
		return err
	}
	defer d.startCompaction()()
	d.replaced.Store(0)
	d.loose.Store(0)
	hurry := func() error { return nil }
	if err := d.forgetAllReplaced(ctx, hurry); err != nil {
		return err
	}
	if err := d.rebundle(ctx, 1, hurry); err != nil {
		return err
	}
	lo, hi := d.keys.all()
	_, err := d.e.attempt(ctx, func() (uint64, error) {
		if err := d.e.pdb.Compact(ctx, lo, hi, false); err != nil {
			return 0, writeError(err)
		}
		return 0, nil
	})
	return err
}

// startCompaction shows that one is under way, which holds the token of compacting; end takes both back.
func (d *DB) startCompaction() (end func()) {
	now := time.Now()
	d.progress.Store(&Compaction{Started: now, Updated: now})
	return func() {
		d.progress.Store(nil)
		<-d.compacting
	}
}

// forgetAllReplaced removes replaced bodies. It calls rest between steps, and ends when that errs.
func (d *DB) forgetAllReplaced(ctx context.Context, rest func() error) error {
	for from := ""; ; {
		next, err := d.forgetReplaced(ctx, from)
		if err != nil || next == "" {
			return err
		}
		from = next
		if err := rest(); err != nil {
			return err
		}
	}
}

// forgetReplaced removes the replaced bodies of some docs from an id on and gives the id to go on with, "" at the end.
func (d *DB) forgetReplaced(ctx context.Context, from string) (next string, err error) {
	ids, next, err := d.withTrees(ctx, from)
	if err != nil || len(ids) == 0 {
		return next, err
	}
	if err := d.lock(ctx); err != nil {
		return "", err
	}
	_, err = d.edits.run(ctx, d, 0, func(ed *editor) error {
		for _, id := range ids {
			if err := ed.forgetReplaced(id); err != nil {
				return err
			}
		}
		return nil
	})
	return next, err
}

// withTrees are the ids, among some from an id on, of docs that have more than one revision.
func (d *DB) withTrees(ctx context.Context, from string) (ids []string, next string, err error) {
	if err := d.alive(ctx); err != nil {
		return nil, "", err
	}
	_, hi := d.keys.space(subByID)
	n := 0
	err = d.e.scan(d.keys.byID(from), hi, func(k, v []byte) error {
		if n++; n > compactDocs {
			next = string(k[prefixLen:])
			return errStop
		}
		_, _, hasTree, err := parseIDHead(v)
		if hasTree {
			ids = append(ids, string(k[prefixLen:]))
		}
		return err
	})
	return ids, next, ignoreStop(err)
}

// forgetReplaced removes a doc's replaced bodies. Its place in the changes feed stays.
func (ed *editor) forgetReplaced(id string) error {
	st, err := ed.load(id)
	if err != nil || st.seq == 0 {
		return err
	}
	changed := false
	for i := range st.tree {
		n := &st.tree[i]
		if !n.replaced || !n.kept {
			continue
		}
		if err := ed.forget(n); err != nil {
			return err
		}
		n.kept, n.atts, n.seq, changed = false, false, 0, true
	}
	if changed {
		ed.writeByID(id, &idRecord{seq: st.seq, deleted: st.deleted, tree: st.tree})
	}
	return nil
}

// Compaction tells how far a compaction is, one that was asked for or one that the engine does by itself; false if none is under way.
func (d *DB) Compaction() (Compaction, bool) {
	if c := d.progress.Load(); c != nil {
		return *c, true
	}
	return Compaction{}, false
}

// onClose has fn called when the engine begins to close; stop takes that back.
func (e *Engine) onClose(fn func()) (stop func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-e.quit:
			fn()
		case <-done:
		}
	}()
	return func() { close(done) }
}
