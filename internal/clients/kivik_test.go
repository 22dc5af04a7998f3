package clients

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kivik/kivik/v4"
	"github.com/go-kivik/kivik/v4/couchdb"
)

// TestKivik does with kivik, the Go client, what its own tests do: docs, attachments, queries, changes and replication.
func TestKivik(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := kivik.New("couch", s.url(), couchdb.BasicAuth("admin", s.password))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.CreateDB(ctx, "log_kivik"); err != nil {
		t.Fatal(err)
	}
	if err := client.CreateDB(ctx, "log_kivik"); kivik.HTTPStatus(err) != http.StatusPreconditionFailed {
		t.Errorf("a database that is there: %v", err)
	}
	db := client.DB("log_kivik")
	kivikDocs(ctx, t, db)
	kivikAttachments(ctx, t, db)
	kivikQueries(ctx, t, db)

	r, err := client.Replicate(ctx, "log_kivik_copy", "log_kivik", kivik.Param("create_target", true), kivik.Param("_id", "copy"))
	if err != nil {
		t.Fatal(err)
	}
	for r.IsActive() {
		if err := r.Update(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if r.Err() != nil || r.State() != kivik.ReplicationComplete {
		t.Errorf("replication: %s, %v", r.State(), r.Err())
	}
	from, err1 := db.Stats(ctx)
	to, err2 := client.DB("log_kivik_copy").Stats(ctx)
	if err1 != nil || err2 != nil || from.DocCount != to.DocCount {
		t.Errorf("%+v (%v) became %+v (%v)", from, err1, to, err2)
	}
}

func kivikDocs(ctx context.Context, t *testing.T, db *kivik.DB) {
	t.Helper()
	rev, err := db.Put(ctx, "a", map[string]any{"n": 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Put(ctx, "a", map[string]any{"n": 2}); kivik.HTTPStatus(err) != http.StatusConflict {
		t.Errorf("a conflict: %v", err)
	}
	if rev, err = db.Put(ctx, "a", map[string]any{"_rev": rev, "n": 2}); err != nil {
		t.Fatal(err)
	}
	if got, err := db.GetRev(ctx, "a"); err != nil || got != rev {
		t.Errorf("revision %s, %v; want %s", got, err, rev)
	}
	copied, err := db.Copy(ctx, "b", "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Delete(ctx, "b", copied); err != nil {
		t.Error(err)
	}
	if err := db.Get(ctx, "b").Err(); kivik.HTTPStatus(err) != http.StatusNotFound {
		t.Errorf("a deleted doc: %v", err)
	}
	results, err := db.BulkDocs(ctx, []any{map[string]any{"_id": "c", "n": 3}, map[string]any{"_id": "a", "n": 9}})
	if err != nil || results[0].Error != nil || kivik.HTTPStatus(results[1].Error) != http.StatusConflict {
		t.Errorf("bulk: %+v, %v", results, err)
	}
}

func kivikAttachments(ctx context.Context, t *testing.T, db *kivik.DB) {
	t.Helper()
	att := func(name, kind, data string) *kivik.Attachment {
		return &kivik.Attachment{Filename: name, ContentType: kind, Content: io.NopCloser(strings.NewReader(data))}
	}
	rev, err := db.PutAttachment(ctx, "files", att("notes.txt", "text/plain", "all quiet"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.GetAttachment(ctx, "files", "notes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(got.Content); err != nil || string(text) != "all quiet" || got.ContentType != "text/plain" {
		t.Errorf("%q %+v %v", text, got, err)
	}
	// kivik compresses what it sends, and the server keeps it so: how long it is otherwise nobody has counted.
	if meta, err := db.GetAttachmentMeta(ctx, "files", "notes.txt"); err != nil || meta.Digest == "" || meta.ContentType != "text/plain" {
		t.Errorf("%+v %v", meta, err)
	}
	// Several in one doc, as parts of a message both ways.
	_, err = db.Put(ctx, "many", map[string]any{"_attachments": &kivik.Attachments{
		"one": att("one", "image/png", "111"), "two": att("two", "text/plain", strings.Repeat("2", 5000)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	atts, err := db.Get(ctx, "many", kivik.IncludeDocs(), kivik.Param("attachments", true)).Attachments()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for {
		a, err := atts.Next()
		if err != nil {
			break
		}
		data, err := io.ReadAll(a.Content)
		if err != nil {
			t.Fatal(err)
		}
		seen[a.Filename] = len(data)
	}
	if seen["one"] != 3 || seen["two"] == 0 || len(seen) != 2 {
		t.Errorf("attachments %v", seen)
	}
	if _, err := db.DeleteAttachment(ctx, "files", rev, "notes.txt"); err != nil {
		t.Error(err)
	}
}

func kivikQueries(ctx context.Context, t *testing.T, db *kivik.DB) {
	t.Helper()
	view := map[string]any{"views": map[string]any{"n": map[string]any{"map": "function (doc) { if (doc.n) emit(doc.n, null) }"}}}
	if _, err := db.Put(ctx, "_design/by", view); err != nil {
		t.Fatal(err)
	}
	ids := func(rows *kivik.ResultSet, id func() (string, error)) (list []string) {
		t.Helper()
		for rows.Next() {
			s, err := id()
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, s)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return list
	}
	rows := db.Query(ctx, "by", "n", kivik.Param("startkey", 2))
	if got := ids(rows, rows.ID); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("view: %q", got)
	}
	found := db.Find(ctx, map[string]any{"selector": map[string]any{"n": map[string]any{"$gt": 2}}})
	n := 0
	for found.Next() {
		var doc struct{ N int }
		if err := found.ScanDoc(&doc); err != nil || doc.N != 3 {
			t.Errorf("%+v %v", doc, err)
		}
		n++
	}
	if found.Err() != nil || n != 1 {
		t.Errorf("find: %d docs, %v", n, found.Err())
	}
	changes := db.Changes(ctx)
	var log bytes.Buffer
	for changes.Next() {
		log.WriteString(changes.ID() + " ")
	}
	if changes.Err() != nil || !strings.HasSuffix(log.String(), "_design/by ") {
		t.Errorf("changes: %s %v", &log, changes.Err())
	}
}
