package couchapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/view"
	"logctl/store/viewopts"
)

func (h *Handler) viewRoutes(rt *mux.Router) {
	h.inDB(rt, "/_design/{design}/_view/{view}", resource{allow: "GET,POST,HEAD", access: accessMany, methods: map[string]action{
		http.MethodGet: getView, http.MethodPost: postView,
	}})
	h.inDB(rt, "/_design/{design}/_view/{view}/queries", resource{allow: "POST", access: accessMany, methods: onPost(postViewQueries)})
	for _, path := range []string{"", "/{view}/{rest:.*}"} {
		h.inDB(rt, "/_design/{design}/_view"+path, resource{allow: "GET,POST,HEAD"})
	}
	of := func(err error) func(x *exchange) error {
		return func(x *exchange) error {
			if _, missing := x.design(designPrefix + x.name("design")); missing != nil {
				return missing
			}
			return err
		}
	}
	h.inDB(rt, "/_design/{design}/_search/{index}", resource{any: of(errNoSearch())})
	h.inDB(rt, "/_design/{design}/_search", resource{any: of(errBadRequest("path not recognized"))})
	h.inDB(rt, "/_design/{design}/_search_info/{index}", resource{allow: "GET", methods: onGet(of(errNoSearch()))})
	for _, path := range []string{"/_nouveau", "/_nouveau/{index}", "/_nouveau_info/{index}"} {
		h.inDB(rt, "/_design/{design}"+path, resource{any: of(errNotFound("missing"))})
	}
	h.inDB(rt, "/_temp_view", resource{any: func(*exchange) error {
		return store.NewError(store.KindGone, "Temporary views are not supported in CouchDB")
	}})
	h.inDB(rt, "/_design/{design}/_info", resource{allow: "GET", methods: onGet(designInfo)})
}

func getView(x *exchange) error { return x.queryView(nil) }

func postView(x *exchange) error {
	b, err := x.readObject()
	if err != nil {
		return err
	}
	defer b.free()
	m, err := members(b.bytes)
	if err != nil {
		return err
	}
	if keys, ok := m["keys"]; ok && keys[0] != '[' {
		return errBadRequest("`keys` member must be an array.")
	}
	if queries, ok := m["queries"]; ok {
		if queries[0] != '[' {
			return errBadRequest("`queries` member must be an array.")
		}
		return errBadRequest("The `queries` parameter is no longer supported at this endpoint")
	}
	return x.queryView(b.bytes)
}

// queryView answers one query of a view.
func (x *exchange) queryView(body json.RawMessage) error {
	p, err := x.design(designPrefix + x.name("design"))
	if err != nil {
		return err
	}
	q, err := viewopts.Parse(x.queryParams(), body, false)
	if err != nil {
		return err
	}
	if x.partition != "" {
		q.Partition = x.partition
	}
	s := x.stream()
	defer s.free()
	if err := x.appendView(s, p.design, &q); err != nil {
		return err
	}
	s.buf = append(s.buf, '\n')
	return s.end()
}

// postViewQueries answers several queries of a view in one.
func postViewQueries(x *exchange) error {
	p, err := x.design(designPrefix + x.name("design"))
	if err != nil {
		return err
	}
	if !p.design.Has(x.name("view")) {
		return errNotFound("missing_named_view")
	}
	if err := x.needJSON(); err != nil {
		return err
	}
	return x.queries(func(s *stream, q *store.ViewQuery) error { return x.appendView(s, p.design, q) })
}

// appendView writes the answer of one query.
func (x *exchange) appendView(s *stream, d *view.Design, q *store.ViewQuery) error {
	if err := x.limitQuery(q); err != nil {
		return err
	}
	first := true
	head := func(m view.Meta) error {
		s.buf = append(s.buf, '{')
		if !m.Reduced {
			s.buf = append(s.buf, `"total_rows":`...)
			s.buf = strconv.AppendInt(s.buf, int64(m.TotalRows), 10)
			s.buf = append(s.buf, `,"offset":`...)
			if m.HasOffset {
				s.buf = strconv.AppendInt(s.buf, int64(m.Offset), 10)
			} else {
				s.buf = append(s.buf, "null"...)
			}
			s.buf = append(s.buf, ',')
		}
		if q.UpdateSeq {
			s.buf = appendSeq(append(s.buf, `"update_seq":`...), x.db, m.UpdateSeq)
			s.buf = append(s.buf, ',')
		}
		s.buf = append(s.buf, `"rows":[`...)
		return s.spill()
	}
	row := func(r store.Row) error {
		s.buf = appendRowStart(s.buf, first)
		first = false
		if err := x.appendViewRow(s, &r, q); err != nil {
			return err
		}
		return s.spill()
	}
	if err := x.h.o.Views.Query(x.ctx(), viewDB{x.db}, d, x.name("view"), *q, head, row); err != nil {
		return err
	}
	s.buf = append(s.buf, "\r\n]}"...)
	return nil
}

