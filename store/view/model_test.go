package view

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"logctl/store"
	"logctl/store/view/collate"
)

// modelDesign has a view of each kind of reducer over the same rows: for each tag of a doc [kind, tag, n] with value n. The function of
// "script" needs the engine, that of "ids" doesn't.
const modelDesign = `{"views":{
	"count":{"map":"%[1]s","reduce":"_count"},
	"sum":{"map":"%[1]s","reduce":"_sum"},
	"stats":{"map":"%[1]s","reduce":"_stats"},
	"script":{"map":"%[1]s","reduce":"function(keys, values, rereduce) { var n = 0, s = 0; values.slice().forEach(function(v) { if (rereduce) { n += v[0]; s += v[1] } else { n += 1; s += v } }); return [n, s] }"},` + idsView + `
	"plain":{"map":"%[1]s"}}}`

// idsView has reductions that grow with the rows.
const idsView = `
	"ids":{"map":"%[1]s","reduce":"function(keys, values, rereduce) { var n = {}; values.forEach(function(v, i) { if (!rereduce) { v = {}; v[keys[i][1]] = 1 } for (var id in v) { n[id] = (n[id] || 0) + v[id] } }); return n }"},`

const modelMap = `function(doc) { (doc.tags || []).forEach(function(t) { emit([doc.kind, t, doc.n], doc.n) }) }`

// modelRow is a row as it must be, with the key in parts.
type modelRow struct {
	id   string
	key  []string // JSON of its elements
	n    int
	sort []byte
}

func (r modelRow) json(level int) string { return "[" + strings.Join(r.key[:min(level, 3)], ",") + "]" }

// modelRows maps docs by hand.
func modelRows(docs map[string]modelDoc) []modelRow {
	var rows []modelRow
	for id, d := range docs {
		for i, tag := range d.Tags {
			kind, _ := json.Marshal(d.Kind)
			text, _ := json.Marshal(tag)
			r := modelRow{id: id, key: []string{string(kind), string(text), fmt.Sprint(d.N)}, n: d.N}
			key, _, _ := collate.ICU.Append(nil, []byte(r.json(3)))
			r.sort = fmt.Appendf(collate.AppendBytes(key, []byte(id)), "%09d", i)
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b modelRow) int { return cmp.Compare(string(a.sort), string(b.sort)) })
	return rows
}

type modelDoc struct {
	Kind string   `json:"kind"`
	Tags []string `json:"tags"`
	N    int      `json:"n"`
}

func randomDoc(r *rand.Rand) modelDoc {
	d := modelDoc{Kind: []string{"a", "B", "é", ""}[r.IntN(4)], N: r.IntN(40) - 20}
	for range r.IntN(4) {
		d.Tags = append(d.Tags, []string{"x", "X", "y\"", "日本", "zz"}[r.IntN(5)])
	}
	return d
}

// reductions are the values of all reducers over rows.
func reductions(rows []modelRow) map[string]string {
	n, sum, sqr, lo, hi := len(rows), 0, 0, rows[0].n, rows[0].n
	for _, r := range rows {
		sum, sqr, lo, hi = sum+r.n, sqr+r.n*r.n, min(lo, r.n), max(hi, r.n)
	}
	var ids []string
	times := map[string]int{}
	for _, r := range rows {
		if times[r.id]++; times[r.id] == 1 {
			ids = append(ids, r.id)
		}
	}
	for i, id := range ids {
		ids[i] = fmt.Sprintf("%q:%d", id, times[id])
	}
	return map[string]string{
		"count":  fmt.Sprint(n),
		"sum":    fmt.Sprint(sum),
		"stats":  fmt.Sprintf(`{"sum":%d,"count":%d,"min":%d,"max":%d,"sumsqr":%d}`, sum, n, lo, hi, sqr),
		"script": fmt.Sprintf("[%d,%d]", n, sum),
		"ids":    "{" + strings.Join(ids, ",") + "}",
	}
}

