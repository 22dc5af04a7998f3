package view

import (
	"fmt"
	"testing"

	"logctl/store"
)

// TestPurgeAmidUpdate: a doc that is purged, and stored again, while an update reads is in the view, and stays.
func TestPurgeAmidUpdate(t *testing.T) {
	t.Parallel()
	m := New(Options{Delay: -1})
	defer m.Close()
	d := design(t, `{"views":{"v":{"map":"function(doc) { emit(doc.n, 1) }","reduce":"_sum"}}}`)
	for _, indexed := range []bool{false, true} {
		db := newFakeDB()
		db.put("a", `{"n":1}`)
		db.put("b", `{"n":2}`)
		if indexed {
			wantTotal(t, m, db, d, 2)
			db.put("c", `{"n":3}`)
		}
		db.before = func() {
			db.purge("a", 20)
			db.put("a", `{"n":4}`)
		}
		want := len(db.at)
		for range 3 {
			wantTotal(t, m, db, d, want)
		}
		m.Forget(db)
	}
}

// TestPurgesOfCutBatch: a batch whose rows are too many for one piece knows of the purges before it all the same.
func TestPurgesOfCutBatch(t *testing.T) {
	t.Parallel()
	m := New(Options{Delay: -1})
	defer m.Close()
	db := newFakeDB()
	db.put("a", `{}`)
	db.purge("a", 20)
	db.put("a", `{}`)
	const docs = 3 * batchRows >> 20
	for i := range docs {
		db.put(fmt.Sprintf("b%03d", i), `{}`)
	}
	d := design(t, `{"views":{"v":{"map":"function(doc) { emit('x'.repeat(5e5), 1) }","reduce":"_sum"}}}`)
	for range 2 {
		wantTotal(t, m, db, d, docs+1)
		db.put("c", "")
	}
}

func wantTotal(t *testing.T, m *Manager, db *fakeDB, d *Design, want int) {
	t.Helper()
	got, err := answerOf(m, db, d, "v", store.NewViewQuery())
	if err != nil || got != fmt.Sprintf("reduced\nnull = %d", want) {
		t.Errorf("got %s, %v, want %d", got, err, want)
	}
}
