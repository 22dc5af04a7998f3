package proxy

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"logctl/store"
	"logctl/store/ejson"
)

// TestBodyRules sends what a stranger's doc may not be, alone, in an array and on a line. The store must not notice.
func TestBodyRules(t *testing.T) {
	t.Parallel()
	good, goodID, _ := withID(t, `{"a":1}`)
	tests := []struct {
		doc    string
		status int
		reason string
	}{
		{`{"_rev":"1-abc","a":1}`, 403, "Without an account, a document may not have _rev."},
		{`{"_id":"` + goodID + `","_rev":"1-967a00dff5e02add41819138abb3284d","a":1}`, 403, "Without an account, a document may not have _rev."},
		{`{"_revisions":{"start":2,"ids":["a","b"]},"a":1}`, 403, "Without an account, a document may not have _rev."},
		{`{"_deleted":true}`, 403, "Without an account, a document may not have _deleted."},
		{`{"\u005fdeleted":true}`, 403, "Without an account, a document may not have _deleted."},
		{`{"_attachments":{"a":{"data":""}}}`, 403, "Without an account, a document may not have _attachments."},
		{`{"_attachments":{}}`, 403, "Without an account, a document may not have _attachments."},
		{`{"_access":[],"a":1}`, 403, "Without an account, a document may not have _access."},
		{`{"a":1,"\u005faccess":[]}`, 403, "Without an account, a document may not have _access."},
		{`{"_foo":1}`, 400, "Bad special document member: _foo"},
		{`{"_id":"x","a":1}`, 403, "Without an account, leave _id out or make it the one that follows from the document."},
		{`{"_id":"` + goodID + `","a":2}`, 403, "Without an account, leave _id out or make it the one that follows from the document."},
		{`{"_id":"x","_id":"y","a":1}`, 403, "Without an account, leave _id out or make it the one that follows from the document."},
		{`{"_id":"_design/x","views":{}}`, 403, "Without an account, leave _id out or make it the one that follows from the document."},
		{`{"_id":"_local/x"}`, 403, "Without an account, leave _id out or make it the one that follows from the document."},
		{`{"_id":"_x"}`, 400, "Only reserved document ids may start with underscore."},
		{`{"_id":""}`, 400, "Document id must not be empty"},
		{`{"_id":5}`, 400, "Document id must be a string"},
		{`5`, 400, "Document must be a JSON object"},
		{`"x"`, 400, "Document must be a JSON object"},
		{`null`, 400, "Document must be a JSON object"},
		{`{bad`, 400, "invalid UTF-8 JSON"},
		{`{"a":1}{"b":2}`, 400, "invalid UTF-8 JSON"},
		{"{\"a\":\"\xff\"}", 400, "invalid UTF-8 JSON"},
		{`{"a":1e400}`, 400, "invalid UTF-8 JSON"},
		{`{"a":"` + strings.Repeat("x", 1001) + `"}`, 413, ""},
	}
	door := New(Options{Upstream: untouched(t), Limits: Limits{Doc: 1000}})
	for _, tt := range tests {
		for form, body := range map[string]string{
			"alone": tt.doc, "in an array": "[" + good + "," + tt.doc + "]", "on a line": good + "\n" + tt.doc + "\n",
		} {
			kind := jsonType
			if form == "on a line" {
				kind = linesType
			}
			w := call(door, "POST", "/log_app", body, "Content-Type", kind)
			if _, reason := errorOf(t, w); w.Code != tt.status || reason != tt.reason {
				t.Errorf("%.60s %s: %d %q, want %d %q", tt.doc, form, w.Code, reason, tt.status, tt.reason)
			}
		}
	}
}

