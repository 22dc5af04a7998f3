package couchapi

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine"
)

// postForm answers a POST on a doc: an HTML form with files, which become attachments of the revision that the field _rev
// names, or of the doc in the field _doc.
func postForm(x *exchange) error {
	if err := x.checkReferer(); err != nil {
		return err
	}
	id := x.docID()
	if err := ejson.CheckDocID(id); err != nil {
		return err
	}
	if !strings.HasPrefix(x.r.Header.Get("Content-Type"), "multipart/form-data") {
		return store.NewError(store.KindBadContentType, "Content-Type must be multipart/form-data")
	}
	f, err := x.readForm()
	defer f.leave()
	if err != nil {
		return err
	}
	doc, err := x.formDoc(id, f)
	if err != nil {
		return err
	}
	atts := f.files
	for i := range atts {
		atts[i].RevPos = doc.Rev.Gen + 1
	}
	for _, a := range doc.Attachments {
		if _, again := findAtt(f.files, a.Name); !again {
			atts = append(atts, a)
		}
	}
	doc.Attachments = atts
	res, err := x.write([]store.Doc{doc}, engine.WriteOptions{NewEdits: true})
	if err == nil {
		err = res[0].Err
	}
	if err != nil {
		return err
	}
	x.w.Header().Set("ETag", `"`+res[0].Rev.String()+`"`)
	return x.json(http.StatusCreated, appendDone(nil, id, res[0].Rev))
}

// checkReferer refuses a form that is not one of this server's own pages: a page elsewhere could post it with the cookie of
// whoever looks at it.
func (x *exchange) checkReferer() error {
	referer := x.r.Header.Get("Referer")
	if referer == "" {
		return errBadRequest("Referer header required.")
	}
	if u, err := url.Parse(referer); err != nil || u.Host != x.r.Host {
		return errBadRequest("Referer header must match host.")
	}
	return nil
}

// form is what such a form has.
type form struct {
	doc, rev string
	files    []store.Attachment // stored
	fields   []body             // whose room doc and rev have
}

func (f *form) leave() {
	for _, b := range f.fields {
		b.leave()
	}
}

// readForm reads a form; its files are stored as they come.
func (x *exchange) readForm() (form, error) {
	var f form
	parts, err := x.r.MultipartReader()
	if err != nil {
		return f, errBadRequest("Missing boundary in Content-Type.")
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return f, x.readError(err)
		}
		switch part.FormName() {
		case "_doc":
			f.doc, err = x.formField(&f, part)
		case "_rev":
			f.rev, err = x.formField(&f, part)
		case "_attachments":
			err = x.formFile(&f, part)
		}
		if err != nil {
			return f, err
		}
	}
}

func (x *exchange) formField(f *form, part *multipart.Part) (string, error) {
	b, err := x.readAll(part, 0)
	if err != nil {
		return "", x.readError(err)
	}
	f.fields = append(f.fields, b)
	return string(b.bytes), nil
}

func (x *exchange) formFile(f *form, part *multipart.Part) error {
	name := part.FileName()
	if name == "" {
		return nil // a form without a file that was chosen
	}
	if err := checkAttName(name); err != nil {
		return err
	}
	kind := part.Header.Get("Content-Type")
	if kind == "" {
		kind = defaultAttType
	}
	a, err := x.storeAttachment(incoming{name: name, kind: kind, src: &partBody{x, part}, length: -1, identity: -1})
	if err == nil {
		f.files = append(f.files, a)
	}
	return err
}

// formDoc is the doc that the files of a form go to.
func (x *exchange) formDoc(id string, f form) (store.Doc, error) {
	if f.doc == "" {
		rev, err := store.ParseRev(f.rev)
		if err != nil {
			return store.Doc{}, err
		}
		doc, err := x.db.GetRev(id, rev)
		if store.IsKind(err, store.KindNotFound) {
			err = errMissingRev()
		}
		doc.Ancestors = nil
		return doc, err
	}
	split, _, err := ejson.SplitDoc(nil, []byte(f.doc))
	if err != nil {
		return split.Doc, err
	}
	split.Doc.ID, split.Doc.Ancestors = id, nil
	if err := x.checkSize(&split.Doc); err != nil {
		return split.Doc, err
	}
	err = x.attach(&split.Doc, split.Attachments, true, nil)
	return split.Doc, err
}
