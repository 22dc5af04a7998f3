package couchapi

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/view"
)

// couchVersion is the CouchDB that this server behaves as.
const couchVersion = "3.5.0"

// NodeName is this server in lists of nodes.
const NodeName = "couchdb@127.0.0.1"

const maxUUIDs = 1000

func (h *Handler) serverRoutes(rt *mux.Router) {
	h.add(rt, "/", resource{allow: "GET,HEAD", methods: onGet(welcome)})
	h.add(rt, "/favicon.ico", resource{allow: "GET,HEAD", methods: onGet(func(x *exchange) error {
		x.send(http.StatusNotFound, "text/plain", nil)
		return nil
	})})
	h.add(rt, "/_up", resource{allow: "GET,HEAD", methods: onGet(func(x *exchange) error {
		return x.json(http.StatusOK, []byte(`{"status":"ok","seeds":{}}`))
	})})
	h.add(rt, "/_uuids", resource{allow: "GET", methods: onGet(giveUUIDs)})
	h.add(rt, "/_membership", resource{access: accessAdmin, allow: "GET", methods: onGet(func(x *exchange) error {
		return x.json(http.StatusOK, []byte(`{"all_nodes":["`+NodeName+`"],"cluster_nodes":["`+NodeName+`"]}`))
	})})
	h.add(rt, "/_cluster_setup", resource{access: accessAdmin, allow: "GET,POST", methods: map[string]action{
		http.MethodGet:  func(x *exchange) error { return x.json(http.StatusOK, []byte(`{"state":"single_node_enabled"}`)) },
		http.MethodPost: func(*exchange) error { return errNotYet("Cluster setup is") },
	}})
	h.schedulerRoutes(rt)
	h.add(rt, "/_reshard", resource{access: accessAdmin, allow: "GET,HEAD", methods: onGet(notYet("/_reshard is"))})
	h.add(rt, "/_db_updates", resource{access: accessAdmin, allow: "GET", methods: onGet(func(*exchange) error {
		return errNotFound(reasonNoDB) // it is kept in _global_changes
	})})
	h.add(rt, "/_search_analyze", resource{access: accessAdmin, allow: "GET,POST", methods: onBoth(func(*exchange) error {
		return errNoSearch()
	})})
	h.add(rt, "/_nouveau_analyze", resource{access: accessAdmin, allow: "POST", methods: onPost(func(*exchange) error {
		return errNotFound("missing")
	})})
	h.nodeRoutes(rt)
}

func (h *Handler) nodeRoutes(rt *mux.Router) {
	h.add(rt, "/_node/{node}", resource{access: accessAdmin, allow: "GET", methods: onGet(func(x *exchange) error {
		return x.json(http.StatusOK, []byte(`{"name":"`+NodeName+`"}`))
	})})
	h.add(rt, "/_node/{node}/_stats", resource{access: accessMetrics, allow: "GET", methods: onGet(func(x *exchange) error {
		return x.json(http.StatusOK, []byte(`{}`))
	})})
	h.add(rt, "/_node/{node}/_stats/{metric:.+}", resource{access: accessMetrics, allow: "GET", methods: onGet(func(x *exchange) error {
		return x.json(http.StatusOK, []byte(`null`)) // nothing is counted
	})})
	h.add(rt, "/_node/{node}/_versions", resource{access: accessAdmin, allow: "GET", methods: onGet(versions)})
	h.add(rt, "/_node/{node}/_system", resource{access: accessMetrics, allow: "GET", methods: onGet(system)})
}

// notYet refuses what is not there yet; what reads like "Attachments are".
func notYet(what string) action { return func(*exchange) error { return errNotYet(what) } }

func welcome(x *exchange) error {
	return x.marshal(http.StatusOK, struct {
		CouchDB  string   `json:"couchdb"`
		Version  string   `json:"version"`
		UUID     string   `json:"uuid"`
		Features []string `json:"features"`
		Vendor   any      `json:"vendor"`
	}{"Welcome", couchVersion, x.h.o.Engine.UUID(), []string{}, struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}{"logctl", x.h.o.Version}})
}

func giveUUIDs(x *exchange) error {
	n := 1
	if x.query().Has("count") {
		var err error
		if n, err = strconv.Atoi(x.query().Get("count")); err != nil || n < 0 {
			return errBadRequest("count must be a positive integer")
		}
	}
	if n > x.h.settings.number("uuids", "max_count", maxUUIDs) {
		return errBadRequest("count parameter too large")
	}
	list := make([]string, n)
	for i := range list {
		list[i] = x.h.ids.ID()
	}
	hdr := x.w.Header()
	hdr.Set("ETag", `"`+hashTag(strings.Join(list, ","))+`"`)
	hdr.Set("Cache-Control", "no-cache")
	hdr.Set("Pragma", "no-cache")
	hdr.Set("Expires", "Mon, 01 Jan 1990 00:00:00 GMT")
	return x.marshal(http.StatusOK, map[string][]string{"uuids": list})
}

func versions(x *exchange) error {
	type part struct {
		Name     string `json:"name,omitempty"`
		Version  string `json:"version,omitempty"`
		Collator string `json:"collator_version,omitempty"`
	}
	return x.marshal(http.StatusOK, map[string]part{
		"javascript_engine": {Name: "goja"}, "go": {Version: runtime.Version()},
		"collation_driver": {Name: "golang.org/x/text", Collator: view.Collator},
	})
}

func system(x *exchange) error {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return x.marshal(http.StatusOK, map[string]any{
		"memory": map[string]uint64{"processes": m.HeapInuse, "other": m.Sys - m.HeapInuse},
	})
}

// errNoSearch is what CouchDB says where Clouseau is not installed.
func errNoSearch() error {
	return &store.Error{Kind: store.KindUnavailable, Word: "service unavailable", Reason: "Search is not available"}
}
