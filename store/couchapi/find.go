package couchapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/mango"
	"logctl/store/view"
)

func (h *Handler) findRoutes(rt *mux.Router) {
	h.inDB(rt, "/_find", resource{allow: "POST", access: accessMany, methods: onPost(asking(find))})
	h.inDB(rt, "/_explain", resource{allow: "POST", access: accessMany, methods: onPost(asking(explain))})
	h.indexRoutes(rt)
}

// asking reads the request of _find or _explain that answer answers, and has room for it until that is done.
func asking(answer func(*exchange, *mango.Query, []*mango.Index) error) action {
	return func(x *exchange) error {
		b, err := x.readQuery()
		if err != nil {
			return err
		}
		defer b.free()
		q, err := mango.ParseQuery(b.bytes, x.partition, x.h.settings.number("mango", "default_limit", mango.DefaultLimit))
		if err != nil {
			return err
		}
		q.PartitionedDB = x.db.Partitioned()
		indexes, err := x.indexes()
		if err != nil {
			return err
		}
		return answer(x, q, indexes)
	}
}

func explain(x *exchange, q *mango.Query, indexes []*mango.Index) error {
	out, err := mango.Explain(nil, string(x.db.Name()), q, indexes)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, out)
}

func find(x *exchange, q *mango.Query, indexes []*mango.Index) error {
	f := &finder{x: x, q: q, began: time.Now(), skip: q.Skip, left: q.Limit}
	var err error
	if f.plan, err = mango.NewPlan(q, indexes); err != nil {
		return err
	}
	if q.Bookmark != "" && !f.plan.Empty() {
		place, err := mango.ParseBookmark(q.Bookmark)
		if err != nil {
			return err
		}
		f.after = &place
	}
	f.s = x.stream()
	defer f.s.free()
	f.s.buf = append(f.s.buf, `{"docs":[`...)
	if err := f.run(); err != nil {
		return err
	}
	f.s.buf = append(f.s.buf, "}\n"...)
	return f.s.end()
}

// finder is one answer of _find on its way.
type finder struct {
	x     *exchange
	s     *stream
	q     *mango.Query
	plan  *mango.Plan
	began time.Time

	after *mango.Place // where the query goes on, nil for the beginning
	last  mango.Place  // of the last doc that was given or skipped; no Key for none
	skip  int          // docs still to skip
	left  int          // docs that may still be given

	keys, docs, quorum, results int // as execution_stats tells them
	missed                      int // docs that were looked at since one matched
	doc, key                    []byte
}

// errEnough ends a scan.
var errEnough = errors.New("enough docs")

func (f *finder) run() error {
	if f.plan.Empty() {
		f.s.buf = append(f.s.buf, "\r\n]"...)
		return nil
	}
	var err error
	if f.plan.Index.IsAllDocs() {
		err = f.scanDocs()
	} else {
		err = f.scanIndex()
	}
	if err != nil && err != errEnough {
		return err
	}
	f.s.buf = append(f.s.buf, "\r\n],\r\n"+`"bookmark":`...)
	bookmark := "nil"
	switch {
	case len(f.last.Key) > 0:
		bookmark = f.last.Bookmark()
	case f.after != nil:
		bookmark = f.q.Bookmark
	}
	f.s.buf = store.AppendJSONString(f.s.buf, bookmark)
	f.appendStats()
	f.appendWarnings()
	return nil
}

