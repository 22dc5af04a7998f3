package couchapi

import (
	"slices"
	"strings"

	"logctl/store"
	"logctl/store/engine"
)

// write makes edits after all checks that depend on what is written: design documents are compiled and want an admin of
// the database, user documents get their passwords hashed, everything else passes the database's validation functions.
// There is one result per doc, in order. Most databases have no such function, and then plain docs cost nothing here.
func (x *exchange) write(docs []store.Doc, o engine.WriteOptions) ([]engine.WriteResult, error) {
	if err := x.checkPartitions(docs); err != nil {
		return nil, err
	}
	rules, err := x.h.designs.rules(x.ctx(), x.db)
	if err != nil {
		return nil, err
	}
	inUsers := x.h.users.is(string(x.db.Name()))
	special := inUsers || len(rules) > 0 || x.db.Name() == replicatorDBName
	for i := 0; i < len(docs) && !special; i++ {
		special = strings.HasPrefix(docs[i].ID, "_")
	}
	if !special {
		o.UnknownParents = !x.looksAtParents(docs)
		res, err := x.db.Write(x.ctx(), docs, o)
		x.h.o.Views.Notify(viewDB{x.db})
		return res, err
	}
	return x.writeChecked(docs, o, rules)
}

// looksAtParents tells whether CouchDB looks at what is there before it hands docs without any special ones among them to
// the writer of a database without validation functions, and so refuses an edit of a doc that was never there: if one
// of them has attachments, and as long as nobody has written to the database, when it can't tell that there are no such functions.
func (x *exchange) looksAtParents(docs []store.Doc) bool {
	return x.db.UpdateSeq() == 0 || slices.ContainsFunc(docs, func(d store.Doc) bool { return len(d.Attachments) > 0 })
}

// writeChecked writes the docs that pass their checks; the others have their error in the result.
func (x *exchange) writeChecked(docs []store.Doc, o engine.WriteOptions, rules []rule) ([]engine.WriteResult, error) {
	results := make([]engine.WriteResult, len(docs))
	passed := make([]store.Doc, 0, len(docs))
	place := make([]int, 0, len(docs))
	designs := false
	for i := range docs {
		doc := &docs[i]
		results[i].ID = doc.ID
		if err := x.ctx().Err(); err != nil {
			return nil, err
		}
		err := x.checkUserWrite(doc.ID)
		if err == nil && strings.HasPrefix(doc.ID, localPrefix) {
			results[i].Rev, results[i].Err = x.db.PutLocal(x.ctx(), *doc)
			continue
		}
		if err == nil {
			err = x.check(doc, rules, o.NewEdits)
		}
		if err != nil {
			results[i].Rev, results[i].Err = doc.Rev, err
			continue
		}
		designs = designs || strings.HasPrefix(doc.ID, designPrefix)
		passed = append(passed, *doc)
		place = append(place, i)
	}
	if len(passed) == 0 {
		return results, nil
	}
	written, err := x.db.Write(x.ctx(), passed, o)
	if designs {
		x.h.designs.forget(x.db.Instance())
	}
	if err != nil {
		return nil, err
	}
	for i, r := range written {
		results[place[i]] = r
	}
	x.h.o.Views.Notify(viewDB{x.db})
	return results, nil
}

// check refuses a doc that may not be written, and hashes the password of a user document. An edit that conflicts is no function's
// business.
func (x *exchange) check(doc *store.Doc, rules []rule, isEdit bool) error {
	isDesign, inUsers := strings.HasPrefix(doc.ID, designPrefix), x.h.users.is(string(x.db.Name()))
	if !isDesign && inUsers {
		if err := x.h.users.prepare(x, doc); err != nil {
			return err
		}
	}
	if isEdit && (isDesign || inUsers || len(rules) > 0) {
		if err := x.checkConflict(doc); err != nil {
			return err
		}
	}
	switch {
	case isDesign:
		return x.checkDesign(doc)
	case x.db.Name() == replicatorDBName && isEdit && !doc.Deleted && x.h.o.Replicator != nil:
		return x.h.o.Replicator.Check(doc.Body)
	case len(rules) == 0 && !inUsers:
		return nil
	}
	old, err := x.replaced(doc, isEdit)
	if err != nil {
		return err
	}
	return x.validate(doc, old, rules)
}

func (x *exchange) checkDesign(doc *store.Doc) error {
	if !x.security.isAdmin(x.caller) {
		return x.notDBAdmin()
	}
	if doc.Deleted {
		return nil
	}
	d, err := parseDesign(x.db, doc)
	if err != nil {
		return err
	}
	return d.Validate()
}

// checkConflict refuses an edit that replaces no leaf, or nothing while there is a doc.
func (x *exchange) checkConflict(doc *store.Doc) error {
	winner, revs, err := x.db.Revs(doc.ID)
	if store.IsKind(err, store.KindNotFound) && doc.Rev.IsZero() {
		return nil
	}
	if err != nil && !store.IsKind(err, store.KindNotFound) {
		return err
	}
	for _, r := range revs {
		if r.Leaf && (r.Rev == doc.Rev || doc.Rev.IsZero() && r.Rev == winner && r.Deleted) {
			return nil
		}
	}
	return store.NewError(store.KindConflict, "Document update conflict.")
}

// replaced is the revision that a doc replaces, nil if there is none: that an edit names or, of a replicated one, the last before it
// that is there.
func (x *exchange) replaced(doc *store.Doc, isEdit bool) (*store.Doc, error) {
	rev := doc.Rev
	if !isEdit {
		_, tree, err := x.db.Revs(doc.ID)
		if err != nil && !store.IsKind(err, store.KindNotFound) {
			return nil, err
		}
		rev = lastHere(tree, doc)
	}
	if rev.IsZero() {
		return nil, nil
	}
	old, err := x.db.GetRev(doc.ID, rev)
	if store.IsKind(err, store.KindNotFound) {
		return nil, nil
	}
	return &old, err
}

// lastHere is the newest of a doc's ancestors whose body is there, zero if there is none.
func lastHere(tree []engine.RevInfo, doc *store.Doc) store.Rev {
	here := map[store.Rev]bool{}
	for i := range tree {
		here[tree[i].Rev] = tree[i].Available
	}
	for i, hash := range doc.Ancestors {
		if rev := (store.Rev{Gen: doc.Rev.Gen - 1 - i, Hash: hash}); here[rev] {
			return rev
		}
	}
	return store.Rev{}
}
