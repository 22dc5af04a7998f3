package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
)

// TestCrash takes clones of the file system, with what was not synced lost in part, while writers write, and opens each:
// every doc that was acknowledged before the clone was taken is there with both of its records and its attachment, no upload
// is left over, and the counters agree.
func TestCrash(t *testing.T) {
	t.Parallel()
	const writers, clones = 4, 40
	fs := vfs.NewCrashableMem()
	e := mustOpen(t, "data", Options{FS: fs})
	d := mustCreate(t, e, "log_c")
	x, err := d.Index("sig")
	if err != nil {
		t.Fatal(err)
	}
	var acked [writers]atomic.Int64
	var wg sync.WaitGroup
	rounds := make(chan struct{}, 4*writers)
	for w := range writers {
		wg.Go(func() {
			for n := int64(0); ; n++ {
				if _, more := <-rounds; !more {
					return
				}
				if err := writeRound(d, x, w, n); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				acked[w].Store(n + 1)
			}
		})
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range clones {
		for range 4 * writers {
			rounds <- struct{}{}
		}
		if n%4 == 0 {
			wg.Go(func() {
				d.loose.Store(leastLoose)
				if err := d.compactNeeded(t.Context(), noRest); err != nil {
					t.Error(err)
				}
				mustTidy(t, e)
			})
		}
		var before [writers]int64
		for w := range writers {
			before[w] = acked[w].Load()
		}
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rnd.IntN(101), RNG: rnd})
		checkCrashed(t, clone, before[:])
	}
	close(rounds)
	wg.Wait()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeRound writes a new doc of the writer with an attachment, edits its counter doc, which keeps the attachment of the first
// round, adds some lines of a log and deletes one of those of the round before, and notes the sequence in the index. Every other
// round has an upload that comes to nothing.
func writeRound(d *DB, x store.KV, w int, n int64) error {
	ctx := context.Background()
	counter := fmt.Sprintf("counter%d", w)
	docs := []store.Doc{
		{ID: fmt.Sprintf("%d-%06d", w, n), Body: fmt.Appendf(nil, `{"w":%d,"n":%d}`, w, n)},
		{ID: counter, Body: fmt.Appendf(nil, `{"n":%d}`, n)},
	}
	for range 1 + n%2 {
		a, err := d.Upload(ctx, func(to io.Writer) error { _, err := to.Write(roundData(w, n)); return err })
		if err != nil {
			return err
		}
		docs[0].Attachments = []store.Attachment{a}
	}
	if old, err := d.Get(counter); err == nil {
		docs[1].Rev, docs[1].Attachments = old.Rev, old.Attachments
	} else if n > 0 {
		return err
	} else {
		a, err := d.Upload(ctx, func(w io.Writer) error { _, err := w.Write([]byte("first")); return err })
		if err != nil {
			return err
		}
		docs[1].Attachments = []store.Attachment{a}
	}
	docs = append(docs, roundLines(w, n)...)
	if n > 0 {
		line := roundLines(w, n-1)[2]
		old, err := d.Get(line.ID)
		if err != nil {
			return err
		}
		docs = append(docs, store.Doc{ID: line.ID, Rev: old.Rev, Deleted: true})
	}
	res, err := d.Write(ctx, docs, WriteOptions{NewEdits: true})
	for _, r := range res {
		if r.Err != nil {
			return r.Err
		}
	}
	if err != nil {
		return err
	}
	return x.Apply(ctx, []store.KVOp{{Key: fmt.Appendf(nil, "%d", w), Value: fmt.Append(nil, n)}})
}

// roundLines are the lines of a round, which get into a bundle.
func roundLines(w int, n int64) []store.Doc {
	docs := make([]store.Doc, 8)
	for i := range docs {
		docs[i] = contentDoc(fmt.Sprintf(`{"date":"2026-01-02","hour":"03:%02d:%02d,%03d","w":%d}`, n/60%60, n%60, i, w), 0)
	}
	return docs
}

func checkCrashed(t *testing.T, fs vfs.FS, acked []int64) {
	t.Helper()
	e := mustOpen(t, "data", Options{FS: fs})
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	d, err := e.DB("log_c")
	if err != nil {
		t.Fatal(err)
	}
	x, err := d.Index("sig")
	if err != nil {
		t.Fatal(err)
	}
	for w, n := range acked {
		checkWriter(t, d, x, w, n)
	}
	if n := pendingUploads(t, d); n != 0 {
		t.Errorf("%d uploads are left over", n)
	}
	sound(t, d)
}

