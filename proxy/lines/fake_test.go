package lines

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"logctl/store"
	"logctl/store/ejson"
)

// fakeSink keeps docs in memory.
type fakeSink struct {
	mu      sync.Mutex
	dbs     map[store.DBName]map[string]map[string]any
	missing map[store.DBName]bool
	fail    func(db store.DBName, docs []store.Doc) error
	refuse  func(doc map[string]any) string
	block   chan struct{} // where set, waits until it is closed
	changed *sync.Cond
}

func newFakeSink() *fakeSink {
	s := &fakeSink{dbs: map[store.DBName]map[string]map[string]any{}, missing: map[store.DBName]bool{}}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *fakeSink) Store(ctx context.Context, db store.DBName, docs []store.Doc, failed func(int, string)) error {
	if s.block != nil {
		select {
		case <-s.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	if s.fail != nil {
		if err := s.fail(db, docs); err != nil {
			return err
		}
	}
	if s.missing[db] {
		return store.NewError(store.KindNotFound, "Database does not exist.")
	}
	for i := range docs {
		body := docs[i].Body
		// What is not in stored form has another id and another revision than it would have elsewhere.
		if stored, err := ejson.Compact(nil, body); err != nil || !bytes.Equal(stored, body) {
			return store.NewError(store.KindBadRequest, "not in stored form: "+string(body))
		}
		var doc map[string]any
		if err := json.Unmarshal(body, &doc); err != nil {
			return err
		}
		if s.refuse != nil {
			if reason := s.refuse(doc); reason != "" {
				failed(i, reason)
				continue
			}
		}
		if s.dbs[db] == nil {
			s.dbs[db] = map[string]map[string]any{}
		}
		s.dbs[db][docs[i].ID] = doc
	}
	return nil
}

// wait gives the docs of a database when there are n, in the order of their ids.
func (s *fakeSink) wait(t *testing.T, db store.DBName, n int) []map[string]any {
	t.Helper()
	const patience = time.Minute
	begun := time.Now()
	late := time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
	defer late.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.dbs[db]) < n {
		if time.Since(begun) >= patience {
			t.Fatalf("%s has %d docs, want %d; there are %v", db, len(s.dbs[db]), n, slices.Collect(maps.Keys(s.dbs)))
		}
		s.changed.Wait()
	}
	var docs []map[string]any
	for _, id := range slices.Sorted(maps.Keys(s.dbs[db])) {
		docs = append(docs, s.dbs[db][id])
	}
	return docs
}

func (s *fakeSink) count(db store.DBName) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dbs[db])
}

// fakeFormatter is for text of the form "user=NAME": what begins with "skip" is skipped, other text does not fit. The fake of the preset
// syslog makes a doc of any text, as long as there is some.
type fakeFormatter struct{ syslog bool }

func (f fakeFormatter) Append(dst, line []byte) ([]byte, Verdict) {
	if f.syslog {
		if len(bytes.TrimSpace(line)) == 0 {
			return dst, Skip
		}
		return append(appendText(append(dst, `{"host":"h","application":"a","special":"s"`...), "message", line), '}'), Doc
	}
	name, ok := strings.CutPrefix(string(line), "user=")
	switch {
	case strings.HasPrefix(string(line), "skip"):
		return dst, Skip
	case !ok:
		return dst, Reject
	case name == "_":
		return append(dst, `{"_x":"y"}`...), Doc
	case name == "forged":
		return append(dst, `{"user":"forged","received":"never","connection_hostname":"elsewhere"}`...), Doc
	}
	return append(appendText(append(dst, '{'), "user", name), '}'), Doc
}

func (fakeFormatter) Reason([]byte) string { return "there is no user in it" }

func fakeCompile(f Format) (func() Formatter, error) {
	if f.Preset == "bad" {
		return nil, store.NewError(store.KindBadRequest, "there is no preset bad")
	}
	return func() Formatter { return fakeFormatter{syslog: f.Preset == "syslog"} }, nil
}

// start runs a server whose messages a fake sink gets.
func start(t *testing.T, o Options, routes string) (*Server, *fakeSink) {
	t.Helper()
	sink := newFakeSink()
	table, err := ParseTable([]byte(routes))
	if err != nil {
		t.Fatal(err)
	}
	o.Sink, o.Table, o.Compile = sink, table, fakeCompile
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s, sink
}
