package couchapi

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/viewopts"
)

// access says who may use a resource.
type access uint8

const (
	accessPublic  access = iota // everybody
	accessMember                // who may read and write the database in the path
	accessMany                  // who may, but of _users, where each sees one doc, the server admins: for what shows many docs
	accessDBAdmin               // its admins
	accessAdmin                 // server admins
	accessMetrics               // server admins; CouchDB words the refusal differently
)

// accessToAll is the access to the lists of all docs. Unlike accessMany it does not ask first whether the caller is a member, as CouchDB.
func accessToAll(x *exchange) access {
	if name := x.name("db"); x.h.users.is(name) || name == replicatorDBName {
		return accessAdmin
	}
	return accessMember
}

// action answers one method of a resource.
type action func(x *exchange) error

// resource is what a path names. The zero access is public.
type resource struct {
	h       *Handler
	access  access
	inDB    bool   // the path begins with a database
	allow   string // the Allow header, in CouchDB's order; methods may hold more than it tells
	methods map[string]action
	// any answers the methods that methods lacks; nil: they are not allowed.
	any action
	// accessOf gives the access where it depends on the request.
	accessOf func(x *exchange) access
}

// ServeHTTP runs the checks that every exchange passes, in CouchDB's order, then the action.
func (s *resource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := newExchange(s.h, w, r)
	defer x.endUploads()
	if err := s.answer(x); err != nil {
		x.fail(err)
	}
}

func (s *resource) answer(x *exchange) error {
	if err := s.h.start(); err != nil {
		return err
	}
	if s.h.cors(x) {
		return nil
	}
	if err := viewopts.CheckQuery(x.r.URL.RawQuery); err != nil {
		return err
	}
	if err := s.h.identify(x); err != nil {
		return err
	}
	level := s.access
	if s.accessOf != nil {
		level = s.accessOf(x)
	}
	if err := s.authorize(x, level); err != nil {
		return err
	}
	if node, ok := x.vars["node"]; ok && node != "_local" && x.name("node") != NodeName {
		return errNotFound("no such node: " + x.name("node"))
	}
	do := s.methods[x.r.Method]
	if do == nil && x.r.Method == http.MethodHead {
		do = s.methods[http.MethodGet]
	}
	if do == nil {
		do = s.any
	}
	if do == nil {
		x.w.Header().Set("Allow", s.allow)
		return store.NewError(store.KindMethodNotAllowed, "Only "+s.allow+" allowed")
	}
	if _, ok := x.vars["id"]; ok && x.r.Method != http.MethodPut {
		if err := x.needPartition(x.docID()); err != nil {
			return err
		}
	}
	return do(x)
}

// authorize checks that the caller may use the resource and opens the database in its path.
func (s *resource) authorize(x *exchange, level access) error {
	admin := x.caller.IsAdmin()
	switch {
	case level == accessAdmin && !admin:
		return errUnauthorized(reasonNotAdmin)
	case level == accessMetrics && !admin:
		return errUnauthorized("You are not a server admin or read-only metrics user")
	}
	if !s.inDB {
		return nil
	}
	name := x.name("db")
	if strings.HasPrefix(name, "_") && name != usersDBName && name != replicatorDBName && !admin {
		return errUnauthorized(reasonNotAdmin)
	}
	if err := x.open(name); err != nil {
		return err
	}
	if level == accessAdmin {
		return nil
	}
	if name == replicatorDBName && !admin {
		return closedTo(x.caller)
	}
	if err := x.security.checkMember(x.caller); err != nil {
		return err
	}
	if level == accessMany && x.h.users.is(name) && !admin {
		return errUnauthorized(reasonNotAdmin)
	}
	if level == accessDBAdmin && !x.security.isAdmin(x.caller) {
		return errUnauthorized("You are not a server or db admin.")
	}
	return nil
}

// open finds the database and its security object.
func (x *exchange) open(name string) error {
	if name == usersDBName && !x.caller.IsAdmin() {
		// Only an admin's request makes the database; to others it is closed, there or not.
		if _, err := x.h.o.Engine.DB(usersDBName); store.IsKind(err, store.KindNotFound) {
			return closedTo(x.caller)
		}
	}
	db, err := x.h.database(x.ctx(), name)
	if err != nil {
		return err
	}
	x.db = db
	x.security, err = x.h.designs.loadSecurity(db)
	return err
}

func isSystemDB(name string) bool {
	return name == usersDBName || name == replicatorDBName || name == "_global_changes"
}

// add routes a path to a resource.
func (h *Handler) add(rt *mux.Router, path string, s resource) {
	s.h = h
	rt.Handle(path, &s)
}

// inDB routes a path below a database.
func (h *Handler) inDB(rt *mux.Router, path string, s resource) {
	s.inDB = true
	if s.access == accessPublic {
		s.access = accessMember
	}
	h.add(rt, "/{db}"+path, s)
}

// methods of the resources that many of them share.
func onGet(do action) map[string]action  { return map[string]action{http.MethodGet: do} }
func onPost(do action) map[string]action { return map[string]action{http.MethodPost: do} }
func onBoth(do action) map[string]action {
	return map[string]action{http.MethodGet: do, http.MethodPost: do}
}
