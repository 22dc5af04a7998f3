package couchapi

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine"
	"logctl/store/viewopts"
)

// A partitioned database has docs whose ids are "partition:id". Its views, but for those of design documents that say
// otherwise, and its Mango indexes belong to one partition each.

func (h *Handler) partitionRoutes(rt *mux.Router) {
	h.inPartition(rt, "", resource{allow: "GET", methods: onGet(partitionInfo)})
	h.inPartition(rt, "/_all_docs", resource{allow: "GET,HEAD,POST", methods: map[string]action{
		http.MethodGet:  func(x *exchange) error { return x.listDocs(listing{}, nil) },
		http.MethodPost: func(x *exchange) error { return x.postList(listing{}) },
	}})
	h.inPartition(rt, "/_design/{design}/_view/{view}", resource{allow: "GET,HEAD,POST", methods: map[string]action{
		http.MethodGet: getView, http.MethodPost: postView,
	}})
	h.inPartition(rt, "/_find", resource{allow: "POST", methods: onPost(asking(find))})
	h.inPartition(rt, "/_explain", resource{allow: "POST", methods: onPost(asking(explain))})
	missing := func(*exchange) error { return errNotFound("missing") }
	h.inPartition(rt, "/{rest:.*}", resource{methods: onBoth(missing)})
	h.inDB(rt, "/_partition", resource{any: func(*exchange) error { return errBadRequest("invalid_partition_req") }})
}

// inPartition routes a path below a partition of a database.
func (h *Handler) inPartition(rt *mux.Router, path string, s resource) {
	for method, do := range s.methods {
		s.methods[method] = func(x *exchange) error {
			if err := x.openPartition(); err != nil {
				return err
			}
			return do(x)
		}
	}
	h.inDB(rt, "/_partition/{partition}"+path, s)
}

// openPartition checks that the database has partitions and that the path names one, there or not.
func (x *exchange) openPartition() error {
	if !x.db.Partitioned() {
		return errBadRequest("database is not partitioned")
	}
	x.partition = x.name("partition")
	if err := viewopts.CheckPartition(x.partition); err != nil {
		return err
	}
	if p := x.query().Get("partition"); p != "" && p != x.partition {
		return errBadRequest("Conflicting value for `partition` in query string")
	}
	return nil
}

// checkPartitions refuses docs whose ids name no partition, in a database where they must.
func (x *exchange) checkPartitions(docs []store.Doc) error {
	if !x.db.Partitioned() {
		return nil
	}
	for i := range docs {
		if err := x.checkPartitionOf(docs[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// checkPartitionOf refuses an id that names no partition, in a database where it must.
func (x *exchange) checkPartitionOf(id string) error {
	partition, rest, ok := strings.Cut(id, ":")
	if !ok || !x.db.Partitioned() || strings.HasPrefix(id, designPrefix) || strings.HasPrefix(id, localPrefix) {
		return x.needPartition(id)
	}
	if err := viewopts.CheckPartition(partition); err != nil {
		return err
	}
	return ejson.CheckDocID(rest)
}

// needPartition refuses to look for an id that no doc of a partitioned database can have.
func (x *exchange) needPartition(id string) error {
	if !x.db.Partitioned() || strings.Contains(id, ":") || strings.HasPrefix(id, designPrefix) || strings.HasPrefix(id, localPrefix) {
		return nil
	}
	return store.NewError(store.KindIllegalDocID, "Doc id must be of form partition:id")
}

const reasonNoPartitions = "`partition` parameter is not supported on this db"

// partitionList is the list of a partition's docs.
func partitionList(name string) listing { return listing{prefix: name + ":", past: name + ";"} }

// partitionRange are the ids of a partition's docs.
func partitionRange(name string) engine.IDRange {
	return engine.IDRange{Start: name + ":", End: name + ";", HasStart: true, HasEnd: true, ExclusiveEnd: true}
}

// partitionInfo answers GET /{db}/_partition/{partition}.
func partitionInfo(x *exchange) error {
	r := partitionRange(x.partition)
	docs, size := 0, int64(0)
	err := x.db.AllDocs(x.ctx(), r, true, func(doc store.Doc) bool {
		docs++
		size += int64(len(doc.Body))
		for _, a := range doc.Attachments {
			size += a.Length
		}
		return true
	})
	if err != nil {
		return err
	}
	deleted, err := x.db.CountDeleted(x.ctx(), r)
	if err != nil {
		return err
	}
	type sizes struct {
		Active   int64 `json:"active"`
		External int64 `json:"external"`
	}
	return x.marshal(http.StatusOK, struct {
		Name      string `json:"db_name"`
		Sizes     sizes  `json:"sizes"`
		Partition string `json:"partition"`
		Docs      int    `json:"doc_count"`
		Deleted   uint64 `json:"doc_del_count"`
	}{string(x.db.Name()), sizes{min(size, x.db.Stats().ActiveSize), size}, x.partition, docs, deleted})
}
