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
	special := inUsers || len(rules) > 0
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
		if strings.HasPrefix(doc.ID, localPrefix) {
			results[i].Rev, results[i].Err = x.db.PutLocal(x.ctx(), *doc)
			continue
		}
		if err := x.check(doc, rules); err != nil {
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

// check refuses a doc that may not be written, and hashes the password of a user document.
func (x *exchange) check(doc *store.Doc, rules []rule) error {
	if strings.HasPrefix(doc.ID, designPrefix) {
		return x.checkDesign(doc)
	}
	if len(rules) == 0 && !x.h.users.is(string(x.db.Name())) {
		return nil
	}
	old, err := x.replaced(doc)
	if err != nil {
		return err
	}
	if x.h.users.is(string(x.db.Name())) {
		if err := x.h.users.prepare(x, doc); err != nil {
			return err
		}
	}
	return x.validate(doc, old, rules)
}

func (x *exchange) checkDesign(doc *store.Doc) error {
	if !x.security.isAdmin(x.caller) {
		return errForbidden(reasonNotDBAdmin)
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

// replaced is the revision that an edit replaces, nil if there is none: the one it names or, where it names none or one
// that is not known, the winner.
func (x *exchange) replaced(doc *store.Doc) (*store.Doc, error) {
	if !doc.Rev.IsZero() {
		old, err := x.db.GetRev(doc.ID, doc.Rev)
		if err == nil {
			return &old, nil
		}
		if !store.IsKind(err, store.KindNotFound) {
			return nil, err
		}
	}
	old, err := x.db.Get(doc.ID)
	if store.IsKind(err, store.KindNotFound) {
		return nil, nil
	}
	return &old, err
}
