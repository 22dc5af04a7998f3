package proxy

import (
	"slices"
	"strings"

	"logctl/proxy/tenants"
	"logctl/store"
)

// The roles of accounts: one for all apps, and one for each app with its name behind it.
const (
	readerRole  = "log_reader"
	analystRole = "log_analyst"
)

// grant is what an app token or a client certificate lets its holder do.
type grant struct {
	apps        []string
	tenant      string // whose apps are all covered; "" for none
	read, write bool
}

func (g *grant) covers(app string) bool {
	return g.tenant != "" && strings.HasPrefix(app, g.tenant+tenants.Separator) || slices.Contains(g.apps, app)
}

// caller is who sends a request. The zero caller is a stranger.
type caller struct {
	name  string   // of the account, the token or the certificate; "" for a stranger
	roles []string // of an account
	grant *grant   // of a holder
}

func (c *caller) is(role string) bool { return slices.Contains(c.roles, role) }

// narrowed tells whether the door, and not the store alone, says what an account may do with some apps.
func (c *caller) narrowed() bool {
	return !c.is(store.AdminRole) && slices.ContainsFunc(c.roles, func(role string) bool {
		return strings.HasPrefix(role, readerRole) || strings.HasPrefix(role, analystRole)
	})
}

// standing is what kind of caller c is towards what t leads to; 0 is somebody for whom there is nothing.
func (d *Door) standing(c *caller, t *target) who {
	switch {
	case c.grant != nil:
		return c.grant.standing(t)
	case c.name == "" && t.app != "" && d.o.Clients != nil && d.o.Clients.Owned(t.app):
		return 0
	case c.name == "":
		return anonymous
	case c.is(store.AdminRole):
		return admin
	case t.app == "":
		return account
	case c.is(analystRole), c.is(analystRole + "_" + t.app):
		return analyst
	case c.is(readerRole), c.is(readerRole + "_" + t.app):
		return reader
	}
	return account
}

func (g *grant) standing(t *target) who {
	w := holder
	if t.app == "" || !g.covers(t.app) {
		return w
	}
	if g.write {
		w |= writer
	}
	if g.read {
		w |= reading
	}
	return w
}
