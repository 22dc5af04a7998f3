package couchapi

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"logctl/store"
)

func header(k, v string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(k, v) }
}

// ask is call with the whole answer.
func ask(t testing.TB, h http.Handler, method, path, body string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	return anonymous(h, method, path, body, append([]func(*http.Request){
		func(r *http.Request) {
			*r = *r.WithContext(store.WithCaller(r.Context(), store.Caller{Name: "a", Roles: []string{store.AdminRole}}))
		},
	}, edit...)...)
}

func revOf(t testing.TB, answer string) string {
	t.Helper()
	_, rev, _ := strings.Cut(answer, `"rev":"`)
	rev, _, ok := strings.Cut(rev, `"`)
	if !ok {
		t.Fatalf("no revision in %s", answer)
	}
	return rev
}

// TestAttachmentTexts has how an attachment of a type that compresses is kept and shown.
func TestAttachmentTexts(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	long := strings.Repeat("hello,", 1000)
	rev := revOf(t, expect(t, h, "PUT", "/db/a/t.txt", long, 201, header("Content-Type", "text/plain; charset=utf-8")))
	if got := expect(t, h, "GET", "/db/a/t.txt", "", 200); got != long {
		t.Errorf("%d bytes of %d", len(got), len(long))
	}
	w := ask(t, h, "GET", "/db/a/t.txt", "", header("Accept-Encoding", "deflate, gzip"))
	z, err := gzip.NewReader(w.Body)
	if err != nil || w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Content-Security-Policy") != "sandbox" {
		t.Fatalf("%v %v", err, w.Header())
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != long {
		t.Errorf("compressed: %d bytes, %v", len(got), err)
	}
	stored := w.Header().Get("Content-Length")
	doc := expect(t, h, "GET", "/db/a?att_encoding_info=true", "", 200)
	if !strings.Contains(doc, `"length":6000,"stub":true,"encoding":"gzip","encoded_length":`+stored) {
		t.Errorf("%s, want a length of 6000, stored %s", doc, stored)
	}
	tag := w.Header().Get("ETag")
	if !strings.Contains(doc, `"digest":"md5-`+strings.Trim(tag, `"`)+`"`) {
		t.Errorf("tag %s of %s", tag, doc)
	}
	if w := ask(t, h, "GET", "/db/a/t.txt", "", header("Accept-Encoding", "gzip;q=0")); w.Header().Get("Content-Encoding") != "" {
		t.Error("compressed for somebody who refuses that")
	}
	if w := ask(t, h, "HEAD", "/db/a/t.txt", ""); w.Header().Get("Content-Length") != "6000" || w.Body.Len() > 0 {
		t.Errorf("HEAD: %v", w.Header())
	}
	for _, path := range []string{"/db/a?attachments=true", "/db/_all_docs?include_docs=true&attachments=true",
		"/db/_changes?include_docs=true&attachments=true"} {
		got := expect(t, h, "GET", path, "", 200, header("Accept", "application/json"))
		if !strings.Contains(got, `"data":"`+base64.StdEncoding.EncodeToString([]byte(long))+`"`) {
			t.Errorf("%s: %.300s", path, got)
		}
	}
	// What a client has compressed stays as it is, and nobody knows how long it is otherwise.
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	if _, err := zw.Write([]byte(long)); err != nil || zw.Close() != nil {
		t.Fatal(err)
	}
	n := zipped.Len()
	expect(t, h, "PUT", "/db/a/z?rev="+rev, zipped.String(), 201, header("Content-Encoding", "gzip"), header("Content-Type", "image/svg+xml"))
	if got := expect(t, h, "GET", "/db/a/z", "", 200); got != long {
		t.Errorf("%d bytes of what came compressed", len(got))
	}
	if doc := expect(t, h, "GET", "/db/a", "", 200); !strings.Contains(doc, `"length":`+strconv.Itoa(n)+`,"stub":true`) {
		t.Errorf("%s, want a length of %d", doc, n)
	}
	expect(t, h, "PUT", "/db/b/z", "x", 415, header("Content-Encoding", "br"))
}

