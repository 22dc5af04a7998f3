package designdocs

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"logctl/store"
)

// memory is a server in memory; conflicts is how many writes it refuses.
type memory struct {
	docs      map[string]string
	puts      int
	conflicts int
}

func (m *memory) Get(_ context.Context, _ store.DBName, id string) (json.RawMessage, error) {
	if d, ok := m.docs[id]; ok {
		return json.RawMessage(d), nil
	}
	return nil, store.NewError(store.KindNotFound, "missing")
}

func (m *memory) Put(_ context.Context, _ store.DBName, id string, doc json.RawMessage) (store.Rev, error) {
	if m.conflicts > 0 {
		m.conflicts--
		return store.Rev{}, store.NewError(store.KindConflict, "Document update conflict.")
	}
	if there, ok := m.docs[id]; ok && revOf([]byte(there)) != revOf(doc) {
		return store.Rev{}, store.NewError(store.KindConflict, "Document update conflict.")
	}
	m.puts++
	body, err := withMembers(doc, id, strconv.Itoa(m.puts)+"-a")
	m.docs[id] = string(body)
	return store.Rev{Gen: m.puts, Hash: "a"}, err
}

func (m *memory) AllDocs(context.Context, store.DBName, store.ViewQuery) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		for _, id := range slices.Sorted(maps.Keys(m.docs)) {
			doc := []byte(m.docs[id])
			if !yield(store.Row{ID: id, Doc: doc}, nil) {
				return
			}
			clear(doc) // it holds until the next row
		}
	}
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestLoad(t *testing.T) {
	t.Parallel()
	docs, err := Load(fstest.MapFS{
		"b/views/v/map.js":            file("// about it\n/* and\nmore */\nfunction (doc) {\r\n  emit(1, '<'); // stays\n}\n\n"),
		"b/views/v/reduce":            file("_count\n"),
		"b/views/u/map.js":            file("function (doc) { emit(2); }"),
		"b/views/u/reduce.js":         file("function (k, v) { return 1; }"),
		"b/views/lib/dates.js":        file("exports.x = 1;"),
		"b/filters/mine.js":           file("function (doc, req) { return true; }"),
		"b/validate_doc_update.js":    file("function (newDoc) {}"),
		"b/README.md":                 file("ignored"),
		"b/views/v/.map.js.swp":       file("ignored"),
		"a.json":                      file(`{"_rev":"1-a", "views": {"w": {"map": "function(doc) { emit(new Date(doc.date)); }"}}, "n": 1.50 }`),
		"_notes/anything/at/all.text": file("ignored"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"_id":"_design/a","views":{"w":{"map":"function(doc) { emit(new Date(doc.date)); }"}},"n":1.50}`,
		`{"_id":"_design/b","language":"javascript","views":{"lib":{"dates":"exports.x = 1;"},` +
			`"u":{"map":"function (doc) { emit(2); }","reduce":"function (k, v) { return 1; }"},` +
			`"v":{"map":"function (doc) {\n  emit(1, '<'); // stays\n}","reduce":"_count"}},` +
			`"filters":{"mine":"function (doc, req) { return true; }"},"validate_doc_update":"function (newDoc) {}"}`,
	}
	if len(docs) != 2 {
		t.Fatalf("%d docs", len(docs))
	}
	for i, d := range docs {
		if string(d.Body) != want[i] {
			t.Errorf("%s\n got %s\nwant %s", d.ID(), d.Body, want[i])
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	const m = "function (doc) {}"
	tests := []struct {
		name  string
		files fstest.MapFS
		err   string
	}{
		{"stray file", fstest.MapFS{"x.txt": file(m)}, "x.txt has no place"},
		{"stray in a view", fstest.MapFS{"a/views/v/map.js": file(m), "a/views/v/mop.js": file(m)}, "a/views/v/mop.js has no place"},
		{"no map", fstest.MapFS{"a/views/v/reduce": file("_count")}, "view a/v has no map.js"},
		{"two reduces", fstest.MapFS{"a/views/v/map.js": file(m), "a/views/v/reduce": file("_sum"), "a/views/v/reduce.js": file(m)}, "reduce twice"},
		{"empty", fstest.MapFS{"a/views/v/map.js": file("// nothing\n")}, "a/views/v/map.js is empty"},
		{"twice", fstest.MapFS{"a/views/v/map.js": file(m), "a.json": file("{}")}, "a is there twice"},
		{"not JSON", fstest.MapFS{"a.json": file("{")}, "design document a.json"},
		{"an array", fstest.MapFS{"a.json": file("[]")}, "no JSON object"},
		{"two objects", fstest.MapFS{"a.json": file("{} {}")}, "no JSON object"},
	}
	for _, tt := range tests {
		if _, err := Load(tt.files); err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.err)
		}
	}
}

func TestInstallWritesOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	m := &memory{docs: map[string]string{}, conflicts: 1}
	docs, err := Own()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Change{Created, Unchanged} {
		got, err := Install(t.Context(), m, "log_x", docs)
		if err != nil || len(got) != 1 || got[0] != (Result{"report", want}) {
			t.Errorf("run %d: %v, %v", i, got, err)
		}
	}
	if m.puts != 1 {
		t.Errorf("%d writes, want 1", m.puts)
	}
	if text, err := Diff(t.Context(), m, "log_x", docs); err != nil || text != "" {
		t.Errorf("Diff of what is installed: %q, %v", text, err)
	}

	m.docs["_design/report"] = strings.Replace(m.docs["_design/report"], `"_count"`, `"_sum"`, 1)
	text, err := Diff(t.Context(), m, "log_x", docs)
	if want := "_design/report views.attacks.reduce\n-_sum\n+_count\n"; err != nil || text != want {
		t.Errorf("Diff\n got %q, %v\nwant %q", text, err, want)
	}
	got, err := Install(t.Context(), m, "log_x", docs)
	if err != nil || len(got) != 1 || got[0].Change != Updated {
		t.Errorf("after a change: %v, %v", got, err)
	}
	list, err := List(t.Context(), m, "log_x")
	if err != nil || len(list) != 1 || list[0].Name != "report" || list[0].Rev != "2-a" || strings.Join(list[0].Views(), " ") != "attackers attacks" || !list[0].Matches(docs[0]) {
		t.Errorf("List: %+v, %v", list, err)
	}
}

func TestInstallGivesUpOnASecondConflict(t *testing.T) {
	t.Parallel()
	m := &memory{docs: map[string]string{}, conflicts: 2}
	if _, err := Install(t.Context(), m, "log_x", []Doc{{Name: "a", Body: []byte("{}")}}); !store.IsKind(err, store.KindConflict) {
		t.Errorf("Install: %v", err)
	}
}

func TestDiffLines(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	writeDiff(&out, lines("a\nb\nc\nd"), lines("a\nx\nc\nd\ne"))
	if want := " a\n-b\n+x\n c\n d\n+e\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func FuzzSource(f *testing.F) {
	f.Add("/* a */ // b\nfunction (doc) {}\n")
	f.Add("/*")
	f.Add("// a\rfunction (doc) {\r\r\n}\r")
	f.Add("/**//*/*/ //\r\r\n\ufeff\v// b\u2028/* \xff*/\x00 /")
	f.Fuzz(func(t *testing.T, text string) {
		if s := source(text); source(s) != s {
			t.Errorf("source(%q) = %q is not final", text, s)
		}
	})
}
