package ship

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"logctl/store"
	"logctl/store/ejson"
)

// fault is something that goes wrong with one request.
type fault uint8

const (
	fine        fault = iota
	connRefused       // nobody listens
	lostAnswer        // stored, then the connection is cut
	halfAnswer        // stored, then the answer is cut in the middle
	shortAnswer       // stored, but the answer is valid JSON that leaves docs out
	unavailable       // 503 from a proxy, without JSON
	timedOut          // 500 as CouchDB gives while it is busy
	quorumLost        // 202: stored
	rowTimeouts       // every second doc is not stored and its row says so
	faults            // how many there are
)

// fakeCouch is a server that keeps docs as CouchDB does: one for an id. It is a RoundTripper, so nothing is listened to.
type fakeCouch struct {
	t         *testing.T
	anonymous bool
	gone      bool // the database does not exist
	maxDocs   int  // of a batch; 0: any number
	maxDoc    int  // bytes of a doc; 0: any
	fault     func(request int) fault
	refuse    func(doc string) bool
	answer    *http.Response // instead of all that

	mu       sync.Mutex
	docs     map[string]string // body without _id, by id
	rejects  map[string]string // the same of the other database
	requests int
}

func newFake(t *testing.T) *fakeCouch {
	return &fakeCouch{t: t, docs: map[string]string{}, rejects: map[string]string{}}
}

func (f *fakeCouch) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	request := f.requests
	f.requests++
	what := fine
	if f.fault != nil {
		what = f.fault(request)
	}
	body := f.readBody(r)
	switch {
	case what == connRefused:
		return nil, errors.New("connection refused")
	case what == unavailable:
		return reply(503, "text/html", "<h1>no server</h1>"), nil
	case what == timedOut:
		return reply(500, "application/json", `{"error":"timeout","reason":"The request could not be processed in a reasonable amount of time."}`), nil
	case f.answer != nil:
		return f.answer, nil
	case f.gone:
		return reply(404, "application/json", `{"error":"not_found","reason":"Database does not exist."}`), nil
	}
	docs, check := f.docs, ejson.CheckContentID
	if dbOf(r) != "/log_test" {
		docs, check = f.rejects, ejson.CheckRejectID
	}
	if docs == nil {
		return reply(404, "application/json", `{"error":"not_found","reason":"Database does not exist."}`), nil
	}
	return f.store(what, docs, check, f.split(r, body))
}

// readBody reads a request, which must come as its headers say.
func (f *fakeCouch) readBody(r *http.Request) []byte {
	var from io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if from, err = gzip.NewReader(r.Body); err != nil {
			f.t.Error(err)
			return nil
		}
	}
	body, err := io.ReadAll(from)
	r.Body.Close()
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		f.t.Errorf("%s with %v: %v", r.Method, r.Header, err)
	}
	return body
}

func (f *fakeCouch) split(r *http.Request, body []byte) []json.RawMessage {
	var docs []json.RawMessage
	var err error
	if f.anonymous {
		err = json.Unmarshal(body, &docs)
	} else {
		var bulk struct{ Docs []json.RawMessage }
		err = json.Unmarshal(body, &bulk)
		docs = bulk.Docs
	}
	if want := map[bool]string{true: "", false: "/_bulk_docs"}[f.anonymous]; err != nil || r.URL.Path != dbOf(r)+want {
		f.t.Errorf("request to %s: %v", r.URL.Path, err)
	}
	return docs
}

// dbOf is the path of the database that a request is for.
func dbOf(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, "/log_test_rejects") {
		return "/log_test_rejects"
	}
	return "/log_test"
}

func (f *fakeCouch) store(what fault, there map[string]string, check func(string, []byte) bool, docs []json.RawMessage) (*http.Response, error) {
	if f.maxDocs > 0 && len(docs) > f.maxDocs {
		return reply(413, "text/html", "too large"), nil
	}
	for _, doc := range docs {
		if f.maxDoc > 0 && len(doc) > f.maxDoc {
			return reply(413, "application/json", `{"error":"document_too_large","reason":"x"}`), nil
		}
		if bytes.Contains(doc, []byte("malformed")) {
			return reply(400, "application/json", `{"error":"doc_validation","reason":"Bad special document member: _x"}`), nil
		}
	}
	var rows []string
	for i, doc := range docs {
		id, body := f.take(doc, check)
		switch {
		case what == rowTimeouts && i%2 == 0:
			rows = append(rows, fmt.Sprintf(`{"id":%q,"error":"timeout","reason":"busy"}`, id))
		case f.refuse != nil && f.refuse(string(body)):
			rows = append(rows, fmt.Sprintf(`{"id":%q,"error":"forbidden","reason":"not \"wanted\" here"}`, id))
		case there[id] != "" && !f.anonymous:
			rows = append(rows, fmt.Sprintf(`{"id":%q,"error":"conflict","reason":"Document update conflict."}`, id))
		default:
			if there[id] == "" { // a door does not tell strangers what was there
				there[id] = string(body)
			}
			rows = append(rows, fmt.Sprintf(`{"ok":true,"id":%q,"rev":"1-967a00dff5e02add41819138abb3284d"}`, id))
		}
	}
	answer := "[" + strings.Join(rows, ",") + "]\n"
	switch what {
	case lostAnswer:
		return nil, io.ErrUnexpectedEOF
	case halfAnswer:
		return reply(201, "application/json", answer[:len(answer)/2]), nil
	case shortAnswer:
		return reply(201, "application/json", "["+strings.Join(rows[1:], ",")+"]"), nil
	case quorumLost:
		return reply(202, "application/json", answer), nil
	}
	return reply(201, "application/json", answer), nil
}

// take splits a doc; its id must be one that its content gives.
func (f *fakeCouch) take(doc []byte, check func(string, []byte) bool) (id string, body []byte) {
	split, _, err := ejson.SplitDoc(nil, doc)
	if err != nil || !check(split.Doc.ID, split.Doc.Body) {
		f.t.Errorf("doc %s: %v", doc, err)
	}
	return split.Doc.ID, split.Doc.Body
}

func reply(status int, kind, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1,
	}
}

// plainFormat makes a doc of every line but those that begin with "reject" or "skip".
type plainFormat struct{}

func (plainFormat) Append(dst, line []byte) ([]byte, Verdict) {
	switch {
	case bytes.HasPrefix(line, []byte("reject")):
		return dst, Reject
	case bytes.HasPrefix(line, []byte("skip")):
		return dst, Skip
	}
	dst = append(dst, `{"line":`...)
	return append(store.AppendJSONString(dst, line), '}'), Doc
}

func (plainFormat) Reason(line []byte) string {
	return "because of " + string(line[:min(len(line), 6)])
}

func plainOptions(f *fakeCouch, inputs ...string) Options {
	return Options{
		Endpoint: Endpoint{BaseURL: "http://couch", Transport: f, Anonymous: f.anonymous},
		App:      "test",
		Format:   func(time.Time) Formatter { return plainFormat{} },
		Inputs:   inputs,
	}
}

// lines is how often each line is in the store.
func (f *fakeCouch) lines() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := map[string]int{}
	for _, body := range f.docs {
		var doc struct{ Line string }
		if err := json.Unmarshal([]byte(body), &doc); err != nil {
			f.t.Error(err)
		}
		n[doc.Line]++
	}
	return n
}