// TestAttachmentRanges has what of a Range header is honoured.
func TestAttachmentRanges(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/a/f", "0123456789", 201, header("Content-Type", "image/png"))
	for _, c := range []struct {
		ranges string
		status int
		want   string
	}{
		{"bytes=2-4", 206, "234"}, {"bytes=7-", 206, "789"}, {"bytes=-3", 206, "789"}, {"bytes=5-99", 206, "56789"},
		{"bytes=-99", 206, "0123456789"}, {"bytes=0-", 200, "0123456789"}, {"lines=1-2", 200, "0123456789"},
		{"bytes=a-b", 200, "0123456789"}, {"bytes=-", 200, "0123456789"},
		{"bytes=10-", 416, ""}, {"bytes=4-2", 416, ""}, {"bytes=20-30", 416, ""},
		{"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9", 200, "0123456789"},
	} {
		w := ask(t, h, "GET", "/db/a/f", "", header("Range", c.ranges))
		if w.Code != c.status || c.status != 416 && w.Body.String() != c.want {
			t.Errorf("%s: %d %q, want %d %q", c.ranges, w.Code, w.Body, c.status, c.want)
		}
	}
	w := ask(t, h, "GET", "/db/a/f", "", header("Range", "bytes=0-1,8-9"))
	parts, err := parseMultipart(w.Header().Get("Content-Type"), w.Body.Bytes())
	if err != nil || w.Code != 206 || len(parts) != 2 || !strings.Contains(w.Body.String(), "Content-Range: bytes 8-9/10\r\n\r\n89\r\n") {
		t.Errorf("two ranges: %d %v %q", w.Code, err, w.Body)
	}
}

// TestAttachmentsFollow sends a doc and its attachments as one MIME message and reads them back as one.
func TestAttachmentsFollow(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	sum := md5.Sum([]byte("pixels"))
	message := func(meta string, bodies ...string) string {
		m := "--xx\r\nContent-Type: application/json\r\n\r\n" + meta
		for _, b := range bodies {
			m += "\r\n--xx\r\n\r\n" + b
		}
		return m + "\r\n--xx--"
	}
	related := header("Content-Type", `multipart/related;boundary="xx"`)
	meta := fmt.Sprintf(`{"n":1,"_attachments":{"a.png":{"follows":true,"content_type":"image/png","length":6,"digest":"md5-%s"},`+
		`"in":{"data":"aW4=","content_type":"image/gif"},"b.txt":{"follows":true,"content_type":"text/plain","length":4}}}`,
		base64.StdEncoding.EncodeToString(sum[:]))
	rev := revOf(t, expect(t, h, "PUT", "/db/d", message(meta, "pixels", "text"), 201, related))
	for name, want := range map[string]string{"a.png": "pixels", "b.txt": "text", "in": "in"} {
		if got := expect(t, h, "GET", "/db/d/"+name, "", 200); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	w := ask(t, h, "GET", "/db/d?attachments=true", "") // Accept: */*, as curl does
	parts, err := parseMultipart(w.Header().Get("Content-Type"), w.Body.Bytes())
	if err != nil || len(parts) != 4 {
		t.Fatalf("%v: %q", err, w.Body)
	}
	// The answer goes into another database as it came.
	expect(t, h, "PUT", "/copy", "", 201)
	again := w.Body.String()
	expect(t, h, "PUT", "/copy/d?new_edits=false", again, 201, header("Content-Type", w.Header().Get("Content-Type")))
	if got := revOf(t, strings.ReplaceAll(expect(t, h, "GET", "/copy/d", "", 200), "_rev", "rev")); got != rev {
		t.Errorf("revision %s became %s", rev, got)
	}
	if a, b := expect(t, h, "GET", "/db/d", "", 200), expect(t, h, "GET", "/copy/d", "", 200); a != b {
		t.Errorf("%s became %s", a, b)
	}
	// A copy may name its revision in the query alone; one that is there already changes nothing.
	expect(t, h, "PUT", "/db/d?new_edits=false", message(meta, "pixels", "text"), 400, related)
	for range 2 {
		expect(t, h, "PUT", "/db/d?new_edits=false&rev="+rev, message(meta, "pixels", "text"), 201, related)
		expect(t, h, "PUT", "/db/e?new_edits=false&rev="+rev, message(meta, "pixels", "text"), 201, related)
	}
	if got := expect(t, h, "GET", "/db/e/b.txt?rev="+rev, "", 200); got != "text" {
		t.Errorf("of a copy: %q", got)
	}
	for _, c := range []struct{ meta, body, want string }{
		{`{"_attachments":{"a":{"follows":true,"length":3}}}`, "four", "attachment longer than expected"},
		{`{"_attachments":{"a":{"follows":true,"length":5}}}`, "four", "attachment shorter than expected"},
		{`{"_attachments":{"a":{"follows":true,"length":4,"digest":"md5-` + base64.StdEncoding.EncodeToString(sum[:]) + `"}}}`, "four", "content_md5_mismatch"},
		{`{"_attachments":{"a":{"follows":true},"b":{"follows":true}}}`, "four", "attachment shorter than expected"},
		{`{"_attachments":{"_a":{"follows":true}}}`, "four", "prohibited character"},
	} {
		if got := expect(t, h, "PUT", "/db/bad", message(c.meta, c.body), 400, related); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.meta, got, c.want)
		}
	}
	expect(t, h, "GET", "/db/bad", "", 404)
	noOrphans(t, h)
}