// scanDocs looks at docs in the order of their ids.
func (f *finder) scanDocs() error {
	low, high := f.plan.IDs()
	if f.q.Sort.Descending {
		low, high = high, low
	}
	r := idRange(&store.ViewQuery{StartKey: low, EndKey: high, Descending: f.q.Sort.Descending})
	if f.after != nil && (!r.HasStart || f.q.Sort.Descending == (f.after.ID < r.Start)) {
		r.Start, r.HasStart = f.after.ID, true // the bookmark is the client's: it may lie anywhere
	}
	if f.q.Partition != "" {
		if !f.x.db.Partitioned() {
			return errQuery(reasonNoPartitions)
		}
		var ok bool
		if r, ok = partitionList(f.q.Partition).clip(r); !ok {
			return nil
		}
	}
	var failed error
	err := f.x.db.AllDocs(f.x.ctx(), r, true, func(doc store.Doc) bool {
		if f.after != nil && f.after.ID == doc.ID {
			return true
		}
		f.keys++
		f.missed++
		f.count(1)
		if strings.HasPrefix(doc.ID, designPrefix) {
			failed = f.pass(&doc)
		} else {
			f.key = store.AppendJSONString(f.key[:0], doc.ID)
			failed = f.look(&doc, f.key)
		}
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// scanIndex looks at the docs that an index has in a range.
func (f *finder) scanIndex() error {
	p, err := f.x.design(f.plan.Index.DDoc)
	if err != nil {
		return err
	}
	s := view.KeyScan{Descending: f.q.Sort.Descending, Partition: f.q.Partition}
	s.Low, s.High = f.plan.Keys()
	if f.after != nil {
		s.After = &store.Row{Key: f.after.Key, ID: f.after.ID}
	}
	if !f.q.Fresh() {
		s.Update = store.UpdateFalse
	}
	covered := f.plan.Covered()
	return f.x.h.o.Views.Scan(f.x.ctx(), viewDB{f.x.db}, p.design, f.plan.Index.Name, s, func(row store.Row) error {
		f.keys++
		if covered {
			f.doc = f.plan.AppendCovered(f.doc[:0], row.ID, row.Key)
			return f.take(row.ID, row.Key)
		}
		doc, err := f.x.db.Get(row.ID)
		if store.IsKind(err, store.KindNotFound) {
			return nil // gone since the index was made
		}
		if err != nil {
			return err
		}
		f.count(1)
		return f.look(&doc, row.Key)
	})
}

// count counts docs that were read.
func (f *finder) count(n int) {
	if f.q.R > 1 {
		f.quorum += n
	} else {
		f.docs += n
	}
}

// pass passes over a design document. With one that matches CouchDB throws away what it has counted since the last match.
func (f *finder) pass(doc *store.Doc) error {
	if !f.q.Stats {
		return nil
	}
	f.doc = doc.AppendJSON(f.doc[:0])
	ok, err := f.q.Selector.Match(f.x.ctx(), f.doc)
	if ok {
		f.keys -= f.missed
		f.count(-f.missed)
		f.missed = 0
	}
	return err
}

// look gives a doc if it matches; key is its key in the index.
func (f *finder) look(doc *store.Doc, key []byte) error {
	f.doc = f.doc[:0]
	if !f.q.Conflicts {
		f.doc = doc.AppendJSON(f.doc)
		return f.take(doc.ID, key)
	}
	shown, _, err := f.x.show(*doc, docOptions{conflicts: true})
	if err != nil {
		return err
	}
	f.doc = shown.append(f.doc)
	return f.take(doc.ID, key)
}

// take gives f.doc if it matches. The one behind the last is looked at, and counted, as CouchDB does.
func (f *finder) take(id string, key []byte) error {
	if f.skip == 0 && f.left == 0 {
		return errEnough
	}
	if ok, err := f.q.Selector.Match(f.x.ctx(), f.doc); !ok || err != nil {
		return err
	}
	f.missed = 0
	if f.left > 0 {
		f.last.ID, f.last.Key = id, append(f.last.Key[:0], key...)
	}
	if f.skip > 0 {
		f.skip--
		return nil
	}
	f.s.buf = appendRowStart(f.s.buf, f.results == 0)
	var err error
	if f.s.buf, err = f.q.Fields.Append(f.x.ctx(), f.s.buf, f.doc); err != nil {
		return err
	}
	f.results++
	f.left--
	return f.s.spill()
}

// appendStats appends what the answer cost, if it was asked for.
func (f *finder) appendStats() {
	if !f.q.Stats {
		return
	}
	for _, n := range []struct {
		name string
		n    int
	}{
		{`,` + "\r\n" + `"execution_stats":{"total_keys_examined":`, f.keys},
		{`,"total_docs_examined":`, f.docs},
		{`,"total_quorum_docs_examined":`, f.quorum},
		{`,"results_returned":`, f.results},
	} {
		f.s.buf = strconv.AppendInt(append(f.s.buf, n.name...), int64(n.n), 10)
	}
	ms := float64(time.Since(f.began).Microseconds()) / 1000
	f.s.buf = strconv.AppendFloat(append(f.s.buf, `,"execution_time_ms":`...), ms, 'f', 3, 64)
	f.s.buf = append(f.s.buf, '}')
}

// appendWarnings appends what is wrong with the way the answer was found.
func (f *finder) appendWarnings() {
	warnings := f.plan.Warnings()
	threshold := f.x.h.settings.number("mango", "index_scan_warning_threshold", 10)
	if threshold > 0 && f.docs+f.quorum > threshold*max(f.results, 1) {
		warnings = append(warnings, "The number of documents examined is high in proportion to the number of results returned. "+
			"Consider adding a more specific index to improve this.")
	}
	if len(warnings) > 0 {
		f.s.buf = append(f.s.buf, ",\r\n"+`"warning":`...)
		f.s.buf = store.AppendJSONString(f.s.buf, strings.Join(warnings, "\n"))
	}
}
