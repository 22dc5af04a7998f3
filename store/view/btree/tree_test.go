package btree

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sort"
	"testing"

	"logctl/store"
	"logctl/store/view/collate"
)

// memory is a keyspace of which a copy is a snapshot.
type memory map[string][]byte

func (m memory) Get(key []byte) ([]byte, bool, error) {
	v, ok := m[string(key)]
	return v, ok, nil
}

func (m memory) Scan(lo, hi []byte, fn func(k, v []byte) error) error {
	return errors.New("a tree does not scan")
}

func (m memory) apply(ops []store.KVOp) memory {
	next := memory{}
	for k, v := range m {
		next[k] = v
	}
	for _, op := range ops {
		if op.Delete {
			if _, ok := next[string(op.Key)]; !ok {
				panic("a node is deleted that is not there")
			}
			delete(next, string(op.Key))
		} else {
			next[string(op.Key)] = op.Value
		}
	}
	return next
}

// rolling hashes rows so that neither their order nor how they are grouped can be got wrong unseen.
// Those that are long
// mostly have bytes more that follow from the others.
type rolling struct{ long bool }

func (rolling) one(e Entry) (h, p uint64) {
	h = 14695981039346656037
	for _, part := range [...][]byte{e.Sort, []byte(e.Doc.ID), e.AppendValue(nil)} {
		for _, c := range part {
			h = (h ^ uint64(c)) * 1099511628211
		}
	}
	return h, 6364136223846793005
}

func (r rolling) append(dst []byte, h, p uint64) []byte {
	dst = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, h), p)
	if r.long {
		dst = append(dst, bytes.Repeat([]byte{byte(h >> 8)}, nearSize*int(h%3))...)
	}
	return dst
}

func (r rolling) Reduce(dst []byte, rows Rows) ([]byte, error) {
	var list []Entry
	err := rows.Each(func(e Entry) error {
		e.Doc.ID = rows.ID(e)
		list = append(list, e)
		return nil
	})
	if err != nil || rows.Err() != nil {
		return dst, errors.Join(err, rows.Err())
	}
	return r.reduce(dst, list)
}

func (r rolling) reduce(dst []byte, rows []Entry) ([]byte, error) {
	if len(rows) == 0 {
		return dst, errors.New("no rows to reduce")
	}
	var h, p uint64 = 0, 1
	for _, e := range rows {
		h1, p1 := r.one(e)
		h, p = h*p1+h1, p*p1
	}
	return r.append(dst, h, p), nil
}

func (r rolling) Rereduce(dst []byte, reds [][]byte) ([]byte, error) {
	if len(reds) < 2 {
		return dst, errors.New("fewer than two reductions")
	}
	var h, p uint64 = 0, 1
	for _, red := range reds {
		h1, p1 := binary.BigEndian.Uint64(red), binary.BigEndian.Uint64(red[8:])
		h, p = h*p1+h1, p*p1
	}
	return r.append(dst, h, p), nil
}

func row(r *rand.Rand, n, maxValue int) Entry {
	v := make([]byte, r.IntN(maxValue))
	for i := range v {
		v[i] = byte(r.Uint32())
	}
	return Entry{Sort: fmt.Appendf(nil, "key/%06d", n), Doc: Doc{ID: "doc"}, Value: v}
}