// expected is the answer to a query, from the rows alone: rows of the range [from, to), level 0..3, or -1 for no reduction.
func expected(rows []modelRow, view string, from, to, level int, descending bool) string {
	list := slices.Clone(rows[from:to])
	if descending {
		slices.Reverse(list)
	}
	var out strings.Builder
	if level < 0 {
		offset := from
		if descending {
			offset = len(rows) - to
		}
		fmt.Fprintf(&out, "%d/%d", offset, len(rows))
		for _, r := range list {
			fmt.Fprintf(&out, "\n%s @%s = %d", r.json(3), r.id, r.n)
		}
		return out.String()
	}
	out.WriteString("reduced")
	for len(list) > 0 {
		n := 1
		for n < len(list) && (level == 0 || list[n].json(level) == list[0].json(level)) {
			n++
		}
		key := "null"
		if level > 0 {
			key = list[0].json(level)
		}
		group := slices.Clone(list[:n])
		if descending { // rows are reduced in their order, whatever that of the answer
			slices.Reverse(group)
		}
		fmt.Fprintf(&out, "\n%s = %s", key, reductions(group)[view])
		list = list[n:]
	}
	return out.String()
}

// compareAll asks every view at every level over some ranges.
func compareAll(t *testing.T, m *Manager, db *fakeDB, d *Design, r *rand.Rand, docs map[string]modelDoc) {
	t.Helper()
	rows := modelRows(docs)
	for range 3 {
		q := store.NewViewQuery()
		from, to := 0, len(rows)
		if len(rows) > 0 && r.IntN(3) > 0 {
			from = r.IntN(len(rows))
			to = from + r.IntN(len(rows)-from)
			q.StartKey, q.StartDocID = json.RawMessage(rows[from].json(3)), rows[from].id
			for from > 0 && rows[from-1].id == rows[from].id && rows[from-1].json(3) == rows[from].json(3) {
				from--
			}
			q.EndKey, q.EndDocID = json.RawMessage(rows[to].json(3)), rows[to].id
			for to++; to < len(rows) && rows[to].id == rows[to-1].id && rows[to].json(3) == rows[to-1].json(3); {
				to++
			}
			if r.IntN(3) == 0 { // the last row's doc is left out
				q.ExclusiveEnd = true
				for last := rows[to-1]; to > from && rows[to-1].id == last.id && rows[to-1].json(3) == last.json(3); {
					to--
				}
			}
		}
		if q.Descending = r.IntN(2) == 0; q.Descending {
			if q.ExclusiveEnd {
				continue // it would leave out another row
			}
			q.StartKey, q.EndKey, q.StartDocID, q.EndDocID = q.EndKey, q.StartKey, q.EndDocID, q.StartDocID
		}
		for _, view := range []string{"count", "sum", "stats", "script", "ids", "plain"} {
			for level := -1; level <= 3; level++ {
				if view == "plain" && level >= 0 {
					continue
				}
				q.NoReduce, q.GroupLevel, q.Group = level < 0, max(level, 0), level == 3
				got, err := answerOf(m, db, d, view, q)
				if want := expected(rows, view, from, to, level, q.Descending); err != nil || got != want {
					t.Fatalf("%s level %d of %d..%d descending %v: %v\n got %s\nwant %s", view, level, from, to, q.Descending, err, got, want)
				}
			}
		}
	}
}

// modelID is one of 900 ids: plain ones, content ids of few times, more of a time than have numbers, or both kinds and some that
// are alike.
func modelID(kind uint64, n int) string {
	hash := fmt.Sprintf("%016d", n*7919%900)
	switch {
	case kind == 1 && n%50 == 7:
		return fmt.Sprintf("20170614171612000-%s-%d", hash, n)
	case kind == 1:
		return fmt.Sprintf("2017061417161%d000-%s", n%3, hash)
	case kind == 2 && n%3 == 1:
		return fmt.Sprintf("201706141716%02d329-%s", n/20, hash)
	case kind == 2 && n%3 == 2:
		return fmt.Sprintf("201706141716%02d329-%d", n/20, n)
	}
	return fmt.Sprintf("doc%04d", n)
}

func TestIndexEqualsRecount(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 3))
			m := New(Options{Workers: 3})
			m.batchDocs, m.gatherBytes = []int{50, batchDocs, 100}[seed], []int{20_000, gatherBytes, gatherBytes}[seed]
			defer m.Close()
			db, docs := newFakeDB(), map[string]modelDoc{}
			d := design(t, fmt.Sprintf(modelDesign, modelMap))
			for step := range 12 {
				for range []int{1, 30, 700}[step%3] {
					id := modelID(seed, r.IntN(900))
					if r.IntN(3) == 0 && step > 3 {
						delete(docs, id)
						if r.IntN(4) == 0 {
							db.purge(id, 20)
						} else {
							db.put(id, "")
						}
						continue
					}
					docs[id] = randomDoc(r)
					body, _ := json.Marshal(docs[id])
					db.put(id, string(body))
				}
				compareAll(t, m, db, d, r, docs)
			}
			if problem, err := m.Check(context.Background(), db, d); err != nil || problem != "" {
				t.Errorf("check: %s, %v", problem, err)
			}
			before, err := m.Info(db, d)
			if err != nil || before.UpdateSeq != db.UpdateSeq() || before.PendingUpdates != 0 || before.ActiveSize == 0 {
				t.Errorf("info: %+v, %v", before, err)
			}
			if err := m.Cleanup(db, nil); err != nil { // and once more from nothing
				t.Fatal(err)
			}
			compareAll(t, m, db, d, r, docs)
		})
	}
}

