package couchapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"logctl/store"
)

func TestCheckUserDoc(t *testing.T) {
	t.Parallel()
	jan := store.Caller{Name: "jan"}
	for _, c := range []struct {
		name   string
		caller store.Caller
		admin  bool
		id     string
		body   string
		old    *account
		want   string
	}{
		{"made by an admin", jan, true, "org.couchdb.user:eva", `{"name":"eva","type":"user","roles":["x"]}`, nil, ""},
		{"one's own, new", jan, false, "org.couchdb.user:jan", `{"name":"jan","type":"user","roles":[]}`, nil, ""},
		{"one's own, again", jan, false, "org.couchdb.user:jan", `{"name":"jan","type":"user","roles":[]}`, &account{Name: "jan"}, ""},
		{"somebody else's", jan, false, "org.couchdb.user:eva", `{"name":"eva","type":"user","roles":[]}`, &account{Name: "eva"}, "You may only update your own user document."},
		{"a role for oneself", jan, false, "org.couchdb.user:jan", `{"name":"jan","type":"user","roles":["boss"]}`, &account{Name: "jan"}, "Only _admin may edit roles"},
		{"a role from the start", jan, false, "org.couchdb.user:jan", `{"name":"jan","type":"user","roles":["boss"]}`, nil, "Only _admin may set roles"},
		{"no type", jan, true, "org.couchdb.user:jan", `{"name":"jan","roles":[]}`, nil, "doc.type must be user"},
		{"no name", jan, true, "org.couchdb.user:jan", `{"type":"user","roles":[]}`, nil, "doc.name is required"},
		{"no roles", jan, true, "org.couchdb.user:jan", `{"name":"jan","type":"user"}`, nil, "doc.roles must exist"},
		{"roles of numbers", jan, true, "org.couchdb.user:jan", `{"name":"jan","type":"user","roles":[1]}`, nil, "doc.roles can only contain strings"},
		{"another id", jan, true, "org.couchdb.user:eva", `{"name":"jan","type":"user","roles":[]}`, nil, "Doc ID must be of the form org.couchdb.user:name"},
		{"another name", jan, true, "org.couchdb.user:jan", `{"name":"jan","type":"user","roles":[]}`, &account{Name: "eva"}, "Usernames can not be changed."},
		{"a role of the server's", jan, true, "org.couchdb.user:jan", `{"name":"jan","type":"user","roles":["_admin"]}`, nil, "No system roles (starting with underscore) in users db."},
		{"a colon", jan, true, "org.couchdb.user:a:b", `{"name":"a:b","type":"user","roles":[]}`, nil, "Character `:` is not allowed in usernames."},
		{"an underscore", jan, true, "org.couchdb.user:_a", `{"name":"_a","type":"user","roles":[]}`, nil, "Username may not start with underscore."},
		{"a hash without rounds", jan, true, "org.couchdb.user:jan", `{"name":"jan","type":"user","roles":[],"password_scheme":"pbkdf2","derived_key":"x"}`, nil, "iterations must be a number."},
	} {
		var old account
		if c.old != nil {
			old = *c.old
		}
		err := checkUserDoc(c.caller, c.admin, &store.Doc{ID: c.id, Body: []byte(c.body)}, old, c.old != nil)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestPasswordIsNeverStored looks for the password in everything that can be read of an account.
func TestPasswordIsNeverStored(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	makeUser(t, h, "jan", "open sesame")
	for _, path := range []string{
		"/_users/org.couchdb.user:jan", "/_users/_all_docs?include_docs=true", "/_users/_changes?include_docs=true",
	} {
		if got := expect(t, h, "GET", path, "", 200); strings.Contains(got, "sesame") {
			t.Errorf("%s: %s", path, got)
		}
	}
	var doc account
	if err := json.Unmarshal([]byte(expect(t, h, "GET", "/_users/org.couchdb.user:jan", "", 200)), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.PRF != "sha256" || doc.Iterations != testRounds || len(doc.DerivedKey) != 64 {
		t.Errorf("%+v", doc)
	}
}

// TestOpenUsersDatabase shows what is left to users where an admin has opened _users to everybody.
func TestOpenUsersDatabase(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	makeUser(t, h, "jan", "pw")
	makeUser(t, h, "eva", "pw")
	expect(t, h, "PUT", "/_users/_security", `{}`, 200)
	expect(t, h, "PUT", "/_users/_design/d", `{"views":{"v":{"map":"function(doc) { emit(doc.name) }"}},
		"lists":{"l":"function() { var row; while (row = getRow()) send(toJSON(row)) }"}}`, 201)
	jan := withBasic("jan", "pw")
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/_users/org.couchdb.user:jan", "", 200},
		{"GET", "/_users/org.couchdb.user:eva", "", 404},
		{"GET", "/_users/org.couchdb.user:eva?rev=1-a", "", 404},
		{"GET", "/_users/org.couchdb.user:eva?open_revs=all", "", 404},
		{"COPY", "/_users/org.couchdb.user:eva", "", 404},
		{"GET", "/_users/_all_docs", "", 401},
		{"GET", "/_users/_changes", "", 401},
		{"POST", "/_users/_find", `{"selector":{}}`, 401},
		{"POST", "/_users/_explain", `{"selector":{}}`, 401},
		{"GET", "/_users/_design/d/_view/v?include_docs=true", "", 401},
		{"POST", "/_users/_design/d/_view/v/queries", `{"queries":[{"include_docs":true}]}`, 401},
		{"GET", "/_users/_design/d/_list/l/v?include_docs=true", "", 401},
		{"GET", "/_users/_design/d/_list/l/_all_docs?include_docs=true", "", 401},
		{"POST", "/_users/_all_docs", `{"keys":["org.couchdb.user:eva"]}`, 401},
		{"PUT", "/_users/org.couchdb.user:eva", `{"name":"eva","type":"user","roles":[],"password":"x"}`, 403},
		{"PUT", "/_users/_design/x", `{}`, 403},
	} {
		w := anonymous(h, c.method, c.path, c.body, jan, func(r *http.Request) { r.Header.Set("Destination", "x") })
		if w.Code != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, w.Code, w.Body, c.status)
		}
	}
	w := anonymous(h, "POST", "/_users/_bulk_get", `{"docs":[{"id":"org.couchdb.user:eva"}]}`, jan)
	if strings.Contains(w.Body.String(), "derived_key") {
		t.Errorf("_bulk_get shows somebody else's document: %s", w.Body)
	}
}

