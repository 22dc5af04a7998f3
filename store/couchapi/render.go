package couchapi

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/couchpath"
	"logctl/store/ejson"
	"logctl/store/engine"
	"logctl/store/view/js"
)

func (h *Handler) renderRoutes(rt *mux.Router) {
	every := func(do action) map[string]action {
		return map[string]action{
			http.MethodGet: do, http.MethodPost: do, http.MethodPut: do, http.MethodDelete: do, http.MethodPatch: do, "COPY": do,
		}
	}
	const design = "/_design/{design}"
	for _, path := range []string{"/{function}", "/{function}/{id:.+}"} {
		h.inDB(rt, design+"/_show"+path, resource{methods: every(show)})
		h.inDB(rt, design+"/_update"+path, resource{methods: every(update)})
	}
	list := resource{allow: "GET,POST,HEAD", access: accessMany, methods: map[string]action{
		http.MethodGet: getList, http.MethodPost: postList, http.MethodOptions: getList,
	}}
	h.inDB(rt, design+"/_list/{function}/{view}", list)
	h.inDB(rt, design+"/_list/{function}/{other}/{view}", list)
	for kind, word := range map[string]string{"_show": "show_error", "_list": "list_error", "_update": "update_error"} {
		wrong := func(*exchange) error {
			return &store.Error{Kind: store.KindNotFound, Word: word, Reason: "Invalid path."}
		}
		h.inDB(rt, design+"/"+kind, resource{methods: every(wrong)})
		h.inDB(rt, design+"/"+kind+"/{rest:.*}", resource{methods: every(wrong)})
	}
}

// renderer is the function that the path names among a member of its design document.
func (x *exchange) renderer(member string) (*js.Renderer, parsedDesign, error) {
	p, err := x.design(designPrefix + x.name("design"))
	if err != nil {
		return nil, p, err
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(p.body, &doc); err != nil {
		return nil, p, err
	}
	raw, err := descend(doc, member, x.name("function"))
	if err != nil {
		return nil, p, err
	}
	f, err := x.compileRenderer(p, x.name("design")+"\x00"+member+"\x00"+x.name("function"), raw)
	return f, p, err
}

// compileRenderer compiles a function of a design document once for each of its revisions.
func (x *exchange) compileRenderer(p parsedDesign, name string, raw json.RawMessage) (*js.Renderer, error) {
	src, ok := text(raw)
	if !ok {
		return nil, errNotFound("missing function")
	}
	d := x.h.designs.of(x.db.Instance())
	key := name + "\x00" + p.rev.String()
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.renderer[key]; f != nil {
		return f, nil
	}
	f, err := js.NewRenderer(src, js.Options{Design: p.json()})
	if err != nil {
		return nil, err
	}
	if len(d.renderer) >= maxDesignDocs {
		clear(d.renderer)
	}
	d.renderer[key] = f
	return f, nil
}

// functionDoc is the doc that the path of a show or update names, as its function sees it; raw is nil where there is none.
func (x *exchange) functionDoc() (doc store.Doc, raw []byte, err error) {
	if x.vars["id"] == "" {
		return doc, nil, nil
	}
	id := x.name("id")
	if err := x.checkUserRead(id); err != nil {
		return doc, nil, err
	}
	if strings.HasPrefix(id, localPrefix) {
		doc, err = x.db.GetLocal(id)
	} else {
		doc, err = x.db.Get(id)
	}
	if store.IsKind(err, store.KindNotFound) {
		return doc, nil, nil
	}
	if err != nil {
		return doc, nil, err
	}
	shown, _, err := x.show(doc, docOptions{revs: !strings.HasPrefix(id, localPrefix), conflicts: true})
	return doc, shown.append(nil), err
}

// show answers _design/{design}/_show/{function}/{id}.
func show(x *exchange) error {
	f, p, err := x.renderer("shows")
	if err != nil {
		return err
	}
	doc, raw, err := x.functionDoc()
	if err != nil {
		return err
	}
	tag := hashTag(p.rev.String() + "\n" + doc.Rev.String() + "\n" + x.r.Header.Get("Accept") + "\n" + strings.Join(x.caller.Roles, ","))
	if x.etag(tag) {
		return nil
	}
	req, b, err := x.functionRequest()
	defer b.free()
	if err != nil {
		return err
	}
	out, err := f.Show(raw, req)
	if err != nil {
		return err
	}
	resp, err := js.ParseResponse(out)
	if err != nil {
		return err
	}
	for name := range resp.Header {
		if k := http.CanonicalHeaderKey(name); k == "Etag" || k == "Vary" {
			delete(resp.Header, name) // they are about the request, which the function does not know whole
		}
	}
	x.w.Header().Set("Vary", "Accept")
	return x.sendRendered(resp)
}

// update answers _design/{design}/_update/{function}/{id}: the function makes the doc that is stored and the answer.
func update(x *exchange) error {
	f, _, err := x.renderer("updates")
	if err != nil {
		return err
	}
	if x.r.Method == http.MethodGet || x.r.Method == http.MethodHead {
		return store.NewError(store.KindMethodNotAllowed, "Update functions do not allow GET")
	}
	_, raw, err := x.functionDoc()
	if err != nil {
		return err
	}
	req, b, err := x.functionRequest()
	defer b.free()
	if err != nil {
		return err
	}
	newDoc, out, err := f.Update(raw, req)
	if err != nil {
		return err
	}
	resp, err := js.ParseResponse(out)
	if err != nil {
		return err
	}
	if newDoc == nil {
		return x.sendRendered(resp)
	}
	res, err := x.storeUpdated(newDoc)
	if err != nil {
		return err
	}
	if !resp.HasCode {
		resp.Code = http.StatusCreated
	}
	hdr := x.w.Header()
	hdr.Set("X-Couch-Update-NewRev", res.Rev.String())
	hdr.Set("X-Couch-Id", couchpath.Escape(res.ID))
	return x.sendRendered(resp)
}

// storeUpdated stores the doc that an update function made.
func (x *exchange) storeUpdated(raw []byte) (engine.WriteResult, error) {
	var none engine.WriteResult
	split, _, err := ejson.SplitDoc(nil, raw)
	if err != nil {
		return none, err
	}
	doc := split.Doc
	if err := ejson.CheckDocID(doc.ID); err != nil {
		return none, err
	}
	if err := x.checkSize(&doc); err != nil {
		return none, err
	}
	if err := x.attach(&doc, split.Attachments, true, nil); err != nil {
		return none, err
	}
	doc.Ancestors = nil
	res, err := x.write([]store.Doc{doc}, engine.WriteOptions{NewEdits: true})
	if err != nil {
		return none, err
	}
	return res[0], res[0].Err
}

// setHeader sets the header of an answer that a function made. A browser takes it for another origin's, since it may hold
// anybody's HTML.
func (x *exchange) setHeader(r js.Response) {
	hdr := x.w.Header()
	hdr.Set("Content-Security-Policy", "sandbox")
	hdr.Set("Content-Type", r.ContentType)
	for name, value := range r.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Content-Length", "Transfer-Encoding", "Connection":
			continue // the server's own business
		}
		hdr.Set(name, value)
	}
}

func (x *exchange) sendRendered(r js.Response) error {
	x.setHeader(r)
	x.send(r.Code, x.w.Header().Get("Content-Type"), r.Body)
	return nil
}
