package couchapi

import (
	"bytes"
	"net/http"
	"strconv"
	"sync"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine"
)

// What of a list of docs is kept for the next request: so many docs and bytes of bodies.
const (
	keepDocs   = 1 << 14
	keepBodies = 8 << 20
)

var docLists = sync.Pool{New: func() any { return &docList{} }}

// docList is scratch space for the docs of one request: the docs and, in one piece, their bodies.
type docList struct {
	docs   []store.Doc
	atts   []givenAtts
	bodies []byte
}

// givenAtts are the attachments that came with a doc.
type givenAtts struct {
	doc int // in the list
	raw []byte
}

func (l *docList) free() {
	if cap(l.docs) > keepDocs || cap(l.bodies) > keepBodies {
		return
	}
	clear(l.docs)
	clear(l.atts)
	l.docs, l.atts, l.bodies = l.docs[:0], l.atts[:0], l.bodies[:0]
	docLists.Put(l)
}

func (h *Handler) bulkRoutes(rt *mux.Router) {
	h.inDB(rt, "/_bulk_docs", resource{allow: "POST", methods: onPost(bulkDocs)})
	h.inDB(rt, "/_bulk_get", resource{allow: "POST", methods: onPost(bulkGet)})
}

// bulkRequest is what a _bulk_docs body says beside its docs.
type bulkRequest struct {
	docs     []byte // a JSON array
	newEdits bool
	w        string // of the body
}

// bulkDocs answers POST /{db}/_bulk_docs. One bad doc refuses all before anything is written; a conflict is that doc's
// own. The docs go from the request's bytes to the engine without being decoded.
func bulkDocs(x *exchange) error {
	if err := x.needJSON(); err != nil {
		return err
	}
	b, err := x.readJSON()
	if err != nil {
		return err
	}
	defer b.free()
	list := docLists.Get().(*docList)
	defer list.free()
	req, ok := plainBulk(b.bytes)
	if !ok || x.splitBulk(list, req) != nil {
		var ids []byte
		if req, ids, err = parseBulk(b.bytes); err != nil {
			return err
		}
		if ids != nil {
			return x.refuseAllOrNothing(ids)
		}
		if err := x.splitBulk(list, req); err != nil {
			return err
		}
	}
	for _, a := range list.atts {
		if err := x.attach(&list.docs[a.doc], a.raw, req.newEdits, nil); err != nil {
			return err
		}
	}
	res, err := x.write(list.docs, engine.WriteOptions{NewEdits: req.newEdits})
	if err != nil {
		return err
	}
	return x.sendBulk(res, req)
}

// plainBulk is the request of a body that is {"docs":[…]} and nothing else, which spares a pass over it. That what it
// takes for the array is one, and the body what it looks like, is found out when the docs are read.
func plainBulk(src []byte) (bulkRequest, bool) {
	src, ok := bytes.CutPrefix(bytes.Trim(src, jsonSpace), []byte(`{"docs":`))
	if !ok {
		return bulkRequest{}, false
	}
	src, ok = bytes.CutSuffix(bytes.TrimLeft(src, jsonSpace), []byte("}"))
	return bulkRequest{docs: src, newEdits: true}, ok && len(src) > 0 && src[0] == '['
}

// parseBulk reads the members of a _bulk_docs body. ids is not nil where the request wants all_or_nothing, which no
// CouchDB since 2.0 does.
func parseBulk(src []byte) (req bulkRequest, ids []byte, err error) {
	req.newEdits = true
	all := false
	err = ejson.Members(src, func(key, value []byte) error {
		switch string(key) {
		case "docs":
			req.docs = value
		case "new_edits":
			req.newEdits = string(value) == "true"
			if !req.newEdits && string(value) != "false" {
				return errBadRequest("`new_edits` parameter must be a boolean.")
			}
		case "all_or_nothing":
			all = string(value) == "true"
		case "w":
			req.w = string(value)
		}
		return nil
	})
	if err != nil {
		if bad := needObject(src); bad != nil {
			err = bad
		}
		return req, nil, err
	}
	if req.docs == nil {
		return req, nil, errBadRequest("POST body must include `docs` parameter.")
	}
	if req.docs[0] != '[' {
		return req, nil, errBadRequest("`docs` parameter must be an array.")
	}
	if all {
		ids = req.docs
	}
	return req, ids, nil
}

// splitBulk takes the docs of a request apart and gives ids to those that have none.
func (x *exchange) splitBulk(list *docList, req bulkRequest) error {
	var err error
	list.docs, list.atts = list.docs[:0], list.atts[:0]
	list.bodies, err = ejson.SplitDocs(list.bodies[:0], req.docs, func(s ejson.Split) error {
		if err := x.checkSize(&s.Doc); err != nil {
			return err
		}
		if !s.HasID {
			s.Doc.ID = x.h.ids.ID()
		}
		if !req.newEdits && s.Doc.Rev.IsZero() {
			return errBadRequest(reasonNeedsRev)
		}
		if req.newEdits {
			s.Doc.Ancestors = nil
		}
		if s.Attachments != nil {
			list.atts = append(list.atts, givenAtts{len(list.docs), s.Attachments})
		}
		list.docs = append(list.docs, s.Doc)
		return nil
	})
	return err
}

// sendBulk sends a row for each doc or, where revisions came from elsewhere, for each that failed.
func (x *exchange) sendBulk(res []engine.WriteResult, req bulkRequest) error {
	status, few := http.StatusCreated, x.wants(req.w) > 1
	s := x.stream()
	defer s.free()
	out := append(s.buf, '[')
	for i := range res {
		r := &res[i]
		if r.Err == nil && !req.newEdits {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		if r.Err == nil {
			if out = appendDone(out, r.ID, r.Rev); few {
				out, status = append(out[:len(out)-1], `,"accepted":true}`...), http.StatusAccepted
			}
			continue
		}
		out = append(out, `{"id":`...)
		out = store.AppendJSONString(out, r.ID)
		if !req.newEdits {
			out = appendRev(append(out, `,"rev":`...), r.Rev)
		}
		out = append(out, ',')
		out = append(appendErrorMembers(out, x.asError(r.Err)), '}')
	}
	s.buf = append(out, "]\n"...)
	hdr := x.w.Header()
	hdr["Content-Length"] = []string{strconv.Itoa(len(s.buf))}
	hdr["Content-Type"] = []string{"application/json"}
	x.sent = true
	x.w.WriteHeader(status)
	_, err := x.w.Write(s.buf)
	return err
}

func (x *exchange) refuseAllOrNothing(docs []byte) error {
	out := []byte{'['}
	_, err := ejson.SplitDocs(nil, docs, func(s ejson.Split) error {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, `{"id":`...)
		out = store.AppendJSONString(out, s.Doc.ID)
		out = append(out, `,"rev":"0-","error":"not_implemented","reason":"all_or_nothing is not supported"}`...)
		return nil
	})
	if err != nil {
		return err
	}
	return x.json(http.StatusExpectationFailed, append(out, ']'))
}
