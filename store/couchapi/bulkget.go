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
		var err error
		if s.buf, err = x.appendWanted(s.buf, elem); err != nil {
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
		}
		return nil
	})
	return w, err
}

// appendWanted appends the result for one doc that was asked for.
func (x *exchange) appendWanted(dst, elem []byte) ([]byte, error) {
	w, err := parseWanted(elem)
	if err != nil {
		return dst, err
	}
	dst = append(dst, `{"id":`...)
	if !w.hasID {
		return append(dst, `null,"docs":[{"error":{"id":null,"rev":null,"error":"bad_request",`+
			`"reason":"document must be a JSON object"}}]}`...), nil
	}
	dst = store.AppendJSONString(dst, w.id)
	dst = append(dst, `,"docs":[`...)
	found, bad := x.findWanted(w)
	for i := range found {
		if i > 0 {
			dst = append(dst, ',')
		}
		if found[i].found {
			dst = found[i].append(dst)
			continue
		}
		dst = appendWantedError(dst, w.id, `"`+missingRev(w)+`"`, store.NewError(store.KindNotFound, "missing"))
	}
	if bad != nil {
		rev := "null"
		if w.hasRev {
			rev = string(store.AppendJSONString(nil, w.rev))
		}
		dst = appendWantedError(dst, w.id, rev, x.asError(bad))
	}
	return append(dst, "]}"...), nil
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

// findWanted reads the revisions of a doc that was asked for: the one named or, with latest, what has become of it; the
// winner, a tombstone too, where none is named.
func (x *exchange) findWanted(w wanted) ([]revResult, error) {
	if err := ejson.CheckDocID(w.id); err != nil {
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
	missing := []revResult{{}}
	if x.db.Name() == usersDBName && !x.h.users.mayRead(x, w.id) {
		return missing, nil
	}
	winner, tree, err := x.db.Revs(w.id)
	if err != nil {
		if store.IsKind(err, store.KindNotFound) {
			return missing, nil
		}
		return nil, err
	}
	if revs == nil {
		revs = []store.Rev{winner}
	}
	return x.readRevs(w.id, revs, tree, docOptions{revs: x.flag("revs"), latest: x.flag("latest")}), nil
}

func (x *exchange) bulkGetParts(docs []byte, accept string) error {
	kind, _, _ := strings.Cut(accept, ";")
	if kind != "multipart/related" {
		kind = "multipart/mixed"
	}
	var all []revResult
	err := ejson.Elements(docs, func(elem []byte) error {
		w, err := parseWanted(elem)
		if err != nil {
			return err
		}
		found, err := x.findWanted(w)
		all = append(all, found...)
		return err
	})
	if err != nil {
		return err
	}
	return x.sendMultipart(kind, all)
}
