package couchapi

import (
	"iter"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/couchpath"
	"logctl/store/engine"
	"logctl/store/headers"
)

const (
	designPrefix = "_design/"
	localPrefix  = "_local/"
)

func (h *Handler) docRoutes(rt *mux.Router) {
	doc := resource{allow: "DELETE,GET,HEAD,POST,PUT,COPY", methods: map[string]action{
		http.MethodGet: getDoc, http.MethodPut: putDoc, http.MethodDelete: deleteDoc, "COPY": copyDoc,
		http.MethodPost: postForm,
	}}
	h.inDB(rt, "/_design/{design}", doc)
	h.inDB(rt, "/_local/{local}", resource{allow: doc.allow, methods: map[string]action{
		http.MethodGet: getDoc, http.MethodPut: putDoc, http.MethodDelete: deleteLocal, "COPY": copyDoc,
		http.MethodPost: postForm,
	}})
	for _, path := range []string{"/_local", "/_local%2F"} {
		h.inDB(rt, path, resource{allow: doc.allow, methods: map[string]action{
			http.MethodGet: badLocalID, http.MethodPut: badLocalID, http.MethodPost: badLocalID, http.MethodDelete: badLocalID,
		}})
	}
	h.inDB(rt, "/_design/{design}/{att:.+}", resource{allow: attachmentAllow, methods: attachmentMethods()})
	h.inDB(rt, "/{id}", doc)
	h.inDB(rt, "/{id}/{att:.+}", resource{allow: attachmentAllow, methods: attachmentMethods()})
}

func badLocalID(*exchange) error { return errBadRequest("Invalid _local document id.") }

// docID is the id that the path names.
func (x *exchange) docID() string {
	if _, ok := x.vars["design"]; ok {
		return designPrefix + x.name("design")
	}
	if _, ok := x.vars["local"]; ok {
		return localPrefix + x.name("local")
	}
	return x.name("id")
}

// docOptions are the parameters of a read that add to the doc or choose another revision.
type docOptions struct {
	revs, revsInfo, conflicts, deletedConflicts, localSeq, latest bool
	atts                                                          attOptions
}

func (x *exchange) docOptions() (docOptions, error) {
	meta := x.flag("meta")
	atts, err := x.attOptions()
	return docOptions{
		atts: atts,
		revs: x.flag("revs"), revsInfo: meta || x.flag("revs_info"), conflicts: meta || x.flag("conflicts"),
		deletedConflicts: meta || x.flag("deleted_conflicts"), localSeq: x.flag("local_seq"), latest: x.flag("latest"),
	}, err
}

// getDoc answers GET on a doc.
func getDoc(x *exchange) error {
	id := x.docID()
	if strings.HasPrefix(id, designPrefix) && x.vars["id"] != "" {
		x.redirectDesign(id)
		return nil
	}
	local := strings.HasPrefix(id, localPrefix)
	if !local {
		if err := x.checkUserRead(id); err != nil {
			return err
		}
	}
	o, err := x.docOptions()
	if err != nil {
		return err
	}
	if list := x.query().Get("open_revs"); x.query().Has("open_revs") && list != "[]" {
		return x.openRevs(id, list, o)
	}
	if local {
		return x.sendLocal(id, o)
	}
	doc, plain, err := x.readDoc(id, o)
	if err != nil {
		return err
	}
	if plain && x.etag(doc.doc.Rev.String()) {
		return nil
	}
	return x.sendDoc(&doc)
}

// redirectDesign sends a client that escaped the slash of a design document's id to the usual path.
func (x *exchange) redirectDesign(id string) {
	path := couchpath.Of(string(x.db.Name())) + "/_design/" + couchpath.Escape(strings.TrimPrefix(id, designPrefix))
	if rest := x.vars["att"]; rest != "" {
		path += "/" + rest
	}
	if x.r.URL.RawQuery != "" {
		path += "?" + x.r.URL.RawQuery
	}
	x.w.Header().Set("Location", path)
	x.send(http.StatusMovedPermanently, "text/plain", nil)
}

// shownDoc is a doc with what was asked for beside its body.
type shownDoc struct {
	doc  store.Doc
	o    docOptions
	tree []engine.RevInfo // where an option needs it
	info *engine.RevInfo  // the doc's own place in tree
	seq  []byte           // _local_seq

	limit int // how many revisions _revisions may tell: a branch is cut with its next edit, or never where others share it
}