// TestRequestRules sends what a stranger's write may not be as a whole.
func TestRequestRules(t *testing.T) {
	t.Parallel()
	gz := pack(t, `{"a":1}`)
	bomb := pack(t, `{"a":"`+strings.Repeat("x", 1<<20)+`"}`)
	tests := []struct {
		name, body string
		headers    []string
		status     int
		reason     string
	}{
		{"no type", `{"a":1}`, nil, 415, "Content-Type must be application/json"},
		{"curl -d", `{"a":1}`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "Content-Type must be application/json"},
		{"capitals", `{"a":1}`, []string{"Content-Type", "application/JSON"}, 415, "Content-Type must be application/json"},
		{"brotli", `{"a":1}`, []string{"Content-Type", jsonType, "Content-Encoding", "br"}, 415, "br is not a supported content encoding."},
		{"not gzip", `{"a":1}`, []string{"Content-Type", jsonType, "Content-Encoding", "gzip"}, 400, "Request body is not properly gzipped."},
		{"cut gzip", gz[:len(gz)-3], []string{"Content-Type", jsonType, "Content-Encoding", "gzip"}, 400, "Request body is not properly gzipped."},
		{"gzip bomb", bomb, []string{"Content-Type", jsonType, "Content-Encoding", "gzip"}, 413, "the request entity is too large"},
		{"too long", `{"a":"` + strings.Repeat("x", 5000) + `"}`, []string{"Content-Type", jsonType}, 413, "the request entity is too large"},
		{"empty", ``, []string{"Content-Type", jsonType}, 400, "invalid UTF-8 JSON"},
		{"blank", `  `, []string{"Content-Type", jsonType}, 400, "invalid UTF-8 JSON"},
		{"lines as JSON", "{}\n{}\n", []string{"Content-Type", jsonType}, 400, "invalid UTF-8 JSON"},
		{"array on a line", "[{}]\n", []string{"Content-Type", linesType}, 400, "Document must be a JSON object"},
		{"open array", `[{"a":1}`, []string{"Content-Type", jsonType}, 400, "invalid UTF-8 JSON"},
		{"many docs", "[{},{},{},{}]", []string{"Content-Type", jsonType}, 413, "too many docs in one request"},
	}
	door := New(Options{Upstream: untouched(t), Limits: Limits{Body: 4096, Docs: 3}})
	for _, tt := range tests {
		w := call(door, "POST", "/log_app", tt.body, tt.headers...)
		if _, reason := errorOf(t, w); w.Code != tt.status || reason != tt.reason {
			t.Errorf("%s: %d %q, want %d %q", tt.name, w.Code, reason, tt.status, tt.reason)
		}
	}
	if left := door.budget.Unused(); left != door.o.Limits.Memory {
		t.Errorf("%d of %d bytes left of the budget after all", left, door.o.Limits.Memory)
	}
}

