package engine

import "context"

// compactDocs is how many docs Compact looks at in one go of the write lock.
const compactDocs = 1000

// Compact removes what nobody needs to read any more: the bodies of replaced revisions, their attachments, and what Pebble
// keeps of things that were deleted. Revisions stay known by their names. It puts docs that came one by one into bundles. One runs at a time; others that are asked for
// meanwhile do nothing. It ends early, without harm, when ctx or the engine does.
func (d *DB) Compact(ctx context.Context) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.end()
	if d.compacting.Swap(true) {
		return nil
	}
	defer d.compacting.Store(false)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := d.e.onClose(cancel)
	defer stop()
	for from := ""; ; {
		next, err := d.forgetReplaced(ctx, from)
		if err != nil {
			return err
		}
		if next == "" {
			break
		}
		from = next
	}
	if err := d.rebundle(ctx); err != nil {
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
	for i, inner := range st.tree.parents() {
		n := &st.tree[i]
		if !inner || !n.kept {
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

// Compacting tells whether a Compact is under way.
func (d *DB) Compacting() bool { return d.compacting.Load() }

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