// readDoc reads the doc that the query asks for. plain tells that the entity tag is the revision's, which is so unless
// the answer shows what may change without the doc.
func (x *exchange) readDoc(id string, o docOptions) (d shownDoc, plain bool, err error) {
	rev, named, err := x.namedRev(o)
	if err != nil {
		return d, false, err
	}
	if named {
		d, err = x.readRev(id, rev, o)
		return d, true, err
	}
	d.doc, err = x.db.Get(id)
	if err != nil {
		return d, false, err
	}
	return x.show(d.doc, o)
}

// show adds to a winner what the options ask for.
func (x *exchange) show(doc store.Doc, o docOptions) (d shownDoc, plain bool, err error) {
	d = shownDoc{doc: doc, o: o}
	plain = !o.revsInfo && !o.localSeq
	if o.localSeq {
		d.seq = appendNumber(nil, doc.Seq)
	}
	if !o.needsTree() {
		return d, plain, nil
	}
	if err := x.attachTree(&d); err != nil {
		return d, false, err
	}
	for i := range d.tree {
		r := &d.tree[i]
		if r.Leaf && r.Rev != doc.Rev && (o.conflicts && !r.Deleted || o.deletedConflicts && r.Deleted) {
			plain = false
		}
	}
	return d, plain, nil
}

func (x *exchange) attachTree(d *shownDoc) error {
	_, tree, err := x.db.Revs(d.doc.ID)
	if err != nil {
		return err
	}
	d.tree = tree
	d.info = findRev(tree, d.doc.Rev)
	d.limit = x.db.RevsLimit()
	return nil
}

func findRev(tree []engine.RevInfo, rev store.Rev) *engine.RevInfo {
	for i := range tree {
		if tree[i].Rev == rev {
			return &tree[i]
		}
	}
	return nil
}

// lineage is a revision and those that led to it, newest first.
func lineage(tree []engine.RevInfo, r *engine.RevInfo) iter.Seq[*engine.RevInfo] {
	return func(yield func(*engine.RevInfo) bool) {
		for yield(r) && r.Parent >= 0 {
			r = &tree[r.Parent]
		}
	}
}

// namedRev is the revision that a read asks for, the last if several are given. With latest CouchDB gives the winner whatever
// revision is named.
func (x *exchange) namedRev(o docOptions) (rev store.Rev, named bool, err error) {
	given := x.query()["rev"]
	if len(given) == 0 {
		return rev, false, nil
	}
	rev, err = store.ParseRev(given[len(given)-1])
	return rev, !o.latest, err
}

// readRev reads one revision. Of the options only revs counts.
func (x *exchange) readRev(id string, rev store.Rev, o docOptions) (d shownDoc, err error) {
	d.o = o.ofOneRev()
	if d.doc, err = x.db.GetRev(id, rev); err != nil {
		return d, err
	}
	if d.o.needsTree() {
		err = x.attachTree(&d)
	}
	return d, err
}

// leavesBelow are the leaves that a revision has become, itself included.
func leavesBelow(tree []engine.RevInfo, rev store.Rev) (leaves []store.Rev) {
	below := make([]bool, len(tree))
	for i := len(tree) - 1; i >= 0; i-- {
		r := &tree[i]
		below[i] = r.Rev == rev || r.Parent >= 0 && below[r.Parent]
		if below[i] && r.Leaf {
			leaves = append(leaves, r.Rev)
		}
	}
	return leaves
}

// needsTree tells whether the options are about other revisions than the doc's own.
func (o *docOptions) needsTree() bool {
	return o.revs || o.revsInfo || o.conflicts || o.deletedConflicts || len(o.atts.since) > 0
}

// ofOneRev are the options that count for a revision that was asked for by its name.
func (o *docOptions) ofOneRev() docOptions { return docOptions{revs: o.revs, atts: o.atts} }

// sendDoc answers with a doc, with its attachments as parts that follow it where the client takes that and asked for them.
func (x *exchange) sendDoc(d *shownDoc) error {
	if len(d.shown()) > 0 && headers.Accepts(x.r, "multipart/related") {
		return x.sendRelated(d)
	}
	s := x.stream()
	defer s.free()
	if err := d.write(s); err != nil {
		return err
	}
	if !x.sent {
		return x.json(http.StatusOK, s.buf)
	}
	s.buf = append(s.buf, '\n')
	return s.end()
}

// write writes the doc as JSON, attachments last.
func (d *shownDoc) write(s *stream) error {
	s.buf = d.appendOpen(s.buf)
	if err := d.writeAttachments(s); err != nil {
		return err
	}
	s.buf = append(s.buf, '}')
	return nil
}

// append appends the doc as JSON, its attachments as stubs.
func (d *shownDoc) append(dst []byte) []byte {
	return append(store.AppendStubs(d.appendOpen(dst), d.doc.Attachments), '}')
}

