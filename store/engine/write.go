package engine

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"logctl/store"
	"logctl/store/ejson"
)

// WriteOptions say how DB.Write writes.
type WriteOptions struct {
	NewEdits bool // the docs are edits, which get new revisions; otherwise revisions that another server made
	NoSync   bool // don't wait until it is on disk (batch=ok)

	UnknownParents bool // an edit of a doc that was never there may replace a revision that nobody knows
}

// WriteResult is what became of one doc.
type WriteResult = store.WriteResult

// Write stores docs in one go: after a crash all that it stored is there or nothing. There is one result for each doc,
// in the order of docs; docs with equal ids are taken one after the other. Write copies what it keeps.
//
// With NewEdits, Doc.Rev is the revision that the edit replaces, zero for none, and the new one is CouchDB's own for that
// edit. An edit conflicts unless it replaces a leaf, or gives no revision where there is no doc or a deleted one; in the
// latter case it continues from the tombstone. With UnknownParents it may also give any revision where there never was a doc. Without NewEdits, Doc.Rev and Doc.Ancestors are merged into the doc's
// revision tree as replication does, which never conflicts; the doc then may have several leaves.
//
// When Write returns without an error, everything that the results tell is on disk, the cause of a conflict too; only
// with NoSync that follows a little later. With an error (ctx ended, or KindNoSpace, KindUnavailable) none of the docs is
// acknowledged, though they may be stored.
func (d *DB) Write(ctx context.Context, docs []store.Doc, o WriteOptions) ([]WriteResult, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	defer d.end()
	if err := d.e.disk.trouble(); err != nil {
		return nil, err
	}
	results := make([]WriteResult, len(docs))
	c := calls.Get().(*call)
	defer c.free()
	c.prepare(docs, o, results)
	pos, err := d.write(ctx, c)
	if err != nil {
		return nil, err
	}
	if o.NoSync {
		d.e.group.kick()
		return results, nil
	}
	if err := d.e.group.wait(ctx, pos, d.e.disk); err != nil {
		return nil, err
	}
	return results, nil
}

func (d *DB) write(ctx context.Context, c *call) (uint64, error) {
	if err := d.lock(ctx); err != nil {
		return 0, err
	}
	return d.edits.run(ctx, d, batchSize(c.docs), func(ed *editor) error { return ed.takeAll(c) })
}

// call is one call of Write: the docs in the order in which they are taken, and what can be known of them beforehand.
type call struct {
	docs     []store.Doc
	results  []WriteResult
	newEdits bool
	unknown  bool               // WriteOptions.UnknownParents
	order    []int              // indexes of docs by id, docs with equal ids as given; nil: docs are in that order
	raw      [][rawHashLen]byte // of each doc's new revision, if newEdits
	text     []byte             // scratch
}

var calls = sync.Pool{New: func() any { return new(call) }}

// maxKept bounds the scratch space that is kept for the next call, in docs.
const maxKept = 1 << 14

func (c *call) free() {
	c.docs, c.results, c.order = nil, nil, nil
	if cap(c.raw) > maxKept {
		c.raw, c.text = nil, nil
	}
	calls.Put(c)
}

func (c *call) prepare(docs []store.Doc, o WriteOptions, results []WriteResult) {
	c.docs, c.results, c.newEdits, c.unknown = docs, results, o.NewEdits, o.UnknownParents
	for i := range docs {
		results[i].ID = docs[i].ID
	}
	if !slices.IsSortedFunc(docs, func(a, b store.Doc) int { return strings.Compare(a.ID, b.ID) }) {
		c.order = make([]int, len(docs))
		for i := range c.order {
			c.order[i] = i
		}
		slices.SortFunc(c.order, func(a, b int) int {
			return cmp.Or(strings.Compare(docs[a].ID, docs[b].ID), a-b)
		})
	}
	if !o.NewEdits {
		return
	}
	c.raw = slices.Grow(c.raw[:0], len(docs))[:len(docs)]
	text := slices.Grow(c.text[:0], 2*rawHashLen*len(docs))
	for i := range docs {
		text = ejson.AppendRevHash(text, docs[i].Deleted, docs[i].Rev, body(&docs[i]), docs[i].Attachments...)
		hex.Decode(c.raw[i][:], text[len(text)-2*rawHashLen:])
	}
	c.text = text
	hashes := string(text)
	for i := range docs {
		results[i].Rev = store.Rev{Gen: docs[i].Rev.Gen + 1, Hash: hashes[i*2*rawHashLen : (i+1)*2*rawHashLen]}
	}
}

// at is the index of the n-th doc to take.
func (c *call) at(n int) int {
	if c.order == nil {
		return n
	}
	return c.order[n]
}

// body is the doc's, "{}" where it has none.
func body(doc *store.Doc) []byte {
	if len(doc.Body) == 0 {
		return []byte("{}")
	}
	return doc.Body
}

// checkID errs on an id that can't be stored.
func checkID(id string) error {
	switch {
	case id == "":
		return store.NewError(store.KindIllegalDocID, "Document id must not be empty")
	case strings.HasPrefix(id, LocalPrefix):
		return store.NewError(store.KindIllegalDocID, "Local documents are written one by one.")
	}
	return nil
}
