package couchapi

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"logctl/store"
	"logctl/store/intake"
)

// TestBodiesHaveRoom: what is announced takes no memory, nobody takes more than half of what there is, whatever a body is, and all of it
// is given back.
func TestBodiesHaveRoom(t *testing.T) {
	t.Parallel()
	const largest = 1 << 20
	h := newTestHandler(t, Options{MaxRequest: largest})
	send := func(who, method, path string, body io.Reader, announced int64, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, body)
		r.ContentLength = announced
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(store.WithCaller(r.Context(), store.Caller{Name: who, Roles: []string{store.AdminRole}})))
		return w
	}
	if w := send("a", "PUT", "/db", http.NoBody, 0); w.Code != 201 {
		t.Fatal(w.Code, w.Body)
	}
	left := h.room.Unused
	all := left()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte(" "), largest-100))
	if err := z.Flush(); err != nil {
		t.Fatal(err)
	}
	blanks := strings.Repeat(" ", largest-100)
	const form = "--x\r\nContent-Disposition: form-data; name=\"_doc\"\r\n\r\n"
	for name, tt := range map[string]struct {
		method, path, sent string
		announced, taken   int64 // of each request
		header             []string
	}{
		"announced": {"POST", "/db/_find", "", largest, 0, nil},
		"small":     {"POST", "/db/_find", "{", intake.Small / 2, 0, nil},
		"plain":     {"POST", "/db/_find", blanks, largest, largest, nil},
		"no length": {"POST", "/db/_bulk_docs", blanks, -1, largest, nil},
		"gzip":      {"POST", "/db/_bulk_docs", packed.String(), largest, largest, []string{"Content-Encoding", "gzip"}},
		"multipart": {"PUT", "/db/x", "--x\r\nContent-Type: application/json\r\n\r\n" + blanks, -1, largest, []string{"Content-Type", "multipart/related; boundary=x"}},
		"form": {"POST", "/db/x", form + blanks + "\r\n--x\r\n", -1, largest,
			[]string{"Content-Type", "multipart/form-data; boundary=x", "Referer", "http://example.com/"}},
	} {
		var wg sync.WaitGroup
		var ends []*io.PipeWriter
		codes := make(chan int, 3)
		for range 3 {
			body, w := io.Pipe()
			ends = append(ends, w)
			wg.Go(func() {
				code := send("a", tt.method, tt.path, body, tt.announced, tt.header...).Code
				_ = body.Close()
				codes <- code
			})
			_, _ = io.WriteString(w, tt.sent) // returns when it is read, or refused
		}
		if tt.taken > 0 {
			select {
			case code := <-codes:
				if code != 503 {
					t.Errorf("%s: the third gets %d", name, code)
				}
			case <-time.After(time.Minute):
				t.Errorf("%s: none of three is refused", name)
			}
		}
		taken := all - left()
		if tt.taken == 0 && taken > 0 || tt.taken > 0 && (taken < tt.taken || taken > all/2) {
			t.Errorf("%s: three take %d bytes of room", name, taken)
		}
		if w := send("b", "POST", "/db/_find", strings.NewReader(`{"selector":{"x":"`+blanks[:largest-200]+`"}}`), -1); w.Code != 200 {
			t.Errorf("%s: another account: %d %s", name, w.Code, w.Body)
		}
		for _, w := range ends {
			_ = w.CloseWithError(io.ErrUnexpectedEOF)
		}
		wg.Wait()
		if now := left(); now != all {
			t.Errorf("%s: %d bytes of room are not given back", name, all-now)
		}
	}
}

// TestBodiesOfAnyLength: a body is read whole, however it comes.
func TestBodiesOfAnyLength(t *testing.T) {
	t.Parallel()
	h := &Handler{room: newRoom(1 << 20), settings: newSettings(nil)}
	h.o.MaxRequest = 1 << 20
	text := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for _, n := range []int{0, 1, 511, intake.First - 1, intake.First, intake.First + 1, intake.Small - 1, intake.Small, intake.Small + 1, 300_000, 1<<20 - 1, 1 << 20} {
		for _, announced := range []int64{-1, 0, int64(n), 5, 1 << 30} {
			for _, src := range []io.Reader{bytes.NewReader(text[:n]), io.MultiReader(bytes.NewReader(text[:n/3]), bytes.NewReader(text[n/3:n]))} {
				x := &exchange{h: h}
				b, err := x.readAll(src, announced)
				if err != nil || !bytes.Equal(b.bytes, text[:n]) {
					t.Errorf("%d bytes, %d announced: %d, %v", n, announced, len(b.bytes), err)
				}
				b.free()
			}
		}
	}
	x := &exchange{h: h}
	if _, err := x.readAll(io.MultiReader(bytes.NewReader(text), strings.NewReader("x")), 0); !store.IsKind(err, store.KindTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
	if h.room.Unused() != 4<<20 {
		t.Errorf("%d bytes of room are left", h.room.Unused())
	}
}

// TestBodiesOfFunctions: what a function of a design document is told of a body may be no longer than a doc, and takes room for all the
// forms in which it stands in memory, until the function has ended.
func TestBodiesOfFunctions(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{MaxRequest: 1 << 20, MaxDoc: 50_000})
	send := func(method, path, body string) int {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(store.WithCaller(r.Context(), adminCaller(testAdmin))))
		return w.Code
	}
	if code := send("PUT", "/db", ""); code != 201 {
		t.Fatal(code)
	}
	if code := send("PUT", "/db/_design/d", `{"views":{"n":{"map":"function(doc) {}"}},
		"shows":{"f":"function(doc, req) { return 'x' }"}, "lists":{"f":"function(head, req) { return 'x' }"},
		"updates":{"f":"function(doc, req) { return [null, 'x'] }"}, "rewrites":"function(req) { return {code: 200, body: 'x'} }"}`); code != 201 {
		t.Fatal(code)
	}
	all := h.room.Unused()
	for _, path := range []string{"_show/f", "_update/f", "_list/f/n", "_rewrite/x"} {
		body := func(n int) string { return `{"keys":[]` + strings.Repeat(" ", n) + "}" }
		path = "/db/_design/d/" + path
		if code := send("POST", path, body(60_000)); code != 413 {
			t.Errorf("%s with too long a body: %d", path, code)
		}
		if code := send("POST", path, body(40_000)); code != 200 {
			t.Errorf("%s: %d", path, code)
		}
		l := h.room.Lease("others")
		if err := l.Need(all - 200_000); err != nil {
			t.Fatal(err)
		}
		if code := send("POST", path, body(40_000)); code != 503 {
			t.Errorf("%s when there is no room: %d", path, code)
		}
		if code := send("POST", path, body(10_000)); code != 200 {
			t.Errorf("%s when there is little room: %d", path, code)
		}
		if l.Free(); h.room.Unused() != all {
			t.Errorf("%s: %d bytes of room are not given back", path, all-h.room.Unused())
		}
	}
}

