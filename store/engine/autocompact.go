package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// A database is compacted by itself for two reasons: docs that came one by one take ten times the room that they take in bundles, and
// replaced revisions take room for nothing. It does not look again at what it has seen, so that it costs what was written.

const (
	// leastLoose is how many docs that came one by one, or a few at a time, are worth putting together.
	leastLoose = compactDocs
	// manyLoose of them are too many to wait until nobody writes.
	manyLoose = 20_000
	// leastWaste is how many bytes of replaced revisions are worth looking for, if they are more than those that are shown.
	leastWaste = 1 << 20
)

// demand says how much a database needs a compaction.
func (d *DB) demand() demand {
	switch n := d.loose.Load(); {
	case n >= manyLoose:
		return demandNow
	case n >= leastLoose || d.wastes():
		return demandQuiet
	}
	return demandNone
}

// wastes tells whether replaced revisions that came since the last compaction take more than all that is shown.
func (d *DB) wastes() bool {
	n := d.replaced.Load()
	if n < leastWaste {
		return false
	}
	d.countMu.RLock()
	defer d.countMu.RUnlock()
	return uint64(n) >= d.count.external
}

// noteWritten counts what a call has left for a compaction to do.
func (d *DB) noteWritten(ed *editor) {
	if ed.loose == 0 && ed.replaced == 0 {
		return
	}
	d.loose.Add(int64(ed.loose))
	d.replaced.Add(int64(ed.replaced))
	if d.demand() != demandNone {
		d.e.background.note()
	}
}

// settingToCompact keeps, from one run to the next, what there is for a compaction to do: two uvarints, loose and replaced. It is missing where
// there is nothing.
const settingToCompact = "to_compact"

func (d *DB) loadToCompact() error {
	v, err := d.e.get(d.keys.setting(ownSetting, settingToCompact))
	loose, n := binary.Uvarint(v)
	replaced, m := binary.Uvarint(v[max(n, 0):])
	if n > 0 && m > 0 {
		d.loose.Store(int64(min(loose, math.MaxInt64)))
		d.replaced.Store(int64(min(replaced, math.MaxInt64)))
	}
	d.toCompact = v
	return err
}

// keepToCompact writes what loadToCompact reads, when the engine closes. What a run that is killed has left is not counted.
func (e *Engine) keepToCompact() error {
	b := e.pdb.NewBatch()
	for _, d := range e.all() {
		var v []byte
		if loose, replaced := d.loose.Load(), d.replaced.Load(); loose > 0 || replaced > 0 {
			v = binary.AppendUvarint(binary.AppendUvarint(nil, uint64(loose)), uint64(replaced))
		}
		key := d.keys.setting(ownSetting, settingToCompact)
		switch {
		case bytes.Equal(v, d.toCompact):
		case v == nil:
			b.Delete(key, nil)
		default:
			b.Set(key, v, nil)
		}
	}
	if b.Empty() {
		return b.Close()
	}
	_, err := e.attempt(context.Background(), func() (uint64, error) {
		defer b.Close()
		return e.apply(b)
	})
	return err
}

// demand is the greatest of all databases.
func (e *Engine) demand() demand {
	most := demandNone
	for _, d := range e.all() {
		most = max(most, d.demand())
	}
	return most
}

// compactNeeded compacts all databases that need it. It calls rest between its steps, and ends when that errs.
func (e *Engine) compactNeeded(ctx context.Context, rest func() error) {
	for _, d := range e.all() {
		if d.demand() == demandNone {
			continue
		}
		if err := d.compactNeeded(ctx, rest); err != nil {
			if ctx.Err() != nil {
				return
			}
			if !d.dropped.Load() {
				e.log.Warn("compaction_failed", "db", d.name, "error", err)
			}
		}
	}
	// What does not succeed is done another time: nothing depends on it.
	if e.begin() != nil {
		return
	}
	defer e.gate.Leave()
	if e.flushTables(ctx) == nil {
		_ = e.compactTop(ctx)
	}
}

// compactNeeded does of what Compact does what is worth it. One that is asked for takes over from it.
func (d *DB) compactNeeded(ctx context.Context, rest func() error) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.end()
	select {
	case d.compacting <- struct{}{}:
	default:
		return nil
	}
	defer d.startCompaction()()
	yield := func() error {
		if d.asked.Load() {
			return errStop
		}
		return rest()
	}
	// What fails is not in demand again before as much is written: a damaged store is not worn out.
	if d.wastes() {
		d.replaced.Store(0)
		if err := d.forgetAllReplaced(ctx, yield); err != nil {
			return ignoreStop(err)
		}
	}
	if d.loose.Swap(0) < leastLoose {
		return nil
	}
	from, err := d.looseFrom(ctx)
	if err != nil {
		return err
	}
	return ignoreStop(d.rebundle(ctx, from, yield))
}

// looseFrom is the sequence from which on there are docs to put together, but for some that were seen before. In a database that was
// just opened nobody knows; then it looks at the last so many records, and before them to where docs were put together.
func (d *DB) looseFrom(ctx context.Context) (uint64, error) {
	const lookBack = 2000
	lo, hi := d.keys.space(subBySeq)
	it, err := d.e.pdb.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return 0, readError(err)
	}
	defer it.Close()
	from := d.UpdateSeq() + 1
	seen := 0
	for ok := it.Last(); ok; ok = it.Prev() {
		if seen++; seen%aliveEvery == 0 {
			if err := d.alive(ctx); err != nil {
				return 0, err
			}
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return 0, readError(err)
		}
		first, full := seqOf(it.Key()), false
		if isBundle(v) {
			b, err := parseBundleHead(first, v)
			if err != nil {
				return 0, err
			}
			first, full = b.first(), b.n > mergedBundle
		}
		switch known := d.bundled > 0 && first <= d.bundled; {
		case full && (known || d.bundled == 0 && seen > lookBack), known && first+compactDocs <= d.bundled:
			return from, readError(it.Error())
		case !full:
			from = first
		}
	}
	if err := it.Error(); err != nil {
		return 0, readError(err)
	}
	return from, nil
}
