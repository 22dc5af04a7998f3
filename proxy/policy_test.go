package proxy

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestRefused asks as a stranger for everything that is not in the policy. The store must not notice.
func TestRefused(t *testing.T) {
	t.Parallel()
	const (
		noDB    = "You are not authorized to access this db."
		noAdmin = "You are not a server admin."
		odd     = "The path is not in its plain form."
	)
	tests := []struct {
		method, target string
		status         int
		reason         string
	}{
		{"GET", "/log_app", 401, noDB},
		{"HEAD", "/log_app", 401, ""},
		{"GET", "/log_app/", 401, noDB},
		{"GET", "/log_app/doc", 401, noDB},
		{"GET", "/no_such_db", 401, noDB},
		{"GET", "/log_app/_all_docs", 401, noDB},
		{"POST", "/log_app/_all_docs", 401, noDB},
		{"POST", "/log_app/_all_docs/queries", 401, noDB},
		{"POST", "/log_app/_find", 401, noDB},
		{"POST", "/log_app/_explain", 401, noDB},
		{"POST", "/log_app/_index", 401, noDB},
		{"POST", "/log_app/_changes", 401, noDB},
		{"POST", "/log_app/_bulk_get", 401, noDB},
		{"POST", "/log_app/_bulk_docs", 401, noDB},
		{"POST", "/log_app/_revs_diff", 401, noDB},
		{"POST", "/log_app/_missing_revs", 401, noDB},
		{"POST", "/log_app/_design_docs", 401, noDB},
		{"POST", "/log_app/_local_docs", 401, noDB},
		{"POST", "/log_app/_design/x/_view/y", 401, noDB},
		{"POST", "/log_app/_ensure_full_commit", 401, noDB},
		{"POST", "/log_app/_compact", 401, noDB},
		{"POST", "/log_app/_purge", 401, noAdmin},
		{"POST", "/log_app/doc", 401, noDB},
		{"PUT", "/log_app/doc", 401, noDB},
		{"PUT", "/log_app", 401, noAdmin},
		{"PUT", "/log_new", 401, noAdmin},
		{"DELETE", "/log_app", 401, noAdmin},
		{"DELETE", "/log_app/doc", 401, noDB},
		{"COPY", "/log_app/doc", 401, noDB},
		{"PATCH", "/log_app", 401, noDB},
		{"OPTIONS", "/log_app", 401, noDB},
		{"post", "/log_app", 401, noDB},
		{"POST", "/log_app?batch=ok", 401, noDB},
		{"POST", "/log_app?new_edits=false", 401, noDB},
		{"POST", "/log_app?", 401, noDB},
		{"POST", "/app", 401, noDB},
		{"POST", "/secret", 401, noDB},
		{"POST", "/_users", 401, noDB},
		{"GET", "/_users/_all_docs", 401, noAdmin},
		{"POST", "/_replicator", 401, noDB},
		{"POST", "/", 401, noDB},
		{"PUT", "/", 401, noDB},
		{"GET", "/_all_dbs", 401, noAdmin},
		{"POST", "/_dbs_info", 401, noAdmin},
		{"POST", "/_replicate", 401, noAdmin},
		{"GET", "/_node/_local/_config", 401, noAdmin},
		{"GET", "/_uuids", 401, noAdmin},
		{"GET", "/_active_tasks", 401, noAdmin},
		{"POST", "/_up", 401, noAdmin},
		{"PUT", "/_session", 401, noAdmin},
		{"GET", "/_session?basic=true&x=1", 401, noAdmin},
		{"POST", "/_utils/index.html", 401, noAdmin},
		{"GET", "/_up/x", 401, noAdmin},
		{"GET", "/%5Fall_dbs", 401, noAdmin},
		{"POST", "/log_app/%5Fall_docs", 401, noDB},
		{"POST", "/log_app/_find/", 401, noDB},
		{"POST", "//log_app", 400, odd},
		{"POST", "//log_app//_all_docs", 400, odd},
		{"POST", "/log_app//", 400, odd},
		{"POST", "/log_app/.", 400, odd},
		{"POST", "/log_app/..", 400, odd},
		{"POST", "/x/../log_app", 400, odd},
		{"POST", "/%2e%2e/log_app", 400, odd},
		{"POST", "/log_a%2fb", 400, odd},
		{"POST", "/log_app%2F_all_docs", 400, odd},
		{"POST", "/log_app%5c_all_docs", 400, odd},
		{"POST", "/log_app%255F", 400, odd},
		{"POST", "/%255Fall_dbs", 400, odd},
		{"POST", "/log_app%00", 400, odd},
		{"POST", "/log_app%0d%0a", 400, odd},
		{"POST", "/log_app%ff", 400, odd},
		{"GET", "/_utils/../log_app", 400, odd},
		{"GET", "/_utils/%2e%2e/log_app/_all_docs", 400, odd},
		{"GET", "/_utils//x", 400, odd},
		{"POST", "http://elsewhere/log_app", 400, odd},
		{"GET", "//elsewhere/log_app", 400, odd},
		{"OPTIONS", "*", 400, odd},
		{"POST", "/log_X", 404, "Database does not exist."},
		{"POST", "/log_logctl_audit", 404, "Database does not exist."},
		{"POST", "/log_logctl%5Faudit/", 404, "Database does not exist."},
		{"POST", "/log_a+b", 404, "Database does not exist."},
		{"POST", "/log_", 404, "Database does not exist."},
		{"POST", "/log_app%20", 404, "Database does not exist."},
	}
	door := New(Options{Upstream: untouched(t)})
	for _, tt := range tests {
		w := call(door, tt.method, tt.target, `{"selector":{}}`, "Content-Type", jsonType)
		if w.Code != tt.status {
			t.Errorf("%s %s: status %d, want %d: %s", tt.method, tt.target, w.Code, tt.status, w.Body)
			continue
		}
		if tt.method == "HEAD" {
			if w.Body.Len() > 0 {
				t.Errorf("%s %s: body %q", tt.method, tt.target, w.Body)
			}
			continue
		}
		if _, reason := errorOf(t, w); reason != tt.reason {
			t.Errorf("%s %s: reason %q, want %q", tt.method, tt.target, reason, tt.reason)
		}
	}
	for _, h := range []string{"X-HTTP-Method-Override", "x-http-method-override", "X-HTTP-Method", "X-Method-Override"} {
		if w := call(door, "POST", "/log_app", `{"a":1}`, "Content-Type", jsonType, h, "GET"); w.Code != 401 {
			t.Errorf("%s: status %d, want 401", h, w.Code)
		}
	}
}

