package couchapi

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"logctl/store"
)

// TestLengthsThatLie has attachments that come compressed with a length that is not theirs, as a replicator that was lied to sends
// them: what they decompress to is what comes back, and no length is shown that nobody has counted.
func TestLengthsThatLie(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db?partitioned=true", "", 201)
	text := strings.Repeat("all quiet\n", 100_000)
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	if _, err := zw.Write([]byte(text)); err != nil || zw.Close() != nil {
		t.Fatal(err)
	}
	stored := zipped.Len()
	for i, c := range []struct {
		told string
		want int
	}{
		{strconv.Itoa(len(text)), len(text)},
		{"0", stored}, {"1", stored}, {strconv.Itoa(len(text) - 1), stored}, {strconv.Itoa(len(text) + 1), stored},
		{"9223372036854775807", stored}, {"9223372036854775808", stored}, {"1e300", stored}, {"-1", stored}, {`"7"`, stored}, {strconv.Itoa(stored), stored},
	} {
		id := fmt.Sprintf("p:%d", i)
		meta := fmt.Sprintf(`{"_rev":"1-a","_attachments":{"t":{"follows":true,"revpos":1,"content_type":"text/plain","encoding":"gzip","length":%s,"encoded_length":%d}}}`,
			c.told, stored)
		expect(t, h, "PUT", "/db/"+id+"?new_edits=false", "--xx\r\nContent-Type: application/json\r\n\r\n"+meta+"\r\n--xx\r\n\r\n"+zipped.String()+"\r\n--xx--",
			201, header("Content-Type", `multipart/related;boundary="xx"`))
		if got := expect(t, h, "GET", "/db/"+id, "", 200); !strings.Contains(got, fmt.Sprintf(`"length":%d,`, c.want)) {
			t.Errorf("of %s: %s", c.told, got)
		}
		w := ask(t, h, "GET", "/db/"+id+"/t", "")
		if n := w.Header().Get("Content-Length"); w.Body.String() != text || n != "" && n != strconv.Itoa(len(text)) {
			t.Errorf("of %s come %d bytes, with a Content-Length of %s", c.told, w.Body.Len(), n)
		}
		if got := ask(t, h, "GET", "/db/"+id+"/t", "", header("Accept-Encoding", "gzip")); !bytes.Equal(got.Body.Bytes(), zipped.Bytes()) {
			t.Errorf("of %s come %d compressed bytes", c.told, got.Body.Len())
		}
		inline := expect(t, h, "GET", "/db/"+id+"?attachments=true", "", 200, header("Accept", "application/json"))
		if !strings.Contains(inline, base64.StdEncoding.EncodeToString([]byte(text))) {
			t.Errorf("of %s comes %.200s", c.told, inline)
		}
	}
	var info struct {
		Sizes struct{ External int64 }
	}
	if err := json.Unmarshal([]byte(expect(t, h, "GET", "/db/_partition/p", "", 200)), &info); err != nil || info.Sizes.External < int64(len(text)) || info.Sizes.External > 1<<30 {
		t.Errorf("the partition has %+v, %v", info, err)
	}
	noOrphans(t, h)
}

// TestLargestLimit shows that an attachment is stored whole under the greatest limit that there is.
func TestLargestLimit(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/_node/_local/_config/couchdb/max_attachment_size", `"9223372036854775807"`, 200)
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/a", `{"_attachments":{"f":{"data":"YWJj"}}}`, 201)
	if got := expect(t, h, "GET", "/db/a/f", "", 200); got != "abc" {
		t.Errorf("%q", got)
	}
}

// TestAttachmentLimit has attachments over max_attachment_size, announced or not.
func TestAttachmentLimit(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{MaxRequest: 100})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/_node/_local/_config/couchdb/max_attachment_size", `"1000"`, 200)
	fits, over := strings.Repeat("x", 1000), strings.Repeat("x", 1001)
	rev := revOf(t, expect(t, h, "PUT", "/db/a/f", fits, 201)) // the limit of other bodies is not one of attachments
	unannounced := func(r *http.Request) { r.ContentLength = -1 }
	for _, edit := range []func(*http.Request){func(*http.Request) {}, unannounced} {
		got := expect(t, h, "PUT", "/db/a/f?rev="+rev, over, 413, edit)
		if got != `{"error":"attachment_too_large","reason":"f"}` {
			t.Error(got)
		}
	}
	noOrphans(t, h)
}

// slowBytes gives n random bytes without holding them.
type slowBytes struct {
	rnd *rand.Rand
	n   int64
	err error // at the end; nil: io.EOF
}

func (s *slowBytes) Read(p []byte) (int, error) {
	if s.n == 0 {
		if s.err != nil {
			return 0, s.err
		}
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), s.n)]
	for i := range p {
		p[i] = byte(s.rnd.Uint32())
	}
	s.n -= int64(len(p))
	return len(p), nil
}

// TestLargeAttachment streams one through a server and back, and breaks one off.
func TestLargeAttachment(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(store.WithCaller(r.Context(), store.Caller{Name: "a", Roles: []string{store.AdminRole}})))
	}))
	defer srv.Close()
	expect(t, h, "PUT", "/db", "", 201)
	const size = 5<<20 + 17
	put := func(path string, body io.Reader) (*http.Response, error) {
		r, err := http.NewRequest("PUT", srv.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = size
		return http.DefaultClient.Do(r)
	}
	want := md5.New()
	res, err := put("/db/a/f", io.TeeReader(&slowBytes{rnd: rand.New(rand.NewPCG(1, 2)), n: size}, want))
	if err != nil || res.StatusCode != 201 {
		t.Fatalf("%v %v", res, err)
	}
	res.Body.Close()
	res, err = http.Get(srv.URL + "/db/a/f")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got := md5.New()
	if n, err := io.Copy(got, res.Body); n != size || err != nil || !bytes.Equal(got.Sum(nil), want.Sum(nil)) || res.ContentLength != size {
		t.Errorf("%d of %d bytes came back, %v", n, size, err)
	}
	if res, err := put("/db/b/f", &slowBytes{rnd: rand.New(rand.NewPCG(1, 2)), n: size / 2, err: errors.New("unplugged")}); err == nil {
		t.Errorf("half an attachment: %v", res.Status)
	}
	srv.Close() // waits for the request that was broken off
	expect(t, h, "GET", "/db/b", "", 404)
	noOrphans(t, h)
}

// TestNumbersBeyondReason: what a client says of itself is stored, or refused, and never reads as damage.
func TestNumbersBeyondReason(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	for i, revpos := range []string{"-1", "9223372036854775807", "1e300", `"1"`} {
		path := fmt.Sprintf("/db/a%d", i)
		expect(t, h, "PUT", path+"?new_edits=false", `{"_rev":"1-abc","_attachments":{"x":{"data":"aGk=","revpos":`+revpos+`}}}`, 201)
		expect(t, h, "GET", path+"/x", "", 200)
	}
	for _, doc := range []string{`{"_rev":"9223372036854775807-abc"}`, `{"_revisions":{"start":9223372036854775807,"ids":["abc","def"]}}`} {
		expect(t, h, "PUT", "/db/b?new_edits=false", doc, 400)
		expect(t, h, "GET", "/db/b", "", 404)
	}
}
