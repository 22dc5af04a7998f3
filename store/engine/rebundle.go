package engine

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine/bundle"
)

// Docs that came one by one have records of their own, and those of small calls small bundles. A compaction puts them together, as
// far as their sequences follow each other, and has what has by-id records without need found by spans. No doc gets another
// sequence, so nobody sees a difference.

// mergedBundle is the size up to which a bundle is put together with others, in docs: of larger ones there is little to win.
const mergedBundle = bundle.MaxDocs / 2

// rebundle puts docs of the database into bundles, from a sequence on. It calls rest between steps, and ends when that errs. The
// caller has the token of compacting.
func (d *DB) rebundle(ctx context.Context, from uint64, rest func() error) error {
	begin, end := from, d.UpdateSeq()
	now := d.progress.Load()
	for from > 0 {
		if err := d.alive(ctx); err != nil {
			return err
		}
		if err := d.lock(ctx); err != nil {
			return err
		}
		_, err := d.edits.run(ctx, d, 0, func(ed *editor) (err error) {
			from, err = ed.rebundle(from)
			return err
		})
		if err != nil {
			return err
		}
		if from == 0 {
			break
		}
		d.progress.Store(&Compaction{Started: now.Started, Updated: time.Now(), Done: from - begin, Total: max(from, end) - begin})
		if err := rest(); err != nil {
			return err
		}
	}
	d.bundled = end
	return nil
}

// part is a by-sequence record that may become part of a bundle.
type part struct {
	first, last uint64
	b           *bundled // nil: it is of one doc
	counts      *counters
	docs        []pending
}

// whole tells whether all of a bundle's docs are still in it.
func (p *part) whole() bool { return p.b == nil || len(p.b.gone) == 0 }

// series is parts whose sequences follow each other.
type series struct {
	parts []part
	n     int // docs
}

// rebundle goes over some records from a sequence on, and gives the one to go on with, 0 at the end.
func (ed *editor) rebundle(from uint64) (next uint64, err error) {
	_, hi := ed.db.keys.space(subBySeq)
	var r series
	seen := 0
	err = ed.db.e.scan(ed.db.keys.bySeq(from), hi, func(k, v []byte) error {
		p, ok, err := readPart(seqOf(k), v)
		if err != nil {
			return err
		}
		seen += max(1, len(p.docs))
		if ok && r.takes(&p) {
			r.add(p)
			return nil
		}
		if err := ed.settle(r.parts); err != nil {
			return err
		}
		r = series{}
		if seen > compactDocs {
			next = seqOf(k) // the record is read again
			if p.b != nil {
				next = p.first
			}
			return errStop
		}
		if ok {
			r.add(p)
		}
		return nil
	})
	if err == nil {
		err = ed.settle(r.parts)
	}
	return next, ignoreStop(err)
}

// takes tells whether there is room for a part at the end.
func (r *series) takes(p *part) bool {
	return len(r.parts) > 0 && p.whole() && r.parts[0].whole() && r.n+len(p.docs) <= bundle.MaxDocs && p.first == r.parts[len(r.parts)-1].last+1
}

func (r *series) add(p part) {
	r.parts = append(r.parts, p)
	r.n += len(p.docs)
}

// readPart reads a record; false if it stays as it is.
func readPart(last uint64, record []byte) (p part, ok bool, err error) {
	if !isBundle(record) {
		rec, err := parseSeqRecord(record)
		if err != nil || rec.deleted || rec.leaves || rec.rev.gen != 1 || hasAttachments(rec.body) {
			return p, false, err
		}
		rev := rec.rev.rev()
		if string(ejson.AppendRevHash(nil, false, store.Rev{}, rec.body)) != rev.Hash {
			return p, false, nil
		}
		doc := pending{seq: last, id: string(rec.id), body: slices.Clone(rec.body), fresh: true}
		return part{first: last, last: last, counts: rec.counts, docs: []pending{doc}}, true, nil
	}
	b, err := parseBundleHead(last, record)
	p = part{first: b.first(), last: last, b: &b, counts: b.counts}
	if err != nil || b.lane != noLane && (len(b.gone) > 0 || b.n > mergedBundle) {
		return p, false, err
	}
	b.content = slices.Clone(b.content)
	if err := b.open(); err != nil {
		return p, false, err
	}
	for i := range b.n {
		id, body := b.docs.Append(nil, nil, i)
		p.docs = append(p.docs, pending{seq: p.first + uint64(i), id: string(id), body: body, fresh: true})
	}
	return p, true, nil
}

