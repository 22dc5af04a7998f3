package couchapi

import (
	"slices"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine"
	"logctl/store/headers"
)

// openRevs answers GET with open_revs: "all" leaves, or a JSON list of revisions. Local docs have none.
func (x *exchange) openRevs(id, list string, o docOptions) error {
	var err error
	if x.reader, err = x.db.NewReader(); err != nil {
		return err
	}
	defer x.reader.Close()
	var found []revResult
	_, tree, err := x.reader.Revs(id)
	if err != nil && !store.IsKind(err, store.KindNotFound) {
		return err
	}
	if list == "all" {
		if err != nil {
			return err
		}
		found = inOrder(findLeaves(id, tree, o))
	} else {
		revs, err := parseRevs([]byte(list))
		if err != nil {
			return err
		}
		found = findRevs(id, revs, tree, o)
	}
	if headers.Accepts(x.r, "multipart/mixed") {
		return x.sendParts(found)
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

// revResult is a revision that was asked for: where it is, or that it is missing. Its doc is read when it is written, for as many
// as are asked for do not fit into memory.
type revResult struct {
	id    string
	rev   store.Rev
	tree  []engine.RevInfo
	info  *engine.RevInfo // in tree, nil if it is not there
	o     docOptions
	found bool
}

// inOrder sorts results as CouchDB does: what is there comes first, then old before new. None is given twice.
func inOrder(found []revResult) []revResult {
	slices.SortFunc(found, func(a, b revResult) int {
		if a.found != b.found {
			if a.found {
				return -1
			}
			return 1
		}
		return a.rev.Compare(b.rev)
	})
	return slices.CompactFunc(found, func(a, b revResult) bool { return a.rev == b.rev })
}

// load reads the doc of a revision that was found.
func (x *exchange) load(r *revResult) (shownDoc, error) {
	doc, err := x.docs().GetRev(r.id, r.rev)
	return shownDoc{doc: doc, o: r.o.ofOneRev(), tree: r.tree, info: r.info, limit: x.db.RevsLimit()}, err
}

func (r *revResult) write(s *stream) error {
	if !r.found {
		s.buf = r.appendMissing(s.buf)
		return nil
	}
	d, err := s.x.load(r)
	if err != nil {
		return err
	}
	return d.writeFound(s)
}

// writeFound writes the doc of a revision that was asked for.
func (d *shownDoc) writeFound(s *stream) error {
	s.buf = append(s.buf, `{"ok":`...)
	err := d.write(s)
	s.buf = append(s.buf, '}')
	return err
}

func (r *revResult) appendMissing(dst []byte) []byte {
	return append(appendRev(append(dst, `{"missing":`...), r.rev), '}')
}

// findRevs finds revisions of a doc; with latest, the leaves that they have become, each once.
func findRevs(id string, revs []store.Rev, tree []engine.RevInfo, o docOptions) []revResult {
	var wanted []store.Rev
	for _, rev := range revs {
		var leaves []store.Rev
		if o.latest {
			leaves = leavesBelow(tree, rev)
		}
		if len(leaves) == 0 {
			leaves = []store.Rev{rev}
		}
		wanted = append(wanted, leaves...)
	}
	out := make([]revResult, len(wanted))
	for i, rev := range wanted {
		info := findRev(tree, rev)
		out[i] = revResult{id: id, rev: rev, tree: tree, info: info, o: o, found: info != nil && info.Available}
	}
	return inOrder(out)
}

// findLeaves finds all leaves of a doc, in the order in which CouchDB's revision tree has them: its roots, which are the oldest revisions
// that are known, from the last to the first, and what comes from each of them in order.
func findLeaves(id string, tree []engine.RevInfo, o docOptions) (leaves []revResult) {
	order := make([]int, len(tree))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return tree[b].Rev.Compare(tree[a].Rev) })
	next := make([][]int, len(tree))
	var ahead []int // those to go to, the next one last
	for _, i := range order {
		if p := tree[i].Parent; p >= 0 {
			next[p] = append(next[p], i)
		} else {
			ahead = append(ahead, i)
		}
	}
	slices.Reverse(ahead)
	for len(ahead) > 0 {
		i := ahead[len(ahead)-1]
		ahead = ahead[:len(ahead)-1]
		if r := &tree[i]; r.Leaf {
			leaves = append(leaves, revResult{id: id, rev: r.Rev, tree: tree, info: r, o: o, found: r.Available})
		}
		ahead = append(ahead, next[i]...)
	}
	return leaves
}

// parseRevs reads a JSON list of revisions.
func parseRevs(raw []byte) ([]store.Rev, error) {
	if _, err := ejson.Compact(nil, raw); err != nil {
		return nil, err
	}
	list, ok := stringList(raw)
	switch {
	case raw[0] != '[':
		return nil, errBadRequest("Invalid list of revisions")
	case !ok:
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

// parts is an answer of docs as the parts of a MIME message, each with its attachments, asked for or not.
type parts struct {
	s               *stream
	boundary, inner string
}

func (x *exchange) beginParts(s *stream, kind string) *parts {
	p := &parts{s: s, boundary: newBoundary(), inner: newBoundary()}
	x.w.Header().Set("Content-Type", kind+`; boundary="`+p.boundary+`"`)
	x.w.Header().Del("Cache-Control")
	s.buf = append(append(s.buf, "--"...), p.boundary...)
	return p
}

// doc writes a doc. named tells which one it is in headers, where attachments follow it.
func (p *parts) doc(d *shownDoc, named bool) error {
	d.o.atts.data = true
	p.s.buf = append(p.s.buf, "\r\n"...)
	if named && len(d.shown()) > 0 {
		p.s.buf = append(append(append(p.s.buf, "X-Doc-Id: "...), headerText(d.doc.ID)...), "\r\nX-Rev-Id: "...)
		p.s.buf = append(append(p.s.buf, d.doc.Rev.String()...), "\r\n"...)
	}
	p.s.buf = append(append(append(p.s.buf, "Content-Type: "...), d.relatedType(p.inner)...), "\r\n\r\n"...)
	if err := d.writeRelated(p.s, p.inner, nil); err != nil {
		return err
	}
	return p.close()
}

// failure writes in place of a doc why it is not there, a JSON object.
func (p *parts) failure(write func(dst []byte) []byte) error {
	p.s.buf = write(append(p.s.buf, "\r\nContent-Type: application/json; error=\"true\"\r\n\r\n"...))
	return p.close()
}

func (p *parts) close() error {
	p.s.buf = append(append(p.s.buf, "\r\n--"...), p.boundary...)
	return p.s.spill()
}

func (p *parts) end() error {
	p.s.buf = append(p.s.buf, "--"...)
	return p.s.end()
}

// sendParts answers open_revs with the parts of a MIME message.
func (x *exchange) sendParts(found []revResult) error {
	s := x.stream()
	defer s.free()
	p := x.beginParts(s, "multipart/mixed")
	for i := range found {
		r := &found[i]
		if !r.found {
			if err := p.failure(r.appendMissing); err != nil {
				return err
			}
			continue
		}
		d, err := x.load(r)
		if err == nil {
			err = p.doc(&d, false)
		}
		if err != nil {
			return err
		}
	}
	return p.end()
}
