package couchapi

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"logctl/store"
	"logctl/store/couchpath"
	"logctl/store/ejson"
	"logctl/store/engine"
)

// readOneDoc reads a body that is one doc, and stores the attachments in it. prepare gives the doc its id and
// revision and checks it.
func (x *exchange) readOneDoc(newEdits bool, prepare func(*ejson.Split) error) (store.Doc, error) {
	b, err := x.readJSON()
	if err != nil {
		return store.Doc{}, err
	}
	defer b.free()
	split, _, err := ejson.SplitDoc(nil, b.bytes)
	if err != nil {
		return split.Doc, err
	}
	if err := prepare(&split); err != nil {
		return split.Doc, err
	}
	err = x.attach(&split.Doc, split.Attachments, newEdits, nil)
	return split.Doc, err
}

// checkSize refuses a doc that is over the limit.
func (x *exchange) checkSize(doc *store.Doc) error {
	if len(doc.Body) > x.h.o.MaxDoc {
		return store.NewError(store.KindDocTooLarge, doc.ID)
	}
	return nil
}

// postDoc answers POST /{db}: a new doc, with an id of its own or one that is made here.
func postDoc(x *exchange) error {
	if err := x.needJSON(); err != nil {
		return err
	}
	newEdits := x.query().Get("new_edits") != "false"
	doc, err := x.readOneDoc(newEdits, func(s *ejson.Split) error {
		if err := x.checkSize(&s.Doc); err != nil {
			return err
		}
		if !s.HasID {
			// A revision of a doc that can't exist yet means nothing.
			s.Doc.ID, s.Doc.Rev, s.Doc.Ancestors = x.h.ids.ID(), store.Rev{}, nil
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !newEdits && !doc.Rev.IsZero() {
		doc = nextEdit(doc)
		return x.writeOne(doc, engine.WriteOptions{}, http.StatusCreated, false)
	}
	doc.Ancestors = nil
	return x.writeOne(doc, engine.WriteOptions{NewEdits: true}, http.StatusCreated, false)
}

// nextEdit is doc as the edit that follows the revision it names, whether anybody knows that one or not: what CouchDB
// makes of POST with new_edits=false.
func nextEdit(doc store.Doc) store.Doc {
	parent := doc.Rev
	doc.Ancestors = append([]string{parent.Hash}, doc.Ancestors...)
	doc.Rev = store.Rev{Gen: parent.Gen + 1, Hash: string(ejson.AppendRevHash(nil, doc.Deleted, parent, doc.Body, doc.Attachments...))}
	return doc
}

// putDoc answers PUT of a doc, of design and local ones too.
func putDoc(x *exchange) error {
	id := x.docID()
	if err := ejson.CheckDocID(id); err != nil {
		return err
	}
	newEdits := x.query().Get("new_edits") != "false"
	doc, err := x.readPut(id, newEdits)
	if err != nil {
		return err
	}
	if newEdits {
		doc.Ancestors = nil
	}
	status := http.StatusCreated
	if doc.Deleted {
		status = http.StatusOK
	}
	return x.writeOne(doc, engine.WriteOptions{NewEdits: newEdits}, status, true)
}

// readPut reads the body of a PUT: a doc or, in a MIME message, a doc and its attachments.
func (x *exchange) readPut(id string, newEdits bool) (store.Doc, error) {
	prepare := func(s *ejson.Split) error {
		s.Doc.ID = id
		if err := x.checkSize(&s.Doc); err != nil {
			return err
		}
		if err := x.agreeOnRev(&s.Doc); err != nil {
			return err
		}
		if !newEdits && s.Doc.Rev.IsZero() {
			return errBadRequest(reasonNeedsRev)
		}
		return nil
	}
	if strings.HasPrefix(x.r.Header.Get("Content-Type"), "multipart/related;") {
		return x.readRelated(newEdits, prepare)
	}
	return x.readOneDoc(newEdits, prepare)
}

const reasonNeedsRev = "When `new_edits: false`, the document needs `_rev` or `_revisions` specified"

// agreeOnRev takes the revision from the query or If-Match where the body has none, and refuses two that differ.
func (x *exchange) agreeOnRev(doc *store.Doc) error {
	inQuery, err := x.queryRev()
	if err != nil {
		return err
	}
	tag, err := x.ifMatch()
	if err != nil {
		return err
	}
	if !inQuery.IsZero() {
		if !doc.Rev.IsZero() && doc.Rev != inQuery {
			return errBadRequest("Document rev from request body and query string have different values")
		}
		doc.Rev = inQuery
	}
	if !tag.IsZero() {
		if !doc.Rev.IsZero() && doc.Rev != tag {
			return errBadRequest("Document rev and etag have different values")
		}
		doc.Rev = tag
	}
	return nil
}

func (x *exchange) queryRev() (store.Rev, error) {
	if !x.query().Has("rev") {
		return store.Rev{}, nil
	}
	return store.ParseRev(x.query().Get("rev"))
}

func (x *exchange) ifMatch() (store.Rev, error) {
	if len(x.r.Header["If-Match"]) == 0 {
		return store.Rev{}, nil
	}
	return store.ParseRev(strings.Trim(strings.TrimSpace(x.r.Header.Get("If-Match")), `"`))
}

// deleteDoc answers DELETE of a doc: a tombstone takes the place of the revision that the query or If-Match names.
func deleteDoc(x *exchange) error {
	id := x.docID()
	if strings.HasPrefix(id, localPrefix) {
		return deleteLocal(x)
	}
	doc := store.Doc{ID: id, Deleted: true, Body: []byte("{}")}
	if x.hidesUser(id) {
		return errNotFound("missing")
	}
	if _, err := x.db.Get(id); err != nil {
		return err
	}
	if err := x.agreeOnRev(&doc); err != nil {
		return err
	}
	return x.writeOne(doc, engine.WriteOptions{NewEdits: true}, http.StatusOK, true)
}

// copyDoc answers COPY: the doc is written under the id, and over the revision, that the header Destination names.
func copyDoc(x *exchange) error {
	dest := x.r.Header.Get("Destination")
	if len(x.r.Header["Destination"]) == 0 {
		return errBadRequest("Destination header is mandatory for COPY.")
	}
	if strings.HasPrefix(dest, "http://") || strings.HasPrefix(dest, "https://") {
		return errBadRequest("Destination URL must be relative.")
	}
	path, query, hasQuery := strings.Cut(dest, "?")
	id, err := url.PathUnescape(path)
	if err != nil {
		return errBadRequest("Invalid Destination header.")
	}
	if err := ejson.CheckDocID(id); err != nil {
		return err
	}
	from, err := x.copySource()
	if err != nil {
		return err
	}
	doc := store.Doc{ID: id, Body: from.Body, Deleted: from.Deleted}
	if hasQuery { // CouchDB does not look at the parameter's name
		_, rev, _ := strings.Cut(query, "=")
		if doc.Rev, err = store.ParseRev(rev); err != nil {
			return err
		}
	}
	if doc.Attachments, err = x.copyAttachments(from.Attachments); err != nil {
		return err
	}
	return x.writeOne(doc, engine.WriteOptions{NewEdits: true}, http.StatusCreated, true)
}

func (x *exchange) copySource() (store.Doc, error) {
	from := store.Doc{ID: x.docID()}
	if err := x.checkUserRead(from.ID); err != nil {
		return from, err
	}
	switch err := x.agreeOnRev(&from); {
	case err != nil:
		return from, err
	case !from.Rev.IsZero(): // a local doc has none
		return x.db.GetRev(from.ID, from.Rev)
	case strings.HasPrefix(from.ID, localPrefix):
		return x.db.GetLocal(from.ID)
	}
	return x.db.Get(from.ID)
}

// writeOne writes one doc and answers.
func (x *exchange) writeOne(doc store.Doc, o engine.WriteOptions, status int, tagged bool) error {
	batch := x.query().Get("batch") == "ok" && o.NewEdits && (x.r.Method == http.MethodPut || x.r.Method == http.MethodPost)
	o.NoSync = batch
	res, err := x.write([]store.Doc{doc}, o)
	if err != nil {
		return err
	}
	if batch && store.IsKind(res[0].Err, store.KindConflict) {
		res[0].Err = nil // CouchDB answers before it looks
	}
	if res[0].Err != nil {
		return res[0].Err
	}
	hdr := x.w.Header()
	if batch {
		body := store.AppendJSONString([]byte(`{"ok":true,"id":`), doc.ID)
		return x.json(http.StatusAccepted, append(body, '}'))
	}
	if o.NewEdits && x.r.Method != "COPY" && x.wants("") > 1 {
		status = http.StatusAccepted
	}
	if x.r.Method != http.MethodDelete {
		hdr["Location"] = []string{x.absolute(couchpath.Of(string(x.db.Name()), doc.ID))}
	}
	rev := res[0].Rev
	if tagged {
		hdr["Etag"] = []string{`"` + rev.String() + `"`}
	}
	return x.json(status, appendDone(make([]byte, 0, 64+len(doc.ID)+len(rev.Hash)), doc.ID, rev))
}

// wants is how many copies the client asks to be written, w of a body or the query. There is one here, so that a write that wants more
// is accepted rather than made, as by a CouchDB with fewer nodes than that.
func (x *exchange) wants(body string) int {
	if given := cmp.Or(body, x.query().Get("w")); given != "" {
		if n, err := strconv.Atoi(given); err == nil {
			return n
		}
	}
	return 1
}
