package view

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"logctl/store/view/collate"
)

func appendLocalSeq(doc []byte, seq uint64) []byte {
	doc = append(doc[:len(doc)-1], `,"_local_seq":`...)
	return append(strconv.AppendUint(doc, seq, 10), '}')
}

// mapBatch runs the map functions over a batch and sends it on, in pieces if its rows are too many for one.
func (x *index) mapBatch(ctx context.Context, u *update, b *batch, out chan<- *batch) error {
	for {
		n, err := x.mapSome(ctx, b.docs, u.workers(x.m.o.Workers))
		if err != nil {
			return err
		}
		piece := b
		if n < len(b.docs) {
			piece = &batch{docs: b.docs[:n:n], seq: min(b.docs[n-1].seq, b.seq), purge: b.purge}
			b = &batch{docs: b.docs[n:], seq: b.seq, purge: b.purge}
		}
		select {
		case out <- piece:
		case <-ctx.Done():
			return ctx.Err()
		}
		if piece == b {
			return nil
		}
	}
}

// mapSome maps docs from the first on, on workers goroutines at most, until they have batchRows bytes of rows. It
// tells how many docs are mapped: all, or at least one.
func (x *index) mapSome(ctx context.Context, docs []mapped, workers int) (int, error) {
	chunks := (len(docs) + chunkDocs - 1) / chunkDocs
	var (
		budget atomic.Int64
		next   atomic.Int64
		done   = make([]int, chunks) // docs of each chunk that are mapped
		once   sync.Once
		fail   error
		all    sync.WaitGroup
	)
	budget.Store(batchRows)
	work := func() {
		e := emitter{index: x, seen: make([]repeats, len(x.design.views))}
		for budget.Load() > 0 {
			c := int(next.Add(1) - 1)
			if c >= chunks {
				return
			}
			n, err := e.mapDocs(ctx, docs[c*chunkDocs:min((c+1)*chunkDocs, len(docs))], &budget)
			if done[c] = n; err != nil {
				once.Do(func() { fail = err })
				return
			}
		}
	}
	for range min(workers, chunks) - 1 {
		all.Go(work)
	}
	work()
	all.Wait()
	n := 0
	for _, d := range done {
		if n += d; d < chunkDocs {
			break
		}
	}
	for i := n; i < len(docs); i++ { // behind a gap: once more, later
		docs[i].rows = nil
	}
	return n, fail
}

// mapDocs runs the map functions over docs in one runtime until the budget of bytes is used up, and tells how many it did.
func (e *emitter) mapDocs(ctx context.Context, docs []mapped, budget *atomic.Int64) (int, error) {
	w, err := e.mapper()
	if err != nil {
		return 0, err
	}
	stop := w.Watch()
	n, err := e.mapBy(ctx, w, docs, budget)
	stop() // before another goroutine has it
	if err == nil {
		e.mappers.Put(w)
	}
	return n, err
}

func (e *emitter) mapBy(ctx context.Context, w mapper, docs []mapped, budget *atomic.Int64) (int, error) {
	for i := range docs {
		if err := ctx.Err(); err != nil {
			return i, err
		}
		if docs[i].json == "" {
			continue
		}
		if err := e.mapDoc(w, &docs[i]); err != nil {
			return i, err // the runtime is not used again
		}
		if budget.Add(-int64(e.bytes)) <= 0 {
			return i + 1, nil
		}
	}
	return len(docs), nil
}

// emitter turns what map functions emit into rows. Many rows share a block, and so do their bytes.
type emitter struct {
	*index
	block []byte
	rows  []emittedRow
	first int // of the doc's rows in rows
	doc   *mapped
	seen  []repeats // of the doc's rows, by view
	bytes int       // of the doc's rows
	again bool      // the doc has emitted a key for a second time
}

// rowOverhead is about what a row takes beside its bytes until it is applied.
const rowOverhead = 160

// blockSize is the size of blocks of bytes; rows that are larger get one of their own. blockRows is the size of blocks of rows.
const (
	blockSize = 64 << 10
	blockRows = 512
)

func (e *emitter) mapDoc(w mapper, d *mapped) error {
	e.doc, e.bytes, e.again = d, 0, false
	clear(e.seen)
	e.first = len(e.rows)
	err := w.Map(d.json, e.row)
	d.rows = e.rows[e.first:len(e.rows):len(e.rows)]
	if e.again {
		sortRepeats(d.rows)
	}
	return err
}

// row takes one row.
func (e *emitter) row(view int, key, value []byte) {
	if need := 3*len(key) + len(key) + len(value) + len(e.doc.id) + 64; cap(e.block)-len(e.block) < need {
		e.block = make([]byte, 0, max(blockSize, need))
	}
	start := len(e.block)
	block := e.block
	if e.design.scoped {
		partition, _, ok := strings.Cut(e.doc.id, ":")
		if !ok {
			return // a design document is in no partition
		}
		block = collate.AppendScope(block, partition)
	}
	block, plain, err := e.design.views[view].order.Append(block, key)
	if err != nil {
		return // JSON.stringify nests deeper than keys may: as if it had not been emitted
	}
	r := emittedRow{view: view}
	r.Sort = block[start:len(block):len(block)]
	r.Repeat = uint32(e.seen[view].count(r.Sort))
	e.again = e.again || r.Repeat > 0
	if !plain {
		at := len(block)
		block = append(block, key...)
		r.JSON = block[at:len(block):len(block)]
	}
	if r.SetValue(value); r.Value != nil {
		at := len(block)
		block = append(block, value...)
		r.Value = block[at:len(block):len(block)]
	}
	if len(e.rows) == cap(e.rows) {
		old := e.rows[e.first:]
		e.rows, e.first = append(make([]emittedRow, 0, max(blockRows, 2*len(old))), old...), 0
	}
	e.rows = append(e.rows, r)
	e.bytes += len(block) - start + rowOverhead
	e.block = block
}
