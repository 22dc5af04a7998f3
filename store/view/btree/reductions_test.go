package btree

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"logctl/store"
	"logctl/store/view/collate"
)

// growing is a reducer whose reductions are longer than a node.
type growing struct{}

func (growing) Reduce(dst []byte, rows Rows) ([]byte, error) {
	return append(dst, bytes.Repeat([]byte{1}, 2*maxSize)...), nil
}
func (growing) Rereduce(dst []byte, reds [][]byte) ([]byte, error) {
	return append(dst, reds[0]...), nil
}

func TestLongReductionsAndKeys(t *testing.T) {
	t.Parallel()
	cache := NewCache(0)
	tree := &Tree{KV: memory{}, Cache: cache, Space: cache.Space(), Reducer: growing{}}
	var ops []Op
	for i := range 3000 {
		ops = append(ops, Op{Entry: &Entry{Sort: append(fmt.Appendf(nil, "%06d", i), make([]byte, 3*maxSize*(i%2))...), Value: []byte("v")}})
	}
	root, kv, err := tree.Apply(context.Background(), Once(ops), nil)
	if err != nil || root.Rows != 3000 || root.Height > 6 {
		t.Fatalf("%+v, %v", root, err)
	}
	tree.Root, tree.KV = root, memory{}.apply(kv)
	n := 0
	if err := tree.Scan(0, root.Rows, false, func(Entry) error { n++; return nil }); err != nil || n != 3000 {
		t.Fatalf("%d rows, %v", n, err)
	}
}

// longReducer gives reductions that are longer than a node should be.
type longReducer struct{}

func (longReducer) Reduce(dst []byte, rows Rows) ([]byte, error) {
	return append(dst, make([]byte, maxSize+minSize)...), nil
}

func (longReducer) Rereduce(dst []byte, reds [][]byte) ([]byte, error) {
	return append(dst, reds[0]...), nil
}

// dear is a reducer with long reductions that counts what it is asked.
type dear struct{ asked *int }

func (d dear) Reduce(dst []byte, rows Rows) ([]byte, error) {
	*d.asked++
	return append(dst, make([]byte, 8*maxSize)...), nil
}

func (d dear) Rereduce(dst []byte, reds [][]byte) ([]byte, error) {
	*d.asked++
	return append(dst, reds[0]...), nil
}

// TestRemember: a cache that has room for what many ranges are reduced to keeps it, though the reductions of all nodes on the way would
// not find room in it, too; and a change costs anew what it changes.
func TestRemember(t *testing.T) {
	t.Parallel()
	const ranges, rows = 100, 300
	asked := 0
	cache := NewCache(ranges * (8*maxSize + 32<<10))
	tree := &Tree{KV: memory{}, Cache: cache, Space: cache.Space(), Reducer: dear{&asked}, Remember: true}
	put := func(from, to int) {
		var ops []Op
		for n := from; n < to; n++ {
			ops = append(ops, Op{Entry: &Entry{Sort: fmt.Appendf(nil, "key/%06d", n), Doc: Doc{ID: "doc"}}})
		}
		root, kv, err := tree.Apply(t.Context(), Once(ops), nil)
		if err != nil {
			t.Fatal(err)
		}
		tree = &Tree{KV: tree.KV.(memory).apply(kv), Cache: cache, Space: tree.Space, Reducer: tree.Reducer, Remember: true, Root: root}
	}
	reduce := func() int {
		asked = 0
		for i := range uint64(ranges) {
			if r, err := tree.Reduce(i*rows, (i+1)*rows); err != nil || len(r.Value) != 8*maxSize {
				t.Fatalf("%d bytes, %v", len(r.Value), err)
			}
		}
		return asked
	}
	put(0, ranges*rows)
	if n := reduce(); n < ranges {
		t.Fatalf("%d calls for %d ranges", n, ranges)
	}
	if n := reduce(); n > 0 {
		t.Errorf("%d calls for what was asked before", n)
	}
	put(ranges*rows/2, ranges*rows/2+1)
	if n := reduce(); n == 0 || n > 10 {
		t.Errorf("%d calls after a change of one row", n)
	}
}