// TestGathered applies several batches at once in which docs come again and again, with rows and without.
func TestGathered(t *testing.T) {
	t.Parallel()
	wanted := make(chan struct{})
	close(wanted)
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 4))
		m := New(Options{Workers: 2, Delay: -1})
		defer m.Close()
		db, docs := newFakeDB(), map[string]modelDoc{}
		d := design(t, fmt.Sprintf(modelDesign, modelMap))
		x, err := m.index(db, d)
		if err != nil {
			t.Fatal(err)
		}
		for range 8 {
			g := x.gatherer(&update{wanted: wanted})
			for range 1 + r.IntN(12) {
				b := &batch{}
				for range []int{1, 20, 150}[r.IntN(3)] {
					id, body := modelID(seed%3, r.IntN(300)), ""
					if delete(docs, id); r.IntN(3) > 0 {
						docs[id] = randomDoc(r)
						text, _ := json.Marshal(docs[id])
						body = string(text)
					}
					db.put(id, body)
					if body != "" {
						body = `{"_id":"` + id + `",` + body[1:]
					}
					b.docs = append(b.docs, mapped{id: id, json: body})
				}
				if n, err := x.mapSome(t.Context(), b.docs, 2); err != nil || n != len(b.docs) {
					t.Fatal(n, err)
				}
				b.seq = db.UpdateSeq()
				if err := g.add(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			if err := g.apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			compareAll(t, m, db, d, r, docs)
			if problem, err := m.Check(t.Context(), db, d); err != nil || problem != "" {
				t.Fatalf("check: %s, %v", problem, err)
			}
		}
	}
}

// TestGatheredRowsGo: a gatherer keeps what batches do, not the batches.
func TestGatheredRowsGo(t *testing.T) {
	t.Parallel()
	m := New(Options{Delay: -1})
	defer m.Close()
	x, err := m.index(newFakeDB(), design(t, fmt.Sprintf(modelDesign, modelMap)))
	if err != nil {
		t.Fatal(err)
	}
	g := x.gatherer(&update{wanted: make(chan struct{})})
	b := &batch{docs: []mapped{{id: "a", json: `{"_id":"a","kind":"a","tags":["x","y"],"n":1}`}}}
	if n, err := x.mapSome(t.Context(), b.docs, 1); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	row := weak.Make(&b.docs[0].rows[0])
	if err := g.add(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if row.Value() != nil {
		t.Error("its rows are there")
	}
	runtime.KeepAlive(g)
}

// TestStrays: what an update has written that did not come to its end is gone after the next one, in the same life or another.
func TestStrays(t *testing.T) {
	t.Parallel()
	const n = 5000
	db := longRows(rand.New(rand.NewPCG(8, 8)), n)
	d := design(t, longDesign)
	kv, _ := db.Index(d.Signature())
	memory := kv.(*memoryKV)
	m := New(Options{Delay: -1})
	defer func() { m.Close() }()
	for life := range 4 {
		memory.dies = 1 + life
		if _, err := answerOf(m, db, d, "v", query(t, "limit=0")); !errors.Is(err, errDead) {
			t.Fatalf("life %d: %v", life, err)
		}
		if memory.Scan([]byte{keyNode}, nil, func(_, _ []byte) error { return errEnough }) == nil {
			t.Fatal("nothing is left behind: this test tests nothing")
		}
		memory.dies = -1
		if life%2 == 0 {
			m.Close()
			m = New(Options{Delay: -1})
		}
		texts := db.changes[:n]
		for _, c := range texts[10:] { // so that few numbers are given again
			db.put(c.Doc.ID, "")
		}
		if problem, err := m.Check(t.Context(), db, d); err != nil || problem != "" {
			t.Fatalf("life %d: check: %s, %v", life, problem, err)
		}
		for _, c := range texts[10:] {
			db.put(c.Doc.ID, string(c.Doc.Body))
		}
	}
}
