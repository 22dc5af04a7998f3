package view

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"logctl/designdocs"
	"logctl/store"
)

// reportDesign is the design document of the reports.
func reportDesign(tb testing.TB) string {
	docs, err := designdocs.Own()
	if err != nil {
		tb.Fatal(err)
	}
	for _, d := range docs {
		if d.Name == "report" {
			return string(d.Body)
		}
	}
	tb.Fatal("no design document of that name")
	return ""
}

// scriptDesign counts addresses in JavaScript.
const scriptDesign = `{"views":{"who":{"map":"function(doc) { var d = new Date(doc.date); emit([doc.machine, d.getFullYear(), d.getMonth(), d.getDate()], doc.ip) }",
	"reduce":"function(keys, values, rereduce) { var ret = {}; values.forEach(function(v) { if (!rereduce) { ret[v] = (ret[v] || 0) + 1; return } for (var k in v) ret[k] = (ret[k] || 0) + v[k] }); return ret }"}}}`

// banDB has n docs of a year of bans: 2,000 addresses, 3 machines.
func banDB(n int) *fakeDB {
	db := newFakeDB()
	start := time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		at := start.Add(time.Duration(i) * (365 * 24 * time.Hour / time.Duration(n)))
		ip := (i * 7919) % 2000
		id := fmt.Sprintf("%s329-%016x", at.Format("20060102150405"), uint64(i)*0x9E3779B97F4A7C15)
		db.put(id, fmt.Sprintf(`{"date":"%s","hour":"%s,329","process":"sshd","ip":"59.45.%d.%d","machine":"web%d"}`,
			at.Format("2006-01-02"), at.Format("15:04:05"), ip/256, ip%256, i%3))
	}
	return db
}

// BenchmarkBuild builds the index of both views from nothing; docs/s is what counts.
func BenchmarkBuild(b *testing.B) {
	const n = 200_000
	db, report := banDB(n), reportDesign(b)
	b.Run("views=2", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			m := New(Options{})
			d := design(b, fmt.Sprintf(`{"options":{"run":%d},%s`, i, report[1:]))
			if err := m.Cleanup(db, nil); err != nil {
				b.Fatal(err)
			}
			if _, err := answerOf(m, db, d, "attacks", store.NewViewQuery()); err != nil {
				b.Fatal(err)
			}
			m.Close()
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "docs/s")
	})
	b.Run("baseline=json.Valid", func(b *testing.B) {
		for range b.N {
			err := db.Changes(context.Background(), 0, func(c store.Change) bool { return json.Valid(c.Doc.Body) })
			if err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "docs/s")
	})
}

// BenchmarkQuery asks an index of 300,000 docs what reports ask.
func BenchmarkQuery(b *testing.B) {
	const n = 300_000
	db := banDB(n)
	m := New(Options{})
	defer m.Close()
	report := reportDesign(b)
	for _, bb := range []struct{ name, design, view, params string }{
		{"attacks/group_level=4", report, "attacks", `group_level=4`},
		{"attacks/group_level=1", report, "attacks", `group_level=1`},
		{"attackers/7days_groups", report, "attackers", `group=true startkey=["day",2017,6,14] endkey=["day",2017,6,21]`},
		{"attackers/groups", report, "attackers", `group=true`},
		{"attackers/year", report, "attackers", `group_level=3 startkey=["year",2017] endkey=["year",2018]`},
		{"attackers/7days", report, "attackers", `reduce=false startkey=["day",2017,6,14] endkey=["day",2017,6,21]`},
		{"who/group_level=4", scriptDesign, "who", `group_level=4`},
	} {
		d := design(b, bb.design)
		q := query(b, bb.params)
		x, err := m.index(db, d)
		if err != nil {
			b.Fatal(err)
		}
		if err := x.ensure(context.Background(), db, db.UpdateSeq()); err != nil {
			b.Fatal(err)
		}
		snap := x.kv.Snapshot() // one for all: that of the test's keyspace is a copy
		at := d.find(bb.view)
		reduced, err := checkQuery(&q, d.views[at])
		if err != nil {
			b.Fatal(err)
		}
		ranges, err := parseRanges(&q, reduced, d.views[0].order)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(bb.name, func(b *testing.B) {
			rows := 0
			b.ReportAllocs()
			for b.Loop() {
				rows = 0
				err := x.answer(context.Background(), snap, at, &q, reduced, ranges, func(Meta) error { return nil },
					func(store.Row) error { rows++; return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows), "rows")
		})
	}
}
