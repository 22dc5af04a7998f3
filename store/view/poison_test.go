package view

import (
	"fmt"
	"testing"
	"time"

	"logctl/store"
)

// TestPoisonedViews: a function that does not end, or takes too much, is an error of its own view. Other views, and the database, are
// as before; a doc that would give too many rows gives none.
func TestPoisonedViews(t *testing.T) {
	m := New(Options{MapTimeout: time.Minute}) // enough for a million rows on a machine that is busy
	defer m.Close()
	hasty := New(Options{MapTimeout: 2 * time.Second}) // for functions that never end
	defer hasty.Close()
	db := newFakeDB()
	for i := range 300 {
		db.put(fmt.Sprintf("doc%03d", i), fmt.Sprintf(`{"n":%d}`, i))
	}
	fine := design(t, `{"views":{"v":{"map":"function(doc) { emit(doc.n, 1) }","reduce":"_sum"}}}`)
	for _, tt := range []struct{ view, want string }{
		{`"map":"function(doc) { if (doc.n == 150) for (;;); emit(doc.n, 1) }"`, ""},
		{`"map":"function(doc) { var s = doc._id; if (doc.n == 150) for (;;) s += s; emit(doc.n, 1) }"`, ""},
		{`"map":"function(doc) { emit(doc.n, 1) }","reduce":"function() { for (;;); }"`, ""},
		{`"map":"function(doc) { function f() { return f() + 1 } if (doc.n == 150) f(); emit(doc.n, 1) }"`, "299"},
		{`"map":"function(doc) { if (doc.n == 150) for (var i = 0; i < 1e6; i++) emit(i, 1); emit(doc.n, 1) }"`, "299"},
		{`"map":"function(doc) { emit(doc.n, doc.n == 150 ? 'x'.repeat(1e9) : 1) }"`, "299"},
	} {
		poison := design(t, `{"views":{"v":{`+tt.view+`}}}`)
		q := store.NewViewQuery()
		rows := 0
		ending := m
		if tt.want == "" {
			ending = hasty
		}
		err := ending.Query(t.Context(), db, poison, "v", q, func(Meta) error { return nil }, func(store.Row) error { rows++; return nil })
		if tt.want == "" && !store.IsKind(err, store.KindOSProcess) || tt.want != "" && (err != nil || fmt.Sprint(rows) != tt.want) {
			t.Errorf("%s: %d rows, %v", tt.view, rows, err)
		}
		db.put("another", `{"n":1}`)
		got, err := answerOf(m, db, fine, "v", q)
		if err != nil || got != "reduced\nnull = 301" {
			t.Errorf("beside %s: %s, %v", tt.view, got, err)
		}
		db.put("another", "")
	}
}
