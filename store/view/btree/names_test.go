package btree

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"logctl/store/ejson"
	"logctl/store/view/collate"
)

func TestContentTime(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int64{
		"20170614171612329-d9v82h3lk7o1q12t":            1497460572329,
		"20170614171612329-d9v82h3lk7o1q12t-1":          1497460572329,
		"20170614171612329-d9v82h3lk7o1q12t-4294967295": 1497460572329,
		"20240229235959999-0000000000000000":            1709251199999,
		"19691231235959999-vvvvvvvvvvvvvvvv":            -1,
		"00000101000000000-0123456789abcdef":            -62167219200000,
	} {
		got, ok := ContentTime(id)
		if !ok || got != want {
			t.Errorf("%s: %d, %v, want %d", id, got, ok, want)
		}
	}
	for _, id := range []string{
		"", "doc", "20170614171612329", "20170614171612329-d9v82h3lk7o1q12", "20170614171612329-d9v82h3lk7o1q12w",
		"20170614171612329-D9v82h3lk7o1q12t", "20170614171612329_d9v82h3lk7o1q12t", "2017061417161232x-d9v82h3lk7o1q12t",
		"20170614171612329-d9v82h3lk7o1q12t-", "20170614171612329-d9v82h3lk7o1q12t-0", "20170614171612329-d9v82h3lk7o1q12t-01",
		"20170614171612329-d9v82h3lk7o1q12t+1", "20170614171612329-d9v82h3lk7o1q12t-4294967296", "20170614171612329-d9v82h3lk7o1q12t-1 ",
		"00000000000000000-d9v82h3lk7o1q12t", "20170230171612329-d9v82h3lk7o1q12t", "20170614241612329-d9v82h3lk7o1q12t",
		"20170614176012329-d9v82h3lk7o1q12t", "20170614171660329-d9v82h3lk7o1q12t", "19000229171612329-d9v82h3lk7o1q12t",
	} {
		if ms, ok := ContentTime(id); ok {
			t.Errorf("%s has the time %d", id, ms)
		}
	}
}

// FuzzContentID takes apart and puts together what passes for a content id.
func FuzzContentID(f *testing.F) {
	f.Add("20170614171612329-d9v82h3lk7o1q12t-3")
	f.Add("00000101000000000-vvvvvvvvvvvvvvvv")
	f.Fuzz(func(t *testing.T, id string) {
		ms, ok := ContentTime(id)
		if !ok {
			return
		}
		again, _ := repetition(id)
		if got := makeID(ms, appendHash(nil, id), again); got != id {
			t.Fatalf("%s came back as %s", id, got)
		}
	})
}

// named is a tree of rows beside one of docs.
type named struct {
	rows, docs *Tree
	cache      *Cache
	ids        map[string]Doc
	values     map[[2]string]int64 // by sort key and id
}

func (n *named) tree(old *Tree, names *Tree) *Tree {
	return &Tree{KV: old.KV, Cache: n.cache, Space: old.Space, Root: old.Root, Reducer: old.Reducer, Names: names}
}

