package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"testing"

	"logctl/store"
)

// server is databases in memory.
type server map[store.DBName]*database

type database struct {
	security string
	docs     []string
	fails    bool
}

func (s server) Security(_ context.Context, db store.DBName) (json.RawMessage, error) {
	return json.RawMessage(s[db].security), nil
}

func (s server) LeafDocs(_ context.Context, db store.DBName) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		for _, d := range s[db].docs {
			if !yield(json.RawMessage(d), nil) {
				return
			}
		}
		if s[db].fails {
			yield(nil, errors.New("the connection was lost"))
		}
	}
}

func (s server) CreateDatabase(_ context.Context, db store.DBName) error {
	if s[db] != nil {
		return store.NewError(store.KindFileExists, "there")
	}
	s[db] = &database{}
	return nil
}

func (s server) SetSecurity(_ context.Context, db store.DBName, object json.RawMessage) error {
	s[db].security = string(object)
	return nil
}

func (s server) PutLeaves(_ context.Context, db store.DBName, docs []json.RawMessage) error {
	for _, d := range docs {
		s[db].docs = append(s[db].docs, string(d))
	}
	return nil
}

func someServer(docs int) server {
	s := server{"log_a": {security: `{"admins":{}}`}, "log_b": {security: `{}`}, "_users": {security: `{"x":1}`, docs: []string{`{"_id":"u"}`}}}
	for i := range docs {
		s["log_a"].docs = append(s["log_a"].docs, fmt.Sprintf(`{"_id":"%d","_rev":"1-a","text":"é \u0000 \"<&"}`, i))
	}
	return s
}

var all = []store.DBName{"_users", "log_a", "log_b"}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	from := someServer(2500)
	var file bytes.Buffer
	wrote, err := Write(t.Context(), &file, from, all)
	if err != nil || wrote.Databases != 3 || wrote.Docs != 2501 {
		t.Fatalf("wrote %+v, %v", wrote, err)
	}
	dbs, found, err := Verify(bytes.NewReader(file.Bytes()))
	if err != nil || found != wrote || !reflect.DeepEqual(dbs, all) {
		t.Fatalf("verified %v %+v, %v", dbs, found, err)
	}
	to := server{"_users": {}}
	if _, err := Restore(t.Context(), bytes.NewReader(file.Bytes()), to, nil); err != nil {
		t.Fatal(err)
	}
	for db, want := range from {
		if !reflect.DeepEqual(to[db], want) {
			t.Errorf("%s: restored %d docs, security %s", db, len(to[db].docs), to[db].security)
		}
	}
	if _, err := Restore(t.Context(), bytes.NewReader(file.Bytes()), to, nil); !store.IsKind(err, store.KindFileExists) {
		t.Errorf("restored over what is there: %v", err)
	}
	part := server{}
	if done, err := Restore(t.Context(), bytes.NewReader(file.Bytes()), part, []store.DBName{"log_b"}); err != nil || done.Databases != 1 || len(part) != 1 {
		t.Errorf("a part: %+v, %v, %v", done, part, err)
	}
}

// A file that is cut short anywhere, or changed anywhere, is no backup.
func TestDamagedBackup(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	if _, err := Write(t.Context(), &file, someServer(40), all); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	for n := range whole {
		if _, _, err := Verify(bytes.NewReader(whole[:n])); !store.IsKind(err, store.KindCorrupt) {
			t.Errorf("%d bytes of %d: %v", n, len(whole), err)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for at := range whole {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 1 << r.IntN(8)
		_, got, err := Verify(bytes.NewReader(flipped))
		if err == nil {
			t.Errorf("bit of byte %d of %d: verified %+v", at, len(whole), got)
		}
	}
	if _, _, err := Verify(bytes.NewReader([]byte("logctl backup 2\n"))); !store.IsKind(err, store.KindNewerFormat) {
		t.Errorf("a newer one: %v", err)
	}
}

// A backup that could not be written to its end is no backup.
func TestFailedBackup(t *testing.T) {
	t.Parallel()
	from := someServer(10)
	from["log_a"].fails = true
	var file bytes.Buffer
	if _, err := Write(t.Context(), &file, from, all); err == nil {
		t.Error("no error")
	}
	if _, _, err := Verify(bytes.NewReader(file.Bytes())); !store.IsKind(err, store.KindCorrupt) {
		t.Errorf("verified: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	var file bytes.Buffer
	if _, err := Write(f.Context(), &file, someServer(3), all); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte("logctl backup 1\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		_, _, _ = Verify(bytes.NewReader(in)) // it must end, and not panic
	})
}
