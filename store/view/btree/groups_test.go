package btree

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"logctl/store/view/collate"
)

// read counts the nodes that are read.
type read struct {
	memory
	n int
}

func (r *read) Get(key []byte) ([]byte, bool, error) {
	r.n++
	return r.memory.Get(key)
}

// byLevel is by the first elements of keys.
type byLevel int

func (n byLevel) Level() int { return int(n) }

func (n byLevel) Prefix(sort []byte, _ bool) int { return collate.Group(sort, int(n)) }

func (n byLevel) AppendKey(dst, sort, json []byte) []byte {
	return fmt.Appendf(dst, "%x %s", sort[:n.Prefix(sort, false)], json)
}

// TestGroupsOfLeaves: of keys that have many rows whole leaves are, of which a query takes the reductions without reading them, also after
// changes; keys that have few, or JSON of their own, are read.
func TestGroupsOfLeaves(t *testing.T) {
	t.Parallel()
	const keys = 40
	for _, tt := range []struct {
		rows  int // of each key
		json  string
		level int
		reads bool
	}{
		{2000, "", 1, false}, {2000, "", 2, false}, {2000, "", collate.WholeKey, false},
		{2000, `["x",1e0,"y"]`, 2, true}, {30, "", 2, true},
	} {
		r := rand.New(rand.NewPCG(1, uint64(tt.rows)))
		sortKey := func(k int) []byte {
			key, _, err := collate.ICU.Append(nil, fmt.Appendf(nil, `["x",%d,"y"]`, k))
			if err != nil {
				t.Fatal(err)
			}
			return key
		}
		cache := NewCache(1)
		docs := &Tree{KV: memory{}, Cache: cache, Space: 1}
		tree := &Tree{KV: memory{}, Cache: cache, Space: 2, Reducer: counted{}, Names: docs}
		want := make([]uint64, keys)
		for step := range 4 {
			var ops []Op
			for k := range keys {
				for i := range tt.rows/4 - r.IntN(3) {
					e := Entry{Sort: sortKey(k), Doc: Doc{ID: fmt.Sprintf("%d-%06d", step, i)}}
					if tt.json != "" {
						e.JSON = []byte(tt.json)
					}
					ops = append(ops, Op{Entry: &e})
					want[k]++
				}
			}
			root, kv, err := tree.Apply(t.Context(), inPieces(r, ops), nil)
			if err != nil {
				t.Fatal(err)
			}
			tree.Root, tree.KV = root, tree.KV.(memory).apply(kv)
		}
		if _, err := tree.Check(func(Entry) error { return nil }); err != nil {
			t.Fatal(err)
		}
		counting := &read{memory: tree.KV.(memory)}
		tree.KV = counting
		k := 0
		err := tree.Groups(0, tree.Root.Rows, byLevel(tt.level), func(g *Group) error {
			red, err := g.Reduce(nil)
			if err != nil {
				return err
			}
			rows := want[k]
			if tt.level == 1 {
				rows = tree.Root.Rows
			}
			key := byLevel(tt.level).AppendKey(nil, sortKey(k), []byte(tt.json))
			if g.Rows != rows || string(red) != fmt.Sprint(rows) || !bytes.Equal(g.Key, key) {
				t.Errorf("%+v: group %d is %s of %d rows, reduced to %s, want %s of %d", tt, k, g.Key, g.Rows, red, key, rows)
			}
			k++
			return nil
		})
		groups := keys
		if tt.level == 1 {
			groups = 1
		}
		if err != nil || k != groups {
			t.Errorf("%+v: %d groups, %v", tt, k, err)
		}
		inner := 0
		for _, node := range counting.memory {
			if node[1] == kindInner {
				inner++
			}
		}
		if reads := counting.n > inner; reads != tt.reads {
			t.Errorf("%+v: %d nodes are read of %d, %d of them inner ones", tt, counting.n, len(counting.memory), inner)
		}
	}
}

// counting counts the reductions that are put together.
type counting struct {
	counted
	reductions *int
}