// TestRefusedCredentials asks with credentials that are none, or that nobody has.
func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, header, value string
		status              int
		reason              string
	}{
		{"stale cookie", "Cookie", "AuthSession=stale", 401, "You are not authorized to access this db."},
		{"no scheme", "Authorization", "garbage", 401, "You are not authorized to access this db."},
		{"bearer", "Authorization", "Bearer abc", 401, "You are not authorized to access this db."},
		{"empty", "Authorization", "", 401, "You are not authorized to access this db."},
		{"malformed cookie", "Cookie", "AuthSession=malformed", 400, "Malformed AuthSession cookie. Please clear your cookies."},
		{"wrong password", "Authorization", "Basic cmVhZGVyOndyb25n", 401, "Name or password is incorrect."},
		{"nobody's name", "Authorization", "Basic bm9ib2R5Ondyb25n", 401, "Name or password is incorrect."},
		{"locked", "Authorization", "Basic bG9ja2VkOng=", 403, "Account is temporarily locked due to multiple authentication failures"},
		{"other cookies only", "Cookie", "a=b; c=d", 401, "You are not authorized to access this db."},
		{"proxy's names", "X-Auth-CouchDB-UserName", "admin", 401, "You are not authorized to access this db."},
	}
	for _, tt := range tests {
		f := newFakeCouch()
		door := newDoor(f)
		for _, target := range []string{"/log_app/_all_docs", "/no_such_db/_all_docs"} {
			w := call(door, "GET", target, "", tt.header, tt.value)
			if _, reason := errorOf(t, w); w.Code != tt.status || reason != tt.reason {
				t.Errorf("%s: %s: %d %q, want %d %q", tt.name, target, w.Code, reason, tt.status, tt.reason)
			}
		}
		for _, req := range f.seen() {
			if req != "GET /_session" {
				t.Errorf("%s: the store was asked %s", tt.name, req)
			}
		}
	}
}

