package designdocs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"strings"

	"logctl/store"
)

// Server is what design documents are installed on; *couch.Client is one.
type Server interface {
	Get(ctx context.Context, db store.DBName, id string) (json.RawMessage, error)
	Put(ctx context.Context, db store.DBName, id string, doc json.RawMessage) (store.Rev, error)
	AllDocs(ctx context.Context, db store.DBName, q store.ViewQuery) iter.Seq2[store.Row, error]
}

// Change is what became of a document.
type Change string

// The changes.
const (
	Created   Change = "created"
	Updated   Change = "updated"
	Unchanged Change = "unchanged"
)

// Result is what became of the document with that name.
type Result struct {
	Name   string
	Change Change
}

// Install brings the docs to a database. A document that is there already and means the same is not written again, so that
// no view is built twice; one that somebody else changes at the same moment is looked at once more. On an error, the
// results tell what was done before it.
func Install(ctx context.Context, s Server, db store.DBName, docs []Doc) ([]Result, error) {
	var results []Result
	for _, d := range docs {
		change, err := install(ctx, s, db, d)
		if store.IsKind(err, store.KindConflict) {
			change, err = install(ctx, s, db, d)
		}
		if err != nil {
			return results, fmt.Errorf("install %s: %w", d.ID(), err)
		}
		results = append(results, Result{Name: d.Name, Change: change})
	}
	return results, nil
}

func install(ctx context.Context, s Server, db store.DBName, d Doc) (Change, error) {
	there, err := get(ctx, s, db, d.ID())
	if err != nil {
		return "", err
	}
	change, rev := Created, ""
	if there != nil {
		if same(there, d.Body) {
			return Unchanged, nil
		}
		change, rev = Updated, revOf(there)
	}
	body, err := withMembers(d.Body, d.ID(), rev)
	if err != nil {
		return "", err
	}
	_, err = s.Put(ctx, db, d.ID(), body)
	return change, err
}

// get reads a document; nil if there is none, though its database is there.
func get(ctx context.Context, s Server, db store.DBName, id string) (json.RawMessage, error) {
	raw, err := s.Get(ctx, db, id)
	if e := (*store.Error)(nil); asNotFound(err, &e) && (e.Reason == "missing" || e.Reason == "deleted") {
		return nil, nil
	}
	return raw, err
}

func revOf(doc []byte) string {
	var d struct {
		Rev string `json:"_rev"`
	}
	if json.Unmarshal(doc, &d) != nil {
		return ""
	}
	return d.Rev
}

// same tells whether two documents mean the same, whatever their revisions and the order of their keys.
func same(a, b []byte) bool {
	x, errX := members(a)
	y, errY := members(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

func members(doc []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var m map[string]any
	err := dec.Decode(&m)
	delete(m, "_id")
	delete(m, "_rev")
	return m, err
}

// Stored is a design document that a database has.
type Stored struct {
	Name string
	Rev  string
	Body json.RawMessage
}

// List are the design documents of a database, sorted by name.
func List(ctx context.Context, s Server, db store.DBName) ([]Stored, error) {
	q := store.NewViewQuery()
	q.StartKey, q.EndKey = json.RawMessage(`"_design/"`), json.RawMessage(`"_design0"`)
	q.ExclusiveEnd, q.IncludeDocs = true, true
	var all []Stored
	for row, err := range s.AllDocs(ctx, db, q) {
		if err != nil {
			return nil, fmt.Errorf("list design documents: %w", err)
		}
		all = append(all, Stored{Name: strings.TrimPrefix(row.ID, "_design/"), Rev: revOf(row.Doc), Body: bytes.Clone(row.Doc)})
	}
	return all, nil
}

// Views are the names of a design document's views, sorted.
func (d Stored) Views() []string {
	var doc struct{ Views map[string]json.RawMessage }
	if json.Unmarshal(d.Body, &doc) != nil {
		return nil
	}
	return sortedKeys(doc.Views)
}

// Matches tells whether the stored document means the same as d.
func (s Stored) Matches(d Doc) bool { return s.Name == d.Name && same(s.Body, d.Body) }
