package reports

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"logctl/internal/when"
	"logctl/store"
)

// givenRows answers every query with the same rows.
type givenRows []store.Row

func (g givenRows) View(context.Context, store.DBName, string, string, store.ViewQuery) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		for _, row := range g {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (g givenRows) Queries(ctx context.Context, db store.DBName, ddoc, view string, _ []store.ViewQuery) iter.Seq2[store.Row, error] {
	return g.View(ctx, db, ddoc, view, store.ViewQuery{})
}

// BenchmarkAttackers adds up a week of days with 1,200 rows each, of 800 addresses, in the form in which CouchDB gives them.
func BenchmarkAttackers(b *testing.B) {
	week := Window{Since: wall(b, "2025-12-25"), Until: wall(b, "2026-01-01")}
	var rows givenRows
	for day := week.Since; day < week.Until; day = day.NextDay() {
		y, m, d := date(day)
		for n := range 800 {
			for machine := range 1 + n%2 {
				first := day + when.Wall(n*1000)
				rows = append(rows, store.Row{
					Key:   fmt.Appendf(nil, `["day",%d,%d,%d,"%d.%d.%d.%d","sshd","server%d"]`, y, m, d, 11+n/5, n%251, n*31%241, n%7, machine),
					Value: fmt.Appendf(nil, `{"sum":%d,"count":2,"min":%d,"max":%d,"sumsqr":6.242255295463668e+24}`, 2*first+1000, first, first+1000),
				})
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if top, _, err := Attackers(b.Context(), rows, "log_x", AttackersQuery{Window: week, Limit: 20}); err != nil || len(top) != 20 {
			b.Fatal(len(top), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
}