func (c counting) Rereduce(dst []byte, reds [][]byte) ([]byte, error) {
	*c.reductions += len(reds)
	return c.counted.Rereduce(dst, reds)
}

// TestGroupsAreKept: the second time a group costs a reduction for each inner node that it is in, not for each leaf.
func TestGroupsAreKept(t *testing.T) {
	t.Parallel()
	const keys, each = 30, 10_000
	cache := NewCache(0)
	docs := &Tree{KV: memory{}, Cache: cache, Space: 1}
	reductions := 0
	tree := &Tree{KV: memory{}, Cache: cache, Space: 2, Reducer: counting{reductions: &reductions}, Names: docs}
	ops := make([]Op, 0, keys*each)
	for k := range keys {
		sortKey, _, err := collate.ICU.Append(nil, fmt.Appendf(nil, `["x",%d]`, k))
		if err != nil {
			t.Fatal(err)
		}
		for i := range each {
			ops = append(ops, Op{Entry: &Entry{Sort: sortKey, Doc: Doc{ID: fmt.Sprintf("%07d", i*7919%each)}}})
		}
		slices.SortFunc(ops[k*each:], func(a, b Op) int { return cmp.Compare(a.Doc.ID, b.Doc.ID) })
	}
	root, kv, err := tree.Apply(t.Context(), inPieces(rand.New(rand.NewPCG(1, 2)), ops), nil)
	if err != nil {
		t.Fatal(err)
	}
	tree.Root, tree.KV = root, tree.KV.(memory).apply(kv)
	leaves, inner := 0, 0
	for _, node := range tree.KV.(memory) {
		switch node[1] {
		case kindLeaf:
			leaves++
		case kindInner:
			inner++
		}
	}
	for _, most := range []int{2*leaves + keys, inner + keys} {
		reductions = 0
		groups := 0
		err := tree.Groups(0, root.Rows, byLevel(2), func(g *Group) error {
			groups++
			red, err := g.Reduce(nil)
			if string(red) != fmt.Sprint(each) {
				t.Errorf("group %s is of %s", g.Key, red)
			}
			return err
		})
		if err != nil || groups != keys || reductions > most {
			t.Errorf("%d groups of %d leaves in %d inner nodes take %d reductions, %v, want %d at most", groups, leaves, inner, reductions, err, most)
		}
	}
}

// TestGroupsLeaveRoom: who asks for all groups of a large tree drives out no more than a part of what is in the cache.
func TestGroupsLeaveRoom(t *testing.T) {
	t.Parallel()
	cache := NewCache(8 << 20)
	docs := &Tree{KV: memory{}, Cache: cache, Space: 1}
	tree := &Tree{KV: memory{}, Cache: cache, Space: 2, Reducer: counted{}, Names: docs}
	const keys = 60_000
	ops := make([]Op, keys)
	for k := range ops {
		sortKey, _, err := collate.ICU.Append(nil, fmt.Appendf(nil, `["x",%d]`, k))
		if err != nil {
			t.Fatal(err)
		}
		ops[k] = Op{Entry: &Entry{Sort: sortKey, Doc: Doc{ID: fmt.Sprintf("%07d", k)}}}
	}
	root, kv, err := tree.Apply(t.Context(), Once(ops), nil)
	if err != nil {
		t.Fatal(err)
	}
	tree.Root, tree.KV = root, tree.KV.(memory).apply(kv)
	for range 3 {
		groups := 0
		err := tree.Groups(0, root.Rows, byLevel(2), func(*Group) error { groups++; return nil })
		if err != nil || groups != keys {
			t.Fatalf("%d groups, %v", groups, err)
		}
		kept := 0
		for _, e := range cache.items {
			if g, ok := e.Value.(*cached).item.(*grouped); ok {
				kept += g.memory()
			}
		}
		if part := cache.max / 4; kept < part/2 || kept > part+part/4 {
			t.Errorf("%d bytes of groups are kept of a cache of %d", kept, cache.max)
		}
	}
}

