package bundle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"logctl/store"
)

// TestIndex looks for ids that are in a bundle, and for others near them.
func TestIndex(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 1))
	var crowd, shapes, own, bare []store.Doc
	for i := range 300 {
		crowd = append(crowd, contentDoc(fmt.Sprintf(`{"date":"2026-01-02","hour":"03:04:%02d","n":%d}`, i/100, i), uint32(i%2)))
		own = append(own, store.Doc{ID: fmt.Sprintf("%d", 1000+i*7), Body: []byte(`{"n":1}`)})
		bare = append(bare, contentDoc(fmt.Sprintf(`{"n":%d}`, i), 0))
		shapes = append(shapes, contentDoc([]string{
			fmt.Sprintf(`{"time":%d,"ok":true}`, 20260102+i),
			fmt.Sprintf(`{"date":"2026-01-02","hour":"03:04:%02d","text":"a \"quoted\" \\ %d"}`, i%60, i),
			fmt.Sprintf(`{"time":"\u0001%d","n":%d}`, i%7, i),
			fmt.Sprintf(`{"time":null,"date":"{%d","n":%d}`, 2026+i%3, i),
			fmt.Sprintf(`{"date":{"y":2026},"n":%d}`, i),
		}[i%5], uint32(i)))
	}
	for name, docs := range map[string][]store.Doc{
		"lines": lines(300), "many at a time": crowd, "ids of other kinds": own, "without times": bare, "shapes by turns": shapes,
	} {
		for _, ordered := range []bool{true, false} {
			docs := slices.Clone(docs)
			rnd.Shuffle(len(docs), func(i, k int) { docs[i], docs[k] = docs[k], docs[i] })
			if ordered {
				slices.SortFunc(docs, func(a, b store.Doc) int { return strings.Compare(a.ID, b.ID) })
			}
			checkIndex(t, fmt.Sprintf("%s, ordered: %v", name, ordered), docs, ordered)
		}
	}
}

func checkIndex(t *testing.T, name string, docs []store.Doc, ordered bool) {
	t.Helper()
	var w Writer
	if n := fill(&w, docs); n != len(docs) {
		t.Fatalf("%s: %d docs fit", name, n)
	}
	b, err := Parse(w.Append(nil), len(docs))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range docs {
		ids = append(ids, docs[i].ID)
	}
	slices.Sort(ids)
	fresh := NewIndex(b, ordered)
	for i := range docs {
		for k, id := range []string{docs[i].ID, docs[i].ID[:len(docs[i].ID)-1], docs[i].ID + "-1", docs[i].ID[:3]} {
			x := fresh
			if (i+k)%16 == 0 { // which knows none of the ids yet
				x = NewIndex(b, ordered)
			}
			want, there := slices.BinarySearch(ids, id)
			got, ok := x.Search(id)
			if got != want || ok != there || ok && x.ID(x.At(got)) != id {
				t.Errorf("%s: %q is at %d (%v), want %d (%v)", name, id, got, ok, want, there)
			}
		}
	}
	x := NewIndex(b, ordered)
	for place, want := range ids {
		if got := x.ID(x.At(place)); got != want {
			t.Errorf("%s: place %d has %q, want %q", name, place, got, want)
		}
	}
}
