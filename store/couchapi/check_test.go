package couchapi

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logctl/designdocs"
	"logctl/store"
	"logctl/store/engine"
)

// checkedStore makes a small store (Pebble looks into each bad block for the bit that was flipped, which takes long) with docs, a few of them replaced, and views, and closes it.
func checkedStore(t *testing.T, dir string, docs int) {
	t.Helper()
	e, h := openChecked(t, dir)
	ctx := store.WithCaller(t.Context(), adminCaller(testAdmin))
	ask := func(method, path string, body []byte) {
		t.Helper()
		r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		if h.ServeHTTP(rec, r); rec.Code > 299 {
			t.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
		}
	}
	own, err := designdocs.Own()
	if err != nil {
		t.Fatal(err)
	}
	ask(http.MethodPut, "/log_bans", nil)
	ask(http.MethodPut, "/log_bans/_design/report", own[0].Body)
	r := rand.New(rand.NewPCG(4, 2))
	for i := 0; i < docs; i += 40 {
		body := []byte(`{"docs":[`)
		for j := i; j < i+40; j++ {
			body = fmt.Appendf(body, `{"_id":"%06d-%016x","date":"2017-%02d-%02d","hour":"%02d:00:00,000","process":"sshd","ip":"192.0.%d.%d","machine":"web"},`,
				j, r.Uint64(), 1+j%12, 1+j%28, j%24, r.IntN(4), r.IntN(250))
		}
		body[len(body)-1] = ']'
		ask(http.MethodPost, "/log_bans/_bulk_docs", append(body, '}'))
	}
	for i := range 5 {
		ask(http.MethodPut, fmt.Sprintf("/log_bans/edited%d", i), []byte(`{"n":1}`))
		ask(http.MethodPost, "/log_bans/_bulk_docs", fmt.Appendf(nil, `{"new_edits":false,"docs":[{"_id":"edited%d","_rev":"1-%032x","n":2}]}`, i, i))
	}
	ask(http.MethodGet, "/log_bans/_design/report/_view/attacks", nil)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func openChecked(t *testing.T, dir string) (*engine.Engine, *Handler) {
	t.Helper()
	e, err := engine.Open(dir, engine.Options{CacheSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return e, New(Options{Engine: e, Admins: oneAdmin{}})
}

// checked is what a check of a store says is wrong, a line each, "" for a sound store.
func checked(t *testing.T, dir string, repair bool) string {
	t.Helper()
	wrong, _ := checkedDocs(t, dir, repair)
	return wrong
}

// checkedDocs tells also what the check says of the docs.
func checkedDocs(t *testing.T, dir string, repair bool) (problems, docs string) {
	t.Helper()
	var wrong, said strings.Builder
	_, err := engine.CheckFiles(context.Background(), dir, engine.Options{}, func(d engine.Damage) { fmt.Fprintln(&wrong, d) })
	if err != nil {
		fmt.Fprintln(&wrong, err)
	}
	e, err := engine.Open(dir, engine.Options{CacheSize: 1 << 20})
	if err != nil {
		fmt.Fprintln(&wrong, "open:", err)
		return wrong.String(), ""
	}
	h := New(Options{Engine: e, Admins: oneAdmin{}})
	_, err = h.Check(context.Background(), CheckOptions{
		Repair: repair, Say: func(line string) { fmt.Fprintln(&said, line) }, Wrong: func(line string) { fmt.Fprintln(&wrong, line) },
	})
	if err != nil {
		fmt.Fprintln(&wrong, err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil && wrong.Len() == 0 {
		t.Error(err)
	}
	return wrong.String(), said.String()
}

// copyDir copies a store's files.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// verified tells whether there is something to verify in a file: see engine.CheckFiles.
func verified(name string) bool {
	return !strings.HasPrefix(name, "OPTIONS-") && !strings.HasPrefix(name, "marker.") && name != "LOCK"
}

// storeFiles are the files of a store with something in them, and their sizes. A manifest that the marker does not name was followed by
// another.
func storeFiles(t *testing.T, dir string) (names []string, sizes []int64) {
	t.Helper()
	markers, err := filepath.Glob(filepath.Join(dir, "pebble", "marker.manifest.*"))
	if err != nil || len(markers) != 1 {
		t.Fatal(markers, err)
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !verified(d.Name()) || strings.HasPrefix(d.Name(), "MANIFEST-") && !strings.HasSuffix(markers[0], d.Name()) {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > 0 {
			rel, _ := filepath.Rel(dir, path)
			names, sizes = append(names, rel), append(sizes, info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, sizes
}

// flip flips a bit of a file.
func flip(t *testing.T, path string, at int64, bit int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[at] ^= 1 << bit
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// emptyLog is the size of a log in which nothing was written: its end alone.
const emptyLog = 11

// TestCheckFindsFlippedBits: a bit flipped anywhere in a file of a store is found, in one whose docs are still in its log and in one
// whose docs are in tables.
func TestCheckFindsFlippedBits(t *testing.T) {
	t.Parallel()
	logged, tables := filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "store")
	checkedStore(t, logged, 120)
	copyDir(t, logged, tables)
	wrong, all := checkedDocs(t, tables, false) // opening it writes the log into tables
	if wrong != "" {
		t.Fatalf("a sound store:\n%s", wrong)
	}
	r := rand.New(rand.NewPCG(7, 7))
	for _, base := range []string{logged, tables} {
		names, sizes := storeFiles(t, base)
		for i, name := range names {
			if filepath.Ext(name) == ".log" && sizes[i] <= emptyLog {
				continue
			}
			at, dir := r.Int64N(sizes[i]), filepath.Join(t.TempDir(), "store")
			copyDir(t, base, dir)
			flip(t, filepath.Join(dir, name), at, r.IntN(8))
			// The end of a log may be what nobody was told is on disk, rows of views, and is then as if it had never been written.
			if wrong, docs := checkedDocs(t, dir, false); wrong == "" && (filepath.Ext(name) != ".log" || docs != all) {
				t.Errorf("byte %d of %d of %s: not found\n%s", at, sizes[i], name, docs)
			}
		}
	}
}

// TestCheckRepair: a damaged view index is built anew; docs that are damaged are told by their ids, and the others stay readable.
func TestCheckRepair(t *testing.T) {
	t.Parallel()
	base := filepath.Join(t.TempDir(), "store")
	checkedStore(t, base, 120)
	if wrong := checked(t, base, false); wrong != "" {
		t.Fatal(wrong)
	}
	views, docs := 0, 0
	names, sizes := storeFiles(t, base)
	for i, name := range names {
		if filepath.Ext(name) != ".sst" {
			continue
		}
		dir := filepath.Join(t.TempDir(), "store")
		copyDir(t, base, dir)
		flip(t, filepath.Join(dir, name), sizes[i]/3, 1) // among the rows of the table
		wrong := checked(t, dir, true)
		after := checked(t, dir, false)
		switch {
		case strings.Contains(wrong, "its views are damaged"):
			if views++; after != "" {
				t.Errorf("%s: after the views were built anew:\n%s\nbefore:\n%s", name, after, wrong)
			}
		case strings.Contains(wrong, "log_bans: docs: "):
			if docs++; !strings.Contains(wrong, `"000`) && !strings.Contains(wrong, `"edited`) && !strings.Contains(wrong, `"_design`) || after == "" {
				t.Errorf("%s: damaged docs:\n%s", name, wrong)
			}
		}
	}
	if views == 0 || docs == 0 {
		t.Errorf("%d tables of views and %d of docs were damaged", views, docs)
	}
}
