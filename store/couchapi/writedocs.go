package couchapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"logctl/store"
	"logctl/store/engine"
)

// WriteDocs writes new docs, or edits of docs, as a POST of them to _bulk_docs by the caller in ctx (store.WithCaller) does, for
// code in the same process that has the docs in stored form already: they are not scanned again. They come without attachments;
// one without an id is given one, in place, and only those that came with theirs can conflict. There is one result for each doc, in their order; the error, of the kind that the
// request's answer would tell, is of all of them.
//
// When it returns without an error, what the results tell is on disk; nothing of docs is kept.
func (h *Handler) WriteDocs(ctx context.Context, db store.DBName, docs []store.Doc) ([]store.WriteResult, error) {
	if err := h.start(); err != nil {
		return nil, err
	}
	name := url.PathEscape(string(db))
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/" + name + "/_bulk_docs"}}
	x := &exchange{h: h, r: r.WithContext(ctx), began: time.Now(), vars: map[string]string{"db": name}}
	if err := h.identify(x); err != nil {
		return nil, err
	}
	if err := (&resource{h: h, inDB: true}).authorize(x, accessMember); err != nil {
		return nil, err
	}
	var named []int
	for i := range docs {
		if err := x.checkSize(&docs[i]); err != nil {
			return nil, err
		}
		if docs[i].ID == "" {
			docs[i].ID = h.ids.ID()
			named = append(named, i)
		}
	}
	results, err := x.write(docs, engine.WriteOptions{NewEdits: true})
	if err != nil {
		return nil, err
	}
	for _, i := range named {
		if store.IsKind(results[i].Err, store.KindConflict) {
			results[i].Err = store.NewError(store.KindInternal, "The id made for the document is another's.")
		}
	}
	return results, nil
}
