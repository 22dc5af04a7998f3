package storebench

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"logctl/store"
)

// roundDocs is how many docs are made at a time, with the clock stopped: it bounds the memory that they take.
const roundDocs = 300_000

// bulks stores docs in bulks. Where there are several rounds, the first and the last are told apart.
func (b *bench) bulks(ctx context.Context, db store.DBName, connections, docs int) error {
	name := fmt.Sprintf("_bulk_docs of %d, %s", bulkDocs, plural(connections, "connection"))
	b.Progress(name)
	b.docs.rewind()
	metered := b.meter()
	var total, first, last time.Duration
	lastDocs := 0
	for done := 0; done < docs; done += lastDocs {
		lastDocs = min(docs-done, roundDocs)
		var requests [][]byte
		for n := 0; n < lastDocs; n += bulkDocs {
			requests = append(requests, b.target.request(http.MethodPost, "/"+string(db)+"/_bulk_docs", b.docs.bulk(min(lastDocs-n, bulkDocs))))
		}
		var next, stored atomic.Int64
		var err error
		last, err = b.race(ctx, connections, func(w *wire) (bool, error) {
			i := next.Add(1) - 1
			if i >= int64(len(requests)) {
				return false, nil
			}
			status, body, err := w.do(requests[i])
			if err == nil {
				err = answered(status, http.StatusCreated, body)
			}
			stored.Add(int64(bytes.Count(body, []byte(`"rev":"1-`))))
			return true, err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if stored.Load() != int64(lastDocs) {
			return fmt.Errorf("%s: the server stored %d of %d docs", name, stored.Load(), lastDocs)
		}
		if total += last; done == 0 {
			first = last
		}
	}
	b.add(name, float64(docs)/total.Seconds(), "docs/s")
	if docs > roundDocs {
		b.add(fmt.Sprintf("%s, first %d", name, roundDocs), roundDocs/first.Seconds(), "docs/s")
		b.add(fmt.Sprintf("%s, last %d", name, lastDocs), float64(lastDocs)/last.Seconds(), "docs/s")
	}
	return metered(name, int64(docs))
}

// posts stores docs without ids one by one.
func (b *bench) posts(ctx context.Context, db store.DBName, connections int) error {
	const distinct = 2000 // bodies; each gives a doc of its own whenever it is sent
	name := "single POSTs, " + plural(connections, "connection")
	b.Progress(name)
	requests := make([][]byte, distinct)
	for i := range requests {
		requests[i] = b.target.request(http.MethodPost, "/"+string(db), b.docs.appendBody(nil))
	}
	metered := b.meter()
	var next atomic.Int64
	deadline := time.Now().Add(b.Lasting)
	took, err := b.race(ctx, connections, func(w *wire) (bool, error) {
		status, body, err := w.do(requests[next.Add(1)%distinct])
		if err == nil {
			err = answered(status, http.StatusCreated, body)
		}
		return time.Now().Before(deadline), err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.add(name, float64(next.Load())/took.Seconds(), "docs/s")
	return metered(name, next.Load())
}

// race calls step on each connection until it gives false, and tells how long that took.
func (b *bench) race(ctx context.Context, connections int, step func(w *wire) (more bool, err error)) (time.Duration, error) {
	wires := make([]*wire, connections)
	for i := range wires {
		w, err := b.target.dial(ctx)
		if err != nil {
			return 0, err
		}
		defer w.close()
		wires[i] = w
	}
	var wg sync.WaitGroup
	var once sync.Once
	var failure error
	start := time.Now()
	for _, w := range wires {
		wg.Go(func() {
			for more := true; more; {
				var err error
				if more, err = step(w); err != nil {
					once.Do(func() { failure = err })
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	if ctx.Err() != nil {
		failure = ctx.Err()
	}
	return took, failure
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
