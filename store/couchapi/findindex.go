package couchapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine"
	"logctl/store/mango"
)

func (h *Handler) indexRoutes(rt *mux.Router) {
	h.inDB(rt, "/_index", resource{allow: "GET,POST", methods: map[string]action{
		http.MethodGet: listIndexes, http.MethodPost: createIndex,
	}})
	h.inDB(rt, "/_index/_bulk_delete", resource{allow: "POST", methods: onPost(deleteIndexes)})
	for _, path := range []string{"/_index/_design/{design}/{type}/{name}", "/_index/{design}/{type}/{name}"} {
		h.inDB(rt, path, resource{allow: "DELETE", methods: map[string]action{http.MethodDelete: deleteIndex}})
	}
	h.inDB(rt, "/_index/{rest:.*}", resource{any: func(*exchange) error { return errNotFound("missing") }})
}

// indexes are the Mango indexes of the exchange's database, that of all docs first.
func (x *exchange) indexes() ([]*mango.Index, error) { return x.h.designs.indexes(x.ctx(), x.db) }

// indexes are the Mango indexes of a database, read once after each change of a design document.
func (c *designCache) indexes(ctx context.Context, db *engine.DB) ([]*mango.Index, error) {
	d := c.of(db.Instance())
	d.indexesOnce.Do(func() {
		d.indexList = []*mango.Index{mango.AllDocs()}
		d.indexesErr = db.AllDocs(context.WithoutCancel(ctx), designRange(), true, func(doc store.Doc) bool {
			d.indexList = append(d.indexList, mango.Indexes(doc.ID, doc.Body, db.Partitioned())...)
			return true
		})
	})
	if d.indexesErr != nil {
		c.forget(db.Instance())
	}
	return d.indexList, d.indexesErr
}

func listIndexes(x *exchange) error {
	list, err := x.indexes()
	if err != nil {
		return err
	}
	total := len(list)
	limit, skip, err := x.indexParams(total)
	if err != nil {
		return err
	}
	list = list[min(skip, total):]
	list = list[:min(limit, len(list))]
	out := strconv.AppendInt([]byte(`{"total_rows":`), int64(total), 10)
	out = append(out, `,"indexes":[`...)
	for i, index := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = index.AppendJSON(out)
	}
	return x.json(http.StatusOK, append(out, "]}"...))
}

// indexParams are the parameters of a list of indexes.
func (x *exchange) indexParams(total int) (limit, skip int, err error) {
	bad := &store.Error{Kind: store.KindInternal, Word: "invalid_list_index_params",
		Reason: "Index parameter ranges: limit > 1, skip > 0"}
	number := func(name string, otherwise int) int {
		s := x.query().Get(name)
		if s == "" {
			return otherwise
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1
		}
		return n
	}
	limit, skip = number("limit", max(total, 1)), number("skip", 0)
	if limit < 1 || skip < 0 {
		return 0, 0, bad
	}
	return limit, skip, nil
}

// createIndex answers POST /{db}/_index.
func createIndex(x *exchange) error {
	b, err := x.readObject()
	if err != nil {
		return err
	}
	defer b.free()
	c, err := mango.ParseCreation(b.bytes)
	if err != nil {
		return err
	}
	if err := ejson.CheckDocID(c.DDoc); err != nil {
		return err
	}
	created := false
	err = x.editDesign(c.DDoc, func(body []byte) (next []byte, err error) {
		next, created, err = c.AddTo(body)
		return next, err
	})
	if err != nil {
		return err
	}
	result := "exists"
	if created {
		result = "created"
	}
	return x.marshal(http.StatusOK, struct {
		Result string `json:"result"`
		ID     string `json:"id"`
		Name   string `json:"name"`
	}{result, c.DDoc, c.Name})
}

// maxTries is how often an edit is made anew that others came in between.
const maxTries = 5

// editDesign replaces a design document by what edit makes of its body, which is nil where there is none. An edit that
// gives the same body changes nothing; one that gives nil deletes.
func (x *exchange) editDesign(id string, edit func(body []byte) ([]byte, error)) error {
	for try := 1; ; try++ {
		doc, err := x.db.Get(id)
		if err != nil && !store.IsKind(err, store.KindNotFound) {
			return err
		}
		old := doc.Body
		next := store.Doc{ID: id, Rev: doc.Rev}
		if next.Body, err = edit(old); err != nil || next.Body != nil && string(next.Body) == string(old) {
			return err
		}
		if next.Body == nil {
			next.Deleted, next.Body = true, []byte("{}")
		}
		res, err := x.write([]store.Doc{next}, engine.WriteOptions{NewEdits: true})
		if err != nil {
			return err
		}
		if !store.IsKind(res[0].Err, store.KindConflict) || try == maxTries {
			return res[0].Err
		}
	}
}

// deleteIndex answers DELETE /{db}/_index/{design}/{type}/{name}.
func deleteIndex(x *exchange) error {
	id := mango.DesignID(x.name("design"))
	err := x.removeIndexes(id, func(index *mango.Index) bool { return index.Is(id, x.name("type"), x.name("name")) })
	if err != nil {
		return err
	}
	return x.ok(http.StatusOK)
}

// removeIndexes removes those indexes of a design document that match.
func (x *exchange) removeIndexes(id string, match func(*mango.Index) bool) error {
	list, err := x.indexes()
	if err != nil {
		return err
	}
	var names []string
	for _, index := range list {
		if match(index) {
			names = append(names, index.Name)
		}
	}
	if len(names) == 0 {
		return errNotFound("missing")
	}
	return x.editDesign(id, func(body []byte) ([]byte, error) {
		if body == nil {
			return nil, errNotFound("missing")
		}
		return mango.Remove(body, names...), nil
	})
}

// deleteIndexes answers POST /{db}/_index/_bulk_delete: all indexes of some design documents.
func deleteIndexes(x *exchange) error {
	b, err := x.readObject()
	if err != nil {
		return err
	}
	defer b.free()
	ids, err := mango.ParseBulkDelete(b.bytes)
	if err != nil {
		return err
	}
	type outcome struct {
		ID    string `json:"id"`
		OK    bool   `json:"ok,omitempty"`
		Error string `json:"error,omitempty"`
	}
	done := struct {
		Success []outcome `json:"success"`
		Fail    []outcome `json:"fail"`
	}{[]outcome{}, []outcome{}}
	for _, id := range ids {
		err := x.removeIndexes(id, func(index *mango.Index) bool { return index.DDoc == id })
		if err == nil {
			done.Success = append(done.Success, outcome{ID: id, OK: true})
			continue
		}
		done.Fail = append(done.Fail, outcome{ID: id, Error: x.asError(err).ErrorWord()})
	}
	return x.marshal(http.StatusOK, done)
}