func pack(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sameAnswer is all of an answer but what differs between any two.
func sameAnswer(w *httptest.ResponseRecorder) string {
	h := w.Header().Clone()
	h.Del("X-Couch-Request-Id")
	var b strings.Builder
	b.WriteString(http.StatusText(w.Code))
	_ = h.Write(&b)
	b.WriteString(w.Body.String())
	return b.String()
}

// TestWriteHidesExistence sends the same docs twice, to a whole and to a degraded cluster: all answers are equal.
func TestWriteHidesExistence(t *testing.T) {
	t.Parallel()
	a, idA, revA := withID(t, `{"date":"2017-06-14","hour":"17:16:12,329","ip":"59.45.175.88"}`)
	b, idB, revB := withID(t, `{}`)
	rowA, rowB := `{"ok":true,"id":"`+idA+`","rev":"`+revA+`"}`, `{"ok":true,"id":"`+idB+`","rev":"`+revB+`"}`
	tests := []struct{ name, kind, body, want string }{
		{"object", jsonType, a, rowA},
		{"empty object", jsonType, b, rowB},
		{"array", jsonType, " [" + a + ", " + b + "]", "[" + rowA + "," + rowB + "]"},
		{"twice in an array", jsonType, "[" + a + "," + a + "]", "[" + rowA + "," + rowA + "]"},
		{"lines", linesType + "; charset=utf-8", a + "\r\n\n" + b, "[" + rowA + "," + rowB + "]"},
		{"no lines", linesType, "\n", "[]"},
		{"no docs", jsonType, "[]", "[]"},
	}
	for _, tt := range tests {
		f := newFakeCouch()
		door := newDoor(f)
		first := call(door, "POST", "/log_app", tt.body, "Content-Type", tt.kind)
		if got := strings.TrimSpace(first.Body.String()); first.Code != 201 || got != tt.want {
			t.Errorf("%s: %d %s, want 201 %s", tt.name, first.Code, got, tt.want)
		}
		if again := call(door, "POST", "/log_app/", tt.body, "Content-Type", tt.kind); sameAnswer(again) != sameAnswer(first) {
			t.Errorf("%s, again: %s, before: %s", tt.name, sameAnswer(again), sameAnswer(first))
		}
		f.degraded = true
		if again := call(door, "POST", "/log_app", tt.body, "Content-Type", tt.kind); sameAnswer(again) != sameAnswer(first) {
			t.Errorf("%s, degraded: %s, before: %s", tt.name, sameAnswer(again), sameAnswer(first))
		}
		for id := range f.dbs["log_app"] {
			if id != idA && id != idB {
				t.Errorf("%s: doc %s is stored", tt.name, id)
			}
		}
		if n := door.counters.Failed.Load(); n != 0 {
			t.Errorf("%s: %d docs failed", tt.name, n)
		}
	}
}

// TestWriteWithoutID stores docs to which CouchDB gives an id.
func TestWriteWithoutID(t *testing.T) {
	t.Parallel()
	f := newFakeCouch()
	door := newDoor(f)
	r := newRequest("POST", "/log_app/", pack(t, ` { "foo" : "foo", "_conflicts":["1-a"] } `), "Content-Type", jsonType, "Content-Encoding", "gzip",
		"Authorization-Extra", "x", "User-Agent", "curl", "X-Forwarded-For", "1.2.3.4", "Accept", "text/html")
	r.Host = "log.example.com"
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	var said struct {
		OK      bool
		ID, Rev string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || w.Code != 201 || !said.OK || said.Rev != "1-e9fa8b19e6fed270cdacc779e1ba1e36" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got, want := w.Header().Get("Location"), "http://log.example.com/log_app/"+said.ID; got != want {
		t.Errorf("Location %q, want %q", got, want)
	}
	if got := f.dbs["log_app"][said.ID]; got != `{"foo":"foo"}` {
		t.Errorf("stored %q", got)
	}
	if got, want := f.seen(), []string{"POST /log_app"}; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
	for name := range f.headers[0] {
		if !slices.Contains([]string{"Accept", "Authorization", "Content-Type"}, name) {
			t.Errorf("header %s reached the store", name)
		}
	}
	w = call(door, "POST", "/log_app", `[{"a":1},{"a":1}]`, "Content-Type", jsonType)
	var rows []struct {
		OK bool
		ID string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil || w.Code != 201 || len(rows) != 2 || rows[0].ID == rows[1].ID {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if n := door.Counters().Docs.Load(); n != 3 {
		t.Errorf("%d docs counted, want 3", n)
	}
}

// TestWriteToOddNames keeps names that need escaping the same on the way.
func TestWriteToOddNames(t *testing.T) {
	t.Parallel()
	f := newFakeCouch()
	f.dbs["log_c++$(1)-x"] = map[string]string{}
	w := call(newDoor(f), "POST", "/log_c%2B%2B$(1)-x", `{"a":1}`, "Content-Type", jsonType)
	if got, want := f.seen(), []string{"POST /log_c%2B%2B$(1)-x"}; w.Code != 201 || !slices.Equal(got, want) {
		t.Errorf("%d, asked %q, want %q", w.Code, got, want)
	}
}

func TestWriteRefusedByStore(t *testing.T) {
	t.Parallel()
	good, _, _ := withID(t, `{"a":1}`)
	answer := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Server", "CouchDB/3.5.0")
			fakeAnswer(w, status, text)
		}
	}
	tests := []struct {
		name   string
		store  http.Handler
		status int
		reason string
		log    string
	}{
		{"no database", answer(404, `{"error":"not_found","reason":"Database does not exist."}`), 404, "Database does not exist.", ""},
		{"no writer", answer(401, `{"error":"unauthorized","reason":"Name or password is incorrect."}`), 503,
			"The server is not set up to take documents for this application.", "logctl app create app"},
		{"no member", answer(403, `{"error":"forbidden","reason":"You are not allowed to access this db."}`), 503,
			"The server is not set up to take documents for this application.", "logctl app create app"},
		{"validation", answer(403, `{"error":"forbidden","reason":"no ip"}`), 403, "no ip", ""},
		{"too large", answer(413, `{"error":"document_too_large","reason":"x"}`), 413, "x", ""},
		{"disk full", answer(507, `{"error":"insufficient_storage","reason":"/var/lib/x is full"}`), 507, "The store is full.", ""},
		{"conflict of an id that nobody gave", answer(409, `{"error":"conflict","reason":"Document update conflict."}`), 503, "The store is not available.", "conflict"},
		{"crash", answer(500, `{"error":"badmatch","reason":"/opt/couchdb/x.erl"}`), 503, "The store is not available.", "badmatch"},
		{"no JSON", answer(201, `<html>`), 503, "The store is not available.", ""},
		{"no answer", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), 503, "The store is not available.", ""},
		{"aborted", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), 503, "The store is not available.", ""},
		{"endless", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					return
				}
			}
		}), 503, "The store is not available.", ""},
	}
	for _, tt := range tests {
		for _, body := range []string{`{"a":1}`, "[" + good + "]"} {
			var log bytes.Buffer
			door := New(Options{Upstream: tt.store, Log: slog.New(slog.NewTextHandler(&log, nil)),
				AsWriter: BasicWriter("app_write", func() []byte { return []byte("hunter2") })})
			w := call(door, "POST", "/log_app", body, "Content-Type", jsonType)
			if _, reason := errorOf(t, w); w.Code != tt.status || reason != tt.reason {
				t.Errorf("%s: %d %q, want %d %q", tt.name, w.Code, reason, tt.status, tt.reason)
			}
			if (w.Code == 503) != (w.Header().Get("Retry-After") != "") {
				t.Errorf("%s: Retry-After %q with %d", tt.name, w.Header().Get("Retry-After"), w.Code)
			}
			if tt.log != "" && !strings.Contains(log.String(), tt.log) || strings.Contains(log.String(), "hunter2") {
				t.Errorf("%s: log %q", tt.name, &log)
			}
		}
	}
}

