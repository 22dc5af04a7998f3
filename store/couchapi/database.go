package couchapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/couchpath"
	"logctl/store/engine"
	"logctl/store/view"
	"logctl/store/viewopts"
)

// maxDBPath is the longest database name that CouchDB's own limit of a file name leaves.
const maxDBPath = 238

func (h *Handler) databaseRoutes(rt *mux.Router) {
	h.add(rt, "/{db}", databaseResource())
}

// postRoute is the way of docs that come one by one. Names of the server begin with an underscore.
func (h *Handler) postRoute(rt *mux.Router) {
	s := databaseResource()
	s.h = h
	rt.Methods(http.MethodPost).Path("/{db:[a-z][^/]*}").Handler(&s)
}

func databaseResource() resource {
	return resource{
		allow: "DELETE,GET,HEAD,POST", inDB: true,
		accessOf: func(x *exchange) access {
			if x.r.Method == http.MethodDelete {
				return accessAdmin
			}
			return accessMember
		},
		methods: map[string]action{
			http.MethodGet: getDatabase, http.MethodPost: postDoc, http.MethodDelete: deleteDatabase,
		},
	}
}

// createDatabase answers PUT /{db}, which names a database that does not exist. A body means nothing.
func createDatabase(x *exchange) error {
	if err := x.checkPlacement(); err != nil {
		return err
	}
	name := x.name("db")
	if len(name) > maxDBPath {
		return &store.Error{Kind: store.KindIllegalName, Word: "database_name_too_long",
			Reason: "At least one path segment of `" + name + "` is too long."}
	}
	parsed, err := store.ParseDBName(name)
	if err != nil {
		return err
	}
	if parsed == "_global_changes" || parsed == replicatorDBName && x.h.o.Replicator == nil {
		return errNotYet("The database " + name + " is")
	}
	create := x.h.o.Engine.Create
	if x.h.users.is(name) {
		create = x.h.users.create
	}
	if x.query().Get("partitioned") == "true" {
		if isSystemDB(name) {
			return errBadRequest("Cannot partition a system database")
		}
		create = x.h.o.Engine.CreatePartitioned
	}
	db, err := create(x.ctx(), parsed)
	if err != nil {
		return err
	}
	if set, _ := x.h.settings.get("couchdb", "default_security"); x.h.o.Bare && (set == "everyone" || set == "admin_local") {
		if err := db.SetMeta(x.ctx(), securityMeta, []byte("{}")); err != nil {
			return err
		}
	}
	x.w.Header().Set("Location", x.absolute(couchpath.Of(name)))
	return x.ok(http.StatusCreated)
}

// checkPlacement refuses what says nothing about where a cluster keeps a database; what does say something means nothing here.
func (x *exchange) checkPlacement() error {
	q := x.query()
	for _, name := range []string{"n", "q"} {
		if n, err := strconv.Atoi(q.Get(name)); q.Has(name) && (err != nil || n < 1) {
			return errBadRequest("The `" + name + "` value should be a positive integer.")
		}
	}
	if p := q.Get("placement"); q.Has("placement") && !strings.Contains(p, ":") {
		return errBadRequest("The `placement` value should be in a format `zone:n`.")
	}
	if q.Has("engine") && q.Get("engine") != "couch" {
		return errBadRequest("invalid_engine_extension")
	}
	if p := q.Get("partitioned"); q.Has("partitioned") && p != "true" && p != "false" {
		return errBadRequest("Invalid `partitioned` parameter")
	}
	return nil
}

// database is the database of that name. A name that no database can have is one that does not exist.
func (h *Handler) database(ctx context.Context, name string) (*engine.DB, error) {
	if name == usersDBName {
		return h.users.open(ctx)
	}
	parsed, err := store.ParseDBName(name)
	if err != nil {
		return nil, errNotFound(reasonNoDB)
	}
	return h.o.Engine.DB(parsed)
}

func getDatabase(x *exchange) error { return x.json(http.StatusOK, appendInfo(nil, x.db)) }

