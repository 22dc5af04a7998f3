package couchapi

import (
	"slices"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine"
)

// openRevs answers GET with open_revs: "all" leaves, or a JSON list of revisions.
func (x *exchange) openRevs(id, list string, o docOptions) error {
	var found []revResult
	_, tree, err := x.docs().Revs(id)
	if err != nil && !store.IsKind(err, store.KindNotFound) {
		return err
	}
	if list == "all" {
		if err != nil {
			return err
		}
		found = x.readLeaves(id, tree, o)
	} else {
		revs, err := parseRevs([]byte(list))
		if err != nil {
			return err
		}
		found = x.readRevs(id, revs, tree, o)
	}
	if accepts(x.r, "multipart/mixed") {
		return x.sendMultipart("multipart/mixed", found)
	}
	s := x.stream()
	defer s.free()
	s.buf = append(s.buf, '[')
	for i := range found {
		if i > 0 {
			s.buf = append(s.buf, ',')
		}
		if err := found[i].write(s); err != nil {
			return err
		}
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.buf = append(s.buf, "]\n"...)
	return s.end()
}

// revResult is a revision that was asked for: its doc, or that it is missing.
type revResult struct {
	rev   store.Rev
	doc   shownDoc
	found bool
}

func (r *revResult) write(s *stream) error {
	if !r.found {
		s.buf = append(appendRev(append(s.buf, `{"missing":`...), r.rev), '}')
		return nil
	}
	s.buf = append(s.buf, `{"ok":`...)
	err := r.doc.write(s)
	s.buf = append(s.buf, '}')
	return err
}

// readRevs reads revisions of a doc; with latest, the leaves that they have become, each once.
func (x *exchange) readRevs(id string, revs []store.Rev, tree []engine.RevInfo, o docOptions) []revResult {
	var out []revResult
	for _, rev := range revs {
		leaves := leavesBelow(tree, rev)
		if !o.latest || len(leaves) == 0 {
			out = append(out, x.readOne(id, rev, tree, o))
			continue
		}
		for _, leaf := range leaves {
			if !slices.ContainsFunc(out, func(r revResult) bool { return r.rev == leaf.Rev }) {
				out = append(out, x.readOne(id, leaf.Rev, tree, o))
			}
		}
	}
	return out
}

func (x *exchange) readLeaves(id string, tree []engine.RevInfo, o docOptions) []revResult {
	var out []revResult
	for _, r := range tree {
		if r.Leaf {
			out = append(out, x.readOne(id, r.Rev, tree, o))
		}
	}
	return out
}

func (x *exchange) readOne(id string, rev store.Rev, tree []engine.RevInfo, o docOptions) revResult {
	doc, err := x.docs().GetRev(id, rev)
	if err != nil {
		return revResult{rev: rev}
	}
	return revResult{rev: rev, found: true, doc: shownDoc{
		doc: doc, o: o.ofOneRev(), tree: tree, info: findRev(tree, rev),
	}}
}

// parseRevs reads a JSON list of revisions.
func parseRevs(raw []byte) ([]store.Rev, error) {
	if _, err := ejson.Compact(nil, raw); err != nil {
		return nil, err
	}
	list, ok := stringList(raw)
	if !ok {
		return nil, errBadRequest("Invalid rev format")
	}
	revs := make([]store.Rev, len(list))
	for i, s := range list {
		var err error
		if revs[i], err = store.ParseRev(s); err != nil {
			return nil, err
		}
	}
	return revs, nil
}

// writePart writes the result as a part of a MIME message. A doc comes with its attachments, asked for or not.
func (r *revResult) writePart(s *stream, boundary string) error {
	s.buf = append(s.buf, "\r\nContent-Type: "...)
	if !r.found {
		s.buf = append(s.buf, "application/json; error=\"true\"\r\n\r\n"...)
		return r.write(s)
	}
	r.doc.o.atts.data = true
	s.buf = append(append(s.buf, r.doc.relatedType(boundary)...), "\r\n\r\n"...)
	return r.doc.writeRelated(s, boundary)
}

// sendMultipart sends docs as the parts of a MIME message.
func (x *exchange) sendMultipart(kind string, found []revResult) error {
	boundary, inner := newBoundary(), newBoundary()
	x.w.Header().Set("Content-Type", kind+`; boundary="`+boundary+`"`)
	s := x.stream()
	defer s.free()
	s.buf = append(append(s.buf, "--"...), boundary...)
	for i := range found {
		if err := found[i].writePart(s, inner); err != nil {
			return err
		}
		s.buf = append(append(s.buf, "\r\n--"...), boundary...)
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.buf = append(s.buf, "--"...)
	return s.end()
}
