package reports

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"slices"
	"sync"

	"logctl/internal/when"
	"logctl/store"
)

// attack is a doc that is one.
type attack struct {
	at                   when.Wall
	ip, process, machine any
	noHour               bool
}

// fakeViews are attacks and attackers over attacks in memory, for the queries that reports ask. asked counts the rows given.
type fakeViews struct {
	attacks []attack
	asked   int
	noYears bool  // as the view was in earlier versions
	err     error // given after the rows

	once   sync.Once
	sorted map[string][]fakeRow
}

type fakeRow struct {
	key   []any
	value float64
}

func (f *fakeViews) rows(view string) []fakeRow {
	f.once.Do(func() {
		f.sorted = map[string][]fakeRow{attacksView: f.mapped(attacksView), attackersView: f.mapped(attackersView)}
	})
	return f.sorted[view]
}

func (f *fakeViews) mapped(view string) []fakeRow {
	var rows []fakeRow
	for _, a := range f.attacks {
		y, m, d := date(a.at)
		hour := a.at.Time().Hour()
		at := a.at
		if a.noHour {
			at = a.at.Midnight()
		}
		switch {
		case view == attackersView:
			rows = append(rows, fakeRow{[]any{"day", y, m, d, a.ip, a.process, a.machine}, float64(at)},
				fakeRow{[]any{"month", y, m, a.ip, a.process, a.machine}, float64(at)})
			if !f.noYears {
				rows = append(rows, fakeRow{[]any{"year", y, a.ip, a.process, a.machine}, float64(at)})
			}
		case a.noHour:
			rows = append(rows, fakeRow{[]any{a.machine, y, m, d}, 0})
		default:
			rows = append(rows, fakeRow{[]any{a.machine, y, m, d, hour}, 0})
		}
	}
	slices.SortStableFunc(rows, func(a, b fakeRow) int { return collate(a.key, b.key) })
	return rows
}

func (f *fakeViews) View(_ context.Context, _ store.DBName, _, view string, q store.ViewQuery) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		var group []fakeRow
		stopped := false
		give := func(row store.Row) {
			f.asked++
			stopped = stopped || !yield(row, nil)
			clear(row.Key) // they hold until the next row
			clear(row.Value)
		}
		flush := func() {
			if len(group) > 0 && !stopped {
				give(store.Row{Key: encode(group[0].key), Value: reduce(view, group)})
			}
			group = nil
		}
		start, end := decode(q.StartKey), decode(q.EndKey)
		for _, r := range f.rows(view) {
			if start != nil && collate(r.key, start) < 0 {
				continue
			}
			if end != nil {
				if c := collate(r.key, end); c > 0 || c == 0 && q.ExclusiveEnd {
					continue
				}
			}
			if q.NoReduce {
				give(store.Row{ID: "x", Key: encode(r.key), Value: encode(r.value)})
				continue
			}
			if !q.Group {
				r.key = r.key[:min(len(r.key), q.GroupLevel)]
			}
			if len(group) > 0 && collate(group[0].key, r.key) != 0 {
				flush()
			}
			group = append(group, r)
		}
		flush()
		if f.err != nil && !stopped {
			yield(store.Row{}, f.err)
		}
	}
}

func (f *fakeViews) Queries(ctx context.Context, db store.DBName, ddoc, view string, list []store.ViewQuery) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		for _, q := range list {
			for row, err := range f.View(ctx, db, ddoc, view, q) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}

func reduce(view string, rows []fakeRow) json.RawMessage {
	if view == attacksView {
		return encode(len(rows))
	}
	s := map[string]float64{"sum": 0, "count": float64(len(rows)), "min": rows[0].value, "max": rows[0].value, "sumsqr": 0}
	for _, r := range rows {
		s["min"], s["max"] = min(s["min"], r.value), max(s["max"], r.value)
	}
	return encode(s)
}

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func decode(raw json.RawMessage) []any {
	if raw == nil {
		return nil
	}
	var v []any
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&v); err != nil {
		panic(err)
	}
	return v
}

// collate orders keys of null, numbers, strings and objects as CouchDB does.
func collate(a, b []any) int {
	for i := range min(len(a), len(b)) {
		if c := collateValue(a[i], b[i]); c != 0 {
			return c
		}
	}
	return len(a) - len(b)
}

func collateValue(a, b any) int {
	rank := func(v any) (int, float64, string) {
		switch v := v.(type) {
		case nil:
			return 0, 0, ""
		case int:
			return 1, float64(v), ""
		case float64:
			return 1, v, ""
		case string:
			return 2, 0, v
		}
		return 3, 0, ""
	}
	ra, na, sa := rank(a)
	rb, nb, sb := rank(b)
	return cmp.Or(cmp.Compare(ra, rb), cmp.Compare(na, nb), cmp.Compare(sa, sb))
}