// TestRowsOfMany makes the answer out of rows of all kinds.
func TestRowsOfMany(t *testing.T) {
	t.Parallel()
	text, id, rev := withID(t, `{"a":1}`)
	list := []store.Doc{{ID: id, Body: []byte(text[len(`{"_id":"",`)+len(id)-1:])}, {Body: []byte(`{}`)}}
	list[0].Body[0] = '{'
	stored := `{"ok":true,"id":"` + id + `","rev":"` + rev + `"}`
	tests := []struct {
		name, rows, want string
		failed           int
	}{
		{"stored", `[{"ok":true,"id":"` + id + `","rev":"1-x"},{"ok":true,"id":"u","rev":"1-y"}]`, `[` + stored + `,{"ok":true,"id":"u","rev":"1-y"}]`, 0},
		{"made anew after its deletion", `[{"ok":true,"id":"` + id + `","rev":"3-x"},{"ok":true,"id":"u","rev":"1-y"}]`,
			`[` + stored + `,{"ok":true,"id":"u","rev":"1-y"}]`, 0},
		{"keys in another order", `[{"id":"` + id + `","rev":"1-x","ok":true},{"rev":"1-y","ok":true,"id":"u"}]`,
			`[` + stored + `,{"ok":true,"id":"u","rev":"1-y"}]`, 0},
		{"there", `[{"id":"` + id + `","error":"conflict","reason":"c"},{"ok":true,"id":"u","rev":"1-y"}]`, `[` + stored + `,{"ok":true,"id":"u","rev":"1-y"}]`, 0},
		{"refused", `[{"id":"` + id + `","error":"forbidden","reason":"no ip"},{"id":"u","error":"badmatch","reason":"/opt/x"}]`,
			`[{"id":"` + id + `","error":"forbidden","reason":"no ip"},{"id":"u","error":"badmatch","reason":"The document was not stored."}]`, 2},
		{"an id of the store's that is taken", `[{"id":"` + id + `","error":"conflict","reason":"c"},{"id":"u","error":"conflict","reason":"c"}]`,
			`[` + stored + `,{"id":"u","error":"conflict","reason":"The document was not stored."}]`, 1},
		{"too few", `[{"ok":true,"id":"u","rev":"1-y"}]`, "", 0},
		{"too many", `[{"ok":true,"id":"u","rev":"1-y"},{"ok":true,"id":"u","rev":"1-y"},{"ok":true,"id":"u","rev":"1-y"}]`, "", 0},
		{"neither", `[{"id":"u"},{"ok":true,"id":"u","rev":"1-y"}]`, "", 0},
		{"no rows", `{"ok":true}`, "", 0},
	}
	for _, tt := range tests {
		results := make([]store.WriteResult, len(list))
		err := readRows(results, list, []byte(tt.rows))
		var got []byte
		failed := 0
		if err == nil {
			got, failed = appendRows(nil, list, results)
		}
		if (err != nil) != (tt.want == "") {
			t.Errorf("%s: error %v", tt.name, err)
		}
		if err == nil && (string(got) != tt.want || failed != tt.failed) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, failed, got, tt.failed, tt.want)
		}
	}
}

