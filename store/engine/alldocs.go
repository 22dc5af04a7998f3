package engine

import (
	"context"

	"logctl/store"
)

// aliveEvery is how many rows an iteration goes on before it looks whether it must end.
const aliveEvery = 64

// IDRange is a range of ids in scanning direction, as CouchDB's startkey and endkey: with Descending, Start is the greatest.
type IDRange struct {
	Start, End       string
	HasStart, HasEnd bool
	ExclusiveEnd     bool
	Descending       bool
}

// bounds are the range's keys [lo, hi).
func (r *IDRange) bounds(k *keys) (lo, hi []byte) {
	lo, hi = k.space(subByID)
	first, last := r.Start, r.End
	hasFirst, hasLast := r.HasStart, r.HasEnd
	exFirst, exLast := false, r.ExclusiveEnd
	if r.Descending {
		first, last, hasFirst, hasLast = last, first, hasLast, hasFirst
		exFirst, exLast = exLast, exFirst
	}
	if hasFirst {
		lo = k.byID(first)
		if exFirst {
			lo = append(lo, 0)
		}
	}
	if hasLast {
		hi = k.byID(last)
		if !exLast {
			hi = append(hi, 0)
		}
	}
	return lo, hi
}

// AllDocs calls fn for the live docs of r in bytewise order of ids, until it returns false. Docs come without bodies
// unless bodies is set. The docs are those of one moment. What fn is given is its own.
func (d *DB) AllDocs(ctx context.Context, r IDRange, bodies bool, fn func(doc store.Doc) bool) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.end()
	lo, hi := r.bounds(&d.keys)
	if string(lo) >= string(hi) {
		return nil
	}
	ids, err := d.newIDCursor(d.e.pdb, lo, hi, r.Descending)
	if err != nil {
		return err
	}
	defer ids.close()
	docs := ids.finder.seqs
	w := walker{bodies: bodies}
	for n := 0; ; n++ {
		if n%aliveEvery == 0 {
			if err := d.alive(ctx); err != nil {
				return err
			}
		}
		if ok, err := ids.next(); !ok || err != nil {
			return err
		}
		if live, err := ids.read(); err != nil {
			return err
		} else if !live {
			continue
		}
		doc, err := w.doc(docs.seq, &docs.rec)
		if err != nil {
			return err
		}
		if !fn(doc) {
			return nil
		}
	}
}

// walker turns by-sequence records into docs of their own.
type walker struct {
	bodies bool
	text   []byte
	arena  arena
}

func (w *walker) doc(seq uint64, rec *seqRecord) (store.Doc, error) {
	// One string for the id and the hash.
	w.text = rec.rev.appendHash(append(w.text[:0], rec.id...))
	text := string(w.text)
	doc := store.Doc{
		ID:      text[:len(rec.id)],
		Rev:     store.Rev{Gen: rec.rev.gen, Hash: text[len(rec.id):]},
		Deleted: rec.deleted,
		Seq:     seq,
	}
	if !w.bodies {
		return doc, nil
	}
	return doc, setPayload(&doc, w.arena.copy(rec.body))
}
