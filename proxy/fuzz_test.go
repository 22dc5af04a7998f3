package proxy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"logctl/store"
	"logctl/store/ejson"
)

// canary is in everything that a stranger must not see.
const canary = "c4n4ry"

var (
	writePath = regexp.MustCompile(`^/log_(?:[a-z0-9_$()\-]|%2B)+(/_bulk_docs)?$`)
	filePath  = regexp.MustCompile(`^/_utils(/[^/?#]*)+$`)
)

// strictStore is a store that fails the test at a request that the door must not make, and puts its canary into every answer.
type strictStore struct{ t *testing.T }

func (s strictStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	allowed := []string{"Accept", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}
	switch m := writePath.FindStringSubmatch(path); {
	case m != nil && r.Method == "POST":
		allowed = []string{"Accept", "Authorization", "Content-Type"}
		s.checkDocs(w, r, m[1] != "")
	case path == "/_up" && r.Method == "GET":
		fakeAnswer(w, 200, `{"status":"ok","seeds":{"`+canary+`":1}}`)
	case path == "/_session" && r.Method == "GET": // who is behind these credentials?
		allowed = append(allowed, "Authorization", "Cookie")
		fakeAnswer(w, 200, `{"userCtx":{"name":null,"`+canary+`":1}}`)
	case path == "/_session" && (r.Method == "POST" || r.Method == "DELETE"):
		allowed = append(allowed, "Content-Type")
		fakeAnswer(w, 200, `{"ok":true}`)
	case filePath.MatchString(path) && (r.Method == "GET" || r.Method == "HEAD") && !strings.Contains(path, "/../") && !strings.HasSuffix(path, "/.."):
		allowed = append(allowed, staticHeaders[:]...)
		w.Header().Set("X-Secret", canary)
		fakeAnswer(w, 200, "a file")
	default:
		s.t.Errorf("the store was asked: %s %s", r.Method, path)
	}
	if r.URL.RawQuery != "" {
		s.t.Errorf("%s %s came with query %q", r.Method, path, r.URL.RawQuery)
	}
	for name := range r.Header {
		if !slices.Contains(allowed, name) {
			s.t.Errorf("%s %s came with header %s", r.Method, path, name)
		}
	}
}

// checkDocs reads what a stranger writes with another JSON reader than the door's.
func (s strictStore) checkDocs(w http.ResponseWriter, r *http.Request, bulk bool) {
	text, err := io.ReadAll(r.Body)
	if err != nil || int64(len(text)) != r.ContentLength {
		s.t.Errorf("%d bytes of %d, %v", len(text), r.ContentLength, err)
	}
	if name, password, _ := r.BasicAuth(); name != "app_write" || password != "w" {
		s.t.Errorf("written as %q", name)
	}
	docs := []json.RawMessage{text}
	if bulk {
		var req map[string][]json.RawMessage
		if err := json.Unmarshal(text, &req); err != nil || len(req) != 1 || req["docs"] == nil {
			s.t.Errorf("bulk %q: %v", text, err)
		}
		docs = req["docs"]
	}
	follows := func(d *store.Doc) bool {
		return ejson.CheckContentID(d.ID, d.Body) || ejson.CheckContentID(d.ID, ejson.WithoutLabels(d.Body))
	}
	db, _, _ := strings.Cut(r.URL.Path[1:], "/")
	if _, rejects := store.DBName(db).RejectsOf(); rejects {
		follows = func(d *store.Doc) bool { return ejson.CheckRejectID(d.ID, d.Body) }
	}
	rows := []string{}
	for _, doc := range docs {
		members := map[string]json.RawMessage{}
		if err := json.Unmarshal(doc, &members); err != nil {
			s.t.Errorf("doc %q: %v", doc, err)
		}
		for name, value := range members {
			if !strings.HasPrefix(name, "_") {
				continue
			}
			split, _, err := ejson.SplitDoc(nil, doc)
			if name != "_id" || err != nil || !follows(&split.Doc) {
				s.t.Errorf("doc %q has %s = %s (%v)", doc, name, value, err)
			}
		}
		if _, ok := members["_id"]; ok {
			rows = append(rows, `{"id":"`+canary+`","error":"conflict","reason":"`+canary+`"}`)
		} else {
			rows = append(rows, `{"ok":true,"id":"u","rev":"1-r"}`)
		}
	}
	switch {
	case bulk:
		fakeAnswer(w, 201, "["+strings.Join(rows, ",")+"]")
	case strings.Contains(rows[0], "conflict"):
		fakeError(w, 409, "conflict", canary)
	default:
		fakeAnswer(w, 201, rows[0])
	}
}

