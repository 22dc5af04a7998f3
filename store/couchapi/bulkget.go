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
	hasRev  bool
	since   []byte // atts_since, a JSON value; nil: not given
}

func parseWanted(elem []byte) (wanted, error) {
	var w wanted
	if elem[0] != '{' {
		return w, nil
	}
	err := ejson.Members(elem, func(key, value []byte) error {
		switch string(key) {
		case "id":
			w.id, w.hasID = text(value)
		case "rev":
			w.rev, w.hasRev = text(value)
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
		s.buf = append(s.buf, `null,"docs":[{"error":{"id":null,"rev":null,"error":"bad_request",`+
			`"reason":"document must be a JSON object"}}]}`...)
		return nil
	}
	s.buf = store.AppendJSONString(s.buf, w.id)
	s.buf = append(s.buf, `,"docs":[`...)
	found, bad := x.findWanted(w)
	for i := range found {
		if i > 0 {
			s.buf = append(s.buf, ',')
		}
		rev := string(store.AppendJSONString(nil, missingRev(w)))
		if !found[i].found {
			s.buf = appendWantedError(s.buf, w.id, rev, store.NewError(store.KindNotFound, "missing"))
			continue
		}
		d, err := x.load(&found[i])
		if err != nil {
			s.buf = appendWantedError(s.buf, w.id, rev, x.asError(err))
			continue
		}
		if err := d.writeFound(s); err != nil {
			return err
		}
	}
	if bad != nil {
		rev := "null"
		if w.hasRev {
			rev = string(store.AppendJSONString(nil, w.rev))
		}
		s.buf = appendWantedError(s.buf, w.id, rev, x.asError(bad))
	}
	s.buf = append(s.buf, "]}"...)
	return nil
}

// missingRev is the revision that an answer names for a doc that is not there; CouchDB's word where none was asked for.
func missingRev(w wanted) string {
	if w.hasRev {
		return w.rev
	}
	return "undefined"
}

func appendWantedError(dst []byte, id, rev string, e *store.Error) []byte {
	dst = append(dst, `{"error":{"id":`...)
	dst = store.AppendJSONString(dst, id)
	dst = append(append(dst, `,"rev":`...), rev...)
	dst = append(dst, ',')
	return append(appendErrorMembers(dst, e), "}}"...)
}

// findWanted finds the revisions of a doc that was asked for: the one named or, with latest, what has become of it; the
// winner, a tombstone too, where none is named.
func (x *exchange) findWanted(w wanted) ([]revResult, error) {
	if err := ejson.CheckDocID(w.id); err != nil {
		return nil, err
	}
	if err := x.checkPartitionOf(w.id); err != nil {
		return nil, err
	}
	var revs []store.Rev
	if w.hasRev {
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
	winner, tree, err := x.docs().Revs(w.id)
	if err != nil {
		if store.IsKind(err, store.KindNotFound) {
			return missing, nil
		}
		return nil, err
	}
	if revs == nil {
		revs = []store.Rev{winner}
	}
	return findRevs(w.id, revs, tree, docOptions{revs: x.flag("revs"), latest: x.flag("latest"), atts: atts}), nil
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
				return append(store.AppendJSONString(append(dst, `{"rev":`...), missingRev(w)), `,"error":"not_found","reason":"missing"}`...)
			})
		}
		if err != nil {
			return err
		}
	}
	if bad == nil {
		return nil
	}
	return p.failure(func(dst []byte) []byte {
		dst = store.AppendJSONString(append(dst, `{"id":`...), w.id)
		dst = append(store.AppendJSONString(append(dst, `,"rev":`...), w.rev), ',')
		return append(appendErrorMembers(dst, x.asError(bad)), '}')
	})
}
