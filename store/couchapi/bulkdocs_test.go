package couchapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"logctl/store"
	"logctl/store/uuids"
)

// call sends a request as the admin would from within the process.
func call(t testing.TB, h http.Handler, method, path, body string, edit ...func(*http.Request)) (int, string) {
	t.Helper()
	ctx := store.WithCaller(context.Background(), adminCaller(testAdmin))
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

// expect calls and compares the status.
func expect(t testing.TB, h http.Handler, method, path, body string, status int, edit ...func(*http.Request)) string {
	t.Helper()
	got, answer := call(t, h, method, path, body, edit...)
	if got != status {
		t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, got, answer, status)
	}
	return answer
}

// FuzzPlainBulk looks for a body that the short way takes and the long way does not, or takes for something else.
func FuzzPlainBulk(f *testing.F) {
	for _, s := range []string{
		`{"docs":[{"_id":"a"}]}`, ` {"docs": [ ] } `, `{"docs":[],"new_edits":false}`, `{"docs":[1],"x":[]}`, `{"docs":[]]}`,
		`{"docs":[]}}`, "{\"docs\":[]}\u00a0", `{"docs":[{}],"docs":[]}`, `{"docs":[{"a":"]}"}]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		x := &exchange{h: &Handler{o: Options{MaxDoc: defaultMaxDoc}, ids: uuids.New()}}
		req, ok := plainBulk([]byte(body))
		var short docList
		if !ok || x.splitBulk(&short, req) != nil {
			return
		}
		req, ids, err := parseBulk([]byte(body))
		var long docList
		if err == nil {
			err = x.splitBulk(&long, req)
		}
		if err != nil || ids != nil || len(long.docs) != len(short.docs) || !req.newEdits {
			t.Fatalf("%q: %d docs the short way, %d the long way, %v", body, len(short.docs), len(long.docs), err)
		}
		for i := range long.docs {
			if !bytes.Equal(long.docs[i].Body, short.docs[i].Body) {
				t.Fatalf("%q: doc %d differs", body, i)
			}
		}
	})
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{MaxDoc: 1000, MaxRequest: 5000})
	expect(t, h, "PUT", "/db", "", 201)
	big := `{"a":"` + strings.Repeat("x", 2000) + `"}`
	huge := `{"a":"` + strings.Repeat("x", 6000) + `"}`
	zip := func(r *http.Request) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := io.Copy(z, r.Body); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		r.Body, r.ContentLength = io.NopCloser(&b), int64(b.Len())
		r.Header.Set("Content-Encoding", "gzip")
	}
	for _, c := range []struct {
		path, body, want string
	}{
		{"/db", big, `{"error":"document_too_large","reason":""}`},
		{"/db/_bulk_docs", `{"docs":[{"_id":"small"},{"_id":"big",` + big[1:] + `]}`, `{"error":"document_too_large","reason":"big"}`},
		{"/db/_bulk_docs", `{"docs":[{"_id":"small"},` + big + `]}`, `{"error":"document_too_large","reason":""}`},
		{"/db", huge, `{"error":"too_large","reason":"the request entity is too large"}`},
		{"/db/_bulk_docs", `{"docs":[` + huge + `]}`, `{"error":"too_large","reason":"the request entity is too large"}`},
	} {
		if got := expect(t, h, "POST", c.path, c.body, 413); got != c.want {
			t.Errorf("%s: %s, want %s", c.path, got, c.want)
		}
		if got := expect(t, h, "POST", c.path, c.body, 413, zip); got != c.want {
			t.Errorf("%s, gzip: %s, want %s", c.path, got, c.want)
		}
	}
	if got := expect(t, h, "GET", "/db/_all_docs", "", 200); !strings.Contains(got, `"total_rows":0`) {
		t.Errorf("something of a refused request was stored: %s", got)
	}
	expect(t, h, "POST", "/db", `{"a":1}`, 201, zip)
}
