package btree

import (
	"bytes"
	"fmt"
	"math/rand/v2"
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

func levelCut(level int) Cut {
	return func(sort []byte, _ bool) int { return collate.Group(sort, level) }
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
		err := tree.Groups(0, tree.Root.Rows, levelCut(tt.level), func(g *Group) error {
			red, err := g.Reduce(nil)
			if err != nil {
				return err
			}
			rows := want[k]
			if tt.level == 1 {
				rows = tree.Root.Rows
			}
			whole := sortKey(k)
			if g.Rows != rows || string(red) != fmt.Sprint(rows) || !bytes.HasPrefix(whole, g.Sort) || tt.level == collate.WholeKey && len(g.Sort) != len(whole) || string(g.JSON) != tt.json {
				t.Errorf("%+v: group %d is %x %s of %d rows, reduced to %s, want %d", tt, k, g.Sort, g.JSON, g.Rows, red, rows)
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
