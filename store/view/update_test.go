package view

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
	"logctl/store/view/btree"
)

// TestKilledUpdate lets the keyspace die after n writes of a build in batches and goes on with a new Manager.
func TestKilledUpdate(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	db, docs := newFakeDB(), map[string]modelDoc{}
	for i := range 3*batchDocs + 100 {
		id := fmt.Sprintf("doc%06d", i)
		docs[id] = modelDoc{Kind: "a", Tags: []string{"x"}, N: i % 7}
		body, _ := json.Marshal(docs[id])
		db.put(id, string(body))
	}
	// A batch with reductions that long is more than one write.
	d := design(t, fmt.Sprintf(strings.Replace(modelDesign, idsView, "", 1), modelMap))
	kv, _ := db.Index(d.Signature())
	memory := kv.(*memoryKV)
	for n := range 4 {
		m := New(Options{})
		m.gatherBytes = 1
		memory.dies = 1 // one batch at a time
		_, err := answerOf(m, db, d, "count", store.NewViewQuery())
		if n < 3 != errors.Is(err, errDead) {
			t.Fatalf("life %d: %v", n, err)
		}
		q := store.NewViewQuery()
		q.Update = store.UpdateFalse
		got, err := answerOf(m, db, d, "count", q)
		if want := fmt.Sprintf("reduced\nnull = %d", min((n+1)*batchDocs, len(docs))); err != nil || got != want {
			t.Fatalf("life %d: got %s, %v, want %s", n, got, err, want)
		}
		m.Close()
	}
	memory.dies = -1
	m := New(Options{})
	defer m.Close()
	for range 200 {
		id := fmt.Sprintf("doc%06d", r.IntN(30000))
		delete(docs, id)
		db.put(id, "")
	}
	rows := modelRows(docs)
	got, err := answerOf(m, db, d, "sum", query(t, "group_level=3"))
	if want := expected(rows, "sum", 0, len(rows), 3, false); err != nil || got != want {
		t.Fatalf("after all: %v\n got %s\nwant %s", err, got, want)
	}
}

// longRows has docs whose rows take as many bytes as they seem to.
func longRows(r *rand.Rand, n int) *fakeDB {
	db := newFakeDB()
	text := make([]byte, 600)
	for i := range n {
		for k := range text {
			text[k] = "0123456789abcdef"[r.IntN(16)]
		}
		db.put(fmt.Sprintf("doc%06d", i), fmt.Sprintf(`{"n":%d,"text":"%s"}`, i*7919%n, text))
	}
	return db
}

const longDesign = `{"views":{"v":{"map":"function(doc) { emit(doc.n, doc.text) }"},"w":{"map":"function(doc) { emit([doc.text, doc.n]) }"}}}`

// TestLargeUpdate: an update that makes much writes it in pieces that others can wait for.
func TestLargeUpdate(t *testing.T) {
	t.Parallel()
	db := longRows(rand.New(rand.NewPCG(7, 7)), 15_000)
	d := design(t, longDesign)
	m := New(Options{Delay: -1})
	defer m.Close()
	if problem, err := m.Check(t.Context(), db, d); err != nil || problem != "" {
		t.Errorf("check: %s, %v", problem, err)
	}
	kv, _ := db.Index(d.Signature())
	trees := len(d.views) + 1
	if most := kv.(*memoryKV).most; most > 5*trees/4*btree.EarlyBytes {
		t.Errorf("%d bytes were written at once", most)
	}
}

// TestNumbersGivenAgain: an update that came to nothing has read nodes of its own, under numbers that the next one gives to others.
func TestNumbersGivenAgain(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 9))
	m := New(Options{Delay: -1})
	m.batchDocs = 50
	defer m.Close()
	db, docs := newFakeDB(), map[string]modelDoc{}
	d := design(t, fmt.Sprintf(modelDesign, modelMap))
	kv, _ := db.Index(d.Signature())
	memory := kv.(*memoryKV)
	for life := range 4 {
		for range 400 {
			id := modelID(1, r.IntN(900))
			docs[id] = randomDoc(r)
			body, _ := json.Marshal(docs[id])
			db.put(id, string(body))
		}
		memory.dies = 0
		if _, err := answerOf(m, db, d, "sum", store.NewViewQuery()); !errors.Is(err, errDead) {
			t.Fatalf("life %d: %v", life, err)
		}
		for _, id := range slices.Sorted(maps.Keys(docs)) {
			if r.IntN(2) == 0 {
				delete(docs, id)
				db.put(id, "")
			}
		}
		memory.dies = -1
		compareAll(t, m, db, d, r, docs)
		if problem, err := m.Check(t.Context(), db, d); err != nil || problem != "" {
			t.Fatalf("life %d: check: %s, %v", life, problem, err)
		}
	}
}