// noOrphans checks that no request has left an upload behind: every byte is one of a doc.
func noOrphans(t *testing.T, h *Handler) {
	t.Helper()
	for _, name := range h.o.Engine.Names() {
		db, err := h.o.Engine.DB(name)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := db.Uploads(); err != nil || n != 0 {
			t.Errorf("%s: %d uploads are left over, %v", name, n, err)
		}
	}
}

// TestAttachmentOfNewDoc has what an attachment without a doc does: it makes one, a design document too, and it overwrites none.
func TestAttachmentOfNewDoc(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	text := header("Content-Type", "text/plain")
	for _, doc := range []string{"/db/d", "/db/_design/d"} {
		expect(t, h, "PUT", doc+"/a/b.txt", "text", 201, text)
		expect(t, h, "PUT", doc+"/c.txt", "text", 409, text)
		if got := expect(t, h, "GET", doc+"/a/b.txt", "", 200); got != "text" {
			t.Errorf("%s: %q", doc, got)
		}
	}
	noOrphans(t, h)
}

// TestAttachmentStubs has what stubs stand for in edits, conflicts and copies.
func TestAttachmentStubs(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	first := revOf(t, expect(t, h, "PUT", "/db/d", `{"_attachments":{"x":{"content_type":"image/png","data":"aGk="}}}`, 201))
	// An edit without a revision, or with an old one, is a conflict, whatever else it brings.
	expect(t, h, "PUT", "/db/d", `{"_attachments":{"x":{"stub":true},"y":{"data":"aGk="}}}`, 409)
	second := revOf(t, expect(t, h, "PUT", "/db/d", `{"_rev":"`+first+`","_attachments":{"x":{"stub":true}}}`, 201))
	expect(t, h, "PUT", "/db/d", `{"_rev":"`+first+`","_attachments":{"x":{"stub":true}}}`, 409)
	for _, c := range []struct{ doc, want string }{
		{`{"_id":"d","_rev":"` + second + `","_attachments":{"nope":{"stub":true}}}`, "Invalid attachment stub in d for nope"},
		{`{"_id":"d","_rev":"` + second + `","_attachments":{"x":{"stub":true,"revpos":2}}}`, "Invalid attachment stub in d for x"},
		{`{"_id":"new","_attachments":{"x":{"stub":true}}}`, "Invalid attachment stub in new for x"},
	} {
		if got := expect(t, h, "POST", "/db/_bulk_docs", `{"docs":[{"_id":"other"},`+c.doc+`]}`, 412); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.doc, got)
		}
	}
	expect(t, h, "GET", "/db/other", "", 404)
	expect(t, h, "COPY", "/db/d", "", 201, header("Destination", "e"))
	expect(t, h, "DELETE", "/db/d?rev="+second, "", 200)
	if got := expect(t, h, "GET", "/db/e/x", "", 200); got != "hi" {
		t.Errorf("the copy's attachment is %q", got)
	}
	expect(t, h, "GET", "/db/d/x", "", 404)
	if got := expect(t, h, "GET", "/db/d/x?rev="+second, "", 200); got != "hi" {
		t.Errorf("the replaced revision's attachment is %q", got)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"PUT", "/db/e/x?rev=1-00000000000000000000000000000000", "y", 409, "missing_rev"},
		{"DELETE", "/db/nope/x", "", 404, "missing"},
		{"PUT", "/db/_local/x/y", "y", 400, "_local documents do not accept attachments."},
		{"PUT", "/db/_local/x", `{"_attachments":{"a":{}}}`, 400, "Invalid attachment data for a"},
		{"PUT", "/db/_local/x", `{"_attachments":{"a":{"data":"aGk="}}}`, 201, `"_local/x"`},
		{"GET", "/db/_local/x", "", 200, `{"_id":"_local/x","_rev":"0-1"}`},
		{"PUT", "/db/_x/y", "y", 400, "Only reserved document ids"},
		{"PUT", "/db/z", `{"_attachments":{"a":{"data":"%"}}}`, 400, "Invalid attachment data for a"},
		{"PUT", "/db/z", `{"_attachments":{"a":{}}}`, 400, "Invalid attachment data for a"},
		{"PUT", "/db/z", `{"_attachments":{"a":{"data":"aGk=","content_type":7}}}`, 400, "Invalid attachment data for a"},
		{"PUT", "/db/z", `{"_attachments":{"a":{"follows":true}}}`, 400, "multipart/related"},
		{"POST", "/db/e/x", "", 405, "Only DELETE,GET,HEAD,PUT allowed"},
	} {
		if got := expect(t, h, c.method, c.path, c.body, c.status); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %s, want %s", c.method, c.path, got, c.want)
		}
	}
	noOrphans(t, h)
}

