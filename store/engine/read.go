package engine

import (
	"errors"
	"slices"

	"logctl/store"
)

// RevInfo is one revision of a doc's tree.
type RevInfo struct {
	Rev       store.Rev
	Parent    int // where in the list the revision is that it replaced, always behind it; below zero if that is not known
	Leaf      bool
	Deleted   bool
	Available bool   // its body is there
	Seq       uint64 // of the edit that brought it, 0 where Available is false
}

// found is what a read finds of a doc: both of its records.
type found struct {
	idRecord
	winner seqRecord
}

// revisions is the doc's revision tree, also where it has just one revision.
func (f *found) revisions() tree {
	if f.tree != nil {
		return f.tree
	}
	return tree{f.winner.only(f.seq)}
}

func (f *found) doc(id string) (store.Doc, error) {
	doc := store.Doc{ID: id, Rev: f.winner.rev.rev(), Deleted: f.winner.deleted, Seq: f.seq}
	return doc, setPayload(&doc, f.winner.body)
}

// find reads a doc; its bytes are the caller's. KindNotFound "missing" if the id was never written.
func (d *DB) find(id string) (found, error) {
	var f found
	before := uint64(0)
	for {
		v, err := d.e.get(d.keys.byID(id))
		if err != nil {
			return f, err
		}
		if v == nil {
			return d.findSpanned(id)
		}
		if f.idRecord, err = parseIDRecord(v); err != nil {
			return f, err
		}
		var ok bool
		if f.winner, _, ok, err = d.readSeq(f.seq); ok || err != nil {
			return f, err
		}
		// An edit between the two reads moved the record. If none did, it is lost.
		if f.seq == before {
			return f, errCorrupt(errors.New("a doc has no by-sequence record"))
		}
		before = f.seq
	}
}

// findSpanned reads a doc that had no by-id record a moment ago: it is in a bundle, or was until an edit came in between.
func (d *DB) findSpanned(id string) (f found, err error) {
	if d.lanes.used() == 0 {
		return f, errMissing()
	}
	r, err := d.newFinder(d.e.pdb)
	if err != nil {
		return f, err
	}
	defer r.close()
	if ok, err := f.readSpanned(r, id); ok || err != nil {
		return f, err
	}
	v, err := r.record(id)
	if err != nil {
		return f, err
	}
	if v == nil {
		return f, errMissing()
	}
	return f, f.read(v, r.seqs)
}

// read reads a doc that has a by-id record.
func (f *found) read(record []byte, seqs *seqReader) (err error) {
	if f.idRecord, err = parseIDRecord(record); err != nil {
		return err
	}
	if err := seqs.get(f.seq); err != nil {
		return err
	}
	f.keep(seqs)
	return nil
}

// readSpanned reads a doc that is known by the span of its bundle; false if there is none.
func (f *found) readSpanned(r *finder, id string) (bool, error) {
	b, i, err := r.find(id)
	if b == nil || err != nil {
		return false, err
	}
	r.seqs.goTo(b, i)
	f.seq = r.seqs.seq
	f.keep(r.seqs)
	return true, nil
}

// keep copies the record that a reader is at.
func (f *found) keep(seqs *seqReader) {
	w := &f.winner
	*w = seqs.rec
	w.id, w.body, w.rev.hash = slices.Clone(w.id), slices.Clone(w.body), slices.Clone(w.rev.hash)
}

// Get reads a doc's winner. KindNotFound with the reason "missing" or "deleted".
func (d *DB) Get(id string) (store.Doc, error) {
	if err := d.begin(); err != nil {
		return store.Doc{}, err
	}
	defer d.end()
	f, err := d.find(id)
	if err != nil {
		return store.Doc{}, err
	}
	if f.winner.deleted {
		return store.Doc{}, errDeleted()
	}
	return f.doc(id)
}

// GetRev reads any revision whose body is still there, with its ancestors. KindNotFound "missing" otherwise.
func (d *DB) GetRev(id string, rev store.Rev) (store.Doc, error) {
	if err := d.begin(); err != nil {
		return store.Doc{}, err
	}
	defer d.end()
	before := uint64(0)
	for {
		f, err := d.find(id)
		if err != nil {
			return store.Doc{}, err
		}
		doc, err := f.rev(id, rev, func(seq uint64) ([]byte, error) { return d.e.get(d.keys.revBody(seq)) })
		// An edit between the reads moved the body. If none did, it is lost.
		if err != errNoBody || f.seq == before {
			return doc, lost(err)
		}
		before = f.seq
	}
}

// errNoBody says that the body of a revision is not where its tree says; it never leaves the package.
var errNoBody = errors.New("a revision has no body")

func lost(err error) error {
	if err == errNoBody {
		return errCorrupt(err)
	}
	return err
}

// rev is one of the doc's revisions; body reads that of one that is not the winner.
func (f *found) rev(id string, rev store.Rev, body func(seq uint64) ([]byte, error)) (store.Doc, error) {
	t := f.revisions()
	i := t.find(rev, nil)
	if i == noParent || !t[i].kept {
		return store.Doc{}, errMissing()
	}
	doc := store.Doc{ID: id, Rev: rev, Ancestors: t.ancestors(i), Deleted: t[i].deleted, Seq: t[i].seq}
	if f.winner.rev.rev() == rev {
		return doc, setPayload(&doc, f.winner.body)
	}
	p, err := body(t[i].seq)
	if err == nil && p == nil {
		err = errNoBody
	}
	if err != nil {
		return store.Doc{}, err
	}
	return doc, setPayload(&doc, p)
}

// Revs is the whole revision tree: leaves first, the winner first of all, then the others from new to old. KindNotFound
// "missing" if the id was never written.
func (d *DB) Revs(id string) (winner store.Rev, revs []RevInfo, err error) {
	if err := d.begin(); err != nil {
		return winner, nil, err
	}
	defer d.end()
	f, err := d.find(id)
	if err != nil {
		return winner, nil, err
	}
	revs = f.revs()
	return revs[0].Rev, revs, nil
}

func (f *found) revs() []RevInfo {
	t := f.revisions()
	order := t.leaves(f.winner.rev.rev())
	leaves := len(order)
	order = append(order, t.which(true)...)
	slices.SortFunc(order[leaves:], func(a, b int) int { return t[b].rev.Compare(t[a].rev) })
	place := make([]int, len(order))
	for k, i := range order {
		place[i] = k
	}
	revs := make([]RevInfo, len(order))
	for k, i := range order {
		n := &t[i]
		revs[k] = RevInfo{Rev: n.rev, Parent: noParent, Leaf: k < leaves, Deleted: n.deleted, Available: n.kept, Seq: n.seq}
		if n.parent != noParent {
			revs[k].Parent = place[n.parent]
		}
	}
	return revs
}

// missing tells which of revs are not in the doc's tree, from old to new, and which leaves may be ancestors of those.
func (f *found) missing(revs []store.Rev) (missing, possibleAncestors []store.Rev) {
	t := f.revisions()
	var places map[store.Rev]int
	if len(revs) > 16 {
		places = t.places()
	}
	newest := 0
	for _, r := range revs {
		if t.find(r, places) == noParent {
			missing = append(missing, r)
			newest = max(newest, r.Gen)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	slices.SortFunc(missing, store.Rev.Compare)
	for _, i := range t.leaves(store.Rev{}) {
		if t[i].rev.Gen < newest {
			possibleAncestors = append(possibleAncestors, t[i].rev)
		}
	}
	return missing, possibleAncestors
}
