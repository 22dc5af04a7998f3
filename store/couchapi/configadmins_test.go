package couchapi

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestAdminsOfTheSettings(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	const path = "/_node/_local/_config/admins/other"
	if w := anonymous(h, "GET", "/_all_dbs", "", withBasic("other", "s3cret")); w.Code != 401 {
		t.Errorf("before: %d", w.Code)
	}
	expect(t, h, "PUT", path, `"s3cret"`, 200)
	stored := expect(t, h, "GET", path, "", 200)
	if !regexp.MustCompile(`^"-pbkdf2:sha256-[0-9a-f]{64},[0-9a-f]+,\d+"$`).MatchString(strings.TrimSpace(stored)) {
		t.Errorf("kept as %s", stored)
	}
	for password, status := range map[string]int{"s3cret": 200, "wrong": 401, "": 401} {
		if w := anonymous(h, "GET", "/_all_dbs", "", withBasic("other", password)); w.Code != status {
			t.Errorf("with %q: %d %s", password, w.Code, w.Body)
		}
	}
	w := anonymous(h, "POST", "/_session", `{"name":"other","password":"s3cret"}`)
	if !strings.Contains(w.Body.String(), `"_admin"`) {
		t.Fatalf("login: %s", w.Body)
	}
	cookie := w.Result().Cookies()[0]
	session := func() int {
		return anonymous(h, "GET", "/_all_dbs", "", func(r *http.Request) { r.AddCookie(cookie) }).Code
	}
	if got := session(); got != 200 {
		t.Errorf("with a session: %d", got)
	}
	expect(t, h, "PUT", path, strings.TrimSpace(stored), 200) // a hash stays
	if w := anonymous(h, "GET", "/_all_dbs", "", withBasic("other", "s3cret")); w.Code != 200 {
		t.Errorf("after its hash was put: %d", w.Code)
	}
	expect(t, h, "PUT", path, `"changed"`, 200)
	if got := session(); got != 401 {
		t.Errorf("a session of before the password changed: %d", got)
	}
	expect(t, h, "DELETE", path, "", 200)
	if w := anonymous(h, "GET", "/_all_dbs", "", withBasic("other", "changed")); w.Code != 401 {
		t.Errorf("after it was deleted: %d", w.Code)
	}
	expect(t, h, "PUT", path, `""`, 400)
	expect(t, h, "PUT", "/_node/_local/_config/query_servers/x", `"y"`, 403)
	expect(t, h, "DELETE", "/_node/_local/_config/query_servers/x", "", 403)
}

func TestIDsAsTheSettingsWant(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	const section = "/_node/_local/_config/uuids/"
	expect(t, h, "PUT", section+"utc_id_suffix", `"mine"`, 200)
	for algorithm, pattern := range map[string]string{
		"sequential": `^[0-9a-f]{32}$`, "random": `^[0-9a-f]{32}$`, "utc_random": `^0[0-9a-f]{31}$`, "utc_id": `^0[0-9a-f]{13}mine$`,
	} {
		expect(t, h, "PUT", section+"algorithm", `"`+algorithm+`"`, 200)
		seen := map[string]bool{}
		answer := expect(t, h, "GET", "/_uuids?count=500", "", 200)
		for _, id := range regexp.MustCompile(`"[^"]{14,}"`).FindAllString(answer, -1) {
			if id = strings.Trim(id, `"`); seen[id] || !regexp.MustCompile(pattern).MatchString(id) {
				t.Errorf("%s: %s", algorithm, id)
			}
			seen[id] = true
		}
		if len(seen) != 500 {
			t.Errorf("%s: %d ids", algorithm, len(seen))
		}
	}
	expect(t, h, "GET", "/_uuids?count=1001", "", 400)
	expect(t, h, "GET", "/_uuids?count=-1", "", 400)
}

