package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"logctl/proxy/token"
	"logctl/store"
	"logctl/store/ejson"
)

// fakeCouch is a small CouchDB: accounts, databases that accounts may use, docs by id.
type fakeCouch struct {
	mu       sync.Mutex
	accounts map[string]string            // passwords; "*locked*" is locked
	roles    map[string]string            // of accounts, with commas between them
	dbs      map[string]map[string]string // doc texts by id
	requests []string                     // "METHOD path" of each request, in order
	headers  []http.Header
	next     int
	degraded bool // the cluster has lost its quorum
	validate func(body []byte) (reason string)
}

func newFakeCouch() *fakeCouch {
	return &fakeCouch{
		accounts: map[string]string{"app_write": "w", "reader": "pw", "locked": "*locked*"},
		dbs:      map[string]map[string]string{"log_app": {}, "secret": {}, string(store.TrailDB): {}},
	}
}

func fakeError(w http.ResponseWriter, status int, word, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Server", "CouchDB/3.5.0 (Erlang OTP/25)")
	w.WriteHeader(status)
	fmt.Fprintf(w, "{\"error\":%q,\"reason\":%q}\n", word, reason)
}

func fakeAnswer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Server", "CouchDB/3.5.0 (Erlang OTP/25)")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

// user is who asks; "" for nobody.
func (f *fakeCouch) user(w http.ResponseWriter, r *http.Request) (name string, ok bool) {
	if c, err := r.Cookie("AuthSession"); err == nil && c.Value != "" {
		switch {
		case c.Value == "malformed":
			fakeError(w, 400, "bad_request", "Malformed AuthSession cookie. Please clear your cookies.")
			return "", false
		case strings.HasPrefix(c.Value, "good-"):
			return strings.TrimPrefix(c.Value, "good-"), true
		}
	}
	name, password, ok := r.BasicAuth()
	if !ok {
		return "", true
	}
	switch f.accounts[name] {
	case "*locked*":
		fakeError(w, 403, "forbidden", "Account is temporarily locked due to multiple authentication failures")
		return "", false
	case password:
		return name, true
	}
	fakeError(w, 401, "unauthorized", "Name or password is incorrect.")
	return "", false
}

func (f *fakeCouch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r.Method+" "+r.URL.RequestURI())
	f.headers = append(f.headers, r.Header.Clone())
	user, ok := f.user(w, r)
	if !ok {
		return
	}
	switch r.URL.Path {
	case "/":
		fakeAnswer(w, 200, `{"couchdb":"Welcome","version":"3.5.0","uuid":"secret"}`)
		return
	case "/_up":
		fakeAnswer(w, 200, `{"status":"ok","seeds":{"node1@10.0.0.7":{}}}`)
		return
	case "/_session":
		f.session(w, r, user)
		return
	case "/_utils/index.html":
		w.Header().Set("ETag", `"x"`)
		fakeAnswer(w, 200, "<html>")
		return
	}
	db, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	docs, ok := f.dbs[db]
	switch {
	case !ok:
		fakeError(w, 404, "not_found", "Database does not exist.")
	case user == "":
		fakeError(w, 401, "unauthorized", "You are not authorized to access this db.")
	case db == "secret" && user == "app_write":
		fakeError(w, 403, "forbidden", "You are not allowed to access this db.")
	case r.Method == "POST" && rest == "":
		f.post(w, r, docs)
	case r.Method == "POST" && rest == "_bulk_docs":
		f.bulk(w, r, docs)
	case db == string(token.DB) && docs[rest] == "":
		fakeError(w, 404, "not_found", "missing")
	case db == string(token.DB):
		fakeAnswer(w, 200, docs[rest])
	default:
		text, _ := json.Marshal(docs)
		fakeAnswer(w, 200, string(text))
	}
}

func (f *fakeCouch) session(w http.ResponseWriter, r *http.Request, user string) {
	if r.Method == "POST" {
		body, _ := io.ReadAll(r.Body)
		if string(body) != "name=reader&password=pw" {
			fakeError(w, 401, "unauthorized", "Name or password is incorrect.")
			return
		}
		w.Header().Set("Set-Cookie", "AuthSession=good-reader; Version=1; Path=/; HttpOnly")
		fakeAnswer(w, 200, `{"ok":true,"name":"reader","roles":[]}`)
		return
	}
	name := "null"
	if user != "" {
		name = `"` + user + `"`
	}
	roles := `[]`
	if r := f.roles[user]; r != "" {
		roles = `["` + strings.ReplaceAll(r, ",", `","`) + `"]`
	}
	if user == "admin" {
		roles = `["_admin"]`
	}
	fakeAnswer(w, 200, `{"ok":true,"userCtx":{"name":`+name+`,"roles":`+roles+`},"info":{}}`)
}