// tardyDB takes a second for each change.
type tardyDB struct{ *fakeDB }

func (db tardyDB) Changes(ctx context.Context, since uint64, fn func(store.Change) bool) error {
	return db.fakeDB.Changes(ctx, since, func(c store.Change) bool {
		time.Sleep(time.Second)
		return fn(c)
	})
}

// TestSlowUpdateIsKept: an update that takes long writes what it has from time to time; a store that goes down loses little of it.
func TestSlowUpdateIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := tardyDB{newFakeDB()}
		for i := range 100 {
			db.put(fmt.Sprint(i), `{"kind":"a","tags":["x"],"n":1}`)
		}
		d := design(t, fmt.Sprintf(modelDesign, modelMap))
		m := New(Options{Delay: -1})
		m.batchDocs = 1
		result := make(chan error)
		go func() {
			_, err := answerOf(m, db, d, "sum", store.NewViewQuery())
			result <- err
		}()
		time.Sleep(50 * time.Second)
		m.Close()
		if err := <-result; !store.IsKind(err, store.KindUnavailable) {
			t.Errorf("got %v", err)
		}
		m = New(Options{Delay: -1})
		defer m.Close()
		const most = 2 * gatherTime / time.Second // a second each
		if info, err := m.Info(db, d); err != nil || info.UpdateSeq < 50-uint64(most) {
			t.Errorf("after 50 of 100 docs: %+v, %v", info, err)
		}
	})
}

// slowDB holds its readers until it is told to go on.
type slowDB struct {
	*fakeDB
	gate chan struct{}
}

func (db *slowDB) Changes(ctx context.Context, since uint64, fn func(store.Change) bool) error {
	select {
	case <-db.gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	return db.fakeDB.Changes(ctx, since, fn)
}

func TestOneUpdateForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, oneUpdateForAll)
}

func oneUpdateForAll(t *testing.T) {
	m := New(Options{})
	db := &slowDB{newFakeDB(), make(chan struct{})}
	db.put("a", `{"kind":"a","tags":["x"],"n":1}`)
	d := design(t, fmt.Sprintf(modelDesign, modelMap))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got, err := answerOf(m, db, d, "sum", store.NewViewQuery()); err != nil || got != "reduced\nnull = 1" {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	synctest.Wait()
	if info, err := m.Info(db, d); err != nil || info.WaitingClients != 8 || !info.Updating || info.PendingUpdates != 1 {
		t.Errorf("info: %+v, %v", info, err)
	}
	if got, err := answerOf(m, db, d, "sum", query(t, "update=false")); err != nil || got != "reduced" {
		t.Errorf("update=false while it runs: %s, %v", got, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := m.Query(ctx, db, d, "sum", store.NewViewQuery(), func(Meta) error { return nil }, func(store.Row) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a query that gave up: %v", err)
	}
	close(db.gate)
	all.Wait()
	if db.reads != 1 {
		t.Errorf("changes were read %d times", db.reads)
	}
	m.Close()
	if _, err := answerOf(m, db, d, "sum", store.NewViewQuery()); err != nil { // nothing to update
		t.Errorf("after Close: %v", err)
	}
	db.put("b", `{}`)
	if _, err := answerOf(m, db, d, "sum", store.NewViewQuery()); !store.IsKind(err, store.KindUnavailable) {
		t.Errorf("an update after Close: %v", err)
	}
}

func TestForgetEndsUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, forgetEndsUpdate)
}

func forgetEndsUpdate(t *testing.T) {
	m := New(Options{})
	db := &slowDB{newFakeDB(), make(chan struct{})}
	db.put("a", `{}`)
	d := design(t, fmt.Sprintf(modelDesign, modelMap))
	result := make(chan error)
	go func() {
		_, err := answerOf(m, db, d, "sum", store.NewViewQuery())
		result <- err
	}()
	synctest.Wait()
	db.deleted = true
	m.Forget(db)
	if err := <-result; !store.IsKind(err, store.KindNotFound) {
		t.Errorf("got %v", err)
	}
	m.Close()
}
