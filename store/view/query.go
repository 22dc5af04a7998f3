package view

import (
	"bytes"
	"cmp"
	"context"
	"errors"

	"logctl/store"
	"logctl/store/view/btree"
	"logctl/store/view/collate"
)

// Meta is what an answer tells beside its rows.
type Meta struct {
	TotalRows int // of the view; not for reduced answers
	Offset    int // of the first row in the view
	HasOffset bool
	Reduced   bool
	UpdateSeq uint64 // that the index has seen
}

// Query brings the index of d up to date as q.Update says and calls head once and then fn for each row. What either
// returns ends the query and is its error. A row's bytes hold only during the call.
//
// A row of a reduction that failed has Err set to CouchDB's "error" word, Value to its reason, a JSON string, and no Key.
// Errors: KindNotFound "missing_named_view"; KindQueryParse with CouchDB's reasons; KindOSProcess when a function does not
// end; KindInvalidValue when _stats meets what is no number. IncludeDocs is the caller's work.
func (m *Manager) Query(ctx context.Context, db Database, d *Design, view string, q store.ViewQuery,
	head func(Meta) error, fn func(store.Row) error) error {
	at := d.find(view)
	if at < 0 {
		return store.NewError(store.KindNotFound, "missing_named_view")
	}
	reduced, err := checkQuery(&q, d.views[at])
	if err == nil {
		err = d.checkPartition(q.Partition)
	}
	if err != nil {
		return err
	}
	ranges, err := parseRanges(&q, reduced, d.views[at].order)
	if err != nil {
		return err
	}
	return m.read(ctx, db, d, q.Update, func(x *index, snap store.KVReader) error {
		return x.answer(ctx, snap, at, &q, reduced, ranges, head, fn)
	})
}

// read calls fn with a snapshot of the index of d that is as fresh as update says.
func (m *Manager) read(ctx context.Context, db Database, d *Design, update store.Stale, fn func(*index, store.KVReader) error) error {
	seq := db.UpdateSeq()
	x, snap, err := m.fresh(ctx, db, d, seq, update)
	if err != nil {
		return err
	}
	m.idle.Reset(idleTime)
	err = fn(x, snap)
	if closeErr := snap.Close(); err == nil {
		err = closeErr
	}
	if update == store.UpdateLazy {
		_, _ = x.begin(db, seq, lazy) // it fails when the store goes down: the answer stands
	}
	return err
}

