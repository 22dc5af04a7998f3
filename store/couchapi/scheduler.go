package couchapi

import (
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/headers"
	"logctl/store/viewopts"
)

// replicatorDBName is the database whose docs ask for replications. What they ask for is done as an admin, so it is closed
// to everybody else, whatever its security object says.
const replicatorDBName = "_replicator"

func (h *Handler) schedulerRoutes(rt *mux.Router) {
	h.add(rt, "/_replicate", resource{allow: "POST", methods: onBoth(postReplicate)})
	h.add(rt, "/_active_tasks", resource{access: accessAdmin, allow: "GET,HEAD", methods: onGet(activeTasks)})
	for kind, list := range map[string]func(Replicator) []json.RawMessage{"jobs": Replicator.Jobs, "docs": Replicator.Docs} {
		h.add(rt, "/_scheduler/"+kind, resource{access: accessAdmin, allow: "GET,HEAD", methods: onGet(func(x *exchange) error {
			return x.sendScheduled(kind, h.replications(list))
		})})
	}
	h.add(rt, "/_scheduler/jobs/{job}", resource{access: accessAdmin, allow: "GET,HEAD", methods: onGet(func(x *exchange) error {
		return x.sendScheduledOne(h.replications(Replicator.Jobs), "id", x.name("job"))
	})})
	h.add(rt, "/_scheduler/docs/{db}", resource{access: accessAdmin, allow: "GET,HEAD", methods: onGet(func(x *exchange) error {
		if path.Base(x.name("db")) != replicatorDBName {
			return errBadRequest("Invalid path")
		}
		return x.sendScheduled("docs", of(h.replications(Replicator.Docs), "database", x.name("db")))
	})})
	h.add(rt, "/_scheduler/docs/{db}/{doc}", resource{access: accessAdmin, allow: "GET,HEAD", methods: onGet(getScheduledDoc)})
}

// replications is one of the replicator's lists, empty where there is no replicator.
func (h *Handler) replications(list func(Replicator) []json.RawMessage) []json.RawMessage {
	if h.o.Replicator == nil {
		return []json.RawMessage{}
	}
	return list(h.o.Replicator)
}

// of are the objects of a list whose member has that text.
func of(list []json.RawMessage, member, value string) []json.RawMessage {
	out := []json.RawMessage{}
	for _, raw := range list {
		if m, err := members(raw); err == nil {
			if s, ok := text(m[member]); ok && s == value {
				out = append(out, raw)
			}
		}
	}
	return out
}

// scheduledParam reads a number. That of docs is an option as a view has it.
func scheduledParam(kind, name, val string) (int, error) {
	if kind == "docs" {
		return viewopts.Positive(val)
	}
	n, err := strconv.Atoi(val)
	switch {
	case err != nil:
		return 0, errQuery(name + " must be an integer")
	case n < 0:
		return 0, errQuery(name + " not in range of [0,infinity]")
	}
	return n, nil
}

const scheduledStates = "initializing,error,running,pending,crashing,completed,failed"

// inStates are the objects of a list that are in one of the states that the query names; all where it names none.
func (x *exchange) inStates(list []json.RawMessage) ([]json.RawMessage, error) {
	wanted := headers.List(strings.ToLower(x.query().Get("states")))
	if len(wanted) == 0 {
		return list, nil
	}
	out := []json.RawMessage{}
	for _, s := range wanted {
		if !slices.Contains(headers.List(scheduledStates), s) {
			return nil, errQuery("Unknown states [" + s + "]. Choose from: [" + scheduledStates + "]")
		}
		out = append(out, of(list, "state", s)...)
	}
	return out, nil
}

// sendScheduled sends a part of a list, as limit, skip and states say.
func (x *exchange) sendScheduled(kind string, list []json.RawMessage) error {
	if kind == "docs" {
		var err error
		if list, err = x.inStates(list); err != nil {
			return err
		}
	}
	total, skip, limit := len(list), 0, -1
	for name, n := range map[string]*int{"skip": &skip, "limit": &limit} {
		s := x.query().Get(name)
		if s == "" {
			continue
		}
		var err error
		if *n, err = scheduledParam(kind, name, s); err != nil {
			return err
		}
	}
	skip = min(skip, total)
	list = list[skip:]
	if limit >= 0 {
		list = list[:min(limit, len(list))]
	}
	out := strconv.AppendInt([]byte(`{"total_rows":`), int64(total), 10)
	out = strconv.AppendInt(append(out, `,"offset":`...), int64(skip), 10)
	out = append(append(append(out, `,"`...), kind...), `":`...)
	raw, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, append(append(out, raw...), '}'))
}

func (x *exchange) sendScheduledOne(list []json.RawMessage, member, value string) error {
	found := of(list, member, value)
	if len(found) == 0 {
		return errNotFound("missing")
	}
	return x.json(http.StatusOK, found[0])
}

// getScheduledDoc tells of one of the replicator's docs. One that is there and that the replicator has not come to yet is
// told without a state.
func getScheduledDoc(x *exchange) error {
	known := of(x.h.replications(Replicator.Docs), "database", x.name("db"))
	err := x.sendScheduledOne(known, "doc_id", x.name("doc"))
	if !store.IsKind(err, store.KindNotFound) || x.name("db") != replicatorDBName {
		return err
	}
	db, err := x.h.database(x.ctx(), replicatorDBName)
	if err != nil {
		return err
	}
	if _, err := db.Get(x.name("doc")); err != nil {
		return err
	}
	return x.marshal(http.StatusOK, map[string]any{
		"database": replicatorDBName, "doc_id": x.name("doc"), "id": nil, "node": nil, "source": nil, "target": nil,
		"state": nil, "info": nil, "error_count": 0, "last_updated": nil, "start_time": nil,
	})
}

// postReplicate answers POST /_replicate.
func postReplicate(x *exchange) error {
	if x.caller.Name == "" && !x.caller.IsAdmin() {
		return errUnauthorized("You are not an authenticated user")
	}
	if x.r.Method != http.MethodPost {
		return errBadRequest("Missing request body")
	}
	b, err := x.readObject()
	if err != nil {
		return err
	}
	defer b.free()
	if x.h.o.Replicator == nil {
		return errNotYet("Replication by this server is")
	}
	status, answer, err := x.h.o.Replicator.Replicate(x.ctx(), x.caller, b.bytes)
	if err != nil {
		return err
	}
	return x.json(status, answer)
}