// roundData is the attachment of a round, of more than one chunk now and then.
func roundData(w int, n int64) []byte {
	size := 100
	if n%40 == 3 {
		size = chunkLen + 100
	}
	return bytes.Repeat([]byte{byte(w), byte(n)}, size)
}

// checkWriter checks that at least n rounds of a writer are there, whole.
func checkWriter(t *testing.T, d *DB, x store.KV, w int, n int64) {
	t.Helper()
	for i := range n {
		id := fmt.Sprintf("%d-%06d", w, i)
		doc, err := d.Get(id)
		if err != nil || string(doc.Body) != fmt.Sprintf(`{"w":%d,"n":%d}`, w, i) || len(doc.Attachments) != 1 {
			t.Errorf("acknowledged doc %s: %s %v", id, doc.Body, err)
			continue
		}
		if got, err := io.ReadAll(d.Attachment(doc.Attachments[0])); err != nil || !bytes.Equal(got, roundData(w, i)) {
			t.Errorf("attachment of %s: %d bytes, %v", id, len(got), err)
		}
	}
	for i := max(0, n-8); i < n; i++ { // sound looks at the others
		for k, line := range roundLines(w, i) {
			doc, err := d.Get(line.ID)
			gone := k == 2 && store.IsKind(err, store.KindNotFound)
			if !gone && (err != nil || string(doc.Body) != string(line.Body)) || !gone && k == 2 && i < n-1 {
				t.Errorf("line %s of an acknowledged round: %s %v", line.ID, doc.Body, err)
			}
		}
	}
	var last int64 = -1
	if doc, err := d.Get(fmt.Sprintf("counter%d", w)); err == nil {
		fmt.Sscanf(string(doc.Body), `{"n":%d}`, &last)
	}
	if last < n-1 {
		t.Errorf("writer %d: counter %d after %d acknowledged rounds", w, last, n)
	}
	// One call is all or nothing: the counter's round has its doc.
	if last >= 0 {
		if _, err := d.Get(fmt.Sprintf("%d-%06d", w, last)); err != nil {
			t.Errorf("writer %d: the counter is at %d, its doc is not there: %v", w, last, err)
		}
	}
	if v, ok, err := x.Get(fmt.Append(nil, w)); err != nil {
		t.Error(err)
	} else if ok {
		var seen int64
		fmt.Sscan(string(v), &seen)
		if seen > last {
			t.Errorf("writer %d: the index is at %d, the docs at %d", w, seen, last)
		}
	}
}

// sound checks that both orders of a database hold the same docs and that the counters count them.
func sound(t *testing.T, d *DB) {
	t.Helper()
	ctx := context.Background()
	bySeq := map[string]store.Rev{}
	var last, live, deleted uint64
	err := d.Changes(ctx, ChangesOptions{Bodies: true}, func(c store.Change) bool {
		if c.Seq <= last {
			t.Errorf("sequence %d after %d", c.Seq, last)
		}
		last = c.Seq
		if _, again := bySeq[c.Doc.ID]; again {
			t.Errorf("%s is in the changes twice", c.Doc.ID)
		}
		if c.Doc.Deleted {
			deleted++
		} else {
			live++
			bySeq[c.Doc.ID] = c.Doc.Rev
		}
		return true
	})
	if err != nil {
		t.Errorf("changes: %v", err)
	}
	n := uint64(0)
	err = d.AllDocs(ctx, IDRange{}, true, func(doc store.Doc) bool {
		n++
		if bySeq[doc.ID] != doc.Rev {
			t.Errorf("%s has revision %v by id and %v by sequence", doc.ID, doc.Rev, bySeq[doc.ID])
		}
		return true
	})
	s := d.Stats()
	if err != nil || n != live || s.DocCount != live || s.DelDocCount != deleted || s.UpdateSeq < last {
		t.Errorf("%d docs by id (%v), %d by sequence and %d deleted ones up to %d, but %+v", n, err, live, deleted, last, s)
	}
}
