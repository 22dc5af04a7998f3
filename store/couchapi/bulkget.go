package couchapi

import (
	"strings"

	"logctl/store"
	"logctl/store/ejson"
)

// bulkGet answers POST /{db}/_bulk_get: for each {"id":…,"rev":…} the doc, or why it is not there.
func bulkGet(x *exchange) error {
	b, err := x.readObject()
	if err != nil {
		return err
	}
	defer b.free()
	m, err := members(b.bytes)
	if err != nil {
		return err
	}
	docs := m["docs"]
	if docs == nil {
		return errBadRequest("Missing JSON list of 'docs'.")
	}
	if docs[0] != '[' {
		return errBadRequest("`docs` must be a list.")
	}
	for _, name := range []string{"rev", "open_revs", "new_edits", "w", "atts_since"} {
		if x.query().Has(name) {
			return errBadRequest(`"` + name + `" query parameter is not acceptable`)
		}
	}
	if err := checkWanted(docs); err != nil {
		return err
	}
	if x.reader, err = x.db.NewReader(); err != nil {
		return err
	}
	defer x.reader.Close()
	if accept := x.r.Header.Get("Accept"); strings.HasPrefix(accept, "multipart/") {
		return x.bulkGetParts(docs, accept)
	}
	s := x.stream()
	defer s.free()
	s.buf = append(s.buf, `{"results":[`...)
	first := true
	err = ejson.Elements(docs, func(elem []byte) error {
		if !first {
			s.buf = append(s.buf, ',')
		}
		first = false
		if err := x.writeWanted(s, elem); err != nil {
			return err
		}
		return s.spill()
	})
	if err != nil {
		return err
	}
	s.buf = append(s.buf, "]}\n"...)
	return s.end()
}

// checkWanted refuses a list in which an id is no string.
func checkWanted(docs []byte) error {
	return ejson.Elements(docs, func(elem []byte) error {
		if elem[0] != '{' {
			return nil
		}
		return ejson.Members(elem, func(key, value []byte) error {
			if string(key) == "id" && value[0] != '"' {
				return errBadRequest("Document id must be a string")
			}
			return nil
		})
	})
}

// wanted is one doc that is asked for.
type wanted struct {
	id, rev string
	hasID   bool
	given   []byte // rev, a JSON value; nil: not given
	since   []byte // atts_since, a JSON value; nil: not given
	empty   bool   // nothing was given, or no object
}

// refuse says why there is no such doc.
func (w *wanted) refuse() *store.Error {
	reason := "document id missed"
	if w.empty {
		reason = "document must be a JSON object"
	}
	return store.NewError(store.KindBadRequest, reason)
}

func parseWanted(elem []byte) (wanted, error) {
	w := wanted{empty: true}
	if elem[0] != '{' {
		return w, nil
	}
	err := ejson.Members(elem, func(key, value []byte) error {
		w.empty = false
		switch string(key) {
		case "id":
			w.id, w.hasID = text(value)
		case "rev":
			w.given = value
			w.rev, _ = text(value)
		case "atts_since":
			w.since = value
		}
		return nil
	})
	return w, err
}

// writeWanted writes the result for one doc that was asked for.
func (x *exchange) writeWanted(s *stream, elem []byte) error {
	w, err := parseWanted(elem)
	if err != nil {
		return err
	}
	s.buf = append(s.buf, `{"id":`...)
	if !w.hasID {
		s.buf = appendWantedError(append(s.buf, `null,"docs":[`...), "null", "null", w.refuse())
		s.buf = append(s.buf, "]}"...)
		return nil
	}
	id := string(store.AppendJSONString(nil, w.id))
	s.buf = append(append(s.buf, id...), `,"docs":[`...)
	found, bad := x.findWanted(w)
	for i := range found {
		if i > 0 {
			s.buf = append(s.buf, ',')
		}
		rev := string(store.AppendJSONString(nil, missingRev(w)))
		if !found[i].found {
			s.buf = appendWantedError(s.buf, id, rev, store.NewError(store.KindNotFound, "missing"))
			continue
		}
		d, err := x.load(&found[i])
		if err != nil {
			s.buf = appendWantedError(s.buf, id, rev, x.asError(err))
			continue
		}
		if err := d.writeFound(s); err != nil {
			return err
		}
	}
	if bad != nil {
		s.buf = appendWantedError(s.buf, id, w.revOf(bad), x.asError(bad))
	}
	s.buf = append(s.buf, "]}"...)
	return nil
}

