package couchapi

import (
	"compress/gzip"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"logctl/store"
	"logctl/store/couchpath"
	"logctl/store/ejson"
	"logctl/store/engine"
	"logctl/store/headers"
)

const attachmentAllow = "DELETE,GET,HEAD,PUT"

// attachmentMethods answer for the attachments of docs.
func attachmentMethods() map[string]action {
	return map[string]action{
		http.MethodGet: getAttachment, http.MethodPut: changeAttachment, http.MethodDelete: changeAttachment,
	}
}

// getAttachment answers GET and HEAD of one attachment of the winner or of the revision that the query names.
func getAttachment(x *exchange) error {
	id := x.docID()
	if strings.HasPrefix(id, designPrefix) && x.vars["id"] != "" {
		x.redirectDesign(id)
		return nil
	}
	if id == strings.TrimSuffix(localPrefix, "/") {
		return errLocalAttachments()
	}
	if err := x.checkUserRead(id); err != nil {
		return err
	}
	d, _, err := x.readDoc(id, docOptions{latest: x.flag("latest")})
	if err != nil {
		return err
	}
	a, ok := findAtt(d.doc.Attachments, x.name("att"))
	if !ok {
		return errNoAttachment()
	}
	return x.sendAttachment(a)
}

// errMissingRev is CouchDB's answer to a change of attachments of a revision that it does not have.
func errMissingRev() error {
	return &store.Error{Kind: store.KindConflict, Word: "not_found", Reason: "missing_rev"}
}

func errNoAttachment() error { return errNotFound("Document is missing attachment") }

// sendAttachment sends an attachment as it is stored where the client takes that, else as a reader sees it.
func (x *exchange) sendAttachment(a store.Attachment) error {
	hdr := x.w.Header()
	hdr.Set("Content-Type", a.Type)
	// What somebody has stored must not run as a page of this server.
	hdr.Set("Content-Security-Policy", "sandbox")
	hdr.Set("Accept-Ranges", "none")
	asStored := !a.Gzip
	if asStored {
		hdr.Set("Accept-Ranges", "bytes")
	} else if headers.AcceptsGzip(x.r) {
		asStored = true
		hdr.Set("Content-Encoding", "gzip")
	}
	if x.etag(base64.StdEncoding.EncodeToString(a.MD5[:])) {
		return nil
	}
	if !a.Gzip || !asStored {
		ranges, err := headers.Ranges(x.r.Header.Get("Range"), a.Length)
		switch {
		case err != nil:
			return err
		case a.Gzip: // a part of it is nowhere
		case len(ranges) == 1:
			return x.sendRange(a, ranges[0])
		case len(ranges) > 1 && len(ranges) < maxRanges:
			return x.sendRanges(a, ranges)
		}
	}
	if !asStored && a.Length == a.Stored {
		return x.sendBytes(-1, http.StatusOK, x.attachmentBytes(a)) // nobody has counted what it is uncompressed
	}
	if asStored {
		return x.sendBytes(a.Stored, http.StatusOK, x.db.Attachment(a))
	}
	return x.sendBytes(a.Length, http.StatusOK, x.attachmentBytes(a))
}

// attachmentBytes reads an attachment uncompressed.
func (x *exchange) attachmentBytes(a store.Attachment) io.Reader {
	r := x.db.Attachment(a)
	if !a.Gzip {
		return r
	}
	return &gunzip{src: r}
}

// gunzip decompresses, beginning when it is read first, so that making one can't fail.
type gunzip struct {
	src *engine.AttachmentReader
	z   *gzip.Reader
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.z == nil {
		var err error
		if g.z, err = gzip.NewReader(g.src); err != nil {
			return 0, err
		}
	}
	return g.z.Read(p)
}

// sendBytes sends an answer of which the headers are set, length bytes or, below zero, all that src has.
func (x *exchange) sendBytes(length int64, status int, src io.Reader) error {
	hdr := x.w.Header()
	if length >= 0 {
		hdr.Set("Content-Length", strconv.FormatInt(length, 10))
	} else if x.r.ProtoMajor == 1 && x.r.ProtoMinor >= 1 {
		hdr.Set("Transfer-Encoding", "chunked")
	}
	if x.r.Method == http.MethodHead {
		x.sent = true
		x.w.WriteHeader(status)
		return nil
	}
	// The first piece is read before the status goes out: an attachment that can't be read has an error of its own.
	pooled := streamBuffers.Get().(*[]byte)
	defer streamBuffers.Put(pooled)
	buf := (*pooled)[:spillAt]
	n, err := io.ReadFull(src, buf)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	x.sent = true
	x.w.WriteHeader(status)
	if _, err := x.w.Write(buf[:n]); err != nil {
		return nil // the client has gone
	}
	if n < len(buf) {
		return nil
	}
	return x.copyOut(src, buf)
}

