package couchapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// TestRulesOfUserDocuments has who may write which user document, by the design document that the database is born with.
func TestRulesOfUserDocuments(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/_users", "", 201)
	expect(t, h, "PUT", "/_users", "", 412)
	expect(t, h, "PUT", "/_node/_local/_config/couchdb/users_db_security_editable", `"true"`, 200)
	expect(t, h, "PUT", "/_users/_security", `{"admins":{"names":["boss"],"roles":["chiefs"]}}`, 200)
	const jan = `{"name":"jan","type":"user","roles":["ops"],"password":"pw"}`
	revs := map[string]string{}
	for name, role := range map[string]string{"jan": "ops", "eva": "ops", "boss": "x", "chief": "chiefs"} {
		revs[name] = revOf(t, expect(t, h, "PUT", "/_users/org.couchdb.user:"+name,
			`{"name":"`+name+`","type":"user","roles":["`+role+`"],"password":"pw"}`, 201))
	}
	for _, c := range []struct {
		name, caller, id, body, want string
	}{
		{"made by an admin", "boss", "new1", `{"name":"new1","type":"user","roles":["x"]}`, ""},
		{"made by a role of admins", "chief", "new2", `{"name":"new2","type":"user","roles":["x"]}`, ""},
		{"made by a stranger", "", "new3", `{"name":"new3","type":"user","roles":[]}`, ""},
		{"made by another user", "jan", "new4", `{"name":"new4","type":"user","roles":[]}`, "missing"},
		{"one's own, again", "jan", "jan", jan, ""},
		{"somebody else's", "jan", "eva", `{"name":"eva","type":"user","roles":["ops"]}`, "missing"},
		{"somebody's, by a stranger", "", "eva", `{"name":"eva","type":"user","roles":["ops"]}`, "You may only update your own user document."},
		{"a role for oneself", "jan", "jan", `{"name":"jan","type":"user","roles":["ops","boss"]}`, "Only _admin may edit roles"},
		{"a role from the start", "", "new5", `{"name":"new5","type":"user","roles":["boss"]}`, "Only _admin may set roles"},
		{"no type", "boss", "x", `{"name":"x","roles":[]}`, "doc.type must be user"},
		{"no name", "boss", "x", `{"type":"user","roles":[]}`, "doc.name is required"},
		{"an empty name", "boss", "", `{"name":"","type":"user","roles":[]}`, "doc.name is required"},
		{"no roles", "boss", "x", `{"name":"x","type":"user"}`, "doc.roles must exist"},
		{"null for roles", "boss", "x", `{"name":"x","type":"user","roles":null}`, "doc.roles must exist"},
		{"text for roles", "boss", "x", `{"name":"x","type":"user","roles":"a"}`, "doc.roles must be an array"},
		{"roles of numbers", "boss", "x", `{"name":"x","type":"user","roles":[1]}`, "doc.roles can only contain strings"},
		{"another id", "boss", "y", `{"name":"x","type":"user","roles":[]}`, "Doc ID must be of the form org.couchdb.user:name"},
		{"a role of the server's", "boss", "x", `{"name":"x","type":"user","roles":["_admin"]}`, "No system roles (starting with underscore) in users db."},
		{"a colon", "boss", "a:b", `{"name":"a:b","type":"user","roles":[]}`, "Character `:` is not allowed in usernames."},
		{"an underscore", "boss", "_a", `{"name":"_a","type":"user","roles":[]}`, "Username may not start with underscore."},
		{"a hash without rounds", "boss", "x", `{"name":"x","type":"user","roles":[],"password_scheme":"pbkdf2","derived_key":"x"}`, "iterations must be a number."},
		{"a hash without a key", "boss", "x", `{"name":"x","type":"user","roles":[],"password_scheme":"pbkdf2","iterations":1}`, "derived_key must be a string."},
		{"deleted by another", "jan", "eva", `{"_deleted":true}`, "missing"},
		{"deleted by a stranger", "", "eva", `{"_deleted":true}`, "Only admins may delete other user docs."},
		{"deleted by an admin", "boss", "eva", `{"_deleted":true}`, ""},
		{"deleted by its owner", "chief", "chief", `{"_deleted":true}`, ""},
	} {
		var as []func(*http.Request)
		if c.caller != "" {
			as = append(as, withBasic(c.caller, "pw"))
		}
		if rev := revs[c.id]; rev != "" {
			c.body = `{"_rev":"` + rev + `",` + c.body[1:]
		}
		w := anonymous(h, "PUT", "/_users/org.couchdb.user:"+c.id, c.body, as...)
		switch {
		case w.Code < 300 && c.want == "":
			revs[c.id] = revOf(t, w.Body.String())
		case c.want == "" || !strings.Contains(w.Body.String(), `"reason":"`+c.want+`"`):
			t.Errorf("%s: %d %s, want %q", c.name, w.Code, w.Body, c.want)
		}
	}
}

