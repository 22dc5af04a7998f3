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
	raw     []byte
	Admins  group `json:"admins"`
	Members group `json:"members"`
}

type group struct {
	Names []string `json:"names"`
	Roles []string `json:"roles"`
}

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
	if err == nil {
		d.security.Store(s)
	}
	return s, err
}

func parseSecurity(raw []byte) (*security, error) {
	s := &security{raw: slices.Clip(raw)} // many answers append to it
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, errBadRequest("The security object's admins and members must hold lists of strings.")
	}
	return s, nil
}

func (g *group) holds(c store.Caller) bool {
	if c.Name != "" && slices.Contains(g.Names, c.Name) {
		return true
	}
	return slices.ContainsFunc(g.Roles, c.HasRole)
}

// isAdmin tells whether the caller is an admin of the database or of the server.
func (s *security) isAdmin(c store.Caller) bool { return c.IsAdmin() || s.Admins.holds(c) }

// checkMember refuses a caller that may not use the database. One without members is everybody's.
func (s *security) checkMember(c store.Caller) error {
	if len(s.Members.Names) == 0 && len(s.Members.Roles) == 0 || s.isAdmin(c) || s.Members.holds(c) {
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