// appendRevisions appends a revision and those that led to it as one more member.
func appendRevisions(dst []byte, rev store.Rev, ancestors []string) []byte {
	dst = append(dst, `,"_revisions":{"start":`...)
	dst = strconv.AppendInt(dst, int64(rev.Gen), 10)
	dst = append(dst, `,"ids":["`...)
	dst = append(dst, rev.Hash...)
	for _, a := range ancestors {
		dst = append(dst, `","`...)
		dst = append(dst, a...)
	}
	return append(dst, `"]}`...)
}

// appendOpen appends the doc as JSON, without its attachments and the brace that ends it.
func (d *shownDoc) appendOpen(dst []byte) []byte {
	plain := d.doc
	plain.Attachments = nil
	dst = plain.AppendJSON(dst)
	dst = dst[:len(dst)-1]
	if d.o.revs && d.info != nil {
		var ancestors []string
		for r := range lineage(d.tree, d.info) {
			if r != d.info && len(ancestors) < d.limit-1 {
				ancestors = append(ancestors, r.Rev.Hash)
			}
		}
		dst = appendRevisions(dst, d.doc.Rev, ancestors)
	}
	if d.o.revsInfo && d.info != nil {
		dst = d.appendRevsInfo(dst)
	}
	if d.o.conflicts {
		dst = d.appendConflicts(dst, "_conflicts", false)
	}
	if d.o.deletedConflicts {
		dst = d.appendConflicts(dst, "_deleted_conflicts", true)
	}
	if d.seq != nil {
		dst = append(append(dst, `,"_local_seq":`...), d.seq...)
	}
	return dst
}

func (d *shownDoc) appendRevsInfo(dst []byte) []byte {
	dst = append(dst, `,"_revs_info":[`...)
	for r := range lineage(d.tree, d.info) {
		if r != d.info {
			dst = append(dst, ',')
		}
		status := "missing"
		if r.Available {
			if status = "available"; r.Deleted {
				status = "deleted"
			}
		}
		dst = append(appendRev(append(dst, `{"rev":`...), r.Rev), `,"status":"`...)
		dst = append(append(dst, status...), `"}`...)
	}
	return append(dst, ']')
}

func (d *shownDoc) appendConflicts(dst []byte, name string, deleted bool) []byte {
	n := 0
	for _, r := range d.tree {
		if !r.Leaf || r.Rev == d.doc.Rev || r.Deleted != deleted {
			continue
		}
		if n++; n == 1 {
			dst = append(append(append(dst, `,"`...), name...), `":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = appendRev(dst, r.Rev)
	}
	if n > 0 {
		dst = append(dst, ']')
	}
	return dst
}

// sendLocal answers with a local doc, which has no revisions that could be asked for.
func (x *exchange) sendLocal(id string, o docOptions) error {
	_, named, err := x.namedRev(o)
	if err != nil {
		return err
	}
	if named {
		return errNotFound("missing")
	}
	doc, err := x.db.GetLocal(id)
	if err != nil {
		return err
	}
	// Revisions of local docs are counted, and counted anew: they tell nothing of what is in one.
	if x.etag(hashTag(doc.Rev.String() + string(doc.Body))) {
		return nil
	}
	d := shownDoc{doc: doc, o: docOptions{revs: o.revs}, info: &engine.RevInfo{Parent: -1}, limit: 1}
	return x.json(http.StatusOK, d.append(nil))
}

func deleteLocal(x *exchange) error {
	id := x.docID()
	if err := x.checkUserWrite(id); err != nil {
		return err
	}
	if _, err := x.db.GetLocal(id); err != nil {
		return err
	}
	if err := x.agreeOnRev(&store.Doc{}); err != nil {
		return err
	}
	rev, err := x.db.PutLocal(x.ctx(), store.Doc{ID: id, Deleted: true, Body: []byte("{}")})
	if err != nil {
		return err
	}
	x.w.Header().Set("ETag", `"`+rev.String()+`"`)
	return x.json(http.StatusOK, appendDone(nil, id, rev))
}

// appendDone appends the answer to a write of one doc.
func appendDone(dst []byte, id string, rev store.Rev) []byte {
	dst = append(dst, `{"ok":true,"id":`...)
	dst = store.AppendJSONString(dst, id)
	dst = append(dst, `,"rev":"`...)
	dst = strconv.AppendInt(dst, int64(rev.Gen), 10)
	dst = append(dst, '-')
	dst = append(dst, rev.Hash...)
	return append(dst, `"}`...)
}