// TestRulesOfAnOlderDatabase has a database of users of before there were rules in it get them at the next start, and rules of an
// admin's own stay.
func TestRulesOfAnOlderDatabase(t *testing.T) {
	t.Parallel()
	e := openTestEngine(t)
	if _, err := e.Create(t.Context(), usersDBName); err != nil {
		t.Fatal(err)
	}
	start := func() *Handler {
		h := New(Options{Engine: e, Admins: oneAdmin{}, PasswordRounds: testRounds})
		t.Cleanup(func() {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		})
		return h
	}
	const path = "/_users/_design/_auth"
	first := expect(t, start(), "GET", path, "", 200)
	if !strings.Contains(first, "doc.type must be user") {
		t.Fatal(first)
	}
	h := start()
	if again := expect(t, h, "GET", path, "", 200); again != first {
		t.Errorf("after another start: %s", again)
	}
	rev, _, _ := strings.Cut(strings.TrimPrefix(first, `{"_id":"_design/_auth","_rev":"`), `"`)
	expect(t, h, "PUT", path, `{"_rev":"`+rev+`","validate_doc_update":"function(doc) { if (doc.x) throw {forbidden: 'x'} }"}`, 201)
	h = start()
	if own := expect(t, h, "GET", path, "", 200); !strings.Contains(own, "doc.x") {
		t.Errorf("an admin's own rules became %s", own)
	}
	expect(t, h, "PUT", "/_users/org.couchdb.user:x", `{"x":1}`, 403)
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

// openUsers makes a handler with users jan and eva, where an admin has opened _users to everybody.
func openUsers(t *testing.T) *Handler {
	t.Helper()
	h := newTestHandler(t, Options{})
	makeUser(t, h, "jan", "pw")
	makeUser(t, h, "eva", "pw")
	expect(t, h, "PUT", "/_node/_local/_config/couchdb/users_db_security_editable", `"true"`, 200)
	expect(t, h, "PUT", "/_users/_security", "{}", 200)
	return h
}

// TestOpenUsersDatabase shows what is left to users where an admin has opened _users to everybody.
func TestOpenUsersDatabase(t *testing.T) {
	t.Parallel()
	h := openUsers(t)
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
		{"GET", "/_users/_design/d", "", 403},
		{"PUT", "/_users/org.couchdb.user:eva", `{"name":"eva","type":"user","roles":[],"password":"x"}`, 404},
		{"PUT", "/_users/_design/x", `{}`, 404},
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

// TestRulesOfPasswords has new passwords keep to what the settings ask for.
func TestRulesOfPasswords(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	put := func(password string, status int) string {
		t.Helper()
		return expect(t, h, "PUT", "/_users/org.couchdb.user:jan", `{"name":"jan","type":"user","roles":[],"password":"`+password+`"}`, status)
	}
	for _, section := range []string{"couch_httpd_auth", "chttpd_auth"} {
		path := "/_node/_local/_config/" + section + "/password_regexp"
		expect(t, h, "PUT", path, `"[{\".{8,}\", \"Eight characters.\"}, \"[0-9]\"]"`, 200)
		if got := put("short", 400); !strings.Contains(got, `"Password does not conform to requirements. Eight characters."`) {
			t.Error(got)
		}
		if got := put("longenough", 400); !strings.Contains(got, `"Password does not conform to requirements."`) {
			t.Error(got)
		}
		expect(t, h, "PUT", path, `"{}"`, 200)
		if got := put("longenough1", 403); !strings.Contains(got, "Server cannot hash passwords at this time.") {
			t.Error(got)
		}
	}
	expect(t, h, "PUT", "/_node/_local/_config/chttpd_auth/password_regexp", `"[]"`, 200)
	put("x", 201)
	expect(t, h, "PUT", "/_users/org.couchdb.user:eva", `{"name":"eva","type":"user","roles":[]}`, 201)
}

// TestHashesAsSet has new passwords hashed as the settings say.
func TestHashesAsSet(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	for i, c := range []struct{ prf, rounds, want string }{
		{"sha512", "3", `"pbkdf2_prf":"sha512","iterations":3`}, {"sha", "1", `"pbkdf2_prf":"sha","iterations":1`},
		{"md5", "-1", `"pbkdf2_prf":"sha256","iterations":1`}, {"sha384", "x", fmt.Sprintf(`"pbkdf2_prf":"sha384","iterations":%d`, testRounds)},
	} {
		expect(t, h, "PUT", "/_node/_local/_config/chttpd_auth/pbkdf2_prf", `"`+c.prf+`"`, 200)
		expect(t, h, "PUT", "/_node/_local/_config/chttpd_auth/iterations", `"`+c.rounds+`"`, 200)
		name := fmt.Sprint("jan", i)
		makeUser(t, h, name, "pw")
		doc := expect(t, h, "GET", "/_users/org.couchdb.user:"+name, "", 200)
		if got := regexp.MustCompile(`"salt":"[^"]*",`).ReplaceAllString(doc, ""); !strings.Contains(got, c.want) {
			t.Errorf("%+v: %s", c, got)
		}
		if got := who(h, withBasic(name, "pw")); got != name {
			t.Errorf("%+v: the caller is %s", c, got)
		}
		expect(t, h, "PUT", "/_node/_local/_config/admins/other", `"pw"`, 200)
		prf, _, _ := strings.Cut(strings.TrimPrefix(c.want, `"pbkdf2_prf":"`), `"`)
		if kept := expect(t, h, "GET", "/_node/_local/_config/admins/other", "", 200); !strings.HasPrefix(kept, `"-pbkdf2:`+prf+"-") {
			t.Errorf("%+v: the admin's is %s", c, kept)
		}
	}
}

// TestHashesAreRenewed has hashes of older kinds become such as the settings want when their owners log in, in the revisions that a
// CouchDB 3.5.0 makes of them.
func TestHashesAreRenewed(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	const (
		settings = "/_node/_local/_config/chttpd_auth/"
		salt     = `"salt":"00112233445566778899aabbccddeeff"`
		sum      = `"password_sha":"f502e2d2336445c75dd0775e4d942a29349f0ee5"`
		sha256   = `"password_scheme":"pbkdf2","pbkdf2_prf":"sha256",` + salt + `,"iterations":1,"derived_key":"fdcca6da315aecd24d5a47caef0bbc6f9abd27cb166ac4a8363dad1db3211c4e"`
	)
	expect(t, h, "PUT", "/_users", "", 201)
	expect(t, h, "PUT", settings+"iterations", `"3"`, 200)
	for name, c := range map[string]struct{ doc, rev string }{
		"u1": {`"type":"user","roles":["ops"],"n":1.0,` + sha256 + `,"x":[1]`, "2-a6d97f52c5eac57420ccc0b6498c4a99"},
		"u2": {`"type":"user","roles":[],"password_scheme":"pbkdf2",` + salt + `,"iterations":10,"derived_key":"28be7d7b8296519be01b0b3d6b71b01873fdcabd"`,
			"2-b93923cf2dca4c9c86175f60f81380ae"},
		"u3": {`"type":"user","roles":[],"password_scheme":"simple",` + salt + `,` + sum, "2-ca8ce4f30332ecc43cb4307567c821bb"},
		"u4": {`"type":"user","roles":[],` + salt + `,` + sum, "2-3167913d6db384f6a3a5ccf7a2d13643"},
	} {
		path := "/_users/org.couchdb.user:" + name
		first := revOf(t, expect(t, h, "PUT", path, `{"name":"`+name+`",`+c.doc+`}`, 201))
		for _, password := range []string{"wrong", "pw", "pw"} {
			who(h, withBasic(name, password))
			want := c.rev
			if password == "wrong" {
				want = first
			}
			if doc := expect(t, h, "GET", path, "", 200); !strings.Contains(doc, `"_rev":"`+want+`"`) {
				t.Errorf("%s: %s, want %s", name, doc, want)
			}
		}
		if got := who(h, withBasic(name, "pw")); got != name {
			t.Errorf("%s: the caller is %s", name, got)
		}
	}
	cookie := login(t, h, "u1", "pw")
	expect(t, h, "PUT", settings+"iterations", `"4"`, 200)
	if got := who(h, withBasic("u1", "pw")) + who(h, withCookie(cookie)); got != "u1u1" {
		t.Errorf("after another one: %s", got)
	}
	if doc := expect(t, h, "GET", "/_users/org.couchdb.user:u1", "", 200); !strings.Contains(doc, `"iterations":3`) {
		t.Errorf("a password that was right a moment ago is hashed anew: %s", doc)
	}
	expect(t, h, "PUT", settings+"upgrade_hash_on_auth", `"false"`, 200)
	const off = "/_users/org.couchdb.user:off"
	rev := revOf(t, expect(t, h, "PUT", off, `{"name":"off","type":"user","roles":[],`+sha256+`}`, 201))
	if got := who(h, withBasic("off", "pw")); got != "off" {
		t.Errorf("the caller is %s", got)
	}
	if doc := expect(t, h, "GET", off, "", 200); !strings.Contains(doc, rev) {
		t.Errorf("turned off: %s", doc)
	}
}

// TestOthersAccountsAreHidden shows that writes tell nobody which accounts, designs and local docs there are, in a _users that is open to all.
func TestOthersAccountsAreHidden(t *testing.T) {
	t.Parallel()
	h := openUsers(t)
	expect(t, h, "PUT", "/_users/_local/x", "{}", 201)
	const missing = `{"error":"not_found","reason":"missing"}`
	for _, path := range []string{"org.couchdb.user:eva", "org.couchdb.user:nobody", "org.couchdb.user:eva/a", "org.couchdb.user:nobody/a", "_design/_auth"} {
		for _, as := range [][]func(*http.Request){nil, {withBasic("jan", "pw")}} {
			if w := anonymous(h, "DELETE", "/_users/"+path, "", as...); strings.TrimSpace(w.Body.String()) != missing {
				t.Errorf("DELETE %s by a stranger %v: %s", path, as == nil, w.Body)
			}
		}
	}
	for _, c := range [][2]string{{"PUT", "_local/x"}, {"PUT", "_local/y"}, {"DELETE", "_local/x"}, {"DELETE", "_local/y"}, {"PUT", "_design/d"}} {
		if w := anonymous(h, c[0], "/_users/"+c[1], "{}", withBasic("jan", "pw")); strings.TrimSpace(w.Body.String()) != missing {
			t.Errorf("%s %s: %s", c[0], c[1], w.Body)
		}
	}
}