// TestGroupsAgain compares groups of rows of few keys with a model, in ranges at random, whatever of their leaves is in the cache and after
// changes.
func TestGroupsAgain(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 8))
		cache := NewCache([]int{1, 30 << 10, 1 << 20}[seed%3])
		docs := &Tree{KV: memory{}, Cache: cache, Space: 1}
		tree := &Tree{KV: memory{}, Cache: cache, Space: 2, Reducer: rolling{}, Names: docs}
		model := map[string]Entry{}
		for range 5 {
			var ops []Op
			for range 3000 {
				e := Entry{Doc: Doc{ID: fmt.Sprintf("doc%05d", r.IntN(20_000))}, Number: r.Int64N(9)}
				key := fmt.Sprintf(`["x",%d,%d]`, r.IntN(4), r.IntN(int(3+40*(seed/3))))
				e.Sort, _, _ = collate.ICU.Append(nil, []byte(key))
				if r.IntN(50) == 0 {
					e.JSON = []byte(key)
				}
				place := string(appendPlace(nil, e.Sort, e.Doc.ID, 0))
				if _, twice := model[place]; twice {
					continue
				}
				model[place] = e
				ops = append(ops, Op{Entry: &e})
			}
			slices.SortFunc(ops, func(a, b Op) int {
				return cmp.Or(bytes.Compare(a.Sort, b.Sort), cmp.Compare(a.Doc.ID, b.Doc.ID))
			})
			root, kv, err := tree.Apply(t.Context(), inPieces(r, ops), nil)
			if err != nil {
				t.Fatal(err)
			}
			tree.Root, tree.KV = root, tree.KV.(memory).apply(kv)
			rows := make([]Entry, 0, len(model))
			for _, place := range slices.Sorted(maps.Keys(model)) {
				rows = append(rows, model[place])
			}
			for range 40 {
				from := r.IntN(len(rows))
				to := from + r.IntN(len(rows)-from+1)
				if r.IntN(3) == 0 {
					from, to = 0, len(rows)
				}
				sameGroups(t, tree, rows, from, to, []int{1, 2, 3, collate.WholeKey}[r.IntN(4)])
			}
		}
	}
}

func sameGroups(t *testing.T, tree *Tree, rows []Entry, from, to, level int) {
	t.Helper()
	left := rows[from:to]
	by := byLevel(level)
	err := tree.Groups(uint64(from), uint64(to), by, func(g *Group) error {
		if len(left) == 0 {
			return errors.New("more groups than there are")
		}
		prefix := left[0].Sort[:by.Prefix(left[0].Sort, false)]
		n := 0
		for n < len(left) && bytes.HasPrefix(left[n].Sort, prefix) {
			n++
		}
		want, _ := tree.Reducer.(rolling).reduce(nil, left[:n])
		got, err := g.Reduce(nil)
		key := by.AppendKey(nil, left[0].Sort, left[0].JSON)
		if err != nil || g.Rows != uint64(n) || !bytes.Equal(got, want) || !bytes.Equal(g.Key, key) {
			return fmt.Errorf("group %s: %d rows, %x, %v, want %s, %d, %x", g.Key, g.Rows, got, err, key, n, want)
		}
		left = left[n:]
		return nil
	})
	if err != nil || len(left) > 0 {
		t.Fatalf("rows %d to %d by %d: %d left, %v", from, to, level, len(left), err)
	}
}

// counted reduces rows to their number.
type counted struct{}

func (counted) Reduce(dst []byte, rows Rows) ([]byte, error) { return fmt.Append(dst, rows.Len()), nil }

func (counted) Rereduce(dst []byte, reds [][]byte) ([]byte, error) {
	sum := 0
	for _, red := range reds {
		n := 0
		if _, err := fmt.Sscan(string(red), &n); err != nil {
			return dst, err
		}
		sum += n
	}
	return fmt.Append(dst, sum), nil
}
