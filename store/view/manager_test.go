package view

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"logctl/store"
)

// TestDropWhileAsked drops an index again and again while others ask it: each answer is whole.
func TestDropWhileAsked(t *testing.T) {
	const docs, rounds = 300, 200
	db, d := newFakeDB(), named(t, "a", countDesign)
	for i := range docs {
		db.put(fmt.Sprintf("doc%d", i), "{}")
	}
	m := New(Options{Delay: -1})
	t.Cleanup(func() { m.Close() })
	var answers atomic.Int64
	var askers sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 4 {
		askers.Go(func() {
			for ctx.Err() == nil {
				rows := 0
				q := store.ViewQuery{NoReduce: true, Limit: -1}
				err := m.Query(t.Context(), db, d, "n", q, func(Meta) error { return nil }, func(store.Row) error {
					rows++
					return nil
				})
				if err != nil || rows != docs {
					t.Errorf("%d rows of %d, %v", rows, docs, err)
					return
				}
				answers.Add(1)
			}
		})
	}
	for i := range rounds {
		var err error
		if i%2 == 0 {
			err = m.Cleanup(db, nil)
		} else {
			err = m.Rebuild(t.Context(), db, d)
		}
		if err != nil && err != errDropped {
			t.Error(err)
		}
	}
	for answers.Load() == 0 && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	stop()
	askers.Wait()
}

// droppedDB is a database whose index is dropped between an update and the snapshot that is to show it.
type droppedDB struct {
	*fakeDB
	drop func() // once
}

type droppedKV struct {
	*memoryKV
	db *droppedDB
}

func (db *droppedDB) Index(sig string) (store.KV, error) {
	kv, err := db.fakeDB.Index(sig)
	if err != nil {
		return nil, err
	}
	return droppedKV{kv.(*memoryKV), db}, nil
}

func (kv droppedKV) Snapshot() store.KVSnapshot {
	if drop := kv.db.drop; drop != nil {
		kv.db.drop = nil
		drop()
	}
	return kv.memoryKV.Snapshot()
}

func TestDropBeforeSnapshot(t *testing.T) {
	db, d := &droppedDB{fakeDB: newFakeDB()}, named(t, "a", countDesign)
	db.put("doc", "{}")
	m := New(Options{Delay: -1})
	t.Cleanup(func() { m.Close() })
	q := store.NewViewQuery()
	q.NoReduce = true
	// The update that the query waits for takes snapshots, too; the next query needs none.
	for _, drop := range []func(){nil, func() {
		if err := m.Cleanup(db, nil); err != nil {
			t.Error(err)
		}
	}} {
		rows := 0
		db.drop = drop
		err := m.Query(t.Context(), db, d, "n", q, func(Meta) error { return nil }, func(store.Row) error {
			rows++
			return nil
		})
		if err != nil || rows != 1 || db.drop != nil {
			t.Errorf("%d rows, %v", rows, err)
		}
	}
}