// revOf is the revision, a JSON value, that the refusal of a doc names.
func (w *wanted) revOf(bad error) string {
	if w.given == nil || store.IsKind(bad, store.KindIllegalDocID) {
		return "null"
	}
	return string(w.given)
}

// missingRev is the revision that an answer names for a doc that is not there; CouchDB's word where none was asked for.
func missingRev(w wanted) string {
	if w.given != nil {
		return w.rev
	}
	return "undefined"
}

// appendWantedError says why a doc is not there; id and rev are JSON values.
func appendWantedError(dst []byte, id, rev string, e *store.Error) []byte {
	return append(appendWantedFailure(append(dst, `{"error":`...), id, rev, e), '}')
}

func appendWantedFailure(dst []byte, id, rev string, e *store.Error) []byte {
	dst = append(append(dst, `{"id":`...), id...)
	dst = append(append(append(dst, `,"rev":`...), rev...), ',')
	return append(appendErrorMembers(dst, e), '}')
}

// findWanted finds the revisions of a doc that was asked for: the one named or, with latest, what has become of it; all leaves,
// tombstones too, where none is named.
func (x *exchange) findWanted(w wanted) ([]revResult, error) {
	if err := ejson.CheckDocID(w.id); err != nil {
		return nil, err
	}
	if err := x.checkPartitionOf(w.id); err != nil {
		return nil, err
	}
	var revs []store.Rev
	if w.given != nil {
		rev, err := store.ParseRev(w.rev)
		if err != nil {
			return nil, err
		}
		revs = []store.Rev{rev}
	}
	atts, err := x.wantedAtts(w)
	if err != nil {
		return nil, err
	}
	missing := []revResult{{}}
	if x.checkUserRead(w.id) != nil {
		return missing, nil
	}
	_, tree, err := x.docs().Revs(w.id)
	if err != nil {
		if store.IsKind(err, store.KindNotFound) {
			return missing, nil
		}
		return nil, err
	}
	o := docOptions{revs: x.flag("revs"), latest: x.flag("latest"), atts: atts}
	if revs == nil {
		return findLeaves(w.id, tree, o), nil
	}
	return findRevs(w.id, revs, tree, o), nil
}

// wantedAtts says how attachments are shown: those since some revisions only, if the request for the doc names such.
func (x *exchange) wantedAtts(w wanted) (attOptions, error) {
	o := attOptions{data: x.flag("attachments"), encoding: x.flag("att_encoding_info")}
	if w.since == nil || string(w.since) == "[]" {
		return o, nil
	}
	if w.since[0] != '[' {
		return o, errBadRequest("att_since value must be array of revs.")
	}
	var err error
	o.data = true
	o.since, err = parseRevs(w.since)
	return o, err
}

// bulkGetParts answers with the parts of a MIME message.
func (x *exchange) bulkGetParts(docs []byte, accept string) error {
	kind, _, _ := strings.Cut(accept, ";")
	if kind != "multipart/related" {
		kind = "multipart/mixed"
	}
	s := x.stream()
	defer s.free()
	p := x.beginParts(s, kind)
	err := ejson.Elements(docs, func(elem []byte) error {
		w, err := parseWanted(elem)
		if err != nil {
			return err
		}
		return x.writeParts(p, w)
	})
	if err != nil {
		return err
	}
	return p.end()
}

// writeParts writes what there is of one doc that was asked for.
func (x *exchange) writeParts(p *parts, w wanted) error {
	if !w.hasID {
		return p.failure(func(dst []byte) []byte { return appendWantedFailure(dst, "null", "null", w.refuse()) })
	}
	id := string(store.AppendJSONString(nil, w.id))
	found, bad := x.findWanted(w)
	for i := range found {
		d, err := shownDoc{}, error(nil)
		if found[i].found {
			d, err = x.load(&found[i])
		}
		switch {
		case err != nil:
			bad = err
			continue
		case found[i].found:
			err = p.doc(&d, true)
		default:
			err = p.failure(func(dst []byte) []byte {
				if w.given == nil {
					return appendWantedFailure(dst, id, `"undefined"`, store.NewError(store.KindNotFound, "missing"))
				}
				return append(store.AppendJSONString(append(dst, `{"rev":`...), w.rev), `,"error":"not_found","reason":"missing"}`...)
			})
		}
		if err != nil {
			return err
		}
	}
	if bad == nil {
		return nil
	}
	return p.failure(func(dst []byte) []byte { return appendWantedFailure(dst, id, w.revOf(bad), x.asError(bad)) })
}
