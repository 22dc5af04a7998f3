package couch

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"logctl/store"
	"logctl/store/couchapi"
	"logctl/store/engine"
	"logctl/store/view"
)

// embedded is a client, as an admin, of an embedded store without a socket in between.
func embedded(t *testing.T) *Client {
	t.Helper()
	e, err := engine.Open(t.TempDir(), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	views := view.New(view.Options{})
	api := couchapi.New(couchapi.Options{Engine: e, Views: views})
	t.Cleanup(func() {
		if err := views.Close(); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := New(Options{URL: "http://localhost", Transport: api.Transport(store.Caller{Name: "admin", Roles: []string{store.AdminRole}})})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEmbeddedStore(t *testing.T) {
	t.Parallel()
	c, ctx := embedded(t), t.Context()
	const db = store.DBName("log_a/b")
	if _, err := c.Info(ctx, db); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("Info before it is there: %v", err)
	}
	if err := c.CreateDatabase(ctx, db); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateDatabase(ctx, db); !store.IsKind(err, store.KindFileExists) {
		t.Errorf("CreateDatabase again: %v", err)
	}
	if err := c.CreateDatabase(ctx, "Log"); !store.IsKind(err, store.KindIllegalName) {
		t.Errorf("CreateDatabase with a bad name: %v", err)
	}
	names, err := c.Databases(ctx)
	if err != nil || !reflect.DeepEqual(names, []store.DBName{db}) {
		t.Errorf("Databases: %v, %v", names, err)
	}

	const security = `{"admins":{"roles":["_admin"]},"members":{"roles":["x"]},"note":[1]}`
	if err := c.SetSecurity(ctx, db, json.RawMessage(security)); err != nil {
		t.Error(err)
	}
	if got, err := c.Security(ctx, db); err != nil || !sameValue(got, security) {
		t.Errorf("Security: %s, %v", got, err)
	}

	rev, err := c.Put(ctx, db, "d", json.RawMessage(`{"z":1,"a":12345678901234567890}`))
	if err != nil || rev.Gen != 1 {
		t.Fatalf("Put: %v, %v", rev, err)
	}
	if got, err := c.Get(ctx, db, "d"); err != nil || string(got) != fmt.Sprintf(`{"_id":"d","_rev":%q,"z":1,"a":12345678901234567890}`, rev) {
		t.Errorf("Get: %s, %v", got, err)
	}
	if _, err := c.Put(ctx, db, "d", json.RawMessage(`{}`)); !store.IsKind(err, store.KindConflict) {
		t.Errorf("Put without a revision: %v", err)
	}
	if _, err := c.Put(ctx, db, "_design/v", json.RawMessage(`{"views":{"v":{"map":"function (doc) { emit([doc.z, 'é'], 1); }","reduce":"_sum"}}}`)); err != nil {
		t.Fatal(err)
	}
	q := store.NewViewQuery()
	q.Group = true
	for row, err := range c.View(ctx, db, "v", "v", q) {
		if err != nil || string(row.Key) != `[1,"é"]` || string(row.Value) != "1" {
			t.Errorf("View: %+v, %v", row, err)
		}
	}
	for _, err := range c.View(ctx, db, "v", "absent", q) {
		if !store.IsKind(err, store.KindNotFound) {
			t.Errorf("View that is not there: %v", err)
		}
	}
	if err := c.Delete(ctx, db, "d", rev); err != nil {
		t.Error(err)
	}
	if _, err := c.Get(ctx, db, "d"); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("Get after Delete: %v", err)
	}
	if info, err := c.Info(ctx, db); err != nil || info.Docs != 1 || info.Deleted != 1 {
		t.Errorf("Info: %+v, %v", info, err)
	}
	if err := c.DropDatabase(ctx, db); err != nil {
		t.Error(err)
	}
}

func sameValue(a json.RawMessage, b string) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// reads counts what is read of answers.
type reads struct {
	http.RoundTripper
	calls, bytes int
}

func (c *reads) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = &readBody{resp.Body, c}
	}
	return resp, err
}

type readBody struct {
	io.ReadCloser
	of *reads
}

func (b *readBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.of.calls++
		b.of.bytes += n
	}
	return n, err
}

// TestEmbeddedStoreGoesOn shows that what the store writes at once, 32 KiB and some, is taken at once: within a process it makes no further
// rows before that.
func TestEmbeddedStoreGoesOn(t *testing.T) {
	t.Parallel()
	c, ctx := embedded(t), t.Context()
	const db, docs = "log_long", 60
	if err := c.CreateDatabase(ctx, db); err != nil {
		t.Fatal(err)
	}
	long := json.RawMessage(`{"text":"` + strings.Repeat("x", 6<<10) + `"}`)
	for i := range docs {
		if _, err := c.Put(ctx, db, fmt.Sprint(i), long); err != nil {
			t.Fatal(err)
		}
	}
	count := &reads{RoundTripper: c.http.Transport}
	c.http.Transport = count
	q := store.NewViewQuery()
	q.IncludeDocs = true
	rows := 0
	for _, err := range c.AllDocs(ctx, db, q) {
		if err != nil {
			t.Fatal(err)
		}
		rows++
	}
	if rows != docs || count.bytes < docs*len(long) || count.calls > count.bytes>>15+1 {
		t.Errorf("%d rows, %d bytes in %d pieces", rows, count.bytes, count.calls)
	}
}
