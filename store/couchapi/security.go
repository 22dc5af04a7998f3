package couchapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine"
)

const (
	securityMeta    = "security" // the database's setting that holds its security object
	defaultSecurity = `{"members":{"roles":["_admin"]},"admins":{"roles":["_admin"]}}`
)

// security is a database's security object: who may read and write it, and who may change its design documents too.
type security struct {
	raw             []byte
	admins, members group
}

type group struct{ names, roles []string }

func (h *Handler) securityRoutes(rt *mux.Router) {
	h.inDB(rt, "/_security", resource{allow: "PUT,GET", methods: map[string]action{
		http.MethodGet: getSecurity, http.MethodPut: putSecurity,
	}})
}

// loadSecurity reads the security object of a database; it is parsed once as long as it stays the same.
func (c *designCache) loadSecurity(db *engine.DB) (*security, error) {
	raw, err := db.Meta(securityMeta)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		raw = []byte(defaultSecurity)
	}
	d := c.of(db.Instance())
	if s := d.security.Load(); s != nil && bytes.Equal(s.raw, raw) {
		return s, nil
	}
	s, err := parseSecurity(raw)
	if err != nil { // written when less was checked: it is the admins' until they write it anew
		s = &security{raw: slices.Clip(raw), admins: group{roles: []string{store.AdminRole}}, members: group{roles: []string{store.AdminRole}}}
	}
	d.security.Store(s)
	return s, nil
}

// parseSecurity reads the groups; where there are no members, "readers" are them, as they were called once.
func parseSecurity(raw []byte) (*security, error) {
	s := &security{raw: slices.Clip(raw)} // many answers append to it
	m, err := members(raw)
	if err != nil {
		return nil, err
	}
	readers, ok := m["members"]
	if !ok {
		readers = m["readers"]
	}
	if !s.admins.read(m["admins"]) || !s.members.read(readers) {
		return nil, errBadRequest("The security object's admins and members must hold lists of strings.")
	}
	return s, nil
}

// read takes a group's lists over, none where raw is nil; false is something else.
func (g *group) read(raw json.RawMessage) bool {
	if raw == nil {
		return true
	}
	m, err := members(raw)
	ok := err == nil
	for key, to := range map[string]*[]string{"names": &g.names, "roles": &g.roles} {
		if v, has := m[key]; has && ok {
			*to, ok = stringList(v)
		}
	}
	return ok
}

func (g *group) holds(c store.Caller) bool {
	if c.Name != "" && slices.Contains(g.names, c.Name) {
		return true
	}
	return slices.ContainsFunc(g.roles, c.HasRole)
}

// isAdmin tells whether the caller is an admin of the database or of the server.
func (s *security) isAdmin(c store.Caller) bool { return c.IsAdmin() || s.admins.holds(c) }

// checkMember refuses a caller that may not use the database. One without members is everybody's.
func (s *security) checkMember(c store.Caller) error {
	if len(s.members.names) == 0 && len(s.members.roles) == 0 || s.isAdmin(c) || s.members.holds(c) {
		return nil
	}
	return closedTo(c)
}

// closedTo is the refusal of a caller that is no member.
func closedTo(c store.Caller) error {
	if c.Name == "" {
		return errUnauthorized(reasonAnonymous)
	}
	return errForbidden(reasonNotMember)
}

// notDBAdmin refuses a caller who is no admin of the database: one without a name may still say who he is.
func (x *exchange) notDBAdmin() error {
	const reason = "You are not a db or server admin."
	if x.caller.Name == "" {
		return errUnauthorized(reason)
	}
	return errForbidden(reason)
}

func getSecurity(x *exchange) error { return x.json(http.StatusOK, x.security.raw) }

func putSecurity(x *exchange) error {
	if !x.security.isAdmin(x.caller) {
		return x.notDBAdmin()
	}
	if x.name("db") == string(x.h.users.name()) && !x.h.settings.flag("couchdb", "users_db_security_editable") {
		return errForbidden("You can't edit the security object of the user database.")
	}
	body, err := x.readJSON()
	if err != nil {
		return err
	}
	defer body.free()
	raw, err := ejson.Compact(nil, body.bytes)
	if err != nil {
		return err
	}
	if raw[0] != '{' {
		return errBadRequest("The security object must be a JSON object.")
	}
	if _, err := parseSecurity(raw); err != nil {
		return err
	}
	if err := x.db.SetMeta(x.ctx(), securityMeta, raw); err != nil {
		return err
	}
	return x.ok(http.StatusOK)
}