// appendInfo appends what CouchDB tells about a database.
func appendInfo(dst []byte, db *engine.DB) []byte {
	st := db.Stats()
	num := func(name string, n int64) {
		dst = append(append(append(dst, '"'), name...), '"', ':')
		dst = strconv.AppendInt(dst, n, 10)
	}
	// CouchDB gives the time in seconds as a string and "0" where it counts for nothing; it tells replicators that the
	// database is another one.
	dst = append(dst, `{"instance_start_time":"`...)
	dst = strconv.AppendInt(dst, st.Created.Unix(), 10)
	dst = append(dst, `","db_name":`...)
	dst = store.AppendJSONString(dst, string(db.Name()))
	dst = append(dst, `,"purge_seq":"`...)
	dst = strconv.AppendUint(dst, uint64(st.PurgeSeq), 10)
	dst = append(dst, `","update_seq":`...)
	dst = appendSeq(dst, db, st.UpdateSeq)
	dst = append(dst, `,"sizes":{`...)
	num("file", st.DiskSize)
	dst = append(dst, ',')
	num("external", st.ExternalSize)
	dst = append(dst, ',')
	num("active", st.ActiveSize)
	dst = append(dst, `},"props":{`...)
	if db.Partitioned() {
		dst = append(dst, `"partitioned":true`...)
	}
	dst = append(dst, "},"...)
	num("doc_del_count", int64(st.DelDocCount))
	dst = append(dst, ',')
	num("doc_count", int64(st.DocCount))
	_, compacting := db.Compaction()
	dst = strconv.AppendBool(append(dst, `,"disk_format_version":8,"compact_running":`...), compacting)
	return append(dst, `,"cluster":{"q":1,"n":1,"w":1,"r":1}}`...)
}

func deleteDatabase(x *exchange) error {
	if x.query().Has("rev") {
		return errBadRequest("You tried to DELETE a database with a ?=rev parameter. " +
			"Did you mean to DELETE a document instead?")
	}
	if err := x.h.o.Engine.Drop(x.ctx(), x.db.Name()); err != nil {
		return err
	}
	x.h.o.Views.Forget(viewDB{x.db})
	x.h.designs.forget(x.db.Instance())
	return x.ok(http.StatusOK)
}

func (h *Handler) listRoutes(rt *mux.Router) {
	h.add(rt, "/_all_dbs", resource{access: accessAdmin, allow: "GET,HEAD", methods: onGet(allDBs)})
	h.add(rt, "/_dbs_info", resource{access: accessAdmin, allow: "GET,HEAD,POST", methods: map[string]action{
		http.MethodGet: dbsInfo, http.MethodPost: postDBsInfo,
	}})
}

func allDBs(x *exchange) error {
	names, err := x.dbNames()
	if err != nil {
		return err
	}
	if x.etag(hashTag(strings.Join(names, "\n"))) {
		return nil
	}
	return x.marshal(http.StatusOK, names)
}

// dbNames are the databases that the query asks for: it takes the options of _all_docs.
func (x *exchange) dbNames() ([]string, error) {
	q, err := viewopts.Parse(x.queryParams(), nil, true)
	if err != nil {
		return nil, err
	}
	if err := view.CheckMapQuery(&q); err != nil {
		return nil, err
	}
	r := idRange(&q)
	names := []string{}
	for _, n := range x.h.o.Engine.Names() {
		names = append(names, string(n))
	}
	slices.Sort(names)
	if r.Descending {
		slices.Reverse(names)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !inRange(r, n) })
	names = names[min(q.Skip, len(names)):]
	if q.Limit >= 0 {
		names = names[:min(q.Limit, len(names))]
	}
	return names, nil
}

func dbsInfo(x *exchange) error {
	names, err := x.dbNames()
	if err != nil {
		return err
	}
	keys := make([]json.RawMessage, len(names))
	for i, name := range names {
		keys[i] = store.AppendJSONString(nil, name)
	}
	return x.sendInfos(keys)
}

func postDBsInfo(x *exchange) error {
	b, err := x.readObject()
	if err != nil {
		return err
	}
	defer b.free()
	m, err := members(b.bytes)
	if err != nil {
		return err
	}
	var keys []json.RawMessage
	switch raw := m["keys"]; {
	case raw == nil:
		return errBadRequest("`keys` member must exist.")
	case raw[0] != '[' || json.Unmarshal(raw, &keys) != nil:
		return errBadRequest("`keys` member must be an array.")
	}
	const maxKeys = 100
	if len(keys) > maxKeys {
		return errBadRequest("too_many_keys")
	}
	return x.sendInfos(keys)
}

// sendInfos tells about databases. A key that is no string names none.
func (x *exchange) sendInfos(keys []json.RawMessage) error {
	s := x.stream()
	defer s.free()
	s.buf = append(s.buf, '[')
	for i, key := range keys {
		if i > 0 {
			s.buf = append(s.buf, ',')
		}
		s.buf = append(s.buf, "\r\n"+`{"key":`...)
		s.buf = append(s.buf, key...)
		name, _ := text(key)
		db, err := x.h.database(x.ctx(), name)
		if err != nil {
			s.buf = append(s.buf, `,"error":"not_found"}`...)
		} else {
			s.buf = append(s.buf, `,"info":`...)
			s.buf = append(appendInfo(s.buf, db), '}')
		}
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.buf = append(s.buf, "\r\n]\n"...)
	return s.end()
}