// TestSeams: large groups of keys that begin alike are few whole nodes, whose reductions are taken as they are, with what they were made
// of.
func TestSeams(t *testing.T) {
	t.Parallel()
	const groups, rows = 50, 9000
	asked := 0
	tree := &Tree{KV: memory{}, Cache: NewCache(0), Space: 1, Reducer: dear{&asked}, Remember: true}
	var ops []Op
	for n := range groups * rows {
		ops = append(ops, Op{Entry: &Entry{Sort: fmt.Appendf(nil, "key/%03d/%06d", n/rows, n), Doc: Doc{ID: "doc"}}})
	}
	r := rand.New(rand.NewPCG(5, 5))
	root, kv, err := tree.Apply(t.Context(), inPieces(r, ops), nil)
	if err != nil {
		t.Fatal(err)
	}
	tree.Root, tree.KV, asked = root, memory{}.apply(kv), 0
	for i := range uint64(groups) {
		if r, err := tree.Reduce(i*rows, (i+1)*rows); err != nil || r.Input < 2*len(r.Value) {
			t.Fatalf("%d bytes of %d, %v", len(r.Value), r.Input, err)
		}
	}
	if asked > 2*groups { // what is made of two nodes is given to the function once more
		t.Errorf("%d calls for %d groups", asked, groups)
	}
}

// TestWholeGroups: where groups are some leaves each, one is mostly one node, and what is stored for it is all that a query reads, however
// many leaves that are. Of all rows no reduction is stored: it is made of the root's kids when somebody asks.
func TestWholeGroups(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{600, 1500, 2500, 6000} {
		const groups = 60
		asked := 0
		tree := &Tree{KV: memory{}, Cache: NewCache(0), Space: 1, Reducer: dear{&asked}, Remember: true}
		var ops []Op
		for n := range groups * rows {
			key, _, err := collate.ICU.Append(nil, fmt.Appendf(nil, `["web",%d,%d]`, n/rows, n*7919%(groups*rows)))
			if err != nil {
				t.Fatal(err)
			}
			ops = append(ops, Op{Entry: &Entry{Sort: key, Doc: Doc{ID: "doc"}}})
		}
		slices.SortFunc(ops, func(a, b Op) int { return bytes.Compare(a.Sort, b.Sort) })
		root, kv, err := tree.Apply(t.Context(), inPieces(rand.New(rand.NewPCG(5, uint64(rows))), ops), nil)
		if err != nil {
			t.Fatal(err)
		}
		tree.Root, tree.KV, asked = root, memory{}.apply(kv), 0
		for i := range uint64(groups) {
			if _, err := tree.Reduce(i*uint64(rows), (i+1)*uint64(rows)); err != nil {
				t.Fatal(err)
			}
		}
		if asked > groups/10 {
			t.Errorf("%d calls for %d groups of %d rows", asked, groups, rows)
		}
		if _, ok, _ := tree.KV.Get(reductionKey(nil, root.ID)); ok {
			t.Error("the root's reduction is stored")
		}
	}
}

// TestFarReductions: a reduction that stands apart is found to be damaged, missing or too much.
func TestFarReductions(t *testing.T) {
	t.Parallel()
	tree := &Tree{KV: memory{}, Cache: NewCache(0), Space: 1, Reducer: rolling{long: true}}
	var ops []Op
	for n := range 5000 {
		ops = append(ops, Op{Entry: &Entry{Sort: fmt.Appendf(nil, "key/%06d", n), Doc: Doc{ID: "doc"}, Value: []byte("v")}})
	}
	root, kv, err := tree.Apply(t.Context(), Once(ops), nil)
	if err != nil {
		t.Fatal(err)
	}
	tree.Root, tree.KV = root, memory{}.apply(kv)
	check := func() error {
		tree.Cache.Clear()
		keys, err := tree.Check(func(Entry) error { return nil })
		if err == nil && keys != len(tree.KV.(memory)) {
			err = fmt.Errorf("%d keys of %d", keys, len(tree.KV.(memory)))
		}
		return err
	}
	if err := check(); err != nil {
		t.Fatal(err)
	}
	whole, far := tree.KV.(memory), 0
	for key, value := range whole {
		if value[1] != kindReduction {
			continue
		}
		far++
		other := bytes.Clone(value[:len(value)-checksumSize])
		other[len(other)-1]++
		settled := bytes.Clone(value[:len(value)-checksumSize])
		settled[headerSize] ^= 1
		for _, bad := range [][]byte{nil, value[:len(value)-1], finish(bytes.Clone(other)), finish(other[:len(other)-1]), finish(settled)} {
			tree.KV = whole.apply([]store.KVOp{{Key: []byte(key), Value: bad, Delete: bad == nil}})
			if err := check(); !store.IsKind(err, store.KindCorrupt) {
				t.Errorf("%d bytes of %d: %v", len(bad), len(value), err)
			}
		}
	}
	if far == 0 {
		t.Error("no reduction stands apart")
	}
}
