package couchapi

import (
	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/ejson"
)

func (h *Handler) replicationRoutes(rt *mux.Router) {
	h.inDB(rt, "/_revs_diff", resource{allow: "POST", methods: onPost(revsDiff)})
	h.inDB(rt, "/_missing_revs", resource{allow: "POST", methods: onPost(missingRevs)})
}

// revsDiff answers POST /{db}/_revs_diff: which of the revisions of a replicator the database does not have.
func revsDiff(x *exchange) error {
	return x.diff(`{`, `}`, func(dst []byte, missing, ancestors []store.Rev) []byte {
		dst = appendRevs(append(dst, `{"missing":`...), missing)
		if len(ancestors) > 0 {
			dst = appendRevs(append(dst, `,"possible_ancestors":`...), ancestors)
		}
		return append(dst, '}')
	})
}

// missingRevs answers POST /{db}/_missing_revs, the same in an older form.
func missingRevs(x *exchange) error {
	return x.diff(`{"missing_revs":{`, `}}`, func(dst []byte, missing, _ []store.Rev) []byte {
		return appendRevs(dst, missing)
	})
}

func (x *exchange) diff(head, tail string, one func(dst []byte, missing, ancestors []store.Rev) []byte) error {
	b, err := x.readObject()
	if err != nil {
		return err
	}
	defer b.free()
	// All is checked before anything goes out.
	err = ejson.Members(b.bytes, func(key, value []byte) error {
		if _, err := parseRevs(value); err != nil {
			return err
		}
		return x.needPartition(string(key))
	})
	if err != nil {
		return err
	}
	reader, err := x.db.NewReader()
	if err != nil {
		return err
	}
	defer reader.Close()
	s := x.stream()
	defer s.free()
	s.buf = append(s.buf, head...)
	first := true
	err = ejson.Members(b.bytes, func(key, value []byte) error {
		id := string(key)
		revs, err := parseRevs(value)
		if err != nil {
			return err
		}
		missing, ancestors, err := reader.MissingRevs(id, revs)
		if err != nil || len(missing) == 0 {
			return err
		}
		if !first {
			s.buf = append(s.buf, ',')
		}
		first = false
		s.buf = append(store.AppendJSONString(s.buf, id), ':')
		s.buf = one(s.buf, missing, ancestors)
		return s.spill()
	})
	if err != nil {
		return err
	}
	s.buf = append(append(s.buf, tail...), '\n')
	return s.end()
}

func appendRevs(dst []byte, revs []store.Rev) []byte {
	dst = append(dst, '[')
	for i, r := range revs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendRev(dst, r)
	}
	return append(dst, ']')
}
