package ship

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"logctl/store"
	"logctl/store/couchapi"
	"logctl/store/engine"
)

// fakeStore is the embedded store, reached by a transport that dies at one of its requests.
type fakeStore struct {
	t        *testing.T
	api      http.RoundTripper
	requests atomic.Int64
	dieAt    int64 // the request that finds nobody there, like all after it; 0: none
	late     bool  // the request is done before, and only its answer is lost
}

func newStore(t *testing.T) *fakeStore {
	t.Helper()
	e, err := engine.Open(t.TempDir(), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	api := couchapi.New(couchapi.Options{Engine: e})
	t.Cleanup(func() {
		if err := errors.Join(api.Close(), e.Close()); err != nil {
			t.Error(err)
		}
	})
	s := &fakeStore{t: t, api: api.Transport(store.Caller{Name: "admin", Roles: []string{store.AdminRole}})}
	for _, db := range []string{"log_test", "log_test_rejects"} {
		s.ask(http.MethodPut, "/"+db)
	}
	return s
}

func (s *fakeStore) ask(method, path string) []byte {
	s.t.Helper()
	r, err := http.NewRequest(method, "http://couch"+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := s.api.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode/100 != 2 {
		s.t.Fatalf("%s %s: %d %s, %v", method, path, res.StatusCode, body, err)
	}
	return body
}

var errDead = errors.New("dead")

func (s *fakeStore) RoundTrip(r *http.Request) (*http.Response, error) {
	n := s.requests.Add(1)
	dead := s.dieAt > 0 && n >= s.dieAt
	if dead && (!s.late || n > s.dieAt) {
		return nil, errDead
	}
	res, err := s.api.RoundTrip(r)
	if dead && err == nil {
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return nil, errors.Join(errDead, err)
	}
	return res, err
}

func (s *fakeStore) rows(db string) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		var answer struct {
			Rows []struct {
				ID  string
				Doc json.RawMessage
			}
		}
		if err := json.Unmarshal(s.ask(http.MethodGet, "/"+db+"/_all_docs?include_docs=true"), &answer); err != nil {
			yield(store.Row{}, err)
			return
		}
		for _, r := range answer.Rows {
			if !yield(store.Row{ID: r.ID, Doc: r.Doc}, nil) {
				return
			}
			clear(r.Doc) // it holds until the next row
		}
	}
}

// bodies are the docs of a database without _id and _rev, sorted.
func (s *fakeStore) bodies(db string) []string {
	var all []string
	for row, err := range s.rows(db) {
		if err != nil {
			s.t.Fatal(err)
		}
		_, body, _ := bytes.Cut(row.Doc, []byte(`","_rev":"`))
		_, body, _ = bytes.Cut(body, []byte(`",`))
		all = append(all, string(body))
	}
	slices.Sort(all)
	return all
}

// wordFormat makes docs of the first word of lines; older knows only those that begin with "ok".
type wordFormat struct {
	older     bool
	reference time.Time
}

func (f wordFormat) Append(dst, line []byte) ([]byte, Verdict) {
	word, _, _ := bytes.Cut(line, []byte(" "))
	switch {
	case bytes.HasPrefix(word, []byte("skip")):
		return dst, Skip
	case bytes.HasPrefix(word, []byte("never")), f.older && !bytes.HasPrefix(word, []byte("ok")):
		return dst, Reject
	}
	dst = store.AppendJSONString(append(dst, `{"word":`...), word)
	return fmt.Appendf(dst, `,"year":%d}`, f.reference.Year()), Doc
}

func (wordFormat) Reason([]byte) string { return "unknown" }

// rejectLines are some lines: some equal, some that become equal docs, some that never fit.
func rejectLines() string {
	var b strings.Builder
	for i := range 30 {
		fmt.Fprintf(&b, "w%d\nsame %d\n", i, i)
	}
	b.WriteString(strings.Repeat("equal\n", 3) + "bin\xff\x00\nnever\nok\n" + strings.Repeat("x", 100) + "\n")
	return b.String()
}

