package view

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"

	"logctl/store/view/js"
)

func appendLocalSeq(doc []byte, seq uint64) []byte {
	doc = append(doc[:len(doc)-1], `,"_local_seq":`...)
	return append(strconv.AppendUint(doc, seq, 10), '}')
}

// mapBatch runs the map functions over a batch, on as many workers as there is work for.
func (x *index) mapBatch(ctx context.Context, b *batch) error {
	chunks := (len(b.docs) + chunkDocs - 1) / chunkDocs
	workers := min(x.m.o.Workers, chunks)
	if workers <= 1 {
		return x.mapDocs(ctx, b.docs)
	}
	var (
		next atomic.Int64
		once sync.Once
		fail error
		all  sync.WaitGroup
	)
	for range workers {
		all.Go(func() {
			for {
				at := int(next.Add(1)-1) * chunkDocs
				if at >= len(b.docs) {
					return
				}
				if err := x.mapDocs(ctx, b.docs[at:min(at+chunkDocs, len(b.docs))]); err != nil {
					once.Do(func() { fail = err })
					next.Store(int64(chunks))
					return
				}
			}
		})
	}
	all.Wait()
	return fail
}

// mapDocs runs the map functions over docs in one runtime.
func (x *index) mapDocs(ctx context.Context, docs []mapped) error {
	w, err := x.mapper()
	if err != nil {
		return err
	}
	stop := w.Watch()
	defer stop()
	e := emitter{index: x, seen: make([]repeats, len(x.design.views))}
	for i := range docs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if docs[i].json == "" {
			continue
		}
		if err := e.mapDoc(w, &docs[i]); err != nil {
			return err // the runtime is not used again
		}
	}
	x.mappers.Put(w)
	return nil
}

// emitter turns what map functions emit into rows. The bytes of many rows share a block.
type emitter struct {
	*index
	block []byte
	doc   *mapped
	seen  []repeats // of the doc's rows, by view
}

// blockSize is the size of blocks; rows that are larger get one of their own.
const blockSize = 64 << 10

func (e *emitter) mapDoc(w *js.Mapper, d *mapped) error {
	e.doc = d
	clear(e.seen)
	d.rows = make([]emittedRow, 0, len(e.design.views))
	err := w.Map(d.json, e.row)
	d.json = ""
	return err
}

// row takes one row.
func (e *emitter) row(view int, key, value []byte) {
	if need := 3*len(key) + len(value) + len(e.doc.id) + 64; cap(e.block)-len(e.block) < need {
		e.block = make([]byte, 0, max(blockSize, need))
	}
	start := len(e.block)
	sorted, plain, err := e.design.order().Append(e.block, key)
	if err != nil {
		return // JSON.stringify nests deeper than keys may: as if it had not been emitted
	}
	sortKey := sorted[start:]
	block := appendRowKey(sorted[:start], sortKey, e.doc.id, e.seen[view].count(sortKey))
	rowKey := block[start:len(block):len(block)]
	at := len(block)
	block = appendRowValue(block, len(sortKey), plain, key, value)
	e.doc.rows = append(e.doc.rows, emittedRow{view: view, sortLen: len(sortKey), key: rowKey, value: block[at:len(block):len(block)]})
	e.block = block
}
