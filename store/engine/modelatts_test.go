package engine

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"logctl/store"
)

// text is a doc's body with its attachments, so that the two compare as one.
func text(doc *store.Doc) string {
	s := string(doc.Body)
	for _, a := range doc.Attachments {
		s += fmt.Sprintf(" %+v", a)
	}
	return s
}

// attach gives some of docs attachments: new ones and, where the doc names a revision that has some, those.
func (m *model) attach(t *testing.T, rnd *rand.Rand, d *DB, docs []store.Doc) {
	t.Helper()
	for i := range docs {
		doc := &docs[i]
		if md := m.docs[doc.ID]; md != nil && rnd.IntN(2) == 0 {
			parent := doc.Rev
			if len(doc.Ancestors) > 0 {
				parent = store.Rev{Gen: doc.Rev.Gen - 1, Hash: doc.Ancestors[0]}
			}
			if n := md.nodes[parent]; n != nil {
				doc.Attachments = append(doc.Attachments, n.atts...)
			}
		}
		if rnd.IntN(3) == 0 {
			data := randomBytes(rnd.IntN(3) * 100)
			doc.Attachments = append(doc.Attachments, mustUpload(t, d, fmt.Sprint("x", rnd.IntN(100)), data))
		}
	}
}

// discard ends the uploads of docs that were not written.
func discard(t *testing.T, d *DB, docs []store.Doc) {
	t.Helper()
	for i := range docs {
		for _, a := range docs[i].Attachments {
			if err := d.Discard(context.Background(), a.Blob); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := pendingUploads(t, d); n != 0 {
		t.Errorf("%d uploads are left", n)
	}
}

// compact does what DB.Compact should.
func (m *model) compact() {
	for _, md := range m.docs {
		leaves := md.leaves()
		for r, n := range md.nodes {
			if !slices.Contains(leaves, r) {
				n.body, n.atts = "", nil
			}
		}
	}
}

// compareBlobs checks that the blobs and their counts are those of the revisions whose bodies are kept, and reads all.
func (m *model) compareBlobs(t *testing.T, d *DB) {
	t.Helper()
	want := map[uint64]int{}
	chunks := map[uint64]bool{}
	for _, md := range m.docs {
		for _, n := range md.nodes {
			for _, a := range n.atts {
				want[a.Blob]++
				chunks[a.Blob] = a.Stored > 0
				if got, err := io.ReadAll(d.Attachment(a)); err != nil || md5.Sum(got) != a.MD5 {
					t.Errorf("attachment %+v: %d bytes, %v", a, len(got), err)
				}
			}
		}
	}
	maps.DeleteFunc(chunks, func(_ uint64, there bool) bool { return !there })
	got := map[uint64]int{}
	lo, hi := d.keys.space(subBlobs)
	err := d.e.scan(lo, hi, func(k, v []byte) error {
		dec := decoder{src: v[1:]}
		got[binary.BigEndian.Uint64(k[prefixLen:])] = int(dec.uvarint())
		return nil
	})
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("blobs %v (%v), want %v", got, err, want)
	}
	gotChunks := map[uint64]bool{}
	lo, hi = d.keys.space(subChunks)
	err = d.e.scan(lo, hi, func(k, _ []byte) error {
		gotChunks[binary.BigEndian.Uint64(k[prefixLen:])] = true
		return nil
	})
	if err != nil || !maps.Equal(gotChunks, chunks) {
		t.Errorf("chunks of %v (%v), want of %v", gotChunks, err, chunks)
	}
}