// settle makes a bundle of parts if there is something to win.
func (ed *editor) settle(parts []part) error {
	switch {
	case len(parts) == 0:
		return nil
	case len(parts) == 1 && parts[0].b == nil:
		return nil
	case len(parts) == 1:
		return ed.giveSpan(parts[0].b)
	}
	var docs []pending
	for i := range parts {
		docs = append(docs, parts[i].docs...)
	}
	sorted := slices.Clone(docs)
	byID := func(a, b pending) int { return strings.Compare(a.id, b.id) }
	slices.SortFunc(sorted, byID)
	if gap := widestGap(sorted); gap > 0 {
		return ed.settleApart(parts, sorted[gap].id)
	}
	if n := ed.gatherAll(docs); n < len(docs) {
		return ed.settleUntil(parts, docs[n].seq)
	}
	if len(docs) < leastBundle {
		return nil
	}
	s := span{seq: docs[len(docs)-1].seq, docs: len(docs), min: sorted[0].id, max: sorted[len(sorted)-1].id}
	return ed.replace(parts, docs, &s, !slices.IsSortedFunc(docs, byID))
}

// giveSpan has the docs of a bundle that was opened found by a span instead of by-id records, if a lane has room for it.
func (ed *editor) giveSpan(b *bundled) error {
	if b.lane != noLane {
		return nil
	}
	ids := b.index()
	s := span{seq: b.last, docs: b.n, min: ids.ID(ids.At(0)), max: ids.ID(ids.At(b.n - 1))}
	lane, err := ed.place(&s)
	if err != nil || lane == noLane {
		return err
	}
	for i := range b.n {
		if b.here(i) {
			ed.batch.Delete(ed.db.keys.byID(ids.ID(i)), nil)
		}
	}
	b.lane = lane
	ed.writeSpan(lane, &s)
	ed.buf = append(appendBundleHead(ed.buf[:0], b.n, b.gone, b.place, b.counts), b.content...)
	ed.batch.Set(ed.db.keys.bySeq(b.last), ed.buf, nil)
	return nil
}

// settleApart cuts parts where their ids go from one side of an id to the other.
func (ed *editor) settleApart(parts []part, id string) error {
	side := func(p part) bool { return p.docs[0].id < id }
	for i := 1; i < len(parts); i++ {
		if side(parts[i]) != side(parts[0]) {
			return cmp.Or(ed.settle(parts[:i]), ed.settle(parts[i:]))
		}
	}
	return nil
}

// settleUntil cuts parts before or behind the one with a sequence, which no bundle with the others has room for.
func (ed *editor) settleUntil(parts []part, seq uint64) error {
	i := slices.IndexFunc(parts, func(p part) bool { return seq <= p.last })
	if i == 0 {
		i = 1
	}
	if i == len(parts) {
		return nil
	}
	return cmp.Or(ed.settle(parts[:i]), ed.settle(parts[i:]))
}

// replace puts the docs of parts, which were gathered, into one bundle.
func (ed *editor) replace(parts []part, docs []pending, s *span, unordered bool) error {
	before := len(ed.dropped)
	anySpan := false
	for i := range parts {
		if b := parts[i].b; b != nil && b.lane != noLane {
			anySpan = true
			ed.dropped = append(ed.dropped, b.last)
		}
	}
	lane, err := ed.place(s)
	if err != nil || lane == noLane && anySpan {
		ed.dropped = ed.dropped[:before]
		return err
	}
	keys := &ed.db.keys
	for i := range parts {
		p := &parts[i]
		if p.last != s.seq {
			ed.batch.Delete(keys.bySeq(p.last), nil)
		}
		if p.b != nil && p.b.lane != noLane {
			ed.dropSpan(p.b)
			continue
		}
		for k := range p.docs {
			if lane != noLane {
				ed.batch.Delete(keys.byID(p.docs[k].id), nil)
			}
		}
	}
	if lane != noLane {
		ed.writeSpan(lane, s)
	}
	head := place{lane: lane, unordered: unordered}
	ed.buf = ed.bundle.Append(appendBundleHead(ed.buf[:0], len(docs), nil, head, parts[len(parts)-1].counts))
	ed.batch.Set(keys.bySeq(s.seq), ed.buf, nil)
	ed.bundle.Reset()
	return nil
}
