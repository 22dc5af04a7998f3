package btree

import (
	"slices"
	"testing"

	"logctl/store"
)

func testLeaf() []byte {
	rows := []Entry{
		{Sort: []byte("abc"), Doc: Doc{ID: "a"}, Value: []byte("1")},
		{Sort: []byte("abd"), Doc: Doc{ID: "20170614171612329-d9v82h3lk7o1q12t-3", Time: 1497460572329, N: 1}, JSON: []byte("2"), Value: nil},
		{Sort: []byte("abd"), Doc: Doc{ID: "20170614171612329-e9v82h3lk7o1q12t", Time: 1497460572329, N: 7}, Repeat: 3},
	}
	var items []rowRef
	for i := range rows {
		items = append(items, rowRef{new: &rows[i]})
	}
	return finish(newLeaf(items, true).append(begin(nil, kindLeaf, 0, len(items)), &textWriter{}))
}

func TestCorruption(t *testing.T) {
	t.Parallel()
	leaf := testLeaf()
	inner := appendInner(nil, 0, []kid{{last: []byte("abd"), id: 7, rows: 2, reduction: reduction{red: []byte("r")}}})
	for _, data := range [][]byte{leaf, inner} {
		if _, err := decode(data); err != nil {
			t.Fatal(err)
		}
		for i := range data {
			bad := slices.Clone(data)
			bad[i] ^= 1
			if _, err := decode(bad); !store.IsKind(err, store.KindCorrupt) {
				t.Errorf("flipped byte %d: %v", i, err)
			}
			if _, err := decode(data[:i]); !store.IsKind(err, store.KindCorrupt) {
				t.Errorf("cut at %d: %v", i, err)
			}
		}
	}
	tree := &Tree{KV: memory{}, Cache: NewCache(0), Root: Root{ID: 3, Height: 1, Rows: 1}}
	if _, err := tree.At(0); !store.IsKind(err, store.KindCorrupt) {
		t.Errorf("missing node: %v", err)
	}
}

// FuzzDecode gives arbitrary bodies a right checksum.
func FuzzDecode(f *testing.F) {
	f.Add(testLeaf())
	f.Add(appendInner(nil, 0, []kid{{last: []byte("abd"), id: 7, rows: 2, reduction: reduction{red: []byte("r")}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < checksumSize {
			return
		}
		n, err := decode(finish(slices.Clone(data[:len(data)-checksumSize])))
		if err != nil {
			return
		}
		if (n.leaf == nil) == (n.kids == nil) {
			t.Fatalf("neither a leaf nor an inner node: %+v", n)
		}
		if n.leaf != nil {
			rows := 0
			err := n.leaf.each(0, n.leaf.n, func(Entry) error { rows++; return nil })
			if err != nil || rows != n.leaf.n {
				t.Fatalf("%d rows of %d, %v", rows, n.leaf.n, err)
			}
			n.leaf.search([]byte("abcd"), &namer{})
		}
	})
}