// check compares a tree with the rows it must hold.
func check(t *testing.T, r *rand.Rand, tree *Tree, rows []Entry) {
	t.Helper()
	if tree.Root.Rows != uint64(len(rows)) {
		t.Fatalf("%d rows, want %d", tree.Root.Rows, len(rows))
	}
	total := uint64(0)
	for _, v := range tree.KV.(memory) {
		total += uint64(len(v))
	}
	if total != tree.Root.Bytes {
		t.Fatalf("root says %d bytes, nodes have %d", tree.Root.Bytes, total)
	}
	if len(rows) == 0 {
		if len(tree.KV.(memory)) != 0 || tree.Root.ID != 0 {
			t.Fatal("an empty tree has nodes")
		}
		return
	}
	for range 6 {
		from := uint64(r.IntN(len(rows)))
		to := from + 1 + uint64(r.IntN(len(rows)-int(from)))
		for _, descending := range []bool{false, true} {
			want := slices.Clone(rows[from:to])
			if descending {
				slices.Reverse(want)
			}
			i := 0
			err := tree.Scan(from, to, descending, func(e Entry) error {
				if !bytes.Equal(e.Sort, want[i].Sort) || !bytes.Equal(e.Value, want[i].Value) {
					return fmt.Errorf("row %d is %s, want %s", i, e.Sort, want[i].Sort)
				}
				i++
				return nil
			})
			if err != nil || i != len(want) {
				t.Fatalf("scan %d..%d: %d rows, %v", from, to, i, err)
			}
		}
		got, _, err := tree.Reduce(from, to)
		want, _ := tree.Reducer.(rolling).reduce(nil, rows[from:to])
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("reduce %d..%d: %x, %v, want %x", from, to, got, err, want)
		}
		checkGroups(t, tree, rows[from:to], from, len("key/0000")-r.IntN(4))
		e, err := tree.At(from)
		if err != nil || !bytes.Equal(e.Sort, rows[from].Sort) {
			t.Fatalf("row at %d is %s, %v", from, e.Sort, err)
		}
		probe := append(slices.Clone(rows[from].Sort), "~"[:r.IntN(2)]...)
		rank, err := tree.Rank(probe)
		wantRank := sort.Search(len(rows), func(i int) bool { return bytes.Compare(rows[i].Sort, probe) >= 0 })
		if err != nil || rank != uint64(wantRank) {
			t.Fatalf("rank of %s is %d, %v, want %d", probe, rank, err, wantRank)
		}
	}
}

// checkGroups compares the groups of a range, by the first bytes of the keys, with and without reductions.
func checkGroups(t *testing.T, tree *Tree, rows []Entry, from uint64, prefix int) {
	t.Helper()
	counting := *tree
	counting.Reducer = nil
	for _, tree := range []*Tree{tree, &counting} {
		left := rows
		err := tree.Groups(from, from+uint64(len(rows)), func(sort []byte) int { return min(prefix, len(sort)) }, func(g *Group) error {
			n := 0
			for n < len(left) && bytes.HasPrefix(left[n].Sort, g.Sort[:prefix]) {
				n++
			}
			if n == 0 || g.Rows != uint64(n) || !bytes.Equal(g.Sort, left[0].Sort) || !bytes.Equal(g.JSON, left[0].JSON) {
				return fmt.Errorf("group of %s has %d rows, want %d", g.Sort, g.Rows, n)
			}
			if tree.Reducer != nil {
				want, _ := tree.Reducer.(rolling).reduce(nil, left[:n])
				if got, err := g.Reduce(nil); err != nil || !bytes.Equal(got, want) {
					return fmt.Errorf("group of %s: %x, %v, want %x", g.Sort, got, err, want)
				}
			}
			left = left[n:]
			return nil
		})
		if err != nil || len(left) > 0 {
			t.Fatalf("groups by %d bytes: %d rows left, %v", prefix, len(left), err)
		}
	}
}

// change makes a batch of operations on a model of the rows, and the model after it.
func change(r *rand.Rand, model map[int]Entry, span, n, maxValue int, deletes float64) []Op {
	ops := map[int]Op{}
	start, width := 0, span
	if r.IntN(2) == 0 { // neighbours
		width = 1 + r.IntN(span)
		start = r.IntN(span - width + 1)
	}
	for range n {
		k := start + r.IntN(width)
		e := row(r, k, maxValue)
		if r.Float64() < deletes {
			delete(model, k)
			ops[k] = Op{Entry: &e, Delete: true}
			continue
		}
		model[k] = e
		ops[k] = Op{Entry: &e}
	}
	list := make([]Op, 0, len(ops))
	for _, op := range ops {
		list = append(list, op)
	}
	sort.Slice(list, func(i, j int) bool { return bytes.Compare(list[i].Sort, list[j].Sort) < 0 })
	return list
}

func sorted(model map[int]Entry) []Entry {
	rows := make([]Entry, 0, len(model))
	for _, e := range model {
		rows = append(rows, e)
	}
	sort.Slice(rows, func(i, j int) bool { return bytes.Compare(rows[i].Sort, rows[j].Sort) < 0 })
	return rows
}

