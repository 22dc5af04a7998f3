package proxy

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"logctl/store"
)

// directStore takes docs without requests and fails the test when it gets one.
type directStore struct {
	http.Handler
	write func(ctx context.Context, db store.DBName, docs []store.Doc) ([]store.WriteResult, error)
}

func (s directStore) WriteDocs(ctx context.Context, db store.DBName, docs []store.Doc) ([]store.WriteResult, error) {
	return s.write(ctx, db, docs)
}

func asWriter(r *http.Request) *http.Request {
	return r.WithContext(store.WithCaller(r.Context(), store.Caller{Name: "app_write"}))
}

// TestDirectWrite hands docs over as the writer, in every form that they come in, and answers as a store elsewhere would be
// answered for.
func TestDirectWrite(t *testing.T) {
	t.Parallel()
	good, id, rev := withID(t, `{"a":1}`)
	row := `{"ok":true,"id":"` + id + `","rev":"` + rev + `"}`
	var got []string
	f := directStore{untouched(t), func(ctx context.Context, db store.DBName, docs []store.Doc) ([]store.WriteResult, error) {
		c, _ := store.CallerFrom(ctx)
		results := make([]store.WriteResult, len(docs))
		for i, d := range docs {
			got = append(got, c.Name+" "+string(db)+" "+d.ID+" "+string(d.Body))
			results[i] = store.WriteResult{ID: d.ID, Rev: store.Rev{Gen: 3, Hash: "x"}} // over a tombstone
			switch {
			case strings.Contains(string(d.Body), "there"):
				results[i].Err = store.NewError(store.KindConflict, "Document update conflict.")
			case strings.Contains(string(d.Body), "bad"):
				results[i].Err = store.NewError(store.KindForbidden, "no ip")
			case strings.Contains(string(d.Body), "broken"):
				results[i].Err = errors.New("/var/lib/secret")
			case d.ID == "":
				results[i].ID, results[i].Rev = "made", store.Rev{Gen: 1, Hash: "h"}
			}
		}
		return results, nil
	}}
	door := New(Options{Upstream: f, AsWriter: asWriter})
	there, thereID, thereRev := withID(t, `{"there":1}`)
	for _, tt := range []struct {
		kind, body string
		status     int
		want       string
	}{
		{jsonType, good, 201, row},
		{jsonType, "[" + good + "]", 201, "[" + row + "]"},
		{linesType, good + "\n{\"b\":1}\n", 201, "[" + row + `,{"ok":true,"id":"made","rev":"1-h"}]`},
		{jsonType, there, 201, `{"ok":true,"id":"` + thereID + `","rev":"` + thereRev + `"}`},
		{jsonType, `[{"bad":1},{"broken":1}]`, 201, `[{"id":null,"error":"forbidden","reason":"no ip"},` +
			`{"id":null,"error":"internal_server_error","reason":"The document was not stored."}]`},
		{jsonType, `{"bad":1}`, 403, `{"error":"forbidden","reason":"no ip"}`},
		{jsonType, `{"broken":1}`, 503, `{"error":"service_unavailable","reason":"The store is not available."}`},
		{jsonType, `[]`, 201, `[]`},
	} {
		w := call(door, "POST", "/log_app", tt.body, "Content-Type", tt.kind)
		if s := strings.TrimSpace(w.Body.String()); w.Code != tt.status || s != tt.want {
			t.Errorf("%s: %d %s, want %d %s", tt.body, w.Code, s, tt.status, tt.want)
		}
	}
	if want := "app_write log_app " + id + ` {"a":1}`; len(got) == 0 || got[0] != want {
		t.Errorf("handed over %q, want %q first", got, want)
	}
	if left := door.budget.Unused(); left != door.o.Limits.Memory {
		t.Errorf("%d of %d bytes left after all", left, door.o.Limits.Memory)
	}
}

// TestDirectWriteRefused: what refuses a write as a whole gives the answers that a store elsewhere would have.
func TestDirectWriteRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err    error
		status int
		reason string
	}{
		{store.NewError(store.KindNotFound, "Database does not exist."), 404, "Database does not exist."},
		{store.NewError(store.KindForbidden, "You are not allowed to access this db."), 503, "The server is not set up to take documents for this application."},
		{store.NewError(store.KindUnauthorized, "x"), 503, "The server is not set up to take documents for this application."},
		{store.NewError(store.KindDocTooLarge, "x"), 413, "x"},
		{&store.Error{Kind: store.KindNoSpace, Reason: "/var/lib/x"}, 507, "The store is full."},
		{&store.Error{Kind: store.KindUnavailable, Reason: "/var/lib/x"}, 503, "The store is not available."},
		{errors.New("/var/lib/x"), 503, "The store is not available."},
	} {
		door := New(Options{Upstream: directStore{untouched(t), func(context.Context, store.DBName, []store.Doc) ([]store.WriteResult, error) {
			return nil, tt.err
		}}, AsWriter: asWriter})
		for _, body := range []string{`{"a":1}`, `[{"a":1}]`} {
			w := call(door, "POST", "/log_app", body, "Content-Type", jsonType)
			if _, reason := errorOf(t, w); w.Code != tt.status || reason != tt.reason {
				t.Errorf("%v: %d %q, want %d %q", tt.err, w.Code, reason, tt.status, tt.reason)
			}
		}
	}
}

// TestDirectMemoryIsUsedAgain: docs of one request never show up in another's.
func TestDirectMemoryIsUsedAgain(t *testing.T) {
	t.Parallel()
	door := New(Options{AsWriter: asWriter, Upstream: directStore{untouched(t), func(_ context.Context, db store.DBName, docs []store.Doc) ([]store.WriteResult, error) {
		for _, d := range docs {
			if got, want := string(d.Body), `{"of":"`+string(db)+`"}`; got != want || d.ID != "" {
				t.Errorf("%s got %q %s", db, d.ID, got)
			}
		}
		return make([]store.WriteResult, len(docs)), nil
	}}})
	for _, app := range []string{"a", "bbbbbbbb", "c"} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			for n := range 200 {
				body := `{"of":"log_` + app + `"}`
				w := call(door, "POST", "/log_"+app, "["+strings.Repeat(body+",", n%20)+body+"]", "Content-Type", jsonType)
				if w.Code != 201 {
					t.Error(w.Code, w.Body)
				}
			}
		})
	}
}
