package replicate

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
	"logctl/store/inproc"
)

// TestSlowUpload: a peer that takes a body slowly is not silent; one that takes nothing any more is.
func TestSlowUpload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const patience = 300 * time.Millisecond
		p := Peer{URL: "http://peer", patience: patience, Transport: inproc.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = w.Write([]byte("{}"))
		}), store.Caller{})}
		slow := func(pause time.Duration) error {
			return p.call(context.Background(), request{method: http.MethodPut, once: true, body: func() (io.Reader, error) {
				return &pausing{Reader: bytes.NewReader(make([]byte, 8)), pause: pause}, nil
			}}, nil)
		}
		if err := slow(patience / 3); err != nil {
			t.Errorf("a slow body: %v", err)
		}
		if err := slow(4 * patience); err == nil {
			t.Error("a body that stops is waited for")
		}
	})
}

// pausing gives a byte at a time, with pauses.
type pausing struct {
	io.Reader
	pause time.Duration
}

func (p *pausing) Read(b []byte) (int, error) {
	time.Sleep(p.pause)
	return p.Reader.Read(b[:1])
}

// TestFilterParams: what a filter function is given does not change the feed that it filters.
func TestFilterParams(t *testing.T) {
	t.Parallel()
	asked := make(chan url.Values, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Query()
		_, _ = w.Write([]byte(`{"results":[],"last_seq":0}`))
	}))
	defer s.Close()
	o := Options{Source: Peer{URL: s.URL, Transport: http.DefaultTransport}, Filter: "d/f", Page: 10, Params: url.Values{
		"kind": {"x"}, "descending": {"true"}, "feed": {"continuous"}, "include_docs": {"true"}, "limit": {"1"}, "since": {"7"},
	}}
	if _, err := o.changes(t.Context(), zeroSeq, false); err != nil {
		t.Fatal(err)
	}
	q := <-asked
	if got, want := q.Encode(), "filter=d%2Ff&kind=x&limit=10&since=0&style=all_docs"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}