// inPieces gives ops in pieces of random sizes.
func inPieces(r *rand.Rand, ops []Op) Pieces {
	return func() (piece []Op, _ error) {
		n := min(1+r.IntN(len(ops)+1), len(ops))
		piece, ops = ops[:n], ops[n:]
		return piece, nil
	}
}

// TestPieces: a tree does not depend on how its ops come in pieces, and an error among them ends all.
func TestPieces(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	model := map[int]Entry{}
	cache := NewCache(0)
	one := &Tree{KV: memory{}, Cache: cache, Space: cache.Space(), Reducer: rolling{}}
	many := &Tree{KV: memory{}, Cache: cache, Space: cache.Space(), Reducer: rolling{}}
	for range 20 {
		ops := change(r, model, 20_000, 4000, 40, 0.4)
		apply := func(tree *Tree, todo Pieces) memory {
			root, kv, err := tree.Apply(t.Context(), todo, nil)
			if err != nil {
				t.Fatal(err)
			}
			tree.Root, tree.KV = root, tree.KV.(memory).apply(kv)
			return tree.KV.(memory)
		}
		if !reflect.DeepEqual(apply(one, Once(ops)), apply(many, inPieces(r, ops))) {
			t.Fatal("another tree")
		}
	}
	ops, failed := change(r, model, 20_000, 3000, 40, 0), errors.New("no more")
	first := true
	_, _, err := one.Apply(t.Context(), func() ([]Op, error) {
		if first {
			first = false
			return ops[:len(ops)/2], nil
		}
		return nil, failed
	}, nil)
	if err != failed {
		t.Errorf("%v, want the error of the pieces", err)
	}
}

func TestModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 7))
			cache := NewCache(256 << 10)
			tree := &Tree{KV: memory{}, Prefix: []byte("n"), Cache: cache, Space: cache.Space(), Reducer: rolling{long: seed >= 3}, Remember: seed%2 == 0}
			model := map[int]Entry{}
			maxValue := []int{8, 400, 3000}[seed%3]
			for step := range 45 {
				deletes := []float64{0.1, 0.5, 0.95}[step/15]
				n := []int{1, 10, 300, 2000}[r.IntN(4)]
				ops := change(r, model, 5000, n, maxValue, deletes)
				old, oldRows := *tree, sorted(model)
				root, kv, err := tree.Apply(context.Background(), inPieces(r, ops), nil)
				if err != nil {
					t.Fatal(err)
				}
				tree.Root, tree.KV = root, tree.KV.(memory).apply(kv)
				check(t, r, tree, oldRows)
				if old.Root.Rows > 0 { // a reader of the old tree is not disturbed
					if err := old.Scan(0, old.Root.Rows, false, func(Entry) error { return nil }); err != nil {
						t.Fatal(err)
					}
				}
			}
			var all []Op
			for _, e := range sorted(model) {
				all = append(all, Op{Entry: &e, Delete: true})
			}
			root, kv, err := tree.Apply(context.Background(), Once(all), nil)
			if err != nil {
				t.Fatal(err)
			}
			tree.Root, tree.KV = root, tree.KV.(memory).apply(kv)
			check(t, r, tree, nil)
		})
	}
}

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

// TestAppendFillsNodes appends in order, a few rows at a time, as logs do: nodes must end well filled and shallow.
func TestAppendFillsNodes(t *testing.T) {
	t.Parallel()
	cache := NewCache(0)
	tree := &Tree{KV: memory{}, Cache: cache, Space: cache.Space()}
	n := 0
	for range 500 {
		var ops []Op
		for range 20 {
			ops = append(ops, Op{Entry: &Entry{Sort: fmt.Appendf(nil, "2017-06-14/%012d", n), Value: []byte("[\"59.45.175.88\",\"sshd\"]")}})
			n++
		}
		root, kv, err := tree.Apply(context.Background(), Once(ops), nil)
		if err != nil {
			t.Fatal(err)
		}
		tree.Root, tree.KV = root, tree.KV.(memory).apply(kv)
	}
	nodes := len(tree.KV.(memory))
	full := targetSize / (rowRef{new: &Entry{Sort: make([]byte, 23), Value: make([]byte, 24)}}).docSize()
	if n/nodes < full/2 {
		t.Errorf("%d nodes of %d rows in the mean, %d would be full", nodes, n/nodes, full)
	}
}

