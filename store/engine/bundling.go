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
		ed.buf = appendBundleHead(ed.buf[:0], l.n, slices.Sorted(maps.Keys(l.gone)), l.counts)
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
		ed.writeBySeq(&p, counts)
	}
	return nil
}

// writePending writes the by-sequence records of the call, bundles where there are enough new docs in a row. The last has the
// counters.
func (ed *editor) writePending() {
	for rest := ed.pending; len(rest) > 0; {
		n := ed.gather(rest)
		bundle := n >= leastBundle
		n = max(n, 1)
		var counts *counters
		if n == len(rest) {
			counts = &ed.count
		}
		if bundle {
			ed.buf = ed.bundle.Append(appendBundleHead(ed.buf[:0], n, nil, counts))
			ed.batch.Set(ed.db.keys.bySeq(rest[n-1].seq), ed.buf, nil)
		} else {
			for i := range n - 1 {
				ed.writeBySeq(&rest[i], nil)
			}
			ed.writeBySeq(&rest[n-1], counts)
		}
		rest = rest[n:]
	}
	ed.bundle.Reset()
}

// gather puts docs into the bundle until there is no room, or one can't be in a bundle, and tells how many are in it.
func (ed *editor) gather(list []pending) int {
	ed.bundle.Reset()
	for i := range list {
		p := &list[i]
		if !p.fresh || p.seq != list[0].seq+uint64(i) || !ed.bundle.Add(p.id, p.body) {
			break
		}
	}
	return ed.bundle.Len()
}
