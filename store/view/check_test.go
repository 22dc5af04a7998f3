package view

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"logctl/store"
)

// checkedDB has docs of the model and an index of them.
func checkedDB(t *testing.T, r *rand.Rand) (*Manager, *fakeDB, *Design) {
	t.Helper()
	m := New(Options{})
	t.Cleanup(func() { m.Close() })
	db := newFakeDB()
	for i := range 600 {
		d := randomDoc(r)
		db.put(fmt.Sprintf("doc%04d", i), fmt.Sprintf(`{"kind":"%s","tags":["x","%d"],"n":%d}`, strings.Trim(d.Kind, `"`), i%7, d.N))
	}
	db.put("doc0100", "")
	return m, db, design(t, fmt.Sprintf(modelDesign, modelMap))
}

// Whatever is changed, removed or added in an index is found by a check, and gone after it was built anew.
func TestCheck(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 9))
	m, db, d := checkedDB(t, r)
	check := func(m *Manager) string {
		t.Helper()
		problem, err := m.Check(context.Background(), db, d)
		if err != nil {
			t.Fatal(err)
		}
		return problem
	}
	if problem := check(m); problem != "" {
		t.Fatalf("a sound index: %s", problem)
	}
	kv := db.indexes[d.Signature()]
	var keys []string
	for k := range kv.values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for range 60 {
		key := keys[r.IntN(len(keys))]
		whole := slices.Clone(kv.values[key])
		what := ""
		switch r.IntN(4) {
		case 0:
			what = "removed " + key
			delete(kv.values, key)
		case 1:
			what = "added beside " + key
			kv.values[key+"x"] = whole
			kv.fresh = append(kv.fresh, key+"x")
		default:
			at, bit := r.IntN(len(whole)), byte(1)<<r.IntN(8)
			what = fmt.Sprintf("bit of byte %d of %q", at, key)
			flipped := slices.Clone(whole)
			flipped[at] ^= bit
			kv.values[key] = flipped
		}
		fresh := New(Options{}) // with nothing in memory
		problem, err := fresh.Check(context.Background(), db, d)
		// An index without a header is empty, and is built anew over what is left of it.
		if problem == "" && !store.IsKind(err, store.KindCorrupt) && what != "removed h" {
			t.Errorf("%s: not found, %v", what, err)
		}
		delete(kv.values, key+"x")
		kv.values[key] = whole
		fresh.Close()
	}
	for _, k := range keys { // and all that a header may say
		if k[0] == keyNode {
			kv.values[k][3] ^= 1
		}
	}
	other := New(Options{})
	defer other.Close()
	if problem := check(other); problem == "" {
		t.Fatal("no node is whole, and the check finds nothing")
	}
	if err := other.Rebuild(context.Background(), db, d); err != nil {
		t.Fatal(err)
	}
	if problem := check(other); problem != "" {
		t.Errorf("after it was built anew: %s", problem)
	}
}

// An index that holds the wrong rows, each of them whole, is found out.
func TestCheckFindsWrongRows(t *testing.T) {
	t.Parallel()
	m, db, d := checkedDB(t, rand.New(rand.NewPCG(2, 9)))
	if _, err := m.Check(context.Background(), db, d); err != nil {
		t.Fatal(err)
	}
	at := db.at["doc0007"]
	db.changes[at].Doc.Body = []byte(`{"kind":"other","tags":["y"],"n":1}`) // behind the index's back
	problem, err := m.Check(context.Background(), db, d)
	if err != nil || !strings.Contains(problem, "mapping all docs anew") {
		t.Errorf("got %q, %v", problem, err)
	}
}