// TestReparseKilled kills a Reparse at each of its requests, before and after the store has done it, and runs it again: every line is
// there once, as a run over the file with the better schema would have it.
func TestReparseKilled(t *testing.T) {
	t.Parallel()
	input := write(t, filepath.Join(t.TempDir(), "log"), rejectLines())
	ship := func(s *fakeStore, older bool) Summary {
		return mustRun(t, Options{Endpoint: Endpoint{BaseURL: "http://couch", Transport: s.api}, App: "test", Inputs: []string{input},
			Format: func(at time.Time) Formatter { return wordFormat{older, at} }, Machine: "m", MaxLine: 90})
	}
	reparse := func(s *fakeStore) (Reparsed, error) {
		return Reparse(t.Context(), ReparseOptions{Endpoint: Endpoint{BaseURL: "http://couch", Transport: s}, App: "test",
			Format: func(at time.Time) Formatter { return wordFormat{false, at} }, Rejects: s.rows("log_test_rejects"), batchDocs: 10})
	}
	wanted := newStore(t)
	ship(wanted, false)
	want := wanted.bodies("log_test")

	const most = 20
	for at := range int64(most) {
		for _, late := range []bool{false, true} {
			s := newStore(t)
			first := ship(s, true)
			s.dieAt, s.late = at+1, late
			_, err := reparse(s)
			finished := err == nil
			if err != nil && !errors.Is(err, errDead) {
				t.Fatalf("killed at %d: %v", at, err)
			}
			s.dieAt = 0
			r, err := reparse(s)
			if err != nil || r.Removed != r.Stored+r.There {
				t.Fatalf("after it: %+v, %v", r, err)
			}
			if got := s.bodies("log_test"); !slices.Equal(got, want) {
				t.Errorf("killed at %d, late %v: %d docs, want %d", at, late, len(got), len(want))
			}
			if left := s.bodies("log_test_rejects"); len(left) != 2 || r.NoFit != 1 || r.Cut != 1 {
				t.Errorf("killed at %d, late %v: %+v leaves %v of %d", at, late, r, left, first.Rejected)
			}
			if again := ship(s, false); again.Stored != 0 {
				t.Errorf("killed at %d, late %v: the file holds %d more docs", at, late, again.Stored)
			}
			if finished {
				if at < 7 {
					t.Errorf("only %d requests", at)
				}
				return
			}
		}
	}
	t.Errorf("more than %d requests", most)
}

// TestReparseLeaves what is no reject, and what the server refuses.
func TestReparseLeaves(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	rejects := func(yield func(store.Row, error) bool) {
		for id, doc := range map[string]string{
			"_design/rejects": `{}`, "a": `{"_rev":"1-a","reason":"no fit"}`, "b c": `{"_rev":"1-a","line":"w"}`, "d": `{"_rev":"1-a","line":5}`,
			"e": `{"_rev":"1-a","line":"skip this"}`, "f": `{"_rev":"1-a","line":"","time":"then"}`,
		} {
			if !yield(store.Row{ID: id, Doc: json.RawMessage(doc)}, nil) {
				return
			}
		}
	}
	o := ReparseOptions{Endpoint: Endpoint{BaseURL: "http://couch", Transport: s}, App: "test", Rejects: rejects,
		Format: func(at time.Time) Formatter { return wordFormat{false, at} }}
	r, err := Reparse(t.Context(), o)
	r.Elapsed = 0
	if want := (Reparsed{Rejects: 5, Odd: 3, Skipped: 1, Stored: 1, Removed: 1}); err != nil || fmt.Sprint(r) != fmt.Sprint(want) {
		t.Errorf("%+v, %v; want %+v", r, err, want)
	}

	f := newFake(t)
	f.refuse = func(string) bool { return true }
	o.Endpoint.Transport = f
	if r, err = Reparse(t.Context(), o); err != nil || r.Refused != 1 || len(r.Reasons) != 1 || r.Removed != 0 {
		t.Errorf("refused: %+v, %v", r, err)
	}

	torn := errors.New("torn")
	o.Rejects = func(yield func(store.Row, error) bool) {
		_ = yield(store.Row{ID: "a", Doc: json.RawMessage(`{"_rev":"1-a","line":"torn"}`)}, nil) && yield(store.Row{}, torn)
	}
	o.Endpoint.Transport = s
	if r, err = Reparse(t.Context(), o); !errors.Is(err, torn) || r.Removed != 0 {
		t.Errorf("torn rows: %+v, %v", r, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if r, err = Reparse(ended, o); err == nil || r.Removed != 0 {
		t.Errorf("ended before: %+v, %v", r, err)
	}
}
