package storebench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"logctl/designdocs"
	"logctl/internal/when"
	"logctl/reports"
	"logctl/store"
)

// addressCounts is a view with a reduce function in JavaScript: how often each address attacked a machine on a day.
const addressCounts = `{"_id":"_design/addresses","language":"javascript","views":{"counts":{` +
	`"map":"function (doc) { if (doc.ip) { emit([doc.machine, +doc.date.slice(0, 4), +doc.date.slice(5, 7), +doc.date.slice(8, 10), doc.ip], 1); } }",` +
	`"reduce":"function (keys, values, rereduce) { var n = {}, i, ip; for (i = 0; i < values.length; i++) { ` +
	`if (rereduce) { for (ip in values[i]) { n[ip] = (n[ip] || 0) + values[i][ip]; } } ` +
	`else { ip = keys[i][0][4]; n[ip] = (n[ip] || 0) + values[i]; } } return n; }"}}}`

// views measures how long the views of the reports take from nothing.
func (b *bench) views(ctx context.Context, db store.DBName) error {
	own, err := designdocs.Own()
	if err != nil {
		return err
	}
	if _, err := designdocs.Install(ctx, b.Client, db, own); err != nil {
		return err
	}
	return b.build(ctx, db, "build of the reports' views", "report", "attacks")
}

func (b *bench) build(ctx context.Context, db store.DBName, name, ddoc, view string) error {
	b.Progress(name)
	q := store.NewViewQuery()
	q.NoReduce, q.Limit = true, 1
	metered, start := b.meter(), time.Now()
	for _, err := range b.Client.View(ctx, db, ddoc, view, q) {
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	took := time.Since(start).Seconds()
	b.add(name, took, "s")
	b.add(name+", speed", float64(b.Docs)/took, "docs/s")
	return metered(name, int64(b.Docs))
}

// questions measures what views are asked, all of them built before.
func (b *bench) questions(ctx context.Context, db store.DBName) error {
	end := b.docs.end()
	week := end.AddDate(0, 0, -7)
	path := "/" + string(db) + "/_design/report/_view/"
	days := fmt.Sprintf(`attackers?reduce=false&startkey=["day",%d,%d,%d]&endkey=["day",%d,%d,%d]`,
		week.Year(), week.Month(), week.Day(), end.Year(), end.Month(), end.Day())
	if err := b.get(ctx, "attacks, group_level=4", path+"attacks?group_level=4"); err != nil {
		return err
	}
	if err := b.get(ctx, "attackers, rows of 7 days", path+days); err != nil {
		return err
	}
	for _, since := range []struct {
		name string
		time time.Time
	}{{"7 days", week}, {"the year", end.AddDate(-1, 0, 0)}} {
		window := reports.Window{Since: when.Of(since.time), Until: when.Of(end)}
		err := b.often("top 20 attackers of "+since.name, func() (int, error) {
			top, _, err := reports.Attackers(ctx, b.Client, db, reports.AttackersQuery{Window: window, Limit: 20})
			return len(top), err
		})
		if err != nil {
			return err
		}
	}
	if _, err := b.Client.Put(ctx, db, "_design/addresses", json.RawMessage(addressCounts)); err != nil {
		return err
	}
	if err := b.build(ctx, db, "build of a view with a reduce in JavaScript", "addresses", "counts"); err != nil {
		return err
	}
	return b.get(ctx, "reduce in JavaScript, group_level=4", "/"+string(db)+"/_design/addresses/_view/counts?group_level=4")
}

// get measures a GET request whose answer is rows.
func (b *bench) get(ctx context.Context, name, path string) error {
	w, err := b.target.dial(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	request := b.target.request(http.MethodGet, string(bytes.ReplaceAll([]byte(path), []byte(`"`), []byte("%22"))), nil)
	return b.often(name, func() (int, error) {
		status, body, err := w.do(request)
		if err == nil {
			err = answered(status, http.StatusOK, body)
		}
		return bytes.Count(body, []byte(`"value":`)), err
	})
}

// often asks again and again for a while, three times at least, after a first time that does not count.
func (b *bench) often(name string, ask func() (rows int, err error)) error {
	const atLeast, atMost = 3, 200
	b.Progress(name)
	var times []time.Duration
	rows := 0
	for begin := time.Now(); len(times) <= atLeast || len(times) <= atMost && time.Since(begin) < b.Lasting; {
		start := time.Now()
		n, err := ask()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		rows = n
		times = append(times, time.Since(start))
	}
	times = times[1:]
	slices.Sort(times)
	b.add(name+": rows", float64(rows), "rows")
	b.add(name+": p50", milliseconds(times[len(times)/2]), "ms")
	b.add(name+": p95", milliseconds(times[len(times)*95/100]), "ms")
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
