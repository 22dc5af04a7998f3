package couchapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/ejson"
)

func (h *Handler) maintenanceRoutes(rt *mux.Router) {
	h.inDB(rt, "/_compact", resource{access: accessDBAdmin, allow: "POST", methods: onPost(jsonOr(compact))})
	// The engine compacts views by itself; the request is what CouchDB's users are used to.
	h.inDB(rt, "/_compact/{design}", resource{access: accessDBAdmin, allow: "POST", methods: onPost(jsonOr(compactDesign))})
	h.inDB(rt, "/_view_cleanup", resource{access: accessDBAdmin, allow: "POST", methods: onPost(viewCleanup)})
	h.inDB(rt, "/_ensure_full_commit", resource{allow: "POST", methods: onPost(jsonOr(fullCommit))})
	h.inDB(rt, "/_revs_limit", resource{allow: "PUT,GET", methods: map[string]action{
		http.MethodGet: getRevsLimit, http.MethodPut: putRevsLimit,
	}})
	h.purgeRoutes(rt)
	h.inDB(rt, "/_shards", resource{allow: "GET", methods: onGet(func(x *exchange) error {
		return x.json(http.StatusOK, []byte(`{"shards":{"`+wholeRange+`":["`+NodeName+`"]}}`))
	})})
	h.inDB(rt, "/_shards/{id}", resource{allow: "GET", methods: onGet(shardOf)})
	accepted := func(x *exchange) error { return x.ok(http.StatusAccepted) }
	h.inDB(rt, "/_sync_shards", resource{access: accessAdmin, allow: "POST", methods: onPost(accepted)})
	h.inDB(rt, "/_nouveau_cleanup", resource{access: accessDBAdmin, allow: "POST", methods: onPost(jsonOr(accepted))})
	h.inDB(rt, "/_search_cleanup", resource{allow: "POST", methods: onPost(notYet("Text search is"))})
}

const wholeRange = "00000000-ffffffff" // the hashes of ids that the one shard of a database has

// shardOf answers GET /{db}/_shards/{id}.
func shardOf(x *exchange) error {
	if err := x.checkPartitionOf(x.name("id")); err != nil {
		return err
	}
	return x.json(http.StatusOK, []byte(`{"range":"`+wholeRange+`","nodes":["`+NodeName+`"]}`))
}

// jsonOr runs do for a request that says that it is JSON, as CouchDB wants it even where there is nothing to say.
func jsonOr(do action) action {
	return func(x *exchange) error {
		if err := x.needJSON(); err != nil {
			return err
		}
		return do(x)
	}
}

// compact begins to free what replaced revisions take, and answers at once.
func compact(x *exchange) error {
	db, h := x.db, x.h
	h.background.Go(func() {
		if err := db.Compact(h.ending); err != nil && h.ending.Err() == nil && !store.IsKind(err, store.KindNotFound) {
			h.o.Log.Error("compaction failed", "db", db.Name(), "err", err)
		}
	})
	return x.ok(http.StatusAccepted)
}

func compactDesign(x *exchange) error {
	if _, err := x.design(designPrefix + x.name("design")); err != nil {
		return err
	}
	return x.ok(http.StatusAccepted)
}

// viewCleanup drops the indexes that no design document needs any more.
func viewCleanup(x *exchange) error {
	var keep []string
	var bad error
	err := x.db.AllDocs(x.ctx(), designRange(), false, func(doc store.Doc) bool {
		var p parsedDesign
		if p, bad = x.design(doc.ID); bad != nil {
			return false
		}
		keep = append(keep, p.design.Signature())
		return true
	})
	if err == nil {
		err = bad
	}
	if err == nil {
		err = x.h.o.Views.Cleanup(viewDB{x.db}, keep)
	}
	if err != nil {
		return err
	}
	return x.ok(http.StatusAccepted)
}

// fullCommit answers at once: what has been acknowledged is on disk already, but for writes with batch=ok.
func fullCommit(x *exchange) error {
	out := strconv.AppendInt([]byte(`{"ok":true,"instance_start_time":"`), x.db.Stats().Created.Unix(), 10)
	return x.json(http.StatusCreated, append(out, `"}`...))
}

func getRevsLimit(x *exchange) error {
	return x.json(http.StatusOK, strconv.AppendInt(nil, int64(x.db.RevsLimit()), 10))
}

func putRevsLimit(x *exchange) error {
	if !x.security.isAdmin(x.caller) {
		return x.notDBAdmin()
	}
	return putLimit(x, "`_revs_limit` must be a positive integer.", x.db.SetRevsLimit)
}

// putLimit sets a limit of the database to the positive number that the body is; reason says that it is none.
func putLimit(x *exchange, reason string, set func(context.Context, int) error) error {
	b, err := x.readJSON()
	if err != nil {
		return err
	}
	defer b.free()
	if _, err := ejson.Compact(nil, b.bytes); err != nil {
		return err
	}
	var n int
	if json.Unmarshal(b.bytes, &n) != nil || n < 1 {
		return errBadRequest(reason)
	}
	if err := set(x.ctx(), n); err != nil {
		return err
	}
	return x.ok(http.StatusOK)
}
