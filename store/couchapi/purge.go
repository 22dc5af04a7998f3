package couchapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine"
)

// Limits of one purge, as CouchDB has them.
const (
	maxPurgedDocs = 100
	maxPurgedRevs = 1000
)

func (h *Handler) purgeRoutes(rt *mux.Router) {
	h.inDB(rt, "/_purge", resource{access: accessAdmin, allow: "POST", methods: onPost(jsonOr(purge))})
	h.inDB(rt, "/_purged_infos", resource{access: accessAdmin, allow: "GET", methods: onGet(purgedInfos)})
	h.inDB(rt, "/_purged_infos_limit", resource{access: accessAdmin, allow: "GET,PUT", methods: map[string]action{
		http.MethodGet: func(x *exchange) error {
			return x.json(http.StatusOK, strconv.AppendInt(nil, int64(x.db.PurgesLimit()), 10))
		},
		http.MethodPut: putPurgesLimit,
	}})
}

// purge answers POST /{db}/_purge: {"id":["rev",…],…} goes for good.
func purge(x *exchange) error {
	b, err := x.readObject()
	if err != nil {
		return err
	}
	defer b.free()
	ids, revs, err := parsePurge(b.bytes, x.checkPartitionOf)
	if err != nil {
		return err
	}
	gone, err := x.db.Purge(x.ctx(), revs)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if strings.HasPrefix(id, designPrefix) {
			x.h.designs.forget(x.db.Instance())
		}
	}
	x.h.o.Views.Notify(viewDB{x.db})
	out := []byte(`{"purge_seq":null,"purged":{`)
	for i, id := range ids {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendRevs(append(store.AppendJSONString(out, id), ':'), gone[id])
	}
	return x.json(http.StatusCreated, append(out, "}}"...))
}

// parsePurge reads the ids of a purge, which pass check, in their order, and the revisions of each.
func parsePurge(src []byte, check func(id string) error) ([]string, map[string][]store.Rev, error) {
	var ids []string
	revs := map[string][]store.Rev{}
	total := 0
	err := ejson.Members(src, func(key, value []byte) error {
		var list []json.RawMessage
		if value[0] != '[' || json.Unmarshal(value, &list) != nil {
			return errBadRequest("Invalid list of revisions")
		}
		id := string(key)
		if err := check(id); err != nil {
			return err
		}
		ids, revs[id] = append(ids, id), []store.Rev{}
		for _, raw := range list {
			s, _ := text(raw)
			rev, err := store.ParseRev(s)
			if err != nil {
				return err
			}
			revs[id] = append(revs[id], rev)
		}
		total += len(list)
		return nil
	})
	switch {
	case err != nil:
	case len(ids) > maxPurgedDocs:
		err = errBadRequest("Exceeded maximum number of documents.")
	case total > maxPurgedRevs:
		err = errBadRequest("Exceeded maximum number of revisions.")
	}
	return ids, revs, err
}

// purgedInfos answers GET /{db}/_purged_infos: the log of purges.
func purgedInfos(x *exchange) error {
	s := x.stream()
	defer s.free()
	s.buf = append(s.buf, `{"purged_infos":[`...)
	first := true
	var failed error
	_, err := x.db.Purges(x.ctx(), 0, func(p engine.Purged) bool {
		s.buf = appendRowStart(s.buf, first)
		first = false
		s.buf = store.AppendJSONString(append(s.buf, `{"id":`...), p.ID)
		s.buf = append(appendRevs(append(s.buf, `,"revs":`...), p.Revs), '}')
		failed = s.spill()
		return failed == nil
	})
	if failed != nil {
		err = failed
	}
	if err != nil {
		return err
	}
	s.buf = append(s.buf, "\r\n]}\n"...)
	return s.end()
}

func putPurgesLimit(x *exchange) error {
	return putLimit(x, "`purged_infos_limit` must be positive integer", x.db.SetPurgesLimit)
}
