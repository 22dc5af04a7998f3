package engine

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
)

// TestOpenOldFormats opens stores that former versions of the engine wrote: 40 lines of a log in one call, one of them edited,
// one deleted and one in conflict afterwards, a design doc, a local doc, a setting and a row; then, opened again, late0 to
// late4. Tables hold the former, the log the latter. Everything is there, and new docs go beside the old ones.
func TestOpenOldFormats(t *testing.T) {
	t.Parallel()
	for _, archive := range []string{"format1", "format3"} {
		t.Run(archive, func(t *testing.T) {
			t.Parallel()
			testOldFormat(t, unzipped(t, "testdata/"+archive+".zip"))
		})
	}
}

func testOldFormat(t *testing.T, fs vfs.FS) {
	old := func(d *DB) int { records, _ := keptByID(t, d); return records }
	e := mustOpen(t, "data", Options{FS: fs})
	if v, err := readVersion(fs, "data"); err != nil || v != formatVersion {
		t.Errorf("format %d, %v", v, err)
	}
	d, err := e.DB("log_old")
	if err != nil {
		t.Fatal(err)
	}
	line := func(i int) store.Doc {
		return contentDoc(fmt.Sprintf(`{"date":"2026-01-02","hour":"03:04:%02d,000","ip":"192.0.2.%d"}`, i, i%7), 0)
	}
	check := func() {
		t.Helper()
		for i := range 40 {
			want := string(line(i).Body)
			switch i {
			case 5:
				want = `{"edited":true}`
			case 6:
				if _, err := d.Get(line(i).ID); err == nil || err.Error() != reasonDeleted {
					t.Errorf("line %d: %v, want deleted", i, err)
				}
				continue
			case 7:
				want = `{"other":1}`
			}
			if doc, err := d.Get(line(i).ID); err != nil || string(doc.Body) != want {
				t.Errorf("line %d: %s %v, want %s", i, doc.Body, err, want)
			}
		}
		for i := range 5 {
			if _, err := d.Get(fmt.Sprint("late", i)); err != nil {
				t.Errorf("late%d: %v", i, err)
			}
		}
		if _, revs, err := d.Revs(line(7).ID); err != nil || len(revs) != 2 {
			t.Errorf("conflict: %+v, %v", revs, err)
		}
		if doc, err := d.GetLocal("_local/l"); err != nil || string(doc.Body) != `{"n":1}` {
			t.Errorf("local doc: %s %v", doc.Body, err)
		}
		if v, err := d.Meta("security"); err != nil || string(v) != "{}" {
			t.Errorf("setting: %s %v", v, err)
		}
		sound(t, d)
	}
	check()
	x, err := d.Index("sig")
	if err != nil {
		t.Fatal(err)
	}
	if v, ok, err := x.Get([]byte("k")); !ok || err != nil || string(v) != "v" {
		t.Errorf("row: %q %v %v", v, ok, err)
	}
	for _, r := range mustWrite(t, d, banDocs(0, 50)) {
		if r.Err != nil {
			t.Error(r.ID, r.Err)
		}
	}
	for _, r := range mustWrite(t, d, []store.Doc{line(0), line(1), line(2), line(3)}) {
		if !store.IsKind(r.Err, store.KindConflict) {
			t.Errorf("%s again: %v", r.ID, r.Err)
		}
	}
	if _, spans := keptByID(t, d); spans != 1 || old(d) != 46 {
		t.Errorf("%d by-id records, %d spans", old(d), spans)
	}
	check()
	if err := d.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, spans := keptByID(t, d); spans < 2 || old(d) > 20 {
		t.Errorf("compacted, %d by-id records, %d spans", old(d), spans)
	}
	check()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = mustOpen(t, "data", Options{FS: fs})
	defer e.Close()
	if d, err = e.DB("log_old"); err != nil {
		t.Fatal(err)
	}
	check()
	if n, err := d.CountDocs(context.Background(), IDRange{}); err != nil || n != 39+1+5+50 {
		t.Errorf("%d docs, %v", n, err)
	}
}

// unzipped is a file system with the files of an archive in data.
func unzipped(t *testing.T, archive string) vfs.FS {
	t.Helper()
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	fs := vfs.NewMem()
	if err := fs.MkdirAll("data/"+pebbleDir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, entry := range z.File {
		if strings.HasSuffix(entry.Name, "/") {
			continue
		}
		r, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		f, err := fs.Create("data/"+entry.Name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}