// appendViewRow writes one row: with an id where it is not reduced, an error row where its reduction failed.
func (x *exchange) appendViewRow(s *stream, r *store.Row, q *store.ViewQuery) error {
	s.buf = append(s.buf, '{')
	if r.ID != "" {
		s.buf = append(store.AppendJSONString(append(s.buf, `"id":`...), r.ID), ',')
	}
	s.buf = append(s.buf, `"key":`...)
	if r.Key == nil {
		s.buf = append(s.buf, "null"...)
	}
	s.buf = append(s.buf, r.Key...)
	if r.Err != "" {
		s.buf = store.AppendJSONString(append(s.buf, `,"error":`...), r.Err)
		if r.Value != nil {
			s.buf = append(append(s.buf, `,"reason":`...), r.Value...)
		}
		s.buf = append(s.buf, '}')
		return nil
	}
	s.buf = append(append(s.buf, `,"value":`...), r.Value...)
	if q.IncludeDocs && r.ID != "" {
		s.buf = append(s.buf, `,"doc":`...)
		if err := x.writeLinked(s, r, q); err != nil {
			return err
		}
	}
	s.buf = append(s.buf, '}')
	return nil
}

// writeLinked writes the doc of a row: its own or the one, at the revision, that a value of {"_id":…,"_rev":…} names.
// One that is not there is null. As in CouchDB, another's comes without what else was asked for of docs, and no conflicts stand
// beside a revision that was named.
func (x *exchange) writeLinked(s *stream, r *store.Row, q *store.ViewQuery) error {
	id, rev, of := r.ID, "", *q
	if len(r.Value) > 0 && r.Value[0] == '{' && strings.Contains(string(r.Value), `"_`) {
		m, err := members(r.Value)
		if err != nil {
			return err
		}
		if raw, ok := m["_id"]; ok {
			id, _ = text(raw) // what is no text names no doc
			of.Conflicts, of.Attachments, of.AttEncodingInfo = false, false, false
		}
		if rev, _ = text(m["_rev"]); rev != "" {
			of.Conflicts = false
		}
	}
	doc, err := x.linked(id, rev)
	if store.IsKind(err, store.KindNotFound) || store.IsKind(err, store.KindBadRequest) || store.IsKind(err, store.KindIllegalDocID) {
		s.buf = append(s.buf, "null"...)
		return nil
	}
	if err != nil {
		return err
	}
	return x.writeRowDoc(s, doc, &of)
}

func (x *exchange) linked(id, rev string) (store.Doc, error) {
	switch {
	case strings.HasPrefix(id, localPrefix):
		return x.db.GetLocal(id)
	case rev == "":
		return x.db.Get(id)
	}
	r, err := store.ParseRev(rev)
	if err != nil {
		return store.Doc{}, err
	}
	return x.db.GetRev(id, r)
}

// designInfo answers GET /{db}/_design/{design}/_info.
func designInfo(x *exchange) error {
	p, err := x.design(designPrefix + x.name("design"))
	if err != nil {
		return err
	}
	info, err := x.h.o.Views.Info(viewDB{x.db}, p.design)
	if err != nil {
		return err
	}
	type sizes struct {
		File     int64 `json:"file"`
		External int64 `json:"external"`
		Active   int64 `json:"active"`
	}
	type pending struct {
		Minimum   uint64 `json:"minimum"`
		Preferred uint64 `json:"preferred"`
		Total     uint64 `json:"total"`
	}
	type index struct {
		Pending    pending `json:"updates_pending"`
		Commit     bool    `json:"waiting_commit"`
		Clients    int     `json:"waiting_clients"`
		Running    bool    `json:"updater_running"`
		UpdateSeq  uint64  `json:"update_seq"`
		Sizes      sizes   `json:"sizes"`
		Signature  string  `json:"signature"`
		PurgeSeq   uint64  `json:"purge_seq"`
		Language   string  `json:"language"`
		Compacting bool    `json:"compact_running"`

		Collators []string `json:"collator_versions"`
	}
	return x.marshal(http.StatusOK, struct {
		Name  string `json:"name"`
		Index index  `json:"view_index"`
	}{x.name("design"), index{
		pending{info.PendingUpdates, info.PendingUpdates, info.PendingUpdates}, info.WaitingCommit, info.WaitingClients,
		info.Updating, info.UpdateSeq, sizes{info.DiskSize, info.ExternalSize, info.ActiveSize}, info.Signature,
		info.PurgeSeq, info.Language, info.Compacting, []string{view.Collator},
	}})
}