// TestAbsoluteLocations asks as clients behind proxies do.
func TestAbsoluteLocations(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	for _, c := range []struct{ header, value, want string }{
		{"", "", "http://example.com/db/a%20b"}, {"X-Forwarded-Host", "logs.example.org", "http://logs.example.org/db/a%20b"},
		{"X-Forwarded-Proto", "https", "https://example.com/db/a%20b"}, {"X-Forwarded-Ssl", "on", "https://example.com/db/a%20b"},
		{"X-Forwarded-Proto", "javascript", "http://example.com/db/a%20b"},
	} {
		w := anonymous(h, "PUT", "/db/a%20b?new_edits=false", `{"_rev":"1-a"}`, withBasic(testAdmin, testAdminPassword),
			func(r *http.Request) { r.Header.Set(c.header, c.value) })
		if got := w.Header().Get("Location"); w.Code != 201 || got != c.want {
			t.Errorf("%s %s: %d %s, want %s", c.header, c.value, w.Code, got, c.want)
		}
	}
}

func TestPlusInPaths(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/a+b", `{}`, 201)
	expect(t, h, "GET", "/db/a%20b", "", 200)
	expect(t, h, "PUT", "/_node/_local/_config/chttpd/decode_plus_to_space", `"false"`, 200)
	expect(t, h, "GET", "/db/a+b", "", 404)
	expect(t, h, "PUT", "/db/a+b", `{}`, 201)
	expect(t, h, "GET", "/db/a%2Bb", "", 200)
}

// TestRevisionsBeyondTheLimit reads a doc whose branch is longer than a limit that came later.
func TestRevisionsBeyondTheLimit(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	rev := ""
	for range 5 {
		answer := expect(t, h, "PUT", "/db/a", `{`+rev+`}`, 201)
		_, rest, _ := strings.Cut(answer, `"rev":"`)
		rest, _, _ = strings.Cut(rest, `"`)
		rev = `"_rev":"` + rest + `"`
	}
	for limit, want := range map[string]int{"3": 3, "1": 1, "9": 5} {
		expect(t, h, "PUT", "/db/_revs_limit", limit, 200)
		answer := expect(t, h, "GET", "/db/a?revs=true", "", 200)
		_, ids, _ := strings.Cut(answer, `"ids":[`)
		if got := strings.Count(ids, `"`) / 2; got != want {
			t.Errorf("limit %s: %s", limit, answer)
		}
	}
}

// TestLimitsOfAnswers has limits of rows that the settings name, and options that go together with none.
func TestLimitsOfAnswers(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db?partitioned=true", "", 201)
	for _, id := range []string{"a:1", "a:2", "a:3"} {
		expect(t, h, "PUT", "/db/"+id, "{}", 201)
	}
	expect(t, h, "PUT", "/_node/_local/_config/query_server_config/query_limit", `"2"`, 200)
	expect(t, h, "PUT", "/_node/_local/_config/query_server_config/partition_query_limit", `"1"`, 200)
	for path, rows := range map[string]int{
		"/db/_all_docs": 2, "/db/_all_docs?limit=1": 1, "/db/_partition/a/_all_docs": 1, `/db/_all_docs?keys=["a:1"]&key="a:1"`: 1,
		`/db/_all_docs?keys=[]&key="a:1"`: 0,
	} {
		if got := expect(t, h, "GET", path, "", 200); strings.Count(got, `"id"`) != rows {
			t.Errorf("%s: %s", path, got)
		}
	}
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "/db/_all_docs?limit=3", "", "Limit is too large, must not exceed 2"},
		{"GET", "/db/_partition/a/_all_docs?limit=2", "", "Limit is too large, must not exceed 1"},
		{"GET", `/db/_all_docs?keys=["a:1"]&start_key="a"`, "", "`keys` is incompatible with"},
		{"POST", "/db/_all_docs", `{"keys":1}`, "`keys` body member must be an array."},
		{"GET", "/db/_all_docs?reduce=true", "", "Reduce is invalid for map-only views."},
		{"GET", "/db/_changes?heartbeat=soon", "", "Invalid heartbeat value."},
	} {
		if got := expect(t, h, c.method, c.path, c.body, 400); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %s, want %s", c.method, c.path, got, c.want)
		}
	}
	if got := expect(t, h, "POST", "/db/_bulk_get", `{"docs":[{"id":"a"}]}`, 200); !strings.Contains(got, "illegal_docid") {
		t.Errorf("_bulk_get of an id without a partition: %s", got)
	}
}
