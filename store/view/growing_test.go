package view

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"logctl/store"
)

// growingDesign has a reduction that grows with the rows: how often each address attacked a machine on a day.
const growingDesign = `{"views":{"counts":{"map":"function(doc) { emit([doc.machine, +doc.date.slice(0, 4), +doc.date.slice(5, 7), +doc.date.slice(8, 10), doc.ip], 1) }",
	"reduce":"function(keys, values, rereduce) { var n = {}, i, ip; for (i = 0; i < values.length; i++) { if (rereduce) { for (ip in values[i]) { n[ip] = (n[ip] || 0) + values[i][ip] } } else { ip = keys[i][0][4]; n[ip] = (n[ip] || 0) + values[i] } } return n }"}}}`

// growingDB has n docs of so many days: few of the addresses are frequent, many are rare.
func growingDB(n, days, addresses int) *fakeDB {
	db := newFakeDB()
	rnd := rand.New(rand.NewPCG(1, 2017))
	choose := rand.NewZipf(rnd, 1.2, 8, uint64(addresses-1))
	start := time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		at := start.Add(time.Duration(i) * (time.Duration(days) * 24 * time.Hour / time.Duration(n)))
		putAttack(db, at, i, choose.Uint64(), rnd.IntN(3))
	}
	return db
}

func putAttack(db *fakeDB, at time.Time, i int, ip uint64, machine int) {
	id := fmt.Sprintf("%s329-%016x", at.Format("20060102150405"), uint64(i)*0x9E3779B97F4A7C15)
	db.put(id, fmt.Sprintf(`{"date":"%s","ip":"%d.%d.%d.%d","machine":"web%d"}`,
		at.Format("2006-01-02"), 11+ip%180, ip*89%251, ip*31%241, 1+ip*7%253, machine))
}

// BenchmarkGrowing asks for and keeps up what grows. It has a tenth of ten million docs, of a tenth of a year, and a tenth of the cache.
func BenchmarkGrowing(b *testing.B) {
	const n = 1_000_000
	for _, addresses := range []int{2000, 100_000} {
		db := growingDB(n, 36, addresses)
		m := New(Options{CacheSize: 6400 << 10})
		d := design(b, growingDesign)
		x, err := m.index(db, d)
		if err != nil {
			b.Fatal(err)
		}
		update := func() {
			if err := x.ensure(context.Background(), db, db.UpdateSeq()); err != nil {
				b.Fatal(err)
			}
		}
		update()
		for _, params := range []string{`group_level=4`, `group_level=3`, `group_level=0`} {
			b.Run(fmt.Sprintf("addresses=%d/%s", addresses, params), func(b *testing.B) {
				q := query(b, params)
				snap := x.kv.Snapshot()
				rows, bytes := 0, 0
				ask := func() {
					rows, bytes = 0, 0
					err := x.answer(context.Background(), snap, 0, &q, true, []keyRange{{}}, func(Meta) error { return nil },
						func(r store.Row) error { rows++; bytes += len(r.Value); return nil })
					if err != nil {
						b.Fatal(err)
					}
				}
				m.Release()
				start := time.Now()
				ask()
				cold := time.Since(start)
				b.ReportAllocs()
				for b.Loop() {
					ask()
				}
				b.ReportMetric(float64(cold.Milliseconds()), "cold-ms")
				b.ReportMetric(float64(rows), "rows")
				b.ReportMetric(float64(bytes), "answer-B")
			})
		}
		b.Run(fmt.Sprintf("addresses=%d/update", addresses), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				putAttack(db, time.Date(2017, 1, 20, 0, 0, 0, 0, time.UTC), n+i, uint64(i), 1)
				update()
			}
		})
		m.Close()
	}
}