// fresh is the index of d and a snapshot of it that has all up to seq if update wants that.
func (m *Manager) fresh(ctx context.Context, db Database, d *Design, seq uint64, update store.Stale) (*index, store.KVSnapshot, error) {
	for {
		x, err := m.index(db, d)
		if err != nil {
			return nil, nil, err
		}
		if update == store.UpdateTrue {
			err = x.ensure(ctx, db, seq)
		}
		if err == nil {
			snap := x.kv.Snapshot()
			if !x.isDropped() {
				return x, snap, nil
			}
			err = cmp.Or(snap.Close(), errDropped)
		}
		if err != errDropped {
			return nil, nil, err
		}
		select {
		case <-x.gone:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// answer reads the rows out of one snapshot.
func (x *index) answer(ctx context.Context, snap store.KVReader, view int, q *store.ViewQuery, reduced bool, ranges []keyRange,
	head func(Meta) error, fn func(store.Row) error) error {
	h, err := readHeader(snap, len(x.design.views))
	if err != nil {
		return err
	}
	a := &answer{ctx: ctx, tree: x.tree(snap, h, view), q: q, fn: fn, skip: uint64(max(q.Skip, 0)), limit: q.Limit}
	spans := make([]span, len(ranges))
	for i, r := range ranges {
		if spans[i], err = r.find(a.tree); err != nil {
			return err
		}
	}
	meta := Meta{UpdateSeq: h.seq, Reduced: reduced}
	if !reduced {
		meta.TotalRows, meta.HasOffset = int(a.tree.Root.Rows), true
		meta.Offset = a.offset(spans)
	}
	if err := head(meta); err != nil {
		return err
	}
	for _, s := range spans {
		if a.limit == 0 {
			break
		}
		if reduced {
			err = a.groups(x, view, s)
		} else {
			err = a.rows(s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// answer is a query on its way.
type answer struct {
	ctx   context.Context
	tree  *btree.Tree
	q     *store.ViewQuery
	fn    func(store.Row) error
	skip  uint64 // rows still to skip
	limit int    // rows still to give, negative for all
	n     int

	printer             collate.Printer
	scratch, key, value []byte // of the row that is given
}

// ctxEvery is how many rows are given between looks at the context.
const ctxEvery = 256

// give hands out a row.
func (a *answer) give(r store.Row) error {
	if a.n++; a.n%ctxEvery == 0 {
		if err := a.ctx.Err(); err != nil {
			return err
		}
	}
	if a.limit > 0 {
		a.limit--
	}
	return a.fn(r)
}

// offset is, as in CouchDB, how many rows of the view stand before the first key that has some, or the last key, and all that are skipped.
func (a *answer) offset(spans []span) int {
	var before uint64
	for _, s := range spans {
		if before = s.from; a.q.Descending {
			before = a.tree.Root.Rows - s.to
		}
		if s.len() > 0 {
			break
		}
	}
	return int(min(before+a.skip, a.tree.Root.Rows))
}

// rows gives the rows of a span, less those to skip, up to the limit.
func (a *answer) rows(s span) error {
	if a.skip >= s.len() {
		a.skip -= s.len()
		return nil
	}
	if a.q.Descending {
		return a.backwards(s)
	}
	s.from += a.skip
	a.skip = 0
	if n := uint64(max(a.limit, 0)); a.limit > 0 && n < s.len() {
		s.to = s.from + n
	}
	return a.tree.Scan(s.from, s.to, false, a.row)
}

// backwards gives the rows of a span, the last first. Those that a doc emitted with one key stay in their order, as in CouchDB.
func (a *answer) backwards(s span) error {
	pos := s.to - a.skip
	above := uint64(0) // rows behind pos of the doc and key before it: instead of them the first ones are skipped
	var err error
	if a.skip > 0 {
		err = a.tree.Scan(pos, s.to, false, func(e btree.Entry) error {
			if e.Repeat == 0 {
				return errEnough
			}
			above++
			return nil
		})
	}
	a.skip = 0
	below := uint64(0) // rows before pos that were given
	if err == nil || errors.Is(err, errEnough) {
		err = a.tree.Scan(s.from, pos, true, func(e btree.Entry) error {
			if pos--; below > 0 {
				below--
				return nil
			}
			below = uint64(e.Repeat)
			from, to := pos-below+above, pos+1+above
			above = 0
			if a.limit > 0 {
				to = min(to, from+uint64(a.limit))
			}
			var err error
			if below == 0 && from == pos {
				err = a.row(e)
			} else {
				err = a.tree.Scan(from, to, false, a.row)
			}
			if err == nil && a.limit == 0 {
				err = errEnough
			}
			return err
		})
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// row hands out an entry.
func (a *answer) row(e btree.Entry) error {
	id, err := a.tree.ID(e)
	if err != nil {
		return err
	}
	r := store.Row{ID: id, Key: e.JSON, Value: e.Value}
	if r.Key == nil {
		r.Key = a.keyJSON(e.Sort, collate.WholeKey)
	}
	if r.Value == nil {
		a.value = e.AppendValue(a.value[:0])
		r.Value = a.value
	}
	return a.give(r)
}

// checkPartition refuses a query of a view whose rows belong to partitions without one, and the other way round.
func (d *Design) checkPartition(partition string) error {
	switch {
	case d.scoped && partition == "":
		return store.NewError(store.KindQueryParse, "`partition` parameter is mandatory for queries to this view.")
	case !d.scoped && partition != "":
		return store.NewError(store.KindQueryParse, "`partition` parameter is not supported in this design doc")
	}
	return nil
}

// checkQuery refuses what CouchDB refuses of a view's parameters, and tells whether the answer is reduced.
func checkQuery(q *store.ViewQuery, v viewSource) (reduced bool, err error) {
	refuse := func(reason string) (bool, error) { return false, store.NewError(store.KindQueryParse, reason) }
	reduced = v.reduceSrc != "" && !q.NoReduce
	if v.reduceSrc == "" && q.Reduce {
		return refuse("Reduce is invalid for map-only views.")
	}
	if reduced && q.Keys != nil && !q.Group {
		return refuse("Multi-key fetches for reduce views must use `group=true`")
	}
	if q.Keys != nil {
		given := q.StartKey != nil || q.EndKey != nil
		if given && len(q.Keys) > 0 && !(len(q.Keys) == 1 && bytes.Equal(q.Keys[0], q.StartKey) && bytes.Equal(q.Keys[0], q.EndKey)) {
			return refuse("`keys` is incompatible with `key`, `start_key` and `end_key`")
		}
	}
	switch {
	case !reduced && (q.Group || q.GroupLevel > 0):
		return refuse("Invalid use of grouping on a map view.")
	case reduced && q.IncludeDocs:
		return refuse("`include_docs` is invalid for reduce")
	case reduced && q.Conflicts:
		return refuse("`conflicts` is invalid for reduce views.")
	}
	return reduced, nil
}

// CheckMapQuery refuses what CouchDB refuses of the parameters of a view without a reduction, and of a list of docs.
func CheckMapQuery(q *store.ViewQuery) error {
	_, err := checkQuery(q, viewSource{})
	return err
}

// AppendSortKey appends a byte string whose bytewise order is CouchDB's collation of JSON values: null < false < true <
// numbers < strings < arrays < objects. The error, of KindBadRequest, is for text that is no JSON.
func AppendSortKey(dst []byte, key []byte) ([]byte, error) {
	dst, _, err := collate.ICU.Append(dst, key)
	return dst, err
}
