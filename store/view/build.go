package view

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"time"

	"logctl/store"
	"logctl/store/view/btree"
)

// A batch ends with this many docs or bytes of docs; about three, mapped and not, are in memory at a time.
const (
	batchDocs  = 8192
	batchBytes = 6 << 20
	batchRows  = 32 << 20 // bytes of rows
	chunkDocs  = 128      // what one worker takes at a time
)

// batch is a run of changes, in the order of their sequence numbers.
type batch struct {
	docs  []mapped
	bytes int
	seq   uint64 // that the index has seen when this is applied
	purge uint64 // that it knows of then; 0: no other than before
}

// mapped is a doc and, once it was mapped, its rows.
type mapped struct {
	seq  uint64
	id   string
	json string // "" for docs that have no rows: deleted ones and, as a rule, design documents
	rows []emittedRow
}

// emittedRow is a row ready for its tree.
type emittedRow struct {
	view        int
	btree.Entry // its Doc is the mapped one
}

// build maps all changes since the index was last updated, a batch after the other. What was mapped stays if a later batch fails.
func (x *index) build(running context.Context, db Database, u *update) error {
	if err := x.checkPurges(running, db); err != nil {
		return err
	}
	if err := x.sweep(running); err != nil {
		return err
	}
	g := x.gatherer(u)
	var failed error // of g
	err := x.pipeline(running, db, u, g.head, func(ctx context.Context, b *batch) error {
		start := time.Now()
		// A stage that fails ends the others, but not in the middle of this: the header in memory has to be that in kv.
		if failed = g.add(running, b); failed != nil {
			return failed
		}
		u.rest(ctx, time.Since(start))
		return nil
	})
	if failed != nil {
		return failed
	}
	applied := g.apply(running)
	return cmp.Or(err, applied)
}

// pipeline calls done with the changes since the index was as head says, mapped: while one batch is with done the next is mapped and
// the one after that is read.
func (x *index) pipeline(running context.Context, db Database, u *update, head header, done func(context.Context, *batch) error) error {
	ctx, cancel := context.WithCancelCause(running)
	defer cancel(nil)
	read, ready := make(chan *batch, 1), make(chan *batch, 1)
	var stages sync.WaitGroup
	stages.Go(func() {
		defer close(read)
		if err := x.read(ctx, db, head, read); err != nil {
			cancel(err)
		}
	})
	stages.Go(func() {
		defer close(ready)
		for b := range read {
			if err := x.mapBatch(ctx, u, b, ready); err != nil {
				cancel(err) // and go on until read is closed: its writer sees ctx
			}
		}
	})
	for b := range ready {
		if ctx.Err() != nil {
			continue
		}
		if err := done(ctx, b); err != nil {
			cancel(err)
		}
	}
	stages.Wait()
	return context.Cause(ctx)
}

// read sends what was purged and the changes since the index was as head says, in batches, at least one.
func (x *index) read(ctx context.Context, db Database, head header, out chan<- *batch) error {
	since, target := head.seq, db.UpdateSeq()
	fresh := func() *batch {
		return &batch{docs: make([]mapped, 0, min(uint64(x.m.batchDocs), target-min(since, target)))}
	}
	b := fresh()
	send := func() bool {
		select {
		case out <- b:
			b = fresh()
			return true
		case <-ctx.Done():
			return false
		}
	}
	full := func() bool { return len(b.docs) >= x.m.batchDocs || b.bytes >= batchBytes }
	known := head.purge
	if since == 0 {
		known = purgeSeq(db)
		b.purge = known // what was purged before is nothing to an index that has nothing
	} else if err := readPurges(ctx, db, head.purge, func(seq uint64, id string) bool {
		b.docs, b.seq, b.purge = append(b.docs, mapped{seq: since, id: id}), since, seq
		known = seq
		return !full() || send()
	}); err != nil {
		return err
	}
	// By themselves, so that no batch that is cut in pieces has them: a piece would tell of purges that are in another.
	if len(b.docs) > 0 && !send() {
		return ctx.Err()
	}
	// What is purged from now on has a sequence number behind target. An index must not be ahead of a purge that it does not know: the
	// docs that were stored under its ids since would be gone with the next update.
	last, safe := since, max(target, since, 1)
	var buf []byte
	var texts textBlock
	err := db.Changes(ctx, since, func(c store.Change) bool {
		buf = x.appendDoc(buf[:0], &c)
		d := mapped{seq: c.Seq}
		d.id, d.json = texts.keep(c.Doc.ID, buf)
		last = c.Seq
		b.docs, b.bytes, b.seq = append(b.docs, d), b.bytes+len(d.json), min(c.Seq, safe)
		return !full() || send()
	})
	if err != nil {
		return err
	}
	b.seq = max(last, target)
	if err := readPurges(ctx, db, known, func(uint64, string) bool { b.seq = safe; return false }); err != nil {
		return err
	}
	send()
	return nil
}

const designPrefix = "_design/"

// textBlock keeps docs. Many share a block.
type textBlock struct{ block strings.Builder }

// keep keeps an id and a doc.
func (t *textBlock) keep(id string, doc []byte) (string, string) {
	if need := len(id) + len(doc); t.block.Cap()-t.block.Len() < need {
		t.block.Reset()
		t.block.Grow(max(blockSize, need))
	}
	start := t.block.Len()
	t.block.WriteString(id)
	t.block.Write(doc)
	both := t.block.String()[start:]
	return both[:len(id)], both[len(id):]
}

// appendDoc appends the doc as map functions see it, nothing if they don't.
func (x *index) appendDoc(buf []byte, c *store.Change) []byte {
	if c.Doc.Deleted || strings.HasPrefix(c.Doc.ID, designPrefix) && !x.design.options.IncludeDesign {
		return buf
	}
	buf = c.Doc.AppendJSON(buf)
	if len(c.Conflicts) > 0 {
		buf = appendConflicts(buf, "_conflicts", c.Conflicts, false)
		buf = appendConflicts(buf, "_deleted_conflicts", c.Conflicts, true)
	}
	if x.design.options.LocalSeq {
		buf = appendLocalSeq(buf, c.Seq)
	}
	return buf
}

// appendConflicts adds a member with the revisions of those leaves that are deleted, or are not, if there are any.
func appendConflicts(doc []byte, name string, leaves []store.Leaf, deleted bool) []byte {
	n := 0
	for _, l := range leaves {
		if l.Deleted != deleted {
			continue
		}
		if n++; n == 1 {
			doc = append(append(append(doc[:len(doc)-1], `,"`...), name...), `":[`...)
		} else {
			doc = append(doc, ',')
		}
		doc = store.AppendJSONString(doc, l.Rev.String())
	}
	if n > 0 {
		doc = append(doc, "]}"...)
	}
	return doc
}