// put stores one doc and gives its id and revision, or an error word.
func (f *fakeCouch) put(docs map[string]string, text []byte) (id, rev, word, reason string) {
	s, _, err := ejson.SplitDoc(nil, text)
	if err != nil {
		return "", "", "bad_request", err.Error()
	}
	if id = s.Doc.ID; id == "" {
		f.next++
		id = fmt.Sprintf("%032x", f.next)
	}
	if _, ok := docs[id]; ok {
		return id, "", "conflict", "Document update conflict."
	}
	if f.validate != nil {
		if reason := f.validate(s.Doc.Body); reason != "" {
			return id, "", "forbidden", reason
		}
	}
	docs[id] = string(s.Doc.Body)
	return id, "1-" + string(ejson.AppendRevHash(nil, false, store.Rev{}, s.Doc.Body)), "", ""
}

func (f *fakeCouch) post(w http.ResponseWriter, r *http.Request, docs map[string]string) {
	body, _ := io.ReadAll(r.Body)
	if first := firstByte(body); first == '[' {
		fakeError(w, 400, "bad_request", "Document must be a JSON object")
		return
	}
	id, rev, word, reason := f.put(docs, body)
	switch word {
	case "":
		w.Header().Set("Location", "http://backend:5984/x")
		fakeAnswer(w, f.created(), fmt.Sprintf(`{"ok":true,"id":%q,"rev":%q}`, id, rev))
	case "conflict":
		fakeError(w, 409, word, reason)
	case "forbidden":
		fakeError(w, 403, word, reason)
	default:
		fakeError(w, 400, word, reason)
	}
}

func (f *fakeCouch) created() int {
	if f.degraded {
		return 202
	}
	return 201
}

func (f *fakeCouch) bulk(w http.ResponseWriter, r *http.Request, docs map[string]string) {
	var req struct{ Docs []json.RawMessage }
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		fakeError(w, 400, "bad_request", err.Error())
		return
	}
	var rows []string
	for _, text := range req.Docs {
		id, rev, word, reason := f.put(docs, text)
		if word == "" {
			rows = append(rows, fmt.Sprintf(`{"ok":true,"id":%q,"rev":%q}`, id, rev))
		} else {
			rows = append(rows, fmt.Sprintf(`{"id":%q,"error":%q,"reason":%q}`, id, word, reason))
		}
	}
	fakeAnswer(w, f.created(), "["+strings.Join(rows, ",")+"]")
}

// seen is how many requests came, and what they were.
func (f *fakeCouch) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.requests...)
}

// untouched fails the test when it is asked anything.
func untouched(t testing.TB) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the store was asked: %s %s", r.Method, r.URL)
	})
}

// newDoor is a door in front of a fake that knows the writer.
func newDoor(f http.Handler) *Door {
	return New(Options{Upstream: f, AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") })})
}

// newRequest makes a request as a server reads it. headers are names and values in turn.
func newRequest(method, target, body string, headers ...string) *http.Request {
	var b io.Reader
	if body != "" {
		b = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "/", b)
	u, err := url.ParseRequestURI(target)
	if err != nil {
		panic(err)
	}
	r.URL, r.RequestURI = u, target
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func call(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, newRequest(method, target, body, headers...))
	return w
}

// errorOf is the error word and the reason of an answer.
func errorOf(t testing.TB, w *httptest.ResponseRecorder) (word, reason string) {
	t.Helper()
	var e struct{ Error, Reason string }
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("no JSON error: %q", w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	return e.Error, e.Reason
}

const (
	jsonType  = "application/json"
	linesType = "application/x-ndjson"
)

// withID is the doc with the id that its content gives.
func withID(t testing.TB, text string) (doc, id, rev string) {
	t.Helper()
	body, err := ejson.Compact(nil, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	id = string(ejson.AppendContentID(nil, body, 0))
	rev = "1-" + string(ejson.AppendRevHash(nil, false, store.Rev{}, body))
	doc = `{"_id":"` + id + `"`
	if !bytes.Equal(body, []byte("{}")) {
		doc += ","
	}
	return doc + string(body[1:]), id, rev
}