// strangers are requests of somebody whom the store does not know.
func strangers(t testing.TB) (list []string) {
	good, _, _ := withID(t, `{"date":"2017-06-14","ip":"59.45.175.88"}`)
	reject := fmt.Sprintf(`{"_id":"%s","line":"x"}`, ejson.AppendRejectID(nil, []byte(`{"line":"x"}`), 0))
	post := func(path, headers, body string) {
		list = append(list, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+headers+"\r\n"+body)
	}
	for _, body := range []string{good, "[" + good + "]", `{"a":1}`, `{"_rev":"1-a"}`, `{"_id":"x","_id":"y"}`, `{"_deleted":true}`, `{"a":{"_b":1}}`,
		`{"\u005fid":"x"}`, `{"a\u0000":"\ud83d\ude00"}`, `[{},{"_access":1}]`, "{\"a\":1e2,\"a\":2}"} {
		post("/log_app", "Connection: close\r\nContent-Length: 500\r\n", body+strings.Repeat(" ", 500-len(body)))
		post("/log_app/", "Transfer-Encoding: chunked\r\n", "ff\r\n"+body+strings.Repeat(" ", 255-len(body))+"\r\n0\r\n\r\n")
	}
	for _, path := range []string{"/log_app", "/_session", "/_utils/x"} {
		list = append(list, "GET "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eDp5\r\n\r\n")
	}
	for _, form := range []string{"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 15\r\n\r\nname=x&password",
		"Content-Type: application/json\r\nContent-Length: 27\r\n\r\n{\"name\":\"x\",\"password\":\"y\"}"} {
		list = append(list, "POST /_session HTTP/1.1\r\nHost: x\r\n"+form)
	}
	for _, body := range []string{pack(t, "["+good+"]"), pack(t, strings.Repeat(" ", 1<<17)), pack(t, good)[:40]} {
		post("/log_app", fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n", len(body)), body)
	}
	list = append(list, "POST /log_app HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 18\r\n\r\n{\"a\":1}\n\n{\"a\":2}\r\n")
	post("/log_app_rejects", "Content-Length: 500\r\n", reject+strings.Repeat(" ", 500-len(reject)))
	for _, path := range []string{"/", "/_up", "/_session", "/_utils/", "/_utils/a/%2e%2e/b", "//log_app", "/log_app/_find", "/log_app%2f_find", "/log_a%2Bb",
		"http://x/log_app", "/log_app?new_edits=false", "/%5fall_dbs", "/log_app/%5fall_docs", "*"} {
		for _, method := range []string{"GET", "POST", "DELETE", "OPTIONS"} {
			list = append(list, method+" "+path+" HTTP/1.1\r\nHost: x\r\nCookie: AuthSession=x\r\nX-HTTP-Method-Override: PUT\r\nAccept: text/html\r\n\r\n")
		}
	}
	return list
}

// askAsStranger sends what reads as HTTP through the door.
func askAsStranger(t *testing.T, raw []byte) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return
	}
	r.RemoteAddr = "192.0.2.1:1234"
	door := New(Options{Upstream: strictStore{t}, Limits: Limits{Body: 1 << 16},
		AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") })})
	w := httptest.NewRecorder()
	synctest.Test(t, func(*testing.T) { door.ServeHTTP(w, r) }) // wrong passwords take their time by the bubble's clock
	answer := w.Body.String()
	for name, values := range w.Header() {
		answer += name + strings.Join(values, "")
	}
	if strings.Contains(answer, canary) && !bytes.Contains(raw, []byte(canary)) {
		t.Errorf("%d %s", w.Code, answer)
	}
	if left := door.budget.Unused(); left != door.o.Limits.Memory {
		t.Errorf("%d of %d bytes left of the budget", left, door.o.Limits.Memory)
	}
	switch w.Code {
	case 200, 201, 301, 302, 400, 401, 403, 404, 408, 413, 415, 503:
	default:
		t.Errorf("status %d: %s", w.Code, answer)
	}
}

func TestStrangers(t *testing.T) {
	t.Parallel()
	for _, raw := range strangers(t) {
		if askAsStranger(t, []byte(raw)); t.Failed() {
			t.Fatalf("%q", raw)
		}
	}
}

// FuzzStranger begins with some of TestStrangers' requests: a short run has no time for all.
func FuzzStranger(f *testing.F) {
	for i, raw := range strangers(f) {
		if i%3 == 0 {
			f.Add([]byte(raw))
		}
	}
	f.Fuzz(askAsStranger)
}

// FuzzHashed: of docs of whatever bodies, none says wrongly that its id follows from its body.
func FuzzHashed(f *testing.F) {
	good, _, _ := withID(f, `{"date":"2017-06-14","ip":"59.45.175.88"}`)
	reject := []byte(`{"line":"x"}`)
	f.Add([]byte("["+good+","+strings.TrimSuffix(good, "}")+`,"labels":{"a":"b"}}]`), false, false)
	f.Add(fmt.Appendf(nil, `{"_id":"%s",%s`, ejson.AppendRejectID(nil, reject, 0), reject[1:]), true, false)
	f.Add([]byte(good), false, true)
	f.Fuzz(func(t *testing.T, body []byte, rejects, longer bool) {
		o := Options{Upstream: untouched(t)}
		if longer {
			o.Extend = addX
		}
		db := store.DBName("log_app")
		if rejects {
			db = "log_app_rejects"
		}
		d := New(o)
		l := d.budget.Lease(client{})
		for _, form := range []docsForm{asJSON, asLines} {
			list, _ := d.parseDocs(db, body, form, false, &l) // an error comes without docs
			for _, doc := range list.list {
				if doc.Hashed && !ejson.CheckContentID(doc.ID, doc.Body) {
					t.Errorf("id %q of %s", doc.ID, doc.Body)
				}
			}
		}
	})
}

// FuzzTarget holds what parseTarget takes for an app against a plain reading of the path.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{"/log_app", "/log_app/", "/log_%61pp", "/log_a%2Bb", "/log_a+b", "//log_app", "/log_app/..", "/log_app/x", "/_utils/a/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("POST " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")))
		if err != nil {
			return
		}
		to, err := parseTarget(r)
		if err != nil || to.db == "" || len(to.parts) != 1 {
			return
		}
		if got := strings.TrimSuffix(r.URL.Path, "/"); got != "/"+string(to.db) || !writePath.MatchString(dbPath(to.db, "")) {
			t.Errorf("%q leads to %q", path, to.db)
		}
	})
}
