package ejson

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"logctl/store"
)

// step is one request of a recorded conversation with CouchDB; see README.md beside the recordings.
type step struct {
	Step   int
	Method string
	Path   string
	Header map[string]any `json:"headers"`
	Body   struct {
		JSON   json.RawMessage
		Text   *string
		Repeat []any // head, unit, count, tail
	}
	Expect struct {
		Status int
		Body   struct{ JSON json.RawMessage }
	}
}

// recorded is the conversations of one file.
type recorded struct {
	Cases []struct {
		Case  string
		Steps []step
	}
}

func TestRevHashRecorded(t *testing.T) {
	t.Parallel()
	followed := followFile(t, filepath.Join("testdata", "edits.json"))
	if followed != 14 {
		t.Errorf("%d hashes followed, want 14", followed)
	}
}

func TestRevHashTranscripts(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "couchdb-transcripts")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Skipf("SKIPPED: no recorded CouchDB conversations in %s", dir)
	}
	total := 0
	for _, file := range files {
		n := followFile(t, file)
		t.Logf("%s: %d hashes", filepath.Base(file), n)
		total += n
	}
	if total < 500 {
		t.Errorf("%d hashes followed in all, want 500 or more", total)
	}
}

// followFile replays the edits of docs without attachments, and fails where a revision's hash is not CouchDB's. It gives the
// number of hashes that were compared.
func followFile(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rec recorded
	if err := json.Unmarshal(text, &rec); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	followed := 0
	for _, c := range rec.Cases {
		f := follower{t: t, where: filepath.Base(file) + " " + c.Case, vars: map[string]string{}, last: map[string]string{}}
		for _, s := range c.Steps {
			f.step(&s)
		}
		followed += f.followed
	}
	return followed
}

// follower follows one case.
type follower struct {
	t        *testing.T
	where    string
	vars     map[string]string // of the recording: revisions by name
	last     map[string]string // db and id → its last revision, where a step has told it
	followed int
}

// variable is one, or "$${", which stands for "${".
var variable = regexp.MustCompile(`\$\$\{|\$\{([^}]*)\}`)

// fill puts the values of variables into text.
func (f *follower) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(v string) string {
		if v == "$${" {
			return "${"
		}
		name := v[2 : len(v)-1]
		if rev, ok := f.vars[strings.TrimPrefix(name, "hash:")]; ok {
			if name != strings.TrimPrefix(name, "hash:") {
				_, rev, _ = strings.Cut(rev, "-")
			}
			return rev
		}
		return name
	})
}

// answer is what CouchDB says to an edit.
type answer struct {
	ID  any
	OK  bool
	Rev struct {
		CouchDB string
		As      string
	}
}

func (f *follower) step(s *step) {
	path, query, _ := strings.Cut(f.fill(s.Path), "?")
	parts := strings.SplitN(strings.Trim(path, "/"), "/", 2)
	db, rest := parts[0], strings.Join(parts[1:], "")
	body := f.fill(string(s.Body.JSON))
	if s.Body.Text != nil {
		body = f.fill(*s.Body.Text)
	}
	if r := s.Body.Repeat; len(r) == 4 {
		body = r[0].(string) + strings.Repeat(r[1].(string), int(r[2].(float64))) + r[3].(string)
	}
	ofDoc := rest != "_bulk_docs" && (!strings.HasPrefix(rest, "_") || strings.HasPrefix(rest, "_design/")) &&
		strings.Count(strings.TrimPrefix(rest, "_design/"), "/") == 0
	switch {
	case body == "" && s.Method != "DELETE": // binary
	case s.Expect.Status >= 300 || strings.Contains(query, "new_edits"):
	case s.Method == "POST" && rest == "_bulk_docs":
		f.bulk(db, body, s)
	case s.Method == "PUT" && rest != "" && ofDoc, s.Method == "POST" && rest == "":
		var a answer
		if json.Unmarshal(s.Expect.Body.JSON, &a) == nil {
			f.edit(db, rest, body, revOf(query, s), s.Step, &a)
		}
	case s.Method == "DELETE" && rest != "" && ofDoc:
		var a answer
		if json.Unmarshal(s.Expect.Body.JSON, &a) == nil {
			f.edit(db, rest, `{"_deleted":true}`, f.fill(revOf(query, s)), s.Step, &a)
		}
	}
	f.learn(s.Expect.Body.JSON)
}

// revOf is the revision that a request names outside its body.
func revOf(query string, s *step) string {
	for p := range strings.SplitSeq(query, "&") {
		if rev, ok := strings.CutPrefix(p, "rev="); ok {
			return rev
		}
	}
	match, _ := s.Header["If-Match"].(string)
	return strings.Trim(match, `"`)
}

func (f *follower) bulk(db, body string, s *step) {
	var req struct {
		Docs     []json.RawMessage
		NewEdits *bool `json:"new_edits"`
	}
	var answers []answer
	if json.Unmarshal([]byte(body), &req) != nil || req.NewEdits != nil && !*req.NewEdits ||
		json.Unmarshal(s.Expect.Body.JSON, &answers) != nil || len(answers) != len(req.Docs) {
		return
	}
	for i, doc := range req.Docs {
		f.edit(db, "", string(doc), "", s.Step, &answers[i])
	}
}

func (f *follower) edit(db, id, doc, rev string, n int, a *answer) {
	split, _, err := SplitDoc(nil, []byte(doc))
	if a.Rev.CouchDB == "" {
		return
	}
	if err != nil {
		f.t.Errorf("%s step %d: %v", f.where, n, err)
		return
	}
	if id == "" {
		id = split.Doc.ID
	}
	key := db + "/" + id
	previous := f.last[key]
	f.last[key] = a.Rev.CouchDB
	f.vars[a.Rev.As] = a.Rev.CouchDB
	if len(split.Attachments) > len("{}") {
		delete(f.last, key)
		return
	}
	want, err := store.ParseRev(a.Rev.CouchDB)
	if err != nil {
		f.t.Fatal(err)
	}
	parent := split.Doc.Rev
	if parent.IsZero() && rev != "" {
		parent, _ = store.ParseRev(rev)
	}
	if parent.IsZero() && want.Gen > 1 {
		parent, _ = store.ParseRev(previous) // written over a tombstone
	}
	if want.Gen == 1 {
		parent = store.Rev{} // a revision that is none of the doc's was ignored
	}
	if parent.Gen != want.Gen-1 {
		return
	}
	f.followed++
	if got := string(AppendRevHash(nil, split.Doc.Deleted, parent, split.Doc.Body)); got != want.Hash {
		f.t.Errorf("%s step %d: hash %s, CouchDB's is %s, of %s over %v", f.where, n, got, want.Hash, split.Doc.Body, parent)
	}
}

// learn takes the revisions that an answer names.
func (f *follower) learn(answer json.RawMessage) {
	var v any
	if json.Unmarshal(answer, &v) != nil {
		return
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			as, _ := v["as"].(string)
			if rev, ok := v["couchdb"].(string); ok && as != "" {
				f.vars[as] = rev
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
}