// TestReplicate shows that an account that is no admin can't have the store call other servers, however the path is spelled.
func TestReplicate(t *testing.T) {
	t.Parallel()
	const body = `{"source":"log_app","target":"http://10.0.0.1/x"}`
	for _, target := range []string{"/_replicate", "/_replicate/", "//_replicate", "/%5Freplicate", "/%255Freplicate", "/_replicate?x=1",
		"/./_replicate", "/log_app/../_replicate", "/_replicate%2F"} {
		for _, method := range []string{"POST", "GET", "PUT", "post"} {
			f := newFakeCouch()
			door := newDoor(f)
			w := call(door, method, target, body, "Cookie", "AuthSession=good-reader", "Content-Type", jsonType, "X-HTTP-Method-Override", "POST")
			if _, reason := errorOf(t, w); w.Code != 403 || reason != "Only server admins may have this server replicate." {
				t.Errorf("%s %s: %d %s", method, target, w.Code, w.Body)
			}
			for _, req := range f.seen() {
				if req != "GET /_session" {
					t.Errorf("%s %s: the store was asked %s", method, target, req)
				}
			}
			call(door, method, target, body, "Cookie", "AuthSession=good-admin", "Content-Type", jsonType)
			if seen := f.seen(); !strings.Contains(seen[len(seen)-1], "eplicate") {
				t.Errorf("%s %s by an admin: the store was asked %q", method, target, seen)
			}
		}
	}
}

// TestEveryRuleIsUsed keeps rows out of the policy that earlier ones hide.
func TestEveryRuleIsUsed(t *testing.T) {
	t.Parallel()
	for i := range policy {
		r := &policy[i]
		path := strings.NewReplacer("{app}", "log_app", "{doc}", "doc", "/**", "/x/y", "**", "/elsewhere/x", "*", "x", "~", "/").Replace(r.path)
		used := false
		for method := range strings.FieldsSeq(strings.ReplaceAll(r.methods, "*", "GET")) {
			for who := anonymous; who != 0; who <<= 1 {
				if who&r.who == 0 {
					continue
				}
				v := &visit{r: newRequest(method, path, ""), who: who}
				var err error
				if v.to, err = parseTarget(v.r); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				v.to.findRoutes(path)
				used = used || judge(v) == r
			}
		}
		if !used {
			t.Errorf("row %d, %s %s, is not found by its own requests", i, r.methods, r.path)
		}
	}
}

func TestAllowedPages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method, target string
		status         int
		body           string
		asks           []string
	}{
		{"GET", "/", 200, `"couchdb":"Welcome"`, nil},
		{"HEAD", "/", 200, "", nil},
		{"GET", "/?x=1", 200, `"couchdb":"Welcome"`, nil},
		{"GET", "/_up", 200, `"status":"ok"`, []string{"GET /_up"}},
		{"GET", "/_up/", 200, `"status":"ok"`, []string{"GET /_up"}},
		{"HEAD", "/_up", 200, "", []string{"GET /_up"}},
		{"GET", "/_session", 200, `"name":null`, nil},
		{"GET", "/_session?basic=true", 401, `Please login.`, nil},
		{"DELETE", "/_session?next=//evil", 200, `"ok":true`, []string{"DELETE /_session"}},
		{"GET", "/_utils", 301, "", nil},
		{"GET", "/_utils/index.html?v=1", 200, "<html>", []string{"GET /_utils/index.html"}},
		{"HEAD", "/_utils/index.html", 200, "", []string{"HEAD /_utils/index.html"}},
	}
	for _, tt := range tests {
		f := newFakeCouch()
		w := call(newDoor(f), tt.method, tt.target, "", "Accept", "*/*")
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) {
			t.Errorf("%s %s: %d %q", tt.method, tt.target, w.Code, w.Body)
		}
		if got := f.seen(); !slices.Equal(got, tt.asks) {
			t.Errorf("%s %s: the store was asked %q, want %q", tt.method, tt.target, got, tt.asks)
		}
		all := w.Body.String() + strings.Join(w.Header().Values("Server"), "")
		for _, secret := range []string{"3.5.0", "node1", "10.0.0.7", "secret", "Erlang"} {
			if strings.Contains(all, secret) {
				t.Errorf("%s %s tells %q: %s", tt.method, tt.target, secret, all)
			}
		}
	}
}

func TestHTMLGoesToLogin(t *testing.T) {
	t.Parallel()
	door := New(Options{Upstream: untouched(t)})
	w := call(door, "GET", "/log_app/_all_docs?limit=1", "", "Accept", "text/html")
	want := "/_utils/session.html?return=%2Flog_app%2F_all_docs%3Flimit%3D1&reason=You+are+not+authorized+to+access+this+db."
	if got := w.Header().Get("Location"); w.Code != http.StatusFound || got != want {
		t.Errorf("%d %q, want 302 %q", w.Code, got, want)
	}
	for _, accept := range []string{"application/json, text/html", "*/*", ""} {
		if w := call(door, "GET", "/log_app", "", "Accept", accept); w.Code != 401 {
			t.Errorf("Accept %q: %d", accept, w.Code)
		}
	}
}