func FuzzParseAttachments(f *testing.F) {
	f.Add(`{"a":{"data":"aGk=","content_type":"text/plain","revpos":3,"digest":"md5-AAAAAAAAAAAAAAAAAAAAAA=="}}`)
	f.Add(`{"a":{"follows":true,"length":7,"encoding":"gzip","encoded_length":3},"b":{"stub":true}}`)
	f.Add(`{"a":{"data":"a\/8="},"_b":1}`)
	f.Fuzz(func(t *testing.T, raw string) {
		atts, err := parseAttachments([]byte(raw))
		if err != nil {
			return
		}
		for _, a := range atts {
			if checkAttName(a.name) != nil || !a.stub && !a.follows && a.data == nil {
				t.Errorf("%+v", a)
			}
			if a.data != nil {
				a.base64Text()
			}
		}
	})
}

// TestCompactFrees shows that a compaction makes what an attachment took free again, and that CouchDB's clients can see it end.
func TestCompactFrees(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	first := revOf(t, expect(t, h, "PUT", "/db/a/f", strings.Repeat("x", 1000), 201, header("Content-Type", "image/png")))
	second := revOf(t, expect(t, h, "DELETE", "/db/a/f?rev="+first, "", 200))
	expect(t, h, "GET", "/db/a/f?rev="+first, "", 200)
	expect(t, h, "POST", "/db/_compact", "", 202)
	h.background.Wait()
	if got := expect(t, h, "GET", "/db", "", 200); !strings.Contains(got, `"compact_running":false`) {
		t.Error(got)
	}
	expect(t, h, "GET", "/db/a/f?rev="+first, "", 404)
	if got := expect(t, h, "GET", "/db/a?revs_info=true", "", 200); !strings.Contains(got, `{"rev":"`+first+`","status":"missing"}`) {
		t.Error(got)
	}
	expect(t, h, "PUT", "/db/a", `{"_rev":"`+second+`","n":1}`, 201)
}

