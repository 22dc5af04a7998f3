package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
)

// compactNow does at once what a compaction does by itself when nothing was written for a while.
func compactNow(t *testing.T, d *DB, rest func() error) {
	t.Helper()
	if err := d.compactNeeded(t.Context(), rest); err != nil {
		t.Fatal(err)
	}
}

func noRest() error { return nil }

// TestLooseDocsArePutTogether: docs that come one by one get into bundles, in the order in which they come, each looked at once.
func TestLooseDocsArePutTogether(t *testing.T) {
	t.Parallel()
	o := Options{FS: vfs.NewMem()}
	e := mustOpen(t, "data", o)
	defer func() { e.Close() }()
	d := mustCreate(t, e, "log_a")
	docs := machineDocs("m", newYear, 4*leastLoose+100)
	for round, next := range []int{leastLoose, 2*leastLoose + 100, 3 * leastLoose, 4*leastLoose + 100} {
		from := d.Stats().DocCount
		if round == 2 { // what came before is not known any more
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			e = mustOpen(t, "data", o)
			var err error
			if d, err = e.DB("log_a"); err != nil {
				t.Fatal(err)
			}
		}
		writeIn(t, d, docs[from:next-1], 1)
		if round == 0 && d.demand() != demandNone {
			t.Errorf("demand %d before there is a bundle", d.demand())
		}
		writeIn(t, d, docs[next-1:next], 1)
		if got := d.loose.Load(); got >= leastLoose && d.demand() != demandQuiet {
			t.Errorf("demand %d with %d docs", d.demand(), got)
		}
		if round > 0 {
			d.loose.Store(leastLoose)
		}
		start, err := d.looseFrom(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if start+2*compactDocs < from {
			t.Errorf("round %d: looks at docs from %d on, of which all before %d were seen", round, start, from)
		}
		compactNow(t, d, noRest)
		if d.demand() != demandNone {
			t.Errorf("demand %d after it", d.demand())
		}
		records, spans := keptByID(t, d)
		if want := (next + compactDocs - 1) / compactDocs; records > 0 || spans > want+1 {
			t.Errorf("round %d: %d docs have %d by-id records and %d spans", round, next, records, spans)
		}
	}
	noDamage(t, d)
}

// TestReplacedRevisionsGo: the bodies of replaced revisions are forgotten once they take more than those that are shown.
func TestReplacedRevisionsGo(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{FS: vfs.NewMem()})
	doc := store.Doc{ID: "a", Body: fmt.Appendf(nil, `{"text":"%s"}`, strings.Repeat("x", leastWaste/4))}
	var revs []store.Rev
	for len(revs) < 5 {
		if d.demand() != demandNone {
			t.Errorf("demand after %d revisions", len(revs))
		}
		doc.Rev = mustPut(t, d, doc)
		revs = append(revs, doc.Rev)
	}
	if d.demand() != demandQuiet {
		t.Errorf("demand %d", d.demand())
	}
	compactNow(t, d, noRest)
	if _, err := d.GetRev("a", revs[3]); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("a replaced revision: %v", err)
	}
	if got, err := d.Get("a"); err != nil || got.Rev != revs[4] {
		t.Errorf("the last one: %v %v", got.Rev, err)
	}
	if d.demand() != demandNone {
		t.Errorf("demand %d after it", d.demand())
	}
}

// TestCompactTakesOver: a compaction that is asked for does not wait for one that the engine does by itself, nor leaves to it what it
// would not do.
func TestCompactTakesOver(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{FS: vfs.NewMem()})
	mustPut(t, d, store.Doc{ID: "z", Rev: mustPut(t, d, store.Doc{ID: "z"}), Body: []byte(`{"n":1}`)})
	writeIn(t, d, machineDocs("m", newYear, 5*compactDocs), 1)
	done := make(chan error, 1)
	rests := 0
	compactNow(t, d, func() error {
		if c, ok := d.Compaction(); !ok || c.Done == 0 || c.Done >= c.Total || c.Started.IsZero() {
			t.Errorf("under way: %v %+v", ok, c)
		}
		if rests++; rests == 1 {
			go func() { done <- d.Compact(context.Background()) }()
			for !d.asked.Load() {
				time.Sleep(time.Millisecond)
			}
		}
		return nil
	})
	if rests != 1 {
		t.Fatalf("%d steps, of which one should have seen that it is asked for", rests)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if records, _ := keptByID(t, d); records != 1 {
		t.Errorf("%d by-id records", records)
	}
	if _, ok := d.Compaction(); ok {
		t.Error("under way after its end")
	}
}

// TestCompactsByItself only writes, one doc at a time, and waits.
func TestCompactsByItself(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{FS: vfs.NewMem()})
	writeIn(t, d, machineDocs("m", newYear, leastLoose), 1)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		records, _ := keptByID(t, d)
		if records == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d docs are still by themselves", records)
		}
	}
}

// TestRestartsForgetNothing: a store that is closed soon after little was written is compacted all the same, when as much has come together.
func TestRestartsForgetNothing(t *testing.T) {
	t.Parallel()
	o := Options{FS: vfs.NewMem()}
	const runs = 5
	docs := machineDocs("m", newYear, leastLoose+runs)
	a := store.Doc{ID: "a", Body: fmt.Appendf(nil, `{"text":"%s"}`, strings.Repeat("x", leastWaste/runs))}
	var first store.Rev
	for run := range runs {
		e := mustOpen(t, "data", o)
		var logs, edits *DB
		if run == 0 {
			logs, edits = mustCreate(t, e, "log_a"), mustCreate(t, e, "log_b")
			a.Rev = mustPut(t, edits, a)
			first = a.Rev
		} else {
			logs, edits = mustFind(t, e, "log_a"), mustFind(t, e, "log_b")
		}
		if logs.demand() != demandNone || edits.demand() != demandNone {
			t.Fatalf("run %d: there is demand of %d and %d", run, logs.demand(), edits.demand())
		}
		writeIn(t, logs, docs[run*len(docs)/runs:(run+1)*len(docs)/runs], 1)
		a.Rev = mustPut(t, edits, a)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	e := mustOpen(t, "data", o)
	logs, edits := mustFind(t, e, "log_a"), mustFind(t, e, "log_b")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		records, _ := keptByID(t, logs)
		_, err := edits.GetRev("a", first)
		if left := logs.loose.Load() + edits.loose.Load(); records == 0 && left == 0 && store.IsKind(err, store.KindNotFound) {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("%d docs are still by themselves, %d count as such, the first revision: %v", records, left, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = mustOpen(t, "data", o)
	defer e.Close()
	for _, name := range e.Names() {
		if d := mustFind(t, e, name); d.toCompact != nil {
			t.Errorf("%s: %x is left to compact", name, d.toCompact)
		}
	}
}

func mustFind(t *testing.T, e *Engine, name store.DBName) *DB {
	t.Helper()
	d, err := e.DB(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