// TestOwnDocs sends docs as a signed-in caller.
func TestOwnDocs(t *testing.T) {
	t.Parallel()
	array := `[{"_id":"x","a":1},{"_id":"x"}]`
	tests := []struct {
		name, target, kind, coding, body string
		status                           int
		ask, answer                      string
	}{
		{"object", "/log_app", jsonType, "", `{"_id":"x"}`, 201, "POST /log_app", `"id":"x"`},
		{"object, gzip", "/log_app", jsonType, "gzip", pack(t, `{"_id":"x"}`), 400, "POST /log_app", `bad_request`}, // the fake can't
		{"array", "/log_app/", jsonType, "", "\n " + array, 201, "POST /log_app/_bulk_docs", `{"id":"x","error":"conflict"`},
		{"array, gzip", "/log_app", jsonType, "gzip", pack(t, array), 201, "POST /log_app/_bulk_docs", `{"id":"x","error":"conflict"`},
		{"lines", "/log_app", linesType, "", `{"_id":"x","_rev":"1-a"}` + "\n{}", 201, "POST /log_app/_bulk_docs", `"ok":true`},
		{"bad line", "/log_app", linesType, "", "{}\n[]", 400, "", `Document must be a JSON object`},
		{"bad array", "/log_app", jsonType, "", "[1]", 400, "", `Document must be a JSON object`},
		{"not an app's", "/secret", jsonType, "", array, 400, "POST /secret", `Document must be a JSON object`},
		{"query", "/log_app?batch=ok", jsonType, "", array, 400, "POST /log_app?batch=ok", `Document must be a JSON object`},
		{"reading", "/log_app/_all_docs?limit=1", jsonType, "", array, 200, "POST /log_app/_all_docs?limit=1", `{}`},
		{"odd path", "//log_app//_all_docs", jsonType, "", array, 200, "POST //log_app//_all_docs", ``},
	}
	for _, tt := range tests {
		f := newFakeCouch()
		if tt.name == "odd path" {
			f.dbs[""] = map[string]string{} // the fake does not join slashes
		}
		headers := []string{"Content-Type", tt.kind, "Authorization", "Basic cmVhZGVyOnB3"}
		if tt.coding != "" {
			headers = append(headers, "Content-Encoding", tt.coding)
		}
		w := call(newDoor(f), "POST", tt.target, tt.body, headers...)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.answer) {
			t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.status)
		}
		seen := f.seen()
		if len(seen) == 0 || seen[0] != "GET /_session" {
			t.Fatalf("%s: asked %q", tt.name, seen)
		}
		if got := strings.Join(seen[1:], " "); got != tt.ask {
			t.Errorf("%s: asked %q, want %q", tt.name, got, tt.ask)
		}
		if last := f.headers[len(f.headers)-1]; last.Get("Authorization") != "Basic cmVhZGVyOnB3" {
			t.Errorf("%s: the caller's credentials are gone", tt.name)
		}
	}
}

// TestRejectIDs: in a database of rejects the id follows from the line, elsewhere from the whole doc.
func TestRejectIDs(t *testing.T) {
	t.Parallel()
	const body = `{"line":"x","machine":"m","reason":"no fit","time":"2026-01-01T00:00:00Z"}`
	reject := `{"_id":"` + string(ejson.AppendRejectID(nil, []byte(body), 0)) + `",` + body[1:]
	whole, _, _ := withID(t, body)
	for _, tt := range []struct {
		db     store.DBName
		doc    string
		passes bool
	}{{"log_app_rejects", reject, true}, {"log_app_rejects", whole, false}, {"log_app", reject, false}, {"log_app", whole, true}, {"log__rejects", whole, true}} {
		d := New(Options{Upstream: untouched(t)})
		l := d.budget.Lease(client{})
		if _, err := d.parseDocs(tt.db, []byte(tt.doc), asJSON, false, &l); (err == nil) != tt.passes {
			t.Errorf("%s to %s: %v", tt.doc, tt.db, err)
		}
	}
}

// TestLabels: labels may be added to a doc whose id follows from the rest; then the store has to know that it does not follow from all.
func TestLabels(t *testing.T) {
	t.Parallel()
	plain, _, _ := withID(t, `{"time":"2026-01-01T00:00:00Z","a":1}`)
	labelled := strings.TrimSuffix(plain, "}") + `,"labels":{"app":"web"}}`
	inside, _, _ := withID(t, `{"time":"2026-01-01T00:00:00Z","a":1,"labels":{"app":"web"}}`)
	for _, tt := range []struct {
		doc            string
		passes, hashed bool
	}{
		{plain, true, true}, {labelled, true, false}, {inside, true, true},
		{strings.Replace(labelled, `"a":1`, `"a":2`, 1), false, false},
		{strings.Replace(labelled, "2026", "2027", 1), false, false},
		{strings.TrimSuffix(plain, "}") + `,"labels":"web"}`, false, false},
		{strings.TrimSuffix(labelled, "}") + `,"b":1}`, false, false},
	} {
		d := New(Options{Upstream: untouched(t)})
		l := d.budget.Lease(client{})
		list, err := d.parseDocs("log_app", []byte(tt.doc), asJSON, false, &l)
		if (err == nil) != tt.passes || err == nil && list.list[0].Hashed != tt.hashed {
			t.Errorf("%s: %v, %+v", tt.doc, err, list.list)
		}
	}
}