// copyOut sends the rest of an answer whose length is announced. If it can't be read the connection is cut, for what would
// follow could be taken for the attachment.
func (x *exchange) copyOut(src io.Reader, buf []byte) error {
	for {
		n, err := src.Read(buf)
		if n > 0 {
			if _, err := x.w.Write(buf[:n]); err != nil {
				return nil
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			x.h.o.Log.Error("attachment can't be read", "path", x.r.URL.Path, "err", err)
			panic(http.ErrAbortHandler)
		}
	}
}

// changeAttachment answers PUT and DELETE of one attachment: an edit of the doc that touches nothing else of it. Without a
// revision PUT makes a new doc.
func changeAttachment(x *exchange) error {
	id, name := x.docID(), x.name("att")
	if id == strings.TrimSuffix(localPrefix, "/") {
		return errLocalAttachments()
	}
	if err := checkAttName(name); err != nil {
		return err
	}
	if err := ejson.CheckDocID(id); err != nil {
		return err
	}
	put := x.r.Method == http.MethodPut
	coding := strings.ToLower(strings.TrimSpace(x.r.Header.Get("Content-Encoding")))
	if put && coding != "" && coding != "identity" && coding != "gzip" {
		return store.NewError(store.KindBadContentType, "Only gzip and identity content-encodings are supported")
	}
	doc, err := x.attachmentsOwner(id)
	if err != nil {
		return err
	}
	if !put {
		if _, ok := findAtt(doc.Attachments, name); !ok && !doc.Rev.IsZero() {
			return errNoAttachment()
		}
	}
	var atts []store.Attachment
	if put {
		a, err := x.putAttachment(&doc, name, coding == "gzip")
		if err != nil {
			return err
		}
		atts = append(atts, a)
	}
	for _, a := range doc.Attachments {
		if a.Name != name {
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
	status := http.StatusOK
	if put {
		if status = http.StatusCreated; x.wants("") > 1 {
			status = http.StatusAccepted
		}
		x.w.Header().Set("Location", x.absolute(couchpath.Of(string(x.db.Name()), id, name)))
	}
	return x.json(status, appendDone(nil, id, res[0].Rev))
}

func (x *exchange) putAttachment(doc *store.Doc, name string, gzipped bool) (store.Attachment, error) {
	in := incoming{
		name: name, kind: x.r.Header.Get("Content-Type"), revPos: doc.Rev.Gen + 1,
		src: x.r.Body, gzip: gzipped, length: x.r.ContentLength, identity: -1,
	}
	if in.kind == "" {
		in.kind = defaultAttType
	}
	if in.src == nil {
		in.src = http.NoBody
	}
	a, err := x.storeAttachment(in)
	if err != nil && store.KindOf(err) == store.KindInternal && x.ctx().Err() == nil {
		err = x.readError(err)
	}
	return a, err
}

// attachmentsOwner is the doc that a change of an attachment edits: the revision that the query or If-Match names, or a new
// doc. To remove an attachment of a doc that is there takes a revision, so without one the answer tells what is wrong.
func (x *exchange) attachmentsOwner(id string) (store.Doc, error) {
	doc := store.Doc{ID: id, Body: []byte("{}")}
	if err := x.agreeOnRev(&doc); err != nil {
		return doc, err
	}
	if !doc.Rev.IsZero() {
		old, err := x.db.GetRev(id, doc.Rev)
		if store.IsKind(err, store.KindNotFound) {
			return doc, errMissingRev()
		}
		old.Ancestors = nil
		return old, err
	}
	if x.r.Method == http.MethodDelete {
		if x.hidesUser(id) {
			return doc, errNotFound("missing")
		}
		old, err := x.db.Get(id)
		if err != nil {
			return doc, err
		}
		if _, ok := findAtt(old.Attachments, x.name("att")); !ok {
			return doc, errNoAttachment()
		}
	}
	return doc, nil
}
