package proxy

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/store"
)

func TestDeeds(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]string{
		"PUT /log_a":                            "database_created ",
		"DELETE /log_a":                         "database_deleted ",
		"POST /log_a":                           " ",
		"POST /log_a/_bulk_docs":                " ",
		"POST /log_a/_find":                     " ",
		"POST /log_a/_all_docs":                 " ",
		"PUT /log_a/doc":                        " ",
		"PUT /log_a/_local/x":                   " ",
		"PUT /log_a/_security":                  "permissions ",
		"PUT /log_a/_design/report":             "design report",
		"PUT /log_a/_design%2Freport":           "design report",
		"DELETE /log_a/_design/report":          "design report",
		"COPY /log_a/_design/report":            "design report",
		"PUT /log_a/_design/report/file.js":     "design report",
		"POST /log_a/_design/report/_view/a":    " ",
		"PUT /log_a/_design/report/_update/u/d": " ",
		"POST /log_a/_index":                    "design _index",
		"POST /log_a/_purge":                    "database _purge",
		"PUT /log_a/_revs_limit":                "database _revs_limit",
		"POST /log_a/_compact/report":           "database _compact",
		"PUT /_users/org.couchdb.user:alice":    "user alice",
		"POST /_users/_bulk_docs":               " ",
		"POST /_users":                          " ",
		"POST /_users DELETE":                   "user ",
		"PUT /_users/_security":                 "user _security",
		"PUT /_node/_local/_config/admins/bob":  "config _local/_config/admins/bob",
		"POST /_replicate":                      "replicate ",
		"PUT /_replicator/job":                  "replicate job",
		"POST /_cluster_setup":                  "server _cluster_setup",
		"PUT /logctl/token:abc":                 "token abc",
		"PUT /logctl/other":                     "setting other",
		"POST /_session":                        "login ",
		"DELETE /_session":                      " ",
		"POST /":                                " ",
		"GET /log_a/_security":                  " ",
		"HEAD /_users":                          " ",
		"PUT //log_a//_security":                "permissions ",
		"DELETE //log_a/":                       "database_deleted ",
		"POST //":                               " ",
		"PUT /log_a/_design/r/_rewrite/x":       "database _design/r/_rewrite/x",
		"POST /log_a DELETE":                    "database_deleted ",
		"POST /log_a/_security put":             "permissions ",
		"POST /log_a/doc GET":                   " ",
		"GET /log_a DELETE":                     " ",
		"COPY /log_a/doc doc2":                  " ",
		"COPY /log_a/doc _design/x?rev=1-a":     "design x",
		"COPY /log_a/_design/x %5Fdesign%2Fy":   "design y",
		"POST /log_a/doc COPY _design/x":        "design x",
	} {
		parts := append(strings.Fields(request), "", "") // method, path, and an override or a destination or both
		method, override, destination := parts[0], parts[2], parts[3]
		if method == methodCopy {
			override, destination = "", override
		}
		v := &visit{r: newRequest(method, parts[1]+"?rev=1-secret", "", "X-Http-Method-Override", override, "Destination", destination),
			caller: caller{name: "admin"}}
		v.to, _ = parseTarget(v.r)
		what, on := deedOf(v)
		if got := what + " " + on; got != want {
			t.Errorf("%s: %q, want %q", request, got, want)
		}
		v.caller.name = ""
		if what, _ := deedOf(v); what != "" {
			t.Errorf("%s: a stranger's deed", request)
		}
	}
}

// trailOf are the docs of the trail in a fake store, a line each.
func trailOf(t *testing.T, f *fakeCouch) []string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, text := range f.dbs[string(store.TrailDB)] {
		var d struct {
			Event, Who, IP, DB, On, Reason string
			Status, Count                  int
		}
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Join(strings.Fields(fmt.Sprint(d.Event, " ", d.Who, " ", d.IP, " ", d.DB, " ", d.On, " ", d.Status, " ", d.Reason, " ", d.Count)), " "))
	}
	slices.Sort(all)
	return all
}

