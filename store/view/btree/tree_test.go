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
	switch len(reds) {
	case 0:
		return dst, errors.New("no reductions")
	case 1: // half of them change
		if dst = append(dst, reds[0]...); reds[0][0]%2 == 0 {
			dst = append(dst, "again"...)
		}
		return dst, nil
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
		reduced, err := tree.Reduce(from, to)
		got := reduced.Value
		want, _ := tree.Reducer.(rolling).reduce(nil, rows[from:to])
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("reduce %d..%d: %x, %v, want %x", from, to, got, err, want)
		}
		again, _ := tree.Reducer.Rereduce(nil, [][]byte{want})
		if tree.Remember && !bytes.Equal(reduced.Again, again) {
			t.Fatalf("reduce %d..%d once more: %x, want %x", from, to, reduced.Again, again)
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
	counting.Reducer, counting.Space = nil, counting.Space+1000
	for _, tree := range []*Tree{tree, &counting} {
		left := rows
		err := tree.Groups(from, from+uint64(len(rows)), byBytes(prefix), func(g *Group) error {
			if len(left) == 0 {
				return errors.New("more groups than there are")
			}
			n := 0
			for n < len(left) && bytes.HasPrefix(left[n].Sort, left[0].Sort[:prefix]) {
				n++
			}
			if key := byBytes(prefix).AppendKey(nil, left[0].Sort, left[0].JSON); g.Rows != uint64(n) || !bytes.Equal(g.Key, key) {
				return fmt.Errorf("group %s has %d rows, want %s with %d", g.Key, g.Rows, key, n)
			}
			if tree.Reducer != nil {
				want, _ := tree.Reducer.(rolling).reduce(nil, left[:n])
				if got, err := g.Reduce(nil); err != nil || !bytes.Equal(got, want) {
					return fmt.Errorf("group %s: %x, %v, want %x", g.Key, got, err, want)
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

// byBytes is by the first bytes of sort keys.
type byBytes int

func (n byBytes) Level() int { return int(n) }

func (n byBytes) Prefix(sort []byte, _ bool) int { return min(int(n), len(sort)) }

func (n byBytes) AppendKey(dst, sort, json []byte) []byte {
	return fmt.Appendf(dst, "%x %s", sort[:n], json)
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

// TestReplacedNodesLeaveTheCache: what a tree has replaced keeps no room from what is asked for.
func TestReplacedNodesLeaveTheCache(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 7))
	cache := NewCache(0)
	tree := &Tree{KV: memory{}, Prefix: []byte("n"), Cache: cache, Space: cache.Space()}
	model := map[int]Entry{}
	for range 30 {
		root, kv, err := tree.Apply(context.Background(), Once(change(r, model, 5000, 300, 400, 0.2)), nil)
		if err != nil {
			t.Fatal(err)
		}
		tree.Root, tree.KV = root, tree.KV.(memory).apply(kv)
		kept, size := 0, 0
		for key, e := range cache.items {
			if _, ok := tree.KV.(memory)[string(nodeKey(tree.Prefix, key.id))]; !ok {
				t.Fatalf("the cache keeps the node %d that was replaced", key.id)
			}
			kept, size = kept+1, size+e.Value.(*cached).size
		}
		if kept != cache.order.Len() || size != cache.used {
			t.Fatalf("the cache has %d nodes of %d bytes and counts %d of %d", kept, size, cache.order.Len(), cache.used)
		}
		if err := tree.Scan(0, tree.Root.Rows, false, func(Entry) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if len(cache.items) != len(tree.KV.(memory)) {
			t.Fatalf("the cache has %d nodes of %d", len(cache.items), len(tree.KV.(memory)))
		}
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
