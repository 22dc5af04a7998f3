package engine

import (
	"errors"
	"maps"
	"slices"

	"logctl/store"
	"logctl/store/ejson"
)

// How docs get into bundles and out of them. A doc that gets a greater sequence, or is purged, leaves its bundle: its index goes
// into the record's head, and the other bytes of the record stay as they are. When half of the docs have left, the others get
// records of their own.

// left is a bundle that docs of the call left.
type left struct {
	bundled
	gone map[int]bool
}

// dropSeq deletes the by-sequence record of a doc; last is the sequence of the bundle that it is in, 0 if it has a record of
// its own.
func (ed *editor) dropSeq(seq, last uint64) error {
	if last == 0 {
		ed.batch.Delete(ed.db.keys.bySeq(seq), nil)
		return nil
	}
	l := ed.left[last]
	if l == nil {
		v, err := ed.db.e.get(ed.db.keys.bySeq(last))
		if err == nil && !isBundle(v) {
			err = errCorrupt(errors.New("a bundle is missing"))
		}
		if err != nil {
			return err
		}
		l = &left{gone: map[int]bool{}}
		if l.bundled, err = parseBundleHead(last, v); err != nil {
			return err
		}
		for _, i := range l.bundled.gone {
			l.gone[i] = true
		}
		if ed.left == nil {
			ed.left = map[uint64]*left{}
		}
		ed.left[last] = l
	}
	l.gone[int(seq-l.first())] = true
	return nil
}

// settleLeft writes the bundles that docs of the call left.
func (ed *editor) settleLeft() error {
	for _, last := range slices.Sorted(maps.Keys(ed.left)) {
		l := ed.left[last]
		if 2*len(l.gone) >= l.n {
			if err := ed.dissolve(l); err != nil {
				return err
			}
			continue
		}
		ed.buf = appendBundleHead(ed.buf[:0], l.n, slices.Sorted(maps.Keys(l.gone)), l.place, l.counts)
		ed.buf = append(ed.buf, l.content...)
		ed.batch.Set(ed.db.keys.bySeq(last), ed.buf, nil)
	}
	return nil
}

// dissolve gives the docs that are left in a bundle records of their own.
func (ed *editor) dissolve(l *left) error {
	if err := l.open(); err != nil {
		return err
	}
	ed.batch.Delete(ed.db.keys.bySeq(l.last), nil)
	if l.lane != noLane {
		ed.dropSpan(&l.bundled)
	}
	for i := range l.n {
		if l.gone[i] {
			continue
		}
		id, body := l.docs.Append(nil, nil, i)
		hash := ejson.AppendRevHash(nil, false, store.Rev{}, body)
		p := pending{
			seq: l.first() + uint64(i), id: string(id), body: body,
			rev: makeRawRev(store.Rev{Gen: 1, Hash: string(hash)}),
		}
		var counts *counters
		if p.seq == l.last {
			counts = l.counts
		}
		if l.lane != noLane {
			ed.writeByID(p.id, &idRecord{seq: p.seq})
		}
		ed.writeBySeq(&p, counts)
	}
	return nil
}

// writePending writes the records of the call's docs, bundles where there are enough new docs in a row. The last has the counters.
func (ed *editor) writePending() error {
	loose := 0 // how many docs before rest are not yet written
	for rest := ed.pending; len(rest) > 0; {
		n := 0
		if len(rest) >= leastBundle {
			n = ed.gather(rest)
		}
		if n < leastBundle {
			rest = rest[max(n, 1):]
			loose += max(n, 1)
			continue
		}
		at := len(ed.pending) - len(rest)
		ed.writeLoose(ed.pending[at-loose:at], nil)
		loose = 0
		var counts *counters
		if n == len(rest) {
			counts = &ed.count
		}
		if err := ed.writeBundle(rest[:n], counts); err != nil {
			return err
		}
		rest = rest[n:]
	}
	ed.writeLoose(ed.pending[len(ed.pending)-loose:], &ed.count)
	ed.bundle.Reset()
	return nil
}

// writeLoose writes records of single docs, of which the last gets the counters.
func (ed *editor) writeLoose(list []pending, counts *counters) {
	for i := range list {
		if p := &list[i]; p.fresh {
			ed.loose++
			ed.writeByID(p.id, &idRecord{seq: p.seq})
		}
	}
	for i := range list {
		if i < len(list)-1 {
			ed.writeBySeq(&list[i], nil)
		} else {
			ed.writeBySeq(&list[i], counts)
		}
	}
}

// writeBundle writes the bundle that was gathered of list.
func (ed *editor) writeBundle(list []pending, counts *counters) error {
	if len(list) <= mergedBundle {
		ed.loose += len(list)
	}
	s := span{seq: list[len(list)-1].seq, docs: len(list), min: list[0].id, max: list[len(list)-1].id}
	lane, err := ed.place(&s)
	if err != nil {
		return err
	}
	if lane != noLane {
		ed.writeSpan(lane, &s)
	} else {
		for i := range list {
			ed.writeByID(list[i].id, &idRecord{seq: list[i].seq})
		}
	}
	ed.buf = ed.bundle.Append(appendBundleHead(ed.buf[:0], len(list), nil, place{lane: lane}, counts))
	ed.batch.Set(ed.db.keys.bySeq(s.seq), ed.buf, nil)
	return nil
}

// gather puts docs into the bundle until there is no room, or one can't be in a bundle, and tells how many are in it.
func (ed *editor) gather(list []pending) int {
	n := ed.gatherAll(list)
	for n >= leastBundle && ed.db.lanes.maybe(list[0].id) {
		cut := widestGap(list[:n])
		if cut == 0 {
			break
		}
		n = ed.gatherAll(list[:cut])
	}
	return n
}

// gatherAll puts docs into the bundle until there is no room, or one can't be in a bundle, and tells how many are in it.
func (ed *editor) gatherAll(list []pending) int {
	ed.bundle.Reset()
	for i := range list {
		p := &list[i]
		if !p.fresh || p.seq != list[0].seq+uint64(i) || !ed.bundle.Add(p.id, p.body, p.hashed) {
			break
		}
	}
	return ed.bundle.Len()
}