// TestForm posts files as an HTML form does.
func TestForm(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	form := func(fields ...string) (string, func(*http.Request)) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for i := 0; i < len(fields); i += 2 {
			if name, ok := strings.CutPrefix(fields[i], "file:"); ok {
				part, err := w.CreateFormFile("_attachments", name)
				if err == nil {
					_, err = part.Write([]byte(fields[i+1]))
				}
				if err != nil {
					t.Fatal(err)
				}
			} else if err := w.WriteField(fields[i], fields[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String(), func(r *http.Request) {
			r.Header.Set("Content-Type", w.FormDataContentType())
			r.Header.Set("Referer", "http://"+r.Host+"/_utils/")
		}
	}
	body, edit := form("file:a.png", "one", "_doc", `{"n":1,"_attachments":{"kept":{"data":"aGk="}}}`, "file:b.png", "two")
	expect(t, h, "POST", "/db/d", body, 400)
	expect(t, h, "POST", "/db/d", body, 400, edit, header("Referer", "http://elsewhere/"))
	expect(t, h, "POST", "/db/d", body, 415, edit, header("Content-Type", "text/plain"))
	rev := revOf(t, expect(t, h, "POST", "/db/d", body, 201, edit))
	body, edit = form("file:a.png", "three", "_rev", rev)
	expect(t, h, "POST", "/db/d", body, 201, edit)
	expect(t, h, "POST", "/db/d", body, 409, edit)
	for name, want := range map[string]string{"a.png": "three", "b.png": "two", "kept": "hi"} {
		if got := expect(t, h, "GET", "/db/d/"+name, "", 200); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := expect(t, h, "GET", "/db/d", "", 200); !strings.Contains(got, `"a.png":{"content_type":"application/octet-stream","revpos":2,`) {
		t.Error(got)
	}
	body, edit = form("file:_a", "x", "_doc", "{}")
	expect(t, h, "POST", "/db/e", body, 400, edit)
	noOrphans(t, h)
}

// TestBulkGetParts has docs with attachments, without, missing and misnamed in one answer.
func TestBulkGetParts(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	rev := revOf(t, expect(t, h, "PUT", "/db/f", `{"_attachments":{"x":{"content_type":"image/png","data":"aGk="}}}`, 201))
	expect(t, h, "PUT", "/db/plain", `{"n":1}`, 201)
	w := ask(t, h, "POST", "/db/_bulk_get", `{"docs":[{"id":"f"},{"id":"plain"},{"id":"nope","rev":"1-abc"},{"id":"_bad"},{"id":"f","atts_since":["`+rev+`"]}]}`,
		header("Accept", "multipart/mixed"))
	parts, err := parseMultipart(w.Header().Get("Content-Type"), w.Body.Bytes())
	if err != nil || len(parts) != 5 {
		t.Fatalf("%d parts, %v: %q", len(parts), err, w.Body)
	}
	for _, want := range []string{
		"\r\nX-Doc-Id: f\r\nX-Rev-Id: " + rev + "\r\nContent-Type: multipart/related; boundary=",
		"filename=\"x\"\r\nContent-Type: image/png\r\nContent-Length: 2\r\n\r\nhi\r\n",
		"\r\nContent-Type: application/json\r\n\r\n{\"_id\":\"plain\"",
		"error=\"true\"\r\n\r\n{\"rev\":\"1-abc\",\"error\":\"not_found\",\"reason\":\"missing\"}",
		"error=\"true\"\r\n\r\n{\"id\":\"_bad\",\"rev\":null,\"error\":\"illegal_docid\"",
		`"length":2,"stub":true}}}`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q is not in %q", want, w.Body)
		}
	}
}

// TestLengthOfRelatedParts: a doc with the attachments that follow it says how long all of that is.
func TestLengthOfRelatedParts(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	first := revOf(t, expect(t, h, "PUT", "/db/a", `{"_attachments":{"a.txt":{"content_type":"text/plain","data":"`+
		base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("text "), 50_000))+`"}}}`, 201))
	expect(t, h, "PUT", "/db/a", `{"_rev":"`+first+`","_attachments":{"a.txt":{"stub":true},"ü.bin":{"data":"AAEC"}}}`, 201)
	for _, path := range []string{"/db/a?attachments=true", `/db/a?atts_since=["` + first + `"]`} {
		got := ask(t, h, "GET", path, "", header("Accept", "multipart/related"))
		length := got.Header().Get("Content-Length")
		if got.Code != 200 || length != strconv.Itoa(got.Body.Len()) || got.Header().Get("Transfer-Encoding") != "" {
			t.Errorf("%s: %d bytes, %v", path, got.Body.Len(), got.Header())
		}
		if head := ask(t, h, "HEAD", path, "", header("Accept", "multipart/related")); head.Header().Get("Content-Length") != length {
			t.Errorf("HEAD %s: %v", path, head.Header())
		}
	}
}
