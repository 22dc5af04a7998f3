package replicate

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"logctl/store"
	"logctl/store/couchapi"
)

// between stands between a replication and a peer. answer gives the status that it answers itself with, 0 for none.
type between struct {
	next   http.RoundTripper
	answer func(r *http.Request) int
}

func (b between) RoundTrip(r *http.Request) (*http.Response, error) {
	status := b.answer(r)
	if status == 0 {
		return b.next.RoundTrip(r)
	}
	if r.Body != nil {
		r.Body.Close()
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"error":"not_found","reason":"from somebody in between"}`))}, nil
}

// TestNotFoundByOthers shows that no revision is passed over because somebody in between answers 404 for it.
func TestNotFoundByOthers(t *testing.T) {
	t.Parallel()
	a := newServer(t, couchapi.Options{})
	a.fill(t, "log_a")
	bulkGet := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/_bulk_get") }
	doc := func(r *http.Request) bool { return r.URL.Query().Has("rev") }
	for name, c := range map[string]struct {
		lost func(r *http.Request) bool // asked of the source
		fine bool
	}{
		"no _bulk_get":                  {bulkGet, true},
		"a doc with attachments, once":  {first(doc), true},
		"docs with attachments, always": {doc, false},
		"docs one by one, always":       {func(r *http.Request) bool { return bulkGet(r) || doc(r) }, false},
		"everything but the changes": {func(r *http.Request) bool {
			return bulkGet(r) || doc(r) || r.URL.Query().Has("open_revs")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newServer(t, couchapi.Options{})
			o := Options{Source: a.peer("log_a"), Target: b.peer("log_b"), CreateTarget: true}
			o.Source.Transport = between{o.Source.Transport, func(r *http.Request) int {
				if c.lost(r) {
					return http.StatusNotFound
				}
				return 0
			}}
			_, err := Run(context.Background(), o)
			if (err == nil) != c.fine {
				t.Fatalf("it ends with %v", err)
			}
			o.Source = a.peer("log_a")
			if !c.fine {
				if _, err := Run(context.Background(), o); err != nil {
					t.Fatal(err)
				}
			}
			a.same(t, "log_a", b, "log_b")
		})
	}
}

// first tells the first request that is told.
func first(is func(*http.Request) bool) func(*http.Request) bool {
	done := false
	return func(r *http.Request) bool {
		if done || !is(r) {
			return false
		}
		done = true
		return true
	}
}

// TestTargetLost shows that a target that is gone is not taken for a revision that is.
func TestTargetLost(t *testing.T) {
	t.Parallel()
	a, b := newServer(t, couchapi.Options{}), newServer(t, couchapi.Options{})
	a.fill(t, "log_a")
	o := Options{Source: a.peer("log_a"), Target: b.peer("log_b"), CreateTarget: true}
	o.Target.Transport = between{o.Target.Transport, func(r *http.Request) int {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/files") {
			return http.StatusNotFound
		}
		return 0
	}}
	if _, err := Run(context.Background(), o); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("it ends with %v", err)
	}
}

// TestReplacedMeanwhile shows that revisions that are replaced and compacted away after the changes were read are passed over, and what has
// replaced them comes, with a _bulk_get and without.
func TestReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, http.StatusMethodNotAllowed} {
		a, b := newServer(t, couchapi.Options{}), newServer(t, couchapi.Options{})
		a.fill(t, "log_a")
		o := Options{Source: a.peer("log_a"), Target: b.peer("log_b"), CreateTarget: true}
		now := first(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/_bulk_get") })
		late := first(func(r *http.Request) bool { return r.URL.Query().Get("attachments") == "true" })
		o.Source.Transport = between{o.Source.Transport, func(r *http.Request) int {
			if now(r) {
				a.ask(t, "PUT", "/log_a/doc003?rev="+a.rev(t, "log_a", "doc003"), `{"new":true}`)
				a.ask(t, "POST", "/log_a/_purge", `{"doc004":["`+a.rev(t, "log_a", "doc004")+`"]}`)
				a.ask(t, "POST", "/log_a/_compact", "")
			}
			if late(r) {
				a.attach(t, "log_a", "files", "late", "late")
				a.ask(t, "POST", "/log_a/_compact", "")
			}
			if strings.HasSuffix(r.URL.Path, "/_bulk_get") {
				return status
			}
			return 0
		}}
		for range 2 {
			if _, err := Run(context.Background(), o); err != nil {
				t.Fatal(err)
			}
		}
		a.same(t, "log_a", b, "log_b")
	}
}