// change sets and removes rows of random docs.
func (n *named) change(t *testing.T, r *rand.Rand, times, count int) {
	t.Helper()
	var rows, docs []Op
	touched := map[string]bool{}
	free := map[int64]uint8{}
	for _, d := range n.ids {
		free[d.Time] = max(free[d.Time], d.N)
	}
	for range count {
		body := fmt.Appendf(nil, `{"date":"2017-06-14","hour":"17:16:%02d,%03d","n":%d}`, r.IntN(times), r.IntN(1+times/20), r.IntN(60))
		id := string(ejson.AppendContentID(nil, body, uint32(r.IntN(20)/19)))
		if r.IntN(10) == 0 {
			id = "2017061417161" + id[:5] // of no content
		}
		if touched[id] {
			continue
		}
		touched[id] = true
		d, there := n.ids[id]
		if there && r.IntN(2) == 0 {
			docs = append(docs, Op{Entry: &Entry{Doc: d}, Delete: true})
			for k := range n.values {
				if k[1] == id {
					rows = append(rows, Op{Entry: &Entry{Sort: []byte(k[0]), Doc: d}, Delete: true})
					delete(n.values, k)
				}
			}
			delete(n.ids, id)
			continue
		}
		if !there {
			d = Doc{ID: id}
			if ms, ok := ContentTime(id); ok && free[ms] < 255 {
				free[ms]++
				d.Time, d.N = ms, free[ms]
			}
			n.ids[id] = d
			docs = append(docs, Op{Entry: &Entry{Doc: d, Value: []byte("entry of " + id)}})
		}
		key := fmt.Sprintf("key%d", r.IntN(5))
		n.values[[2]string{key, id}] = int64(len(rows))
		rows = append(rows, Op{Entry: &Entry{Sort: []byte(key), Doc: d, Number: int64(len(rows))}})
	}
	sort.Slice(docs, func(i, j int) bool { return docs[i].Doc.ID < docs[j].Doc.ID })
	sort.Slice(rows, func(i, j int) bool {
		return cmp.Or(bytes.Compare(rows[i].Sort, rows[j].Sort), cmp.Compare(rows[i].Doc.ID, rows[j].Doc.ID)) < 0
	})
	before := n.tree(n.docs, nil)
	root, kv, err := n.tree(n.rows, before).Apply(context.Background(), Once(rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	n.rows.Root, n.rows.KV = root, n.rows.KV.(memory).apply(kv)
	root, kv, err = before.Apply(context.Background(), Once(docs), nil)
	if err != nil {
		t.Fatal(err)
	}
	n.docs.Root, n.docs.KV = root, n.docs.KV.(memory).apply(kv)
}

// check compares all rows, and places among them, with the model.
func (n *named) check(t *testing.T, r *rand.Rand) {
	t.Helper()
	var want [][2]string
	for k := range n.values {
		want = append(want, k)
	}
	slices.SortFunc(want, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	docs := n.tree(n.docs, nil)
	tree := n.tree(n.rows, docs)
	i := 0
	_, err := tree.Check(func(e Entry) error {
		if i >= len(want) || string(e.Sort) != want[i][0] || e.Doc.ID != want[i][1] || e.Number != n.values[want[i]] {
			return fmt.Errorf("row %d is %s of %s", i, e.Sort, e.Doc.ID)
		}
		i++
		return nil
	})
	if err != nil || i != len(want) {
		t.Fatalf("%d rows of %d, %v", i, len(want), err)
	}
	for range min(20, len(want)) {
		i := r.IntN(len(want))
		e, err := tree.At(uint64(i))
		id, idErr := tree.ID(e)
		if err != nil || idErr != nil || id != want[i][1] {
			t.Fatalf("row %d is of %q, %v, %v, want %s", i, id, err, idErr, want[i][1])
		}
		place := collate.AppendBytes([]byte(want[i][0]), []byte(want[i][1]))
		for k, p := range [][]byte{place, append(place[:len(place):len(place)], 0xFF)} {
			if got, err := tree.Rank(p); err != nil || got != uint64(i+k) {
				t.Fatalf("rank of %q is %d, %v, want %d", p, got, err, i+k)
			}
		}
	}
	var ranges []Range
	var inRanges []string
	for _, id := range sortedIDs(n.ids) {
		if r.IntN(5) == 0 {
			place := collate.AppendBytes(nil, []byte(id))
			ranges = append(ranges, Range{place, append(place[:len(place):len(place)], 0xFF)})
			inRanges = append(inRanges, "entry of "+id)
		}
	}
	err = docs.Find(ranges, func(e Entry) error {
		if len(inRanges) == 0 || string(e.Value) != inRanges[0] {
			return fmt.Errorf("found %s", e.Value)
		}
		inRanges = inRanges[1:]
		return nil
	})
	if err != nil || len(inRanges) > 0 {
		t.Fatalf("%d docs are not found, %v", len(inRanges), err)
	}
}

func sortedIDs(ids map[string]Doc) []string {
	var list []string
	for id := range ids {
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}

// TestNames keeps rows that name their docs by numbers: many docs of few times, and more of a time than there are numbers.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, times := range []int{1, 3, 60} {
		r := rand.New(rand.NewPCG(uint64(times), 3))
		cache := NewCache(1 << 20)
		empty := func() *Tree { return &Tree{KV: memory{}, Cache: cache, Space: cache.Space()} }
		n := &named{rows: empty(), docs: empty(), cache: cache, ids: map[string]Doc{}, values: map[[2]string]int64{}}
		n.rows.Reducer = rolling{}
		for range 25 {
			n.change(t, r, times, []int{3, 100, 1500}[r.IntN(3)])
			n.check(t, r)
		}
	}
}

// TestNearby finds ids in more leaves of docs than are kept at hand, forwards again and again and here and there.
func TestNearby(t *testing.T) {
	t.Parallel()
	cache := NewCache(1 << 20)
	docs := &Tree{KV: memory{}, Cache: cache, Space: cache.Space()}
	var ops []Op
	value := bytes.Repeat([]byte("a doc of which few are in a leaf"), 1<<7)
	for i := range 12 * nearby {
		id := string(ejson.AppendContentID(nil, fmt.Appendf(nil, `{"date":"2017-06-14","hour":"17:%02d:%02d,000"}`, i/2/60, i/2%60), uint32(i%2)))
		ms, ok := ContentTime(id)
		if !ok {
			t.Fatal(id)
		}
		ops = append(ops, Op{Entry: &Entry{Doc: Doc{ID: id, Time: ms, N: uint8(1 + i%2)}, Value: value}})
	}
	root, kv, err := docs.Apply(t.Context(), Once(ops), nil)
	if err != nil {
		t.Fatal(err)
	}
	docs.Root, docs.KV = root, docs.KV.(memory).apply(kv)
	n := &namer{tree: docs}
	ask := func(i int) {
		d := ops[i].Doc
		if got := n.id(Doc{Time: d.Time, N: d.N}); got != d.ID || n.err != nil {
			t.Fatalf("doc %d is %q, %v, want %s", i, got, n.err, d.ID)
		}
	}
	most := 0
	for range 2 {
		for i := range ops {
			ask(i)
			most = max(most, len(n.near))
		}
	}
	if most != nearby {
		t.Errorf("%d leaves at hand at most, want %d", most, nearby)
	}
	r := rand.New(rand.NewPCG(1, 4))
	for range 1000 {
		ask(r.IntN(len(ops)))
		if !slices.IsSortedFunc(n.near, func(a, b docSpan) int { return cmp.Compare(a.to, b.to) }) {
			t.Fatal("the leaves at hand are not in order")
		}
	}
}

// TestSeconds: times that are whole seconds apart take ten bits less each, and come back as they are, like others.
func TestSeconds(t *testing.T) {
	t.Parallel()
	size := func(step int64) int {
		const n = 400
		rows := make([]rowRef, n)
		for i := range rows {
			ms := 1497460572329 + step*int64(i*i%977)
			rows[i] = rowRef{new: &Entry{Sort: []byte{byte(i / 100)}, Doc: Doc{Time: ms, N: 1}, Number: ms}}
		}
		slices.SortStableFunc(rows, func(a, b rowRef) int {
			return cmp.Or(bytes.Compare(a.sort(), b.sort()), cmp.Compare(a.new.Doc.Time, b.new.Doc.Time))
		})
		data := newLeaf(rows, false).append(nil, &textWriter{})
		d := decoder{data: data}
		l := d.leaf(n)
		if d.bad || len(d.data) > 0 {
			t.Fatalf("steps of %d ms: bad leaf", step)
		}
		for i, it := range rows {
			if l.times[i] != it.new.Doc.Time || l.numbers[i] != it.new.Number {
				t.Fatalf("steps of %d ms: row %d has the time %d and the value %d, want %d", step, i, l.times[i], l.numbers[i], it.new.Doc.Time)
			}
		}
		return len(data)
	}
	if whole, other := size(1000), size(1001); other-whole < 400*9/8 {
		t.Errorf("%d bytes in whole seconds, %d otherwise", whole, other)
	}
}

// FuzzNumbers writes and reads columns of numbers.
func FuzzNumbers(f *testing.F) {
	f.Add([]byte{1, 2, 3, 250, 251, 252}, uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, width uint8) {
		var list []uint64
		for i, b := range data {
			list = append(list, uint64(b)<<(int(width)*i%57))
		}
		d := decoder{data: append(appendNumbers(nil, list), "rest"...)}
		if got := d.numbers(len(list)); d.bad || !slices.Equal(got, list) || string(d.data) != "rest" {
			t.Fatalf("%v came back as %v, %v, and %q", list, got, d.bad, d.data)
		}
		d = decoder{data: data}
		d.numbers(int(width))
	})
}

// FuzzTexts writes and reads columns of texts, cut as sort keys if they are some.
func FuzzTexts(f *testing.F) {
	key := func(json string) string {
		k, _, err := collate.ICU.Append([]byte{0, 1}, []byte(json))
		if err != nil {
			f.Fatal(err)
		}
		return string(k)
	}
	f.Add(key(`["day",2017,6,14,"10.0.0.1","sshd",null]`)+"\n"+key(`["day",2017,6,14,"10.0.0.2","sshd",null]`)+key(`[1,{"a":[]}]`), 7)
	f.Add(key(`"10.0.0.1"`)+"\n"+key(`"10.0.0.2"`)+"\n"+key(`"9.0.0.1"`)+"\n"+key(`"10.0.0.1"`), 7)
	f.Add("a\nab\nabc\n\nabc", 1)
	f.Fuzz(func(t *testing.T, text string, times int) {
		var list [][]byte
		for range 1 + times&7 {
			list = append(list, bytes.Split([]byte(text), []byte("\n"))...)
		}
		for _, cut := range []cutter{whole, cutKeys(0), cutKeys(2)} {
			d := decoder{data: append((&textWriter{}).append(nil, list, cut), "rest"...)}
			if got := d.texts(len(list)); d.bad || !slices.EqualFunc(got, list, bytes.Equal) || string(d.data) != "rest" {
				t.Fatalf("%q came back as %q, %v, and %q", list, got, d.bad, d.data)
			}
		}
		d := decoder{data: []byte(text)}
		d.texts(1 + times&255)
	})
}

// TestAddresses writes and reads addresses in four orders; they take less than their four bytes where they are sorted.
func TestAddresses(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 7))
	var sorted [][]byte
	for range 300 {
		k, _, err := collate.ICU.Append(nil, fmt.Appendf(nil, `["%d.%d.%d.%d"]`, r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256)))
		if err != nil {
			t.Fatal(err)
		}
		sorted = append(sorted, k)
	}
	slices.SortFunc(sorted, bytes.Compare)
	mixed := slices.Clone(sorted)
	r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	for _, c := range []struct {
		name  string
		texts [][]byte
		bytes int // at most
	}{
		{"sorted", sorted, 300 * 7 / 2},
		{"mixed", mixed, 300*4 + 16},
		{"repeated", slices.Concat(mixed, mixed, mixed[:100]), 300*7/2 + 700*9/8 + 16},
		{"two", sorted[:2], 32},
	} {
		data := (&textWriter{}).append(nil, c.texts, cutKeys(0))
		if len(data) > c.bytes {
			t.Errorf("%s: %d bytes, more than %d", c.name, len(data), c.bytes)
		}
		d := decoder{data: data}
		if got := d.texts(len(c.texts)); d.bad || !slices.EqualFunc(got, c.texts, bytes.Equal) {
			t.Errorf("%s: came back as others", c.name)
		}
	}
}

// BenchmarkMakeID makes the ids of rows.
func BenchmarkMakeID(b *testing.B) {
	hash := []byte("0123456789")
	ms := int64(1_766_650_014_396)
	b.ReportAllocs()
	for b.Loop() {
		if ms += 31_536; len(makeID(ms, hash, 0)) != contentID {
			b.Fatal(ms)
		}
	}
}
