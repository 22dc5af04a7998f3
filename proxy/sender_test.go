package proxy

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"logctl/store"
	"logctl/store/ejson"
)

// contentDoc is a doc with the id that follows from it.
func contentDoc(body string) store.Doc {
	return store.Doc{ID: string(ejson.AppendContentID(nil, []byte(body), 0)), Body: []byte(body)}
}

// Docs of inputs are the writer's, whose ids the door does not look at; a row that says conflict is a doc that is there.
func TestSender(t *testing.T) {
	t.Parallel()
	couch := newFakeCouch()
	couch.validate = func(body []byte) string {
		if string(body) == `{"bad":1}` {
			return "bad doc"
		}
		return ""
	}
	s := New(Options{Upstream: couch, Writer: "app_write", AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") })}).Sender()
	docs := []store.Doc{{ID: "a", Body: []byte(`{"x":1}`)}, {ID: "b", Body: []byte(`{"bad":1}`)}, {ID: "c", Body: []byte(`{"x":2}`)}}
	for range 2 {
		var failed []string
		err := s.Store(t.Context(), "log_app", docs, func(i int, reason string) { failed = append(failed, fmt.Sprint(i, " ", reason)) })
		if err != nil || len(failed) != 1 || failed[0] != "1 forbidden: bad doc" {
			t.Errorf("%v, failed %q", err, failed)
		}
	}
	never := func(i int, reason string) { t.Errorf("doc %d failed: %s", i, reason) }
	if err := s.Store(t.Context(), "log_nothing", docs, never); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("no database: %v", err)
	}
	if err := s.Store(t.Context(), "log_app", nil, never); err != nil {
		t.Errorf("no docs: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Store(ended, "log_app", docs, never); err == nil {
		t.Error("a context that has ended stores")
	}
}

// Docs for a caller go by the door's rules: a stranger's ids are checked, credentials are the caller's.
func TestSenderFor(t *testing.T) {
	t.Parallel()
	couch := newFakeCouch()
	d := New(Options{Upstream: couch, Writer: "app_write", AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") })})
	never := func(i int, reason string) { t.Errorf("doc %d failed: %s", i, reason) }
	good := []store.Doc{contentDoc(`{"x":1}`)}
	stranger := httptest.NewRequest(http.MethodPost, "/loki/api/v1/push?x=y", nil)
	stranger.Header.Set("Content-Encoding", "gzip")
	for range 2 {
		if err := d.SenderFor(stranger).Store(t.Context(), "log_app", good, never); err != nil {
			t.Error(err)
		}
	}
	if n := len(couch.dbs["log_app"]); n != 1 {
		t.Errorf("%d docs", n)
	}
	if err := d.SenderFor(stranger).Store(t.Context(), "log_app", []store.Doc{{ID: "chosen", Body: []byte(`{"x":1}`)}}, never); !store.IsKind(err, store.KindForbidden) {
		t.Errorf("an id of the caller's choice: %v", err)
	}
	if err := d.SenderFor(stranger).Store(t.Context(), "log_app", nil, never); err != nil {
		t.Errorf("no docs: %v", err)
	}
	wrong := httptest.NewRequest(http.MethodPost, "/loki/api/v1/push", nil)
	wrong.SetBasicAuth("reader", "wrong")
	if err := d.SenderFor(wrong).Store(t.Context(), "log_app", good, never); !store.IsKind(err, store.KindUnauthorized) {
		t.Errorf("a wrong password: %v", err)
	}
	if err := d.SenderFor(stranger).Store(t.Context(), "log_nothing", good, never); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("no database: %v", err)
	}
}