func TestTrail(t *testing.T) {
	t.Parallel()
	f := newFakeCouch()
	made := 0
	delete(f.dbs, string(store.TrailDB))
	door := New(Options{Upstream: f, Writer: "app_write", AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") }), Trail: true,
		MakeTrail: func(context.Context) error {
			made++
			f.mu.Lock()
			defer f.mu.Unlock()
			f.dbs[string(store.TrailDB)] = map[string]string{}
			return nil
		}})
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }
	call(door, "GET", "/log_app/_all_docs?key=%22query-secret%22", "")
	call(door, "GET", "/log_app/_all_docs", "", "Authorization", basic("hunter2:password-secret"))
	call(door, "GET", "/log_app/_all_docs", "", "Authorization", basic("reader:pw"))
	call(door, "GET", "/log_app/_all_docs", "", "Authorization", basic("reader:password-secret"))
	call(door, "PUT", "/log_app/_security?x=query-secret", `{"body":"body-secret"}`, "Authorization", basic("reader:pw"))
	call(door, "POST", "/log_app", `{"n":"body-secret"}`, "Content-Type", "application/json")
	call(door, "POST", "/log_logctl_audit", `{"event":"forged"}`, "Content-Type", "application/json")
	call(door, "POST", "/_session", "name=reader&password=pw", "Content-Type", "application/x-www-form-urlencoded")
	call(door, "POST", "/_session", `{"name":"reader","password":"password-secret"}`, "Content-Type", "application/json")
	call(door, "POST", "/_session", "name=app_write&password=w", "Content-Type", "application/x-www-form-urlencoded")
	if err := door.Close(); err != nil {
		t.Fatal(err)
	}
	got := trailOf(t, f)
	want := []string{
		"login reader 192.0.2.1 200 1",
		"login_failed 192.0.2.1 401 1",
		"login_failed reader 192.0.2.1 401 2",
		"permissions reader 192.0.2.1 log_app 200 1",
		"refused 192.0.2.1 401 unauthorized 2",
		"refused 192.0.2.1 404 not_found 1",
	}
	if !slices.Equal(got, want) || made != 1 {
		t.Errorf("made %d times, got\n%s\nwant\n%s", made, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if all := fmt.Sprint(f.dbs[string(store.TrailDB)]); strings.Contains(all, "secret") || strings.Contains(all, "hunter2") || strings.Contains(all, "forged") {
		t.Errorf("a secret is in the trail: %s", all)
	}
}

// Whoever sends by another way than the door's can't write to the trail either.
func TestSenderLeavesTrail(t *testing.T) {
	t.Parallel()
	f := newFakeCouch()
	docs := []store.Doc{{ID: "x", Body: []byte(`{"event":"forged"}`)}}
	for _, s := range []Sender{newDoor(f).Sender(), newDoor(f).SenderFor(newRequest("POST", "/", ""))} {
		err := s.Store(t.Context(), store.TrailDB, docs, func(int, string) {})
		if !store.IsKind(err, store.KindNotFound) {
			t.Errorf("%v", err)
		}
	}
	if n := len(f.dbs[string(store.TrailDB)]); n > 0 {
		t.Errorf("%d docs in the trail", n)
	}
}

// TestDesignsAmongDocs: the trail names the design documents that an answer, in whatever pieces it comes, says are stored.
func TestDesignsAmongDocs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, answer string
		status       int
		want         []string
	}{
		{"/log_a/_bulk_docs", `[{"ok":true,"id":"x","rev":"1-a"},{"ok":true,"id":"_design/one","rev":"1-a"},{"id":"_design/two","error":"conflict","reason":""},` +
			`{"ok":true,"id":"_design/three","rev":"1-a"}]` + "\n", 201, []string{"design one", "design three"}},
		{"/log_a", `{"ok":true,"id":"_design/one","rev":"1-a"}`, 201, []string{"design one"}},
		{"/log_a", `{"ok":true,"id":"plain","rev":"1-a"}`, 201, nil},
		{"/log_a/_bulk_docs", "[]\n", 201, []string{"replicate"}},
		{"/log_a/_bulk_docs", `[{"id":"x","error":"forbidden","reason":"no"}]`, 201, []string{"replicate"}},
		{"/_users", `{"ok":true,"id":"org.couchdb.user:eve","rev":"1-a"}`, 201, []string{"user eve"}},
		{"/_users/_bulk_docs", `[{"ok":true,"id":"org.couchdb.user:eve","rev":"1-a"},{"ok":true,"id":"org.couchdb.user:bob","rev":"1-a"},` +
			`{"id":"org.couchdb.user:al","error":"conflict","reason":""}]` + "\n", 201, []string{"user bob", "user eve"}},
		{"/_users/_bulk_docs", "[]\n", 201, []string{"replicate _users"}},
		{"/_users", `{"error":"forbidden"}`, 403, []string{"user"}},
		{"/log_a", `{"error":"forbidden"}`, 403, nil},
		{"/log_a/_bulk_docs", `[{"ok":true,"id":"x","rev":"1-a"}]`, 201, nil},
		{"/log_a/_bulk_docs", "[" + strings.Repeat(`{"ok":true,"id":"_design/d","rev":"1-a"},`, 2*maxNames) + "]", 201, slices.Repeat([]string{"design d"}, maxNames)},
		{"/log_a/_find", `{"docs":[{"ok":true,"id":"_design/one"}]}`, 200, nil},
	} {
		for _, piece := range []int{1, 7, 1 << 20} {
			f := newFakeCouch()
			store := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path != tt.path {
					f.ServeHTTP(w, r)
					return
				}
				w.WriteHeader(tt.status)
				for part := range slices.Chunk([]byte(tt.answer), piece) {
					_, _ = w.Write(part)
				}
			})
			door := New(Options{Upstream: store, AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") }), Trail: true})
			call(door, "POST", tt.path, `{"docs":[]}`, "Content-Type", "application/json", "Authorization", basicHeader("reader", "pw"))
			if err := door.Close(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range trailOf(t, f) {
				deed := strings.Fields(strings.NewReplacer("reader 192.0.2.1 log_a ", "", "reader 192.0.2.1 ", "").Replace(line))
				got = append(got, strings.Join(deed[:len(deed)-2], " ")) // without status and count
			}
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s %.60s by %d: %q, want %q", tt.path, tt.answer, piece, got, tt.want)
			}
		}
	}
}

// TestRulesAreTold: the trail tells when a file that says what certificates are for counts as it is now.
func TestRulesAreTold(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	clients, crl := newTenants(t, ca)
	f := newFakeCouch()
	door := New(Options{Upstream: f, Clients: clients, Trail: true, AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") })})
	_, _, _ = clients.Find([]*x509.Certificate{ca.cert}, time.Now())
	table := filepath.Join(filepath.Dir(crl), "tenants.toml")
	for _, text := range []string{"[[", tenantTable + "\n"} { // what can't be read changes nothing
		if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			clients.Owned("acme_shop")
		}
	}
	ca.revoke(crl, 7, 8)
	_, _, _ = clients.Find([]*x509.Certificate{ca.cert}, time.Now())
	if err := door.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := trailOf(t, f), []string{"rules clients 0 1", "rules revoked clients 0 1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
