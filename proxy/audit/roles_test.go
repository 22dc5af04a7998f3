package audit_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"logctl/proxy"
	"logctl/proxy/audit"
	"logctl/proxy/token"
	"logctl/store"
)

// put stores a document as the admin.
func put(t *testing.T, h http.Handler, path, body string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPut, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth("admin", "secret")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code >= 300 {
		t.Fatalf("PUT %s: %d %s", path, w.Code, w.Body)
	}
}

// putToken stores a token and gives its header.
func putToken(t *testing.T, h http.Handler, app string, may ...string) string {
	t.Helper()
	id := token.NewID()
	text := token.NewText(id)
	r := token.Record{Apps: []string{app}, May: may, Secrets: []token.Secret{token.NewSecret(text, time.Now(), time.Time{})}}
	doc, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	put(t, h, "/logctl/token:"+id, string(doc))
	return "Bearer " + text
}

// TestDoorHoldsRoles makes the round as everybody who is known, and finds that they may do what they are for, and nothing else.
func TestDoorHoldsRoles(t *testing.T) {
	t.Parallel()
	api := newStore(t)
	put(t, api, "/logctl", "")
	for name, role := range map[string]string{"rita": "log_reader_app", "ana": "log_analyst_app", "otto": "log_reader_other"} {
		put(t, api, "/_users/org.couchdb.user:"+name, fmt.Sprintf(`{"name":%q,"type":"user","roles":[%q],"password":"pw"}`, name, role))
	}
	put(t, api, "/log_app/_security", `{"admins":{"roles":["_admin","log_analyst_app"]},"members":{"roles":["log_reader_app"]}}`)
	writer := store.Caller{Name: "admin", Roles: []string{store.AdminRole}}
	address, _ := serve(t, false, proxy.New(proxy.Options{
		Upstream: api,
		AsWriter: func(r *http.Request) *http.Request { return r.WithContext(store.WithCaller(r.Context(), writer)) },
		Writer:   "app_write",
	}))
	const write, read, design = "POST /{db} write a doc", "GET /{db}/_all_docs all docs", "PUT /{db}/_design/{new} write a design document"
	for _, tt := range []struct {
		name, authorization string
		as                  audit.Role
		may, not            []string
	}{
		{"a write token", putToken(t, api, "app", token.Write), audit.Writer, []string{write}, []string{read, design}},
		{"a read token", putToken(t, api, "app", token.Read), audit.Reader, []string{read}, []string{write, design}},
		{"another app's token", putToken(t, api, "other", token.Read, token.Write), audit.Outsider, nil, []string{write, read, design}},
		{"a reader", basic("rita", "pw"), audit.Reader, []string{write, read}, []string{design}},
		{"an analyst", basic("ana", "pw"), audit.Analyst, []string{write, read, design}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			report := run(t, address, audit.Options{Authorization: tt.authorization, As: tt.as, Plant: true})
			allowed := map[string]bool{}
			for _, f := range report.Findings {
				if f.Verdict == audit.Allowed {
					allowed[f.Method+" "+f.Path+" "+f.What] = true
				}
				if f.Verdict.Leak() || f.Verdict == audit.Silent {
					t.Errorf("%s %s (%s): %s, status %d %s", f.Method, f.Path, f.Spelling, f.Verdict, f.Status, f.Detail)
				}
			}
			for _, what := range tt.may {
				if !allowed[what] {
					t.Errorf("%s is not allowed", what)
				}
			}
			for _, what := range tt.not {
				if allowed[what] {
					t.Errorf("%s is allowed", what)
				}
			}
		})
	}
}
