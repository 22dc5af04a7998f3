package proxy

import (
	"slices"
	"strings"
	"testing"
)

// asked are the requests that a store got, but for those about who comes.
func asked(f *fakeCouch) []string {
	return slices.DeleteFunc(f.seen(), func(req string) bool {
		return req == "GET /_session" || strings.HasPrefix(req, "GET /logctl/token:")
	})
}

// TestRoles asks as accounts with roles of ours, in front of a store that would let them do everything.
func TestRoles(t *testing.T) {
	t.Parallel()
	const refused, odd, admins = 403, 400, 401
	tests := []struct {
		method, target          string
		reader, analyst, nobody int // 0: goes through to the store
	}{
		{"GET", "/log_app", 0, 0, 0},
		{"GET", "/log_app/doc", 0, 0, 0},
		{"GET", "/log_app/a%2Fb/x.txt", 0, 0, 0},
		{"HEAD", "/log_app/_design/report", 0, 0, 0},
		{"GET", "/log_app/_design/report/_view/attacks?group=true", 0, 0, 0},
		{"POST", "/log_app/_design/report/_view/attacks", 0, 0, 0},
		{"POST", "/log_app/_design/report/_view/attacks/queries", 0, 0, 0},
		{"GET", "/log_app/_security", 0, 0, 0},
		{"POST", "/log_app/_all_docs", 0, 0, 0},
		{"POST", "/log_app/_all_docs/queries", 0, 0, 0},
		{"POST", "/log_app/_find", 0, 0, 0},
		{"POST", "/log_app/_changes?feed=continuous", 0, 0, 0},
		{"POST", "/log_app/_bulk_get?revs=true", 0, 0, 0},
		{"POST", "/log_app/_revs_diff", 0, 0, 0},
		{"POST", "/log_app_rejects/_find", 0, 0, 0},
		{"GET", "/log_app/_partition/p", 0, 0, 0},
		{"GET", "/log_app/_partition/p/_all_docs", 0, 0, 0},
		{"POST", "/log_app/_partition/p/_find", 0, 0, 0},
		{"POST", "/log_app/_partition/p/_explain", 0, 0, 0},
		{"POST", "/log_app/_partition/p/_design/x/_view/y", 0, 0, 0},
		{"POST", "/log_app/_partition/p/_design/x/_update/y", refused, refused, 0}, // CouchDB does what it does without the partition
		{"GET", "/log_app/_partition/p/_design/x/_rewrite/y", refused, refused, refused},
		{"POST", "/log_app/_partition/p/_index", refused, refused, 0},
		{"PUT", "/log_app/_local/checkpoint", 0, 0, 0},
		{"POST", "/log_app/_ensure_full_commit", 0, 0, 0},
		{"PUT", "/log_app/doc", refused, 0, 0},
		{"DELETE", "/log_app/doc?rev=1-a", refused, 0, 0},
		{"DELETE", "/log_app_rejects/doc?rev=1-a", refused, 0, 0},
		{"COPY", "/log_app/doc", refused, 0, 0},
		{"PUT", "/log_app/doc/x.txt", refused, 0, 0},
		{"POST", "/log_app/_bulk_docs", refused, 0, 0},
		{"PUT", "/log_app/_design/mine", refused, 0, 0},
		{"DELETE", "/log_app/_design/mine?rev=1-a", refused, 0, 0},
		{"POST", "/log_app/_index", refused, 0, 0},
		{"DELETE", "/log_app/_index/_design/a/json/b", refused, 0, 0},
		{"POST", "/log_app/_design/x/_update/y", refused, 0, 0},
		{"GET", "/log_app/_design/x/_rewrite/y", refused, refused, refused}, // to whatever the design document says: PUT of _security, too
		{"POST", "/log_app/_design/x/_rewrite/y", refused, refused, refused},
		{"PUT", "/log_app/_security", refused, refused, 0},
		{"PUT", "/log_app/_revs_limit", refused, refused, 0},
		{"PUT", "/log_app/_purged_infos_limit", refused, refused, 0},
		{"POST", "/log_app/_purge", admins, admins, 0},
		{"POST", "/log_app/_compact", refused, refused, 0},
		{"DELETE", "/log_app", admins, admins, 0},
		{"PUT", "/log_app", admins, admins, 0},
		{"POST", "/log_app?batch=ok", refused, refused, 0},
		{"PUT", "/log_app/_%73ecurity", refused, refused, 0},
		{"PUT", "/log_app//_security", odd, odd, 0},
		{"PUT", "//log_app/_security", odd, odd, 0},
		{"PUT", "/log_app/%255Fsecurity", odd, odd, 0},
		{"PUT", "/x/../log_app/_security", odd, odd, 0},
		{"PUT", "/log_app/_design%2F..%2F_security", odd, odd, 0},
		{"DELETE", "/log_app+/doc", odd, odd, 0}, // a plus sign is one, or a blank
		{"PUT", "/log_app+/_design/x", odd, odd, 0},
		{"PUT", "/log_other/_security", 0, 0, 0}, // no role for it: the store's business
		{"PUT", "/_users/org.couchdb.user:me", 0, 0, 0},
		{"GET", "/_all_dbs", 0, 0, 0},
	}
	for _, tt := range tests {
		for role, want := range map[string]int{
			"log_reader": tt.reader, "log_reader_app": tt.reader, "log_reader_app,_x": tt.reader,
			"log_analyst_app": tt.analyst, "log_analyst,log_reader": tt.analyst, "": tt.nobody, "accounting": tt.nobody,
		} {
			if strings.HasPrefix(tt.target, "/log_other") && (role == "log_reader" || strings.HasPrefix(role, "log_analyst,")) {
				continue // has a role for it
			}
			f := newFakeCouch()
			f.roles = map[string]string{"reader": role}
			w := call(newDoor(f), tt.method, tt.target, `{}`, "Cookie", "AuthSession=good-reader", "Content-Type", jsonType)
			through := slices.Equal(asked(f), []string{tt.method + " " + tt.target})
			if through != (want == 0) || want != 0 && (w.Code != want || len(asked(f)) > 0) {
				t.Errorf("%s %s with %q: %d %s, the store was asked %q; want %d", tt.method, tt.target, role, w.Code, w.Body, asked(f), want)
			}
		}
	}
	for _, role := range []string{"log_reader", "log_analyst"} {
		f := newFakeCouch()
		f.roles = map[string]string{"reader": role}
		w := call(newDoor(f), "POST", "/log_app/_find", `{}`, "Cookie", "AuthSession=good-reader", "X-HTTP-Method-Override", "PUT")
		if w.Code != 403 || len(asked(f)) > 0 {
			t.Errorf("%s with another method in a header: %d, %q", role, w.Code, asked(f))
		}
	}
}

// TestReadersWriteAsStrangers: whoever may read an app is held to what everybody may write.
func TestReadersWriteAsStrangers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{`{"a":1}`: 201, `[{"a":1}]`: 201, `{"_id":"mine"}`: 403, `{"_id":"_design/x"}`: 403, `{"_deleted":true}`: 403} {
		f := newFakeCouch()
		f.roles = map[string]string{"reader": "log_reader_app"}
		w := call(newDoor(f), "POST", "/log_app", body, "Cookie", "AuthSession=good-reader", "Content-Type", jsonType)
		if w.Code != want || (len(asked(f)) > 0) != (want == 201) {
			t.Errorf("%s: %d %s, %q", body, w.Code, w.Body, asked(f))
		}
	}
}