// TestQueriesHaveRoom: what a query becomes in memory takes room, until it is answered; nobody's takes more than an account has.
func TestQueriesHaveRoom(t *testing.T) {
	t.Parallel()
	const largest = 8 << 20
	h := newTestHandler(t, Options{MaxRequest: largest})
	expect(t, h, "PUT", "/db", "", 201)
	conditions := func(n int) string { return `{"selector":{"$or":[{"a":1}` + strings.Repeat(`,{"a":1}`, n) + `]}}` }
	list := func(n int) string { return `{"selector":{"a":{"$in":[1` + strings.Repeat(`,1`, n) + `]}}}` }
	all := h.room.Unused()
	for _, path := range []string{"/db/_find", "/db/_explain", "/db/_changes?filter=_selector"} {
		for name, tt := range map[string]struct {
			body string
			room int64 // without which there is none for it
			code int
		}{
			"few conditions":   {conditions(30), 0, 200},
			"many conditions":  {conditions(10_000), 10 << 20, 200},
			"long list":        {list(50_000), 5 << 20, 200},
			"long text":        {`{"selector":{"a":"` + strings.Repeat("a", 1<<20) + `"}}`, 4 << 20, 200},
			"most conditions":  {conditions(40_000), roomBodies / 2 * largest, 200},
			"no such operator": {`{"selector":{"$or":[{"a":{"$x":1}}` + strings.Repeat(`,{"a":1}`, 10_000) + `]}}`, 10 << 20, 400},
		} {
			if code, answer := call(t, h, "POST", path, tt.body); code != tt.code {
				t.Errorf("%s, %s: %d %.300s, want %d", path, name, code, answer, tt.code)
			}
			if h.room.Unused() != all {
				t.Errorf("%s, %s: %d bytes of room are not given back", path, name, all-h.room.Unused())
			}
			l := h.room.Lease("others")
			if err := l.Need(all - max(tt.room-1, 1)); err != nil {
				t.Fatal(err)
			}
			if tt.room > 0 {
				tt.code = 503
			}
			if code, answer := call(t, h, "POST", path, tt.body); code != tt.code {
				t.Errorf("%s, %s, with too little room: %d %.300s, want %d", path, name, code, answer, tt.code)
			}
			if l.Free(); h.room.Unused() != all {
				t.Errorf("%s, %s: %d bytes of room are not given back when there was too little", path, name, all-h.room.Unused())
			}
		}
	}
}

// TestLargestBodyOfTheSettings: max_http_request_size may make the limit of bodies lower, not higher.
func TestLargestBodyOfTheSettings(t *testing.T) {
	t.Parallel()
	const path = "/_node/_local/_config/chttpd/max_http_request_size"
	h := newTestHandler(t, Options{MaxRequest: 1000})
	expect(t, h, "PUT", "/db", "", 201)
	ids := func(n int) string { return `{"keys":["` + strings.Repeat("a", n) + `"]}` }
	expect(t, h, "POST", "/db/_all_docs", ids(500), 200)
	expect(t, h, "PUT", path, `"100"`, 200)
	expect(t, h, "POST", "/db/_all_docs", ids(50), 200)
	if got := expect(t, h, "POST", "/db/_all_docs", ids(500), 413); !strings.Contains(got, `"too_large"`) {
		t.Error(got)
	}
	expect(t, h, "PUT", path, `"5000"`, 200)
	expect(t, h, "POST", "/db/_all_docs", ids(2000), 413)
	expect(t, h, "DELETE", path, "", 200)
	expect(t, h, "POST", "/db/_all_docs", ids(500), 200)
}
