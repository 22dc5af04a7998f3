package engine

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
)

// mustUpload stores an attachment with the bytes of data.
func mustUpload(t testing.TB, d *DB, name string, data []byte) store.Attachment {
	t.Helper()
	a, err := d.Upload(context.Background(), func(w io.Writer) error { _, err := w.Write(data); return err })
	if err != nil {
		t.Fatalf("upload %s: %v", name, err)
	}
	a.Name, a.Type, a.RevPos = name, "image/png", 1
	return a
}

func randomBytes(n int) []byte {
	rnd := rand.New(rand.NewPCG(uint64(n), 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// keysIn counts the keys of a sub-space of a database.
func keysIn(t testing.TB, d *DB, sub byte) (n int) {
	t.Helper()
	lo, hi := d.keys.space(sub)
	if err := d.e.scan(lo, hi, func(_, _ []byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func pendingUploads(t testing.TB, d *DB) int {
	t.Helper()
	n, err := d.Uploads()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAttachmentSizes(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	for _, n := range []int{0, 1, chunkLen - 1, chunkLen, chunkLen + 1, 3*chunkLen + 17} {
		data := randomBytes(n)
		a := mustUpload(t, d, "x", data)
		if a.MD5 != md5.Sum(data) || a.Stored != int64(n) || a.Length != int64(n) {
			t.Errorf("%d bytes: %+v", n, a)
		}
		r := mustPut(t, d, store.Doc{ID: strings.Repeat("n", 1+n%7), Attachments: []store.Attachment{a}})
		doc, err := d.GetRev(strings.Repeat("n", 1+n%7), r)
		if err != nil || len(doc.Attachments) != 1 || doc.Attachments[0] != a || string(doc.Body) != "{}" {
			t.Fatalf("%d bytes: %+v %v", n, doc, err)
		}
		if got, err := io.ReadAll(d.Attachment(a)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: read %d, %v", n, len(got), err)
		}
		from := n / 2
		rd := d.Attachment(a)
		if _, err := rd.Seek(int64(from), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(rd); err != nil || !bytes.Equal(got, data[from:]) {
			t.Errorf("%d bytes from %d: read %d, %v", n, from, len(got), err)
		}
		d = newDB(t, Options{})
	}
}

// TestAttachmentGoes has an attachment that several revisions share: its bytes stay as long as one of them is kept.
func TestAttachmentGoes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newDB(t, Options{RevsLimit: 2})
	a := mustUpload(t, d, "x", randomBytes(chunkLen+1))
	if keysIn(t, d, subChunks) != 2 || pendingUploads(t, d) != 1 {
		t.Fatalf("%d chunks, %d uploads", keysIn(t, d, subChunks), pendingUploads(t, d))
	}
	doc := store.Doc{ID: "d", Body: []byte(`{"n":1}`), Attachments: []store.Attachment{a}}
	doc.Rev = mustPut(t, d, doc)
	doc.Body = []byte(`{"n":2}`)
	doc.Rev = mustPut(t, d, doc) // as a stub would have it
	if pendingUploads(t, d) != 0 {
		t.Error("the upload is still on the list")
	}
	if err := d.Discard(ctx, a.Blob); err != nil || keysIn(t, d, subChunks) != 2 {
		t.Errorf("discard of an attachment in use: %v, %d chunks", err, keysIn(t, d, subChunks))
	}
	if s := d.Stats(); s.ExternalSize != int64(len(doc.Body))+a.Length || s.DiskSize != s.ExternalSize {
		t.Errorf("external size %d", s.ExternalSize)
	}
	doc.Attachments = nil
	for range 2 {
		if keysIn(t, d, subChunks) != 2 {
			t.Error("the attachment of a kept revision is gone")
		}
		doc.Rev = mustPut(t, d, doc)
	}
	if keysIn(t, d, subChunks) != 0 || keysIn(t, d, subBlobs) != 0 {
		t.Errorf("no revision is left, but %d chunks and %d blobs", keysIn(t, d, subChunks), keysIn(t, d, subBlobs))
	}
	if _, err := io.ReadAll(d.Attachment(a)); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("read of an attachment that is gone: %v", err)
	}
	// A stub of what has gone meanwhile.
	doc.Attachments = []store.Attachment{a}
	if _, err := put(t, d, doc); !store.IsKind(err, store.KindMissingStub) {
		t.Errorf("write over a lost attachment: %v", err)
	}
	// A purge.
	doc.Attachments = []store.Attachment{mustUpload(t, d, "y", []byte("abc"))}
	doc.Rev = mustPut(t, d, doc)
	if _, err := d.Purge(ctx, map[string][]store.Rev{"d": {doc.Rev}}); err != nil || keysIn(t, d, subChunks) != 0 {
		t.Errorf("purge: %v, %d chunks", err, keysIn(t, d, subChunks))
	}
}

// TestUploadFails has uploads that come to nothing: a conflict, a reader that errs, an end in the middle.
func TestUploadFails(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newDB(t, Options{})
	mustPut(t, d, store.Doc{ID: "d"})
	a := mustUpload(t, d, "x", randomBytes(chunkLen*2))
	if _, err := put(t, d, store.Doc{ID: "d", Attachments: []store.Attachment{a}}); !store.IsKind(err, store.KindConflict) {
		t.Fatalf("%v, want a conflict", err)
	}
	if err := d.Discard(ctx, a.Blob); err != nil {
		t.Fatal(err)
	}
	wrong := errors.New("reset by peer")
	_, err := d.Upload(ctx, func(w io.Writer) error {
		_, err := w.Write(randomBytes(3*chunkLen + 1))
		return errors.Join(err, wrong)
	})
	if !errors.Is(err, wrong) {
		t.Errorf("upload of a reader that fails: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	_, err = d.Upload(gone, func(w io.Writer) error {
		_, err := w.Write(randomBytes(2*chunkLen + 1))
		cancel()
		_, err2 := w.Write(randomBytes(2 * chunkLen))
		return errors.Join(err, err2)
	})
	if err == nil {
		t.Error("an upload outlives its context")
	}
	// A chunk that was on its way may be there, but then it is on the list, for the next opening to remove.
	if n := keysIn(t, d, subChunks); n != 0 && pendingUploads(t, d) == 0 {
		t.Errorf("%d chunks are left over and on no list", n)
	}
}

// TestUploadsLeftOver opens a store again whose last run did not come to write the docs of its uploads.
func TestUploadsLeftOver(t *testing.T) {
	t.Parallel()
	o := Options{FS: vfs.NewMem()}
	e := mustOpen(t, "data", o)
	d := mustCreate(t, e, "log_a")
	kept := mustUpload(t, d, "kept", randomBytes(chunkLen+5))
	mustUpload(t, d, "lost", randomBytes(chunkLen*3))
	mustPut(t, d, store.Doc{ID: "d", Attachments: []store.Attachment{kept}})
	other := mustCreate(t, e, "log_b")
	mustUpload(t, other, "lost", []byte("x"))
	if err := e.Drop(context.Background(), "log_b"); err != nil {
		t.Fatal(err)
	}
	if lo, hi := other.keys.uploads(); e.scan(lo, hi, func(_, _ []byte) error { return errStop }) != nil {
		t.Error("the uploads of a dropped database are on the list")
	}
	if _, err := other.Upload(context.Background(), func(io.Writer) error { return nil }); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("upload to a dropped database: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = mustOpen(t, "data", o)
	defer e.Close()
	d, err := e.DB("log_a")
	if err != nil {
		t.Fatal(err)
	}
	if keysIn(t, d, subChunks) != 2 || pendingUploads(t, d) != 0 {
		t.Errorf("%d chunks, %d uploads", keysIn(t, d, subChunks), pendingUploads(t, d))
	}
	if got, err := io.ReadAll(d.Attachment(kept)); err != nil || md5.Sum(got) != kept.MD5 {
		t.Errorf("the kept attachment: %d bytes, %v", len(got), err)
	}
	if a := mustUpload(t, d, "new", []byte("n")); a.Blob <= kept.Blob {
		t.Errorf("number %d was given again", a.Blob)
	}
}

// TestFormat1 opens a store that is marked as one of before attachments.
func TestFormat1(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	e := mustOpen(t, "data", Options{FS: fs})
	mustPut(t, mustCreate(t, e, "log_a"), store.Doc{ID: "d"})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := fs.Create("data/"+versionFile, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write([]byte(versionLine(1)))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	e = mustOpen(t, "data", Options{FS: fs})
	defer e.Close()
	if v, err := readVersion(fs, "data"); v != formatVersion || err != nil {
		t.Errorf("format %d, %v", v, err)
	}
	if d, err := e.DB("log_a"); err != nil {
		t.Error(err)
	} else if _, err := d.Get("d"); err != nil {
		t.Error(err)
	}
}

func FuzzSplitPayload(f *testing.F) {
	f.Add([]byte(`{"a":1}`))
	f.Add(payload(&store.Doc{Body: []byte(`{"b":2}`), Attachments: []store.Attachment{
		{Name: "a/b", Type: "text/plain", RevPos: 3, Length: 10, Stored: 5, Gzip: true, Blob: 7}, {Blob: 1 << 60}}}))
	f.Fuzz(func(t *testing.T, p []byte) {
		body, atts, err := splitPayload(p)
		if err != nil {
			return
		}
		doc := store.Doc{Body: body, Attachments: atts}
		again, atts2, err := splitPayload(payload(&doc))
		if len(atts) > 0 && (err != nil || !slices.Equal(atts, atts2) || len(body) > 0 && !bytes.Equal(again, body)) {
			t.Errorf("%+v and then %+v, %v", atts, atts2, err)
		}
	})
}

// TestCompact has a database of replaced revisions: what they took is free again, and what is shown has not changed.
func TestCompact(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := newDB(t, Options{})
	for n := range compactDocs + 50 {
		id := fmt.Sprintf("d%05d", n)
		r := mustPut(t, d, store.Doc{ID: id, Body: []byte(`{"n":1}`)})
		if n%2 == 0 {
			mustPut(t, d, store.Doc{ID: id, Rev: r, Body: []byte(`{"n":2}`)})
		}
	}
	doc := store.Doc{ID: "a", Body: []byte(`{}`)}
	for n := range 4 {
		doc.Attachments = []store.Attachment{mustUpload(t, d, fmt.Sprint("x", n), randomBytes(chunkLen+1+n))}
		doc.Rev = mustPut(t, d, doc)
	}
	before := d.Stats()
	if keysIn(t, d, subChunks) != 8 || keysIn(t, d, subBodies) == 0 {
		t.Fatalf("%d chunks, %d bodies", keysIn(t, d, subChunks), keysIn(t, d, subBodies))
	}
	if err := d.Compact(ctx); err != nil {
		t.Fatal(err)
	}
	if keysIn(t, d, subChunks) != 2 || keysIn(t, d, subBodies) != 0 || keysIn(t, d, subBlobs) != 1 {
		t.Errorf("%d chunks, %d bodies, %d blobs are left", keysIn(t, d, subChunks), keysIn(t, d, subBodies), keysIn(t, d, subBlobs))
	}
	after := d.Stats()
	if after.UpdateSeq != before.UpdateSeq || after.DocCount != before.DocCount || after.ExternalSize != before.ExternalSize {
		t.Errorf("%+v became %+v", before, after)
	}
	if after.DiskSize == 0 || after.DiskSize > 2*chunkLen {
		t.Errorf("%d bytes on disk", after.DiskSize)
	}
	sound(t, d)
	if got, err := io.ReadAll(d.Attachment(doc.Attachments[0])); err != nil || md5.Sum(got) != doc.Attachments[0].MD5 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	_, revs, err := d.Revs("a")
	if err != nil || len(revs) != 4 || revs[1].Available {
		t.Errorf("%+v %v", revs, err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := d.Compact(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("a compaction that was told to end: %v", err)
	}
}