// TestConflictedAccount shows that an account of which replication has brought another version lets nobody in until an admin has
// said which one holds.
func TestConflictedAccount(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	makeUser(t, h, "jan", "pw")
	cookie := login(t, h, "jan", "pw")
	const other = `{"_id":"org.couchdb.user:jan","_rev":"1-00","name":"jan","type":"user","roles":["boss"]}`
	expect(t, h, "POST", "/_users/_bulk_docs", `{"new_edits":false,"docs":[`+other+`]}`, 201)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"basic":  anonymous(h, "GET", "/_session", "", withBasic("jan", "pw")),
		"login":  anonymous(h, "POST", "/_session", `{"name":"jan","password":"pw"}`),
		"cookie": anonymous(h, "GET", "/_session", "", withCookie(cookie)),
	} {
		if w.Code != 401 || !strings.Contains(w.Body.String(), "conflicts must be resolved") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	expect(t, h, "DELETE", "/_users/org.couchdb.user:jan?rev=1-00", "", 200)
	if got := who(h, withBasic("jan", "pw")); got != "jan" {
		t.Errorf("afterwards: %s", got)
	}
}

// TestUsersDatabaseIsMadeByAdmins shows that a stranger's request makes nothing.
func TestUsersDatabaseIsMadeByAdmins(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	if w := anonymous(h, "GET", "/_users/org.couchdb.user:x", ""); w.Code != 401 {
		t.Errorf("a stranger: %d %s", w.Code, w.Body)
	}
	if got := expect(t, h, "GET", "/_all_dbs", "", 200); got != `["_replicator"]` {
		t.Errorf("a stranger has made %s", got)
	}
	expect(t, h, "GET", "/_users", "", 200)
	if got := expect(t, h, "GET", "/_all_dbs", "", 200); got != `["_replicator","_users"]` {
		t.Errorf("after an admin's request: %s", got)
	}
}
