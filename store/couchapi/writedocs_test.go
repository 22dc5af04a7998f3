package couchapi

import (
	"net/http/httptest"
	"strings"
	"testing"

	"logctl/store"
	"logctl/store/ejson"
)

// TestWriteDocsIsBulkDocs hands docs to one store and sends the same as requests to another, as several callers: the same becomes of
// them.
func TestWriteDocsIsBulkDocs(t *testing.T) {
	t.Parallel()
	handed, sent := newTestHandler(t, Options{MaxDoc: 1000}), newTestHandler(t, Options{MaxDoc: 1000})
	for _, h := range []*Handler{handed, sent} {
		for _, db := range []string{"log_open", "log_closed", "log_rules", "log_c%2B%2B", "log_parts?partitioned=true"} {
			expect(t, h, "PUT", "/"+db, "", 201)
		}
		for _, db := range []string{"log_open", "log_rules", "log_c%2B%2B", "log_parts"} {
			expect(t, h, "PUT", "/"+db+"/_security", `{"members":{"names":["w"]}}`, 200)
		}
		expect(t, h, "PUT", "/log_rules/_design/r", `{"validate_doc_update":"function(n,o,u){if(n.bad)throw({forbidden:'bad, '+u.name})}"}`, 201)
	}
	writer, admin := store.Caller{Name: "w"}, adminCaller(testAdmin)
	good := `[{"_id":"a","n":1},{"_id":"a","n":2},{"_id":"b","bad":true}]`
	for _, c := range []struct {
		caller store.Caller
		db     store.DBName
		docs   string
	}{
		{writer, "log_open", good}, {writer, "log_open", good}, {writer, "log_closed", good}, {store.Caller{}, "log_open", good},
		{admin, "log_closed", good}, {writer, "log_rules", good}, {writer, "log_c++", good}, {writer, "log_parts", good},
		{writer, "log_none", good}, {writer, "_replicator", good}, {writer, "_users", good}, {writer, "_odd", good}, {admin, "Odd", good},
		{writer, "log_open", `[{"_id":"_design/x","views":{}},{"_id":"_local/x"},{"_id":"c"}]`},
		{writer, "log_open", `[{"_id":"d"},{"_id":"e","a":"` + strings.Repeat("x", 1000) + `"}]`},
		{writer, "log_open", `[]`},
	} {
		var docs []store.Doc
		if _, err := ejson.SplitDocs(nil, []byte(c.docs), func(s ejson.Split) error { docs = append(docs, s.Doc); return nil }); err != nil {
			t.Fatal(err)
		}
		ctx := store.WithCaller(t.Context(), c.caller)
		got, want := httptest.NewRecorder(), httptest.NewRecorder()
		r := httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader(`{"docs":`+c.docs+`}`))
		r.URL.Path, r.URL.RawPath = "/"+string(c.db)+"/_bulk_docs", "/"+strings.ReplaceAll(string(c.db), "+", "%2B")+"/_bulk_docs"
		r.Header.Set("Content-Type", "application/json")
		sent.ServeHTTP(want, r)
		x := newExchange(handed, got, r)
		results, err := handed.WriteDocs(ctx, c.db, docs)
		if err == nil {
			err = x.sendBulk(results, bulkRequest{newEdits: true})
		}
		if err != nil {
			x.fail(err)
		}
		if got.Code != want.Code || got.Body.String() != want.Body.String() {
			t.Errorf("%s, %q, %.100s: %d %s, want %d %s", c.db, c.caller.Name, c.docs, got.Code, got.Body, want.Code, want.Body)
		}
	}
}

// TestWriteDocsGivesIDs hands over docs that have none.
func TestWriteDocsGivesIDs(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/log_app", "", 201)
	docs := []store.Doc{{Body: []byte(`{"a":1}`)}, {Body: []byte(`{"a":1}`)}}
	results, err := h.WriteDocs(store.WithCaller(t.Context(), adminCaller(testAdmin)), "log_app", docs)
	if err != nil || len(results) != 2 || results[0].Err != nil || results[1].Err != nil || results[0].ID == results[1].ID {
		t.Fatalf("%+v, %v", results, err)
	}
	for i := range docs {
		if results[i].ID != docs[i].ID {
			t.Errorf("doc %q has the result of %q", docs[i].ID, results[i].ID)
		}
		expect(t, h, "GET", "/log_app/"+docs[i].ID, "", 200)
	}
}
