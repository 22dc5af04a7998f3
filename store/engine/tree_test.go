package engine

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"logctl/internal/growth"
	"logctl/store"
)

// grow makes a tree from paths "3-c b a" (the revision, then its ancestors' hashes, newest first); "!" in front: deleted.
func grow(t *testing.T, paths ...string) tree {
	t.Helper()
	var tr tree
	for _, p := range paths {
		p, deleted := strings.CutPrefix(p, "!")
		words := strings.Fields(p)
		i, _ := tr.merge(rev(t, words[0]), words[1:], nil)
		tr[i].kept, tr[i].deleted, tr[i].seq = true, deleted, uint64(i+1)
	}
	return tr
}

func leavesOf(tr tree) string {
	var l []string
	for _, i := range tr.leaves(store.Rev{}) {
		l = append(l, strings.Join(append([]string{tr[i].rev.String()}, tr.ancestors(i)...), " "))
	}
	return strings.Join(l, ", ")
}

func TestTreeLeaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		paths  []string
		limit  int
		leaves string // each with its ancestors, the winner first
	}{
		{"one", []string{"1-a"}, 9, "1-a"},
		{"a chain", []string{"1-a", "2-b a", "3-c b a"}, 9, "3-c b a"},
		{"the greater hash wins", []string{"1-a", "1-b"}, 9, "1-b, 1-a"},
		{"the longer branch wins", []string{"2-a r", "2-b r", "3-c a r"}, 9, "3-c a r, 2-b r"},
		{"ten is greater than nine", []string{"9-z", "10-a"}, 99, "10-a, 9-z"},
		{"a deleted leaf never wins over a live one", []string{"1-a", "!5-z y x w v"}, 9, "1-a, 5-z y x w v"},
		{"of deleted leaves the longer wins", []string{"!1-b", "!2-a x"}, 9, "2-a x, 1-b"},
		{"an ancestor that comes late is no conflict", []string{"3-c b a", "2-b a"}, 9, "3-c b a"},
		{"again changes nothing", []string{"2-b a", "2-b a", "1-a"}, 9, "2-b a"},
		{"history that comes late joins branches", []string{"2-b", "5-e", "5-e d c b a"}, 9, "5-e d c b a"},
		{"a stem meets its tree", []string{"4-d c b a", "6-f e d"}, 9, "6-f e d c b a"},
		{"cut to the limit", []string{"5-e d c b a"}, 3, "5-e d c"},
		{"a limit of one", []string{"2-b a", "2-c a"}, 1, "2-c, 2-b"},
		{"what another branch needs stays", []string{"4-d c b a", "2-x a"}, 2, "4-d c, 2-x a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tr := grow(t, c.paths...)
			tr.stem(c.limit)
			if got := leavesOf(tr); got != c.leaves {
				t.Errorf("leaves %q, want %q", got, c.leaves)
			}
		})
	}
}

// TestTreeOrder merges the same revisions in every order: servers that know the same must agree.
func TestTreeOrder(t *testing.T) {
	t.Parallel()
	paths := []string{"3-c b a", "!4-d c b a", "2-x a", "3-y b a", "!3-z x a"}
	want := leavesOf(grow(t, paths...))
	for order := range permutations(paths) {
		if got := leavesOf(grow(t, order...)); got != want {
			t.Errorf("%q: leaves %q, want %q", order, got, want)
		}
	}
}

func permutations(s []string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		var walk func(k int) bool
		walk = func(k int) bool {
			if k == len(s) {
				return yield(slices.Clone(s))
			}
			for i := k; i < len(s); i++ {
				s[k], s[i] = s[i], s[k]
				ok := walk(k + 1)
				s[k], s[i] = s[i], s[k]
				if !ok {
					return false
				}
			}
			return true
		}
		walk(0)
	}
}

func TestRecordsRoundTrip(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("0f", 16)
	tr := grow(t, "3-"+hex+" b "+strings.ToUpper(hex), "!3-x b "+strings.ToUpper(hex), "1-lone")
	for _, r := range []idRecord{{seq: 1}, {seq: 1 << 60, deleted: true}, {seq: 300, tree: tr}} {
		got, err := parseIDRecord(r.append(nil))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(r) {
			t.Errorf("by-id record %v came back as %v (%v)", r, got, err)
		}
	}
	counts := counters{seq: 9, docs: 5, deleted: 1, external: 1 << 40, purges: 2}
	for _, hash := range []string{hex, "short", strings.ToUpper(hex)} {
		p := pending{id: "a\x00ü", rev: makeRawRev(store.Rev{Gen: 300, Hash: hash}), deleted: true, leaves: true}
		got, err := parseSeqRecord(append(appendSeqHead(nil, &p, &counts), `{"a":1}`...))
		if err != nil || got.rev.rev() != (store.Rev{Gen: 300, Hash: hash}) || string(got.id) != p.id || !got.deleted ||
			!got.leaves || string(got.body) != `{"a":1}` || *got.counts != counts {
			t.Errorf("by-sequence record came back as %+v (%v)", got, err)
		}
	}
}

