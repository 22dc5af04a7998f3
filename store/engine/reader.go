package engine

import (
	"cmp"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"logctl/store"
)

// Reader reads docs by their ids as they are at one moment. Docs that were written one after the other are read much quicker
// through one Reader than each by itself, since they share bundles. It belongs to one goroutine, and must be closed before the
// engine can be.
type Reader struct {
	db   *DB
	snap *pebble.Snapshot
	docs *finder

	id    string // of the doc that was found last
	found *found // nil: none was
	revs  []RevInfo
}

// NewReader makes a Reader of this moment.
func (d *DB) NewReader() (*Reader, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	snap := d.e.pdb.NewSnapshot()
	docs, err := d.newFinder(snap)
	if err != nil {
		err = errors.Join(err, snap.Close())
		d.end()
		return nil, err
	}
	return &Reader{db: d, snap: snap, docs: docs}, nil
}

// Close ends the Reader.
func (r *Reader) Close() error {
	err := errors.Join(r.docs.close(), r.snap.Close())
	r.db.end()
	return err
}

// get gives a copy of the value of key, nil if there is none.
func (r *Reader) get(key []byte) ([]byte, error) {
	v, closer, err := r.snap.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, readError(err)
	}
	return slices.Clone(v), closer.Close()
}

// find reads a doc; what is asked for the same doc next costs nothing.
func (r *Reader) find(id string) (*found, error) {
	if r.found != nil && r.id == id {
		return r.found, nil
	}
	r.found, r.revs = nil, nil
	v, err := r.get(r.db.keys.byID(id))
	if err != nil {
		return nil, err
	}
	var f found
	if v != nil {
		err = f.read(v, r.docs.seqs)
	} else if ok, bad := f.readSpanned(r.docs, id); !ok {
		err = cmp.Or(bad, errMissing())
	}
	if err != nil {
		return nil, err
	}
	r.id, r.found = id, &f
	return r.found, nil
}

// GetRev is DB.GetRev, or gives the winner, of a deleted doc, too, where rev is the zero Rev.
func (r *Reader) GetRev(id string, rev store.Rev) (store.Doc, error) {
	f, err := r.find(id)
	if err != nil {
		return store.Doc{}, err
	}
	if rev.IsZero() {
		return f.doc(id)
	}
	doc, err := f.rev(id, rev, func(seq uint64) ([]byte, error) { return r.get(r.db.keys.revBody(seq)) })
	return doc, lost(err)
}

// Revs is DB.Revs; the list is not the caller's to change.
func (r *Reader) Revs(id string) (winner store.Rev, revs []RevInfo, err error) {
	f, err := r.find(id)
	if err != nil {
		return winner, nil, err
	}
	if r.revs == nil {
		r.revs = f.revs()
	}
	return r.revs[0].Rev, r.revs, nil
}

// MissingRevs tells which of revs are not in the doc's tree, and which leaves may be ancestors of those: what a replication
// asks. An id that was never written misses all.
func (r *Reader) MissingRevs(id string, revs []store.Rev) (missing, possibleAncestors []store.Rev, err error) {
	f, err := r.find(id)
	if store.IsKind(err, store.KindNotFound) {
		return revs, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	missing, possibleAncestors = f.missing(revs)
	return missing, possibleAncestors, nil
}
