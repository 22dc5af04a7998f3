package couchapi

import (
	"strings"
	"testing"
)

// TestClosedLists: who may not list the docs of _users or _replicator is told that admins may, as CouchDB 3.5.0 says of the two lists of
// all docs and of no other.
func TestClosedLists(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	makeUser(t, h, "jan", "pw")
	const toAdmins, toMembers = "You are not a server admin.", "You are not allowed to access this db."
	for _, db := range []string{"_users", "_replicator"} {
		for _, c := range []struct {
			method, path, body string
			status             int
			reason             string
		}{
			{"GET", "/_all_docs", "", 401, toAdmins},
			{"POST", "/_all_docs", "{}", 401, toAdmins},
			{"POST", "/_all_docs/queries", `{"queries":[]}`, 401, toAdmins},
			{"GET", "/_changes", "", 401, toAdmins},
			{"GET", "/_design_docs", "", 403, toMembers},
			{"GET", "/_local_docs", "", 403, toMembers},
			{"POST", "/_find", `{"selector":{}}`, 403, toMembers},
			{"GET", "/_design/d/_view/v", "", 403, toMembers},
		} {
			w := anonymous(h, c.method, "/"+db+c.path, c.body, withBasic("jan", "pw"))
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.reason) {
				t.Errorf("%s /%s%s: %d %s, want %d %s", c.method, db, c.path, w.Code, w.Body, c.status, c.reason)
			}
		}
	}
}