func FuzzRecords(f *testing.F) {
	r := idRecord{seq: 300, tree: tree{{rev: store.Rev{Gen: 1, Hash: "a"}, parent: noParent, kept: true, seq: 1}}}
	f.Add(r.append(nil))
	p := pending{id: "a", rev: makeRawRev(store.Rev{Gen: 1, Hash: strings.Repeat("0f", 16)})}
	f.Add(append(appendSeqHead(nil, &p, &counters{seq: 1}), "{}"...))
	f.Fuzz(func(t *testing.T, src []byte) {
		if r, err := parseIDRecord(src); err == nil {
			again, err := parseIDRecord(r.append(nil))
			if err != nil || fmt.Sprint(again) != fmt.Sprint(r) {
				t.Errorf("%v came back as %v (%v)", r, again, err)
			}
			for _, i := range r.tree.leaves(store.Rev{}) {
				r.tree.ancestors(i)
			}
		}
		if _, err := parseSeqRecord(src); err != nil && !store.IsKind(err, store.KindCorrupt) {
			t.Errorf("kind of %v", err)
		}
		_, _ = parseDBRecord(src)
		_, _ = parseLocal("_local/a", src)
	})
}

// TestManyBranchesAtOnce: what is merged into one doc in one call takes no time with its square, in which nobody else could write. It took hours.
func TestManyBranchesAtOnce(t *testing.T) {
	t.Parallel()
	growth.Linear(t, 60_000, func(n int) {
		d := newDB(t, Options{})
		docs := make([]store.Doc, n)
		for i := range docs {
			docs[i] = store.Doc{ID: "a", Rev: store.Rev{Gen: 1, Hash: fmt.Sprintf("%032x", i*7919%n)}, Body: []byte("{}")}
		}
		old := store.Doc{ID: "b", Rev: store.Rev{Gen: 10 * n, Hash: "1"}, Ancestors: make([]string, 10*n-1), Body: []byte("{}")}
		for i := range old.Ancestors {
			old.Ancestors[i] = fmt.Sprintf("%032x", i)
		}
		docs = append(docs, old)
		for range 2 { // the second time all of them are known
			if _, err := d.Write(t.Context(), docs, WriteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		doc, err := d.Get("a")
		if err != nil || doc.Rev.Hash != fmt.Sprintf("%032x", n-1) {
			t.Errorf("the winner is %v, %v", doc.Rev, err)
		}
	})
}

// manyConflicts makes a doc with a long history and many conflicts, and asks for each of these and for as many that it does not have, five times.
func manyConflicts(t *testing.T, depth, conflicts int) (d *DB, asked []store.Rev) {
	t.Helper()
	d = newDB(t, Options{})
	history := make([]string, depth)
	for i := range history {
		history[i] = fmt.Sprintf("%032x", depth-i)
	}
	docs := []store.Doc{{ID: "a", Rev: store.Rev{Gen: depth, Hash: history[0]}, Ancestors: history[1:]}}
	for i := range conflicts {
		docs = append(docs, store.Doc{ID: "a", Rev: store.Rev{Gen: depth + 1, Hash: fmt.Sprintf("%032x", 1<<20+i)}, Ancestors: history[:1]})
		for k := range 10 {
			asked = append(asked, store.Rev{Gen: depth + 1, Hash: fmt.Sprintf("%032x", (1+k%2)<<20+i)})
		}
	}
	if _, err := d.Write(t.Context(), docs, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	return d, asked
}

// TestManyConflicts: what is told of the revisions of a doc with many conflicts takes no room for the history of each. It is not parallel, since
// it looks at the memory of all.
func TestManyConflicts(t *testing.T) {
	const depth, conflicts = 990, 30_000
	d, _ := manyConflicts(t, depth, conflicts)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, revs, err := d.Revs("a")
	runtime.ReadMemStats(&after)
	if err != nil || len(revs) != depth+conflicts {
		t.Fatal(len(revs), err)
	}
	if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 100 {
		t.Errorf("the revisions took %d MB", mb)
	}
}

// TestManyMissing: a replication's question for many revisions of a doc takes no time for each of what it has.
func TestManyMissing(t *testing.T) {
	t.Parallel()
	type question struct {
		d     *DB
		asked []store.Rev
	}
	of := map[int]question{}
	growth.Linear(t, 30_000, func(n int) {
		q, ok := of[n]
		if !ok {
			q.d, q.asked = manyConflicts(t, 10, n)
			of[n] = q
		}
		missing, _, err := missingRevs(t, q.d, "a", q.asked)
		if err != nil || len(missing) != len(q.asked)/2 {
			t.Errorf("%d are missing, %v", len(missing), err)
		}
	})
}
