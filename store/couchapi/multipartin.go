package couchapi

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
)

// readRelated reads a request of a doc and the attachments that follow it: the first part is the doc, the others have the
// bytes of those of its attachments that say so, in their order.
func (x *exchange) readRelated(newEdits bool, prepare func(*ejson.Split) error) (store.Doc, error) {
	_, params, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return store.Doc{}, errBadRequest("Missing boundary in Content-Type.")
	}
	src, done, err := x.decoded()
	if err != nil {
		return store.Doc{}, err
	}
	defer done()
	parts := multipart.NewReader(src, params["boundary"])
	first, err := parts.NextRawPart()
	if err != nil {
		return store.Doc{}, x.partError(err)
	}
	if kind, _, _ := strings.Cut(first.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/json" {
		return store.Doc{}, store.NewError(store.KindBadContentType, "Content-Type must be application/json")
	}
	b, err := x.readAll(first, 0)
	if err != nil {
		return store.Doc{}, x.partError(err)
	}
	defer b.free()
	split, _, err := ejson.SplitDoc(nil, b.bytes)
	if err != nil {
		return split.Doc, err
	}
	if err := prepare(&split); err != nil {
		return split.Doc, err
	}
	err = x.attach(&split.Doc, split.Attachments, newEdits, func(given []givenAtt, i int) (io.Reader, error) {
		part, err := parts.NextRawPart()
		if err == nil && isAnother(given, i, part.FileName()) {
			return nil, errBadRequest("The attachments do not follow in the order of _attachments.")
		}
		return &partBody{x, part}, x.partError(err)
	})
	return split.Doc, err
}

// isAnother tells whether a part that should be the i-th attachment says that it is another one that follows.
func isAnother(given []givenAtt, i int, name string) bool {
	return name != given[i].name && slices.ContainsFunc(given, func(g givenAtt) bool { return g.follows && g.name == name })
}

// partError is what a client is told when a part of its body could not be read.
func (x *exchange) partError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errBadRequest("attachment shorter than expected")
	}
	return x.readError(err)
}

// partBody is a part of the request's body.
type partBody struct {
	x    *exchange
	part *multipart.Part
}

func (p *partBody) Read(b []byte) (int, error) {
	n, err := p.part.Read(b)
	if err != nil && err != io.EOF {
		err = p.x.partError(err)
	}
	return n, err
}