func TestApplyHonoursContext(t *testing.T) {
	t.Parallel()
	cache := NewCache(0)
	tree := &Tree{KV: memory{}, Cache: cache, Space: cache.Space()}
	root, kv, err := tree.Apply(context.Background(), Once([]Op{{Entry: &Entry{Sort: []byte("a")}}}), nil)
	if err != nil {
		t.Fatal(err)
	}
	tree.Root, tree.KV = root, memory{}.apply(kv)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := tree.Apply(ctx, Once([]Op{{Entry: &Entry{Sort: []byte("b")}}}), nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

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

// TestLittleOfMuch: a change of one row takes little memory beyond the nodes that it makes anew, though they have many parts.
func TestLittleOfMuch(t *testing.T) {
	const rows, emits, limit = 400, 10, 2 << 20
	tree := &Tree{KV: memory{}, Cache: NewCache(0), Space: 1}
	value := func(n int) (value []byte) {
		for i := range emits {
			value, _, _ = collate.ICU.Append(append(value, 0, 0), fmt.Appendf(nil, `["day",2017,%d,%d]`, i, n))
		}
		return value
	}
	put := func(from, to int) {
		var ops []Op
		for n := from; n < to; n++ {
			ops = append(ops, Op{Entry: &Entry{Doc: Doc{ID: fmt.Sprintf("doc%06d", n)}, Value: value(n)}})
		}
		root, kv, err := tree.Apply(t.Context(), Once(ops), nil)
		if err != nil {
			t.Fatal(err)
		}
		tree = &Tree{KV: tree.KV.(memory).apply(kv), Cache: tree.Cache, Space: 1, Root: root}
	}
	put(0, rows)
	const times = 50
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for n := range times {
		put(rows+n, rows+n+1)
	}
	runtime.ReadMemStats(&after)
	if took := (after.TotalAlloc - before.TotalAlloc) / times; took > limit {
		t.Errorf("a change takes %d bytes", took)
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
			if red, _, err := tree.Reduce(i*rows, (i+1)*rows); err != nil || len(red) != 8*maxSize {
				t.Fatalf("%d bytes, %v", len(red), err)
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
		if red, input, err := tree.Reduce(i*rows, (i+1)*rows); err != nil || input < 2*len(red) {
			t.Fatalf("%d bytes of %d, %v", len(red), input, err)
		}
	}
	if asked > groups {
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
			if _, _, err := tree.Reduce(i*uint64(rows), (i+1)*uint64(rows)); err != nil {
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
		for _, bad := range [][]byte{nil, value[:len(value)-1], finish(bytes.Clone(other)), finish(other[:len(other)-1])} {
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

// TestFanout: where many rows go at a time, what is left is put together to nodes of minFanout kids, however long the reductions are.
func TestFanout(t *testing.T) {
	t.Parallel()
	tree := &Tree{KV: memory{}, Cache: NewCache(0), Space: 1, Reducer: longReducer{}}
	r := rand.New(rand.NewPCG(11, 11))
	for _, every := range []int{1, 100} { // of how many rows one stays
		var ops []Op
		for n := range 2500 {
			ops = append(ops, Op{Entry: &Entry{Sort: fmt.Appendf(nil, "key/%06d", n), Doc: Doc{ID: "doc"}, Value: make([]byte, 1500)}, Delete: n%every > 0})
		}
		root, kv, err := tree.Apply(t.Context(), inPieces(r, ops), nil)
		if err != nil {
			t.Fatal(err)
		}
		tree = &Tree{KV: tree.KV.(memory).apply(kv), Cache: tree.Cache, Space: 1, Reducer: tree.Reducer, Root: root}
		leaves, parents := 0, 0
		var walk func(id uint64, level int)
		walk = func(id uint64, level int) {
			n, err := tree.node(id)
			if err != nil {
				t.Fatal(err)
			}
			if level == 2 {
				parents++
				leaves += len(n.kids)
				return
			}
			for _, k := range n.kids {
				walk(k.id, level-1)
			}
		}
		walk(root.ID, root.Height)
		if parents > leaves/minFanout+root.Height {
			t.Errorf("one of %d rows is left: %d leaves below %d nodes, height %d", every, leaves, parents, root.Height)
		}
	}
}
