package view

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
)

// designedDB is a database with design documents.
type designedDB struct {
	*fakeDB
	designs []*Design
	gate    chan struct{} // reading changes waits for it, nil for not at all
}

func (db *designedDB) Designs(context.Context) ([]*Design, error) { return db.designs, nil }

func (db *designedDB) Changes(ctx context.Context, since uint64, fn func(store.Change) bool) error {
	if db.gate != nil {
		select {
		case <-db.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return db.fakeDB.Changes(ctx, since, fn)
}

// named is a design document of that name with one view.
func named(t *testing.T, name, body string) *Design {
	t.Helper()
	d, err := ParseDesign("_design/"+name, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const (
	countDesign  = `{"views":{"n":{"map":"function(doc) { emit(doc._id, 1) }","reduce":"_count"}}}`
	manualDesign = `{"autoupdate":false,"views":{"n":{"map":"function(doc) { emit(doc._id, 2) }"}}}`
	brokenDesign = `{"views":{"n":{"map":"function(doc) { emit(doc._id, \"x\") }","reduce":"_stats"}}}`
)

// state waits for everything that is to happen and tells how far an index is.
func (db *designedDB) state(t *testing.T, m *Manager, d *Design) Info {
	t.Helper()
	synctest.Wait()
	info, err := m.Info(db, d)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestBackground(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T){
		"after writes": backgroundAfterWrites, "unused": backgroundUnused, "broken view": backgroundBroken, "hurry": backgroundHurry, "close": backgroundClose,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, test)
		})
	}
}

// Identical design documents are one index; it is up to date a while after writes, without a question; a document that says so is
// left alone.
func backgroundAfterWrites(t *testing.T) {
	m := New(Options{})
	defer m.Close()
	a, b, manual := named(t, "a", countDesign), named(t, "b", countDesign), named(t, "manual", manualDesign)
	db := &designedDB{fakeDB: newFakeDB(), designs: []*Design{a, b, manual}}
	for i := range 10 {
		db.put(fmt.Sprint("doc", i), `{}`)
		m.Notify(db)
	}
	if got := db.state(t, m, a); got.UpdateSeq != 0 {
		t.Errorf("updated at once: %+v", got)
	}
	time.Sleep(defaultDelay + 2*maxPause)
	if got := db.state(t, m, b); got.UpdateSeq != 10 || got.Updating {
		t.Errorf("after the delay: %+v", got)
	}
	if got := db.state(t, m, manual); got.UpdateSeq != 0 {
		t.Errorf("autoupdate off: %+v", got)
	}
	if db.reads != 1 {
		t.Errorf("two design documents with the same views read the changes %d times", db.reads)
	}
	db.put("more", `{}`)
	m.Notify(db)
	time.Sleep(defaultDelay + 2*maxPause)
	if got := db.state(t, m, a); got.UpdateSeq != 11 {
		t.Errorf("after another write: %+v", got)
	}
}

// An index that no design document has goes when all that are had are up to date, not before.
func backgroundUnused(t *testing.T) {
	m := New(Options{})
	defer m.Close()
	old, now, manual := named(t, "a", `{"views":{"n":{"map":"function(doc) { emit(1) }"}}}`), named(t, "a", countDesign), named(t, "m", manualDesign)
	db := &designedDB{fakeDB: newFakeDB(), designs: []*Design{old, manual}}
	db.put("a", `{}`)
	for _, view := range []*Design{old, manual} {
		if _, err := answerOf(m, db, view, "n", store.NewViewQuery()); err != nil {
			t.Fatal(err)
		}
	}
	rounds := func(designs ...*Design) string {
		t.Helper()
		db.designs = designs
		m.Notify(db)
		time.Sleep(defaultDelay + 2*maxPause)
		synctest.Wait()
		var there []string
		for name, d := range map[string]*Design{"manual": manual, "now": now, "old": old} {
			if kv := db.indexes[d.sig]; kv != nil && len(kv.values) > 0 {
				there = append(there, name)
			}
		}
		slices.Sort(there)
		return strings.Join(there, " ")
	}
	if got := rounds(now, manual, named(t, "b", brokenDesign)); got != "manual now old" {
		t.Errorf("beside one that can't be built: %s", got)
	}
	if got := rounds(now, manual); got != "manual now" {
		t.Errorf("after all were built: %s", got)
	}
	if got := rounds(manual); got != "manual" {
		t.Errorf("after its design document went: %s", got)
	}
}

// A view that can't be built is tried less and less often, and keeps no other from being built.
func backgroundBroken(t *testing.T) {
	m := New(Options{})
	defer m.Close()
	broken, fine := named(t, "broken", brokenDesign), named(t, "fine", countDesign)
	db := &designedDB{fakeDB: newFakeDB(), designs: []*Design{broken, fine}}
	const writes = 100
	for i := range writes {
		db.put(fmt.Sprint("doc", i), `{}`)
		m.Notify(db)
		time.Sleep(defaultDelay + 2*maxPause)
	}
	if got := db.state(t, m, fine); got.UpdateSeq != writes {
		t.Errorf("the other index: %+v", got)
	}
	if tries := db.reads - writes; tries < 3 || tries > 8 {
		t.Errorf("the broken index was tried %d times in %d rounds", tries, writes)
	}
}

// A query that needs an update of the background joins it, and it makes no more pauses.
func backgroundHurry(t *testing.T) {
	m := New(Options{})
	defer m.Close()
	d := named(t, "a", countDesign)
	db := &designedDB{fakeDB: newFakeDB(), designs: []*Design{d}, gate: make(chan struct{})}
	db.put("a", `{}`)
	m.Notify(db)
	time.Sleep(defaultDelay + maxPause)
	if got := db.state(t, m, d); !got.Updating {
		t.Fatalf("no update: %+v", got)
	}
	answered := make(chan string)
	go func() {
		got, err := answerOf(m, db, d, "n", store.NewViewQuery())
		answered <- fmt.Sprint(got, err)
	}()
	synctest.Wait()
	x, err := m.index(db, d)
	if err != nil || !x.update.isWanted() || x.update.workers(4) != 4 {
		t.Errorf("the update does not hurry: %v", err)
	}
	close(db.gate)
	if got := <-answered; got != "reduced\nnull = 1<nil>" {
		t.Errorf("got %s", got)
	}
}

// Close ends what runs in the background and what waits to.
func backgroundClose(t *testing.T) {
	for _, wait := range []time.Duration{0, defaultDelay + maxPause} {
		m := New(Options{})
		db := &designedDB{fakeDB: newFakeDB(), designs: []*Design{named(t, "a", countDesign)}, gate: make(chan struct{})}
		db.put("a", `{}`)
		m.Notify(db)
		time.Sleep(wait)
		m.Close()
		m.Notify(db) // after it: nothing
		if db.reads != 0 {
			t.Errorf("changes were read %d times", db.reads)
		}
	}
}

// slowKV takes a second for each write.
type slowKV struct {
	*memoryKV
	now, most atomic.Int32 // writes at a time
}

func (kv *slowKV) Apply(ctx context.Context, ops []store.KVOp) error {
	now := kv.now.Add(1)
	for most := kv.most.Load(); now > most && !kv.most.CompareAndSwap(most, now); most = kv.most.Load() {
	}
	time.Sleep(time.Second)
	kv.now.Add(-1)
	return kv.memoryKV.Apply(ctx, ops)
}

// slowIndexDB has its indexes in such keyspaces.
type slowIndexDB struct {
	*fakeDB
	kv slowKV
}

func (db *slowIndexDB) Index(string) (store.KV, error) { return &db.kv, nil }

// TestCalmUpdate: an update that nobody waits for works on one tree at a time, with pauses as long as its work; one that somebody waits
// for does what it can.
func TestCalmUpdate(t *testing.T) {
	t.Parallel()
	for _, how := range []urgency{calm, waiting} {
		synctest.Test(t, func(t *testing.T) {
			m := New(Options{Delay: -1})
			defer m.Close()
			db := &slowIndexDB{fakeDB: longRows(rand.New(rand.NewPCG(10, 10)), 6000)}
			db.kv.memoryKV = newMemoryKV()
			x, err := m.index(db, design(t, longDesign))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			u, err := x.begin(db, db.UpdateSeq(), how)
			if err != nil {
				t.Fatal(err)
			}
			if <-u.done; u.err != nil {
				t.Fatal(u.err)
			}
			took, writes, most := time.Since(start), time.Duration(db.kv.writes), db.kv.most.Load()
			if how == calm && (most > 1 || took < (2*writes-1)*time.Second) || how == waiting && (most < 2 || took >= writes*time.Second) {
				t.Errorf("%d writes, %d at a time, took %v", writes, most, took)
			}
		})
	}
}
