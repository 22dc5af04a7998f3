package couchapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/engine"
	"logctl/store/view"
	"logctl/store/viewopts"
)

func (h *Handler) allDocsRoutes(rt *mux.Router) {
	for path, list := range map[string]listing{
		"/_all_docs":    {},
		"/_design_docs": {prefix: designPrefix, past: "_design0"},
		"/_local_docs":  {local: true},
	} {
		r := resource{access: accessMany}
		if !list.local && list.prefix == "" {
			r.accessOf = accessToAll
		}
		r.allow, r.methods = "GET,HEAD,POST", map[string]action{
			http.MethodGet:  func(x *exchange) error { return x.listDocs(list, nil) },
			http.MethodPost: func(x *exchange) error { return x.postList(list) },
		}
		h.inDB(rt, path, r)
		r.allow, r.methods = "POST", onPost(func(x *exchange) error { return x.postQueries(list) })
		h.inDB(rt, path+"/queries", r)
	}
}

// listing is which docs a list holds.
type listing struct {
	prefix, past string // ids in [prefix, past), "": all
	local        bool
}

// postList answers a list whose options are in a body.
func (x *exchange) postList(list listing) error {
	b, err := x.readObject()
	if err != nil {
		return err
	}
	defer b.free()
	m, err := members(b.bytes)
	if err != nil {
		return err
	}
	if keys, ok := m["keys"]; ok && keys[0] != '[' {
		return errBadRequest("`keys` body member must be an array.")
	}
	return x.listDocs(list, b.bytes)
}

func (x *exchange) listDocs(list listing, body json.RawMessage) error {
	params := x.queryParams()
	if i := slices.IndexFunc(params, func(p viewopts.Param) bool { return p.Name == "keys" }); i >= 0 {
		if keys, err := viewopts.ParseKey(params[i].Value); err == nil && keys[0] != '[' {
			return errBadRequest("`keys` parameter must be an array.")
		}
	}
	q, err := viewopts.Parse(params, body, true)
	if err != nil {
		return err
	}
	s := x.stream()
	defer s.free()
	if err := x.appendList(s, list, &q); err != nil {
		return err
	}
	s.buf = append(s.buf, '\n')
	return s.end()
}

// postQueries answers several lists in one.
func (x *exchange) postQueries(list listing) error {
	return x.queries(func(s *stream, q *store.ViewQuery) error { return x.appendList(s, list, q) })
}

// appendList writes the rows of one query.
func (x *exchange) appendList(s *stream, list listing, q *store.ViewQuery) error {
	if x.partition != "" {
		q.Partition = x.partition
	}
	if err := view.CheckMapQuery(q); err != nil {
		return err
	}
	if err := x.limitQuery(q); err != nil {
		return err
	}
	if q.Partition != "" {
		if !x.db.Partitioned() {
			return errQuery(reasonNoPartitions)
		}
		list = partitionList(q.Partition)
	}
	if list.local {
		return x.appendLocalList(s, q)
	}
	total, err := x.countDocs(list)
	if err != nil {
		return err
	}
	if q.Keys != nil {
		return x.appendKeys(s, list, q, total)
	}
	r, ok := list.clip(idRange(q))
	if !ok {
		q.Skip = 0
	}
	offset, err := x.offsetOf(list, r, q, total)
	if err != nil {
		return err
	}
	s.buf = append(s.buf, `{"total_rows":`...)
	s.buf = strconv.AppendInt(s.buf, int64(total), 10)
	s.buf = append(s.buf, `,"offset":`...)
	s.buf = strconv.AppendInt(s.buf, int64(offset), 10)
	if q.UpdateSeq {
		s.buf = append(s.buf, `,"update_seq":`...)
		s.buf = appendSeq(s.buf, x.db, x.db.UpdateSeq())
	}
	s.buf = append(s.buf, `,"rows":[`...)
	if ok && q.Limit != 0 {
		if err := x.appendDocs(s, r, q); err != nil {
			return err
		}
	}
	s.buf = append(s.buf, "\r\n]}"...)
	return nil
}

// clip narrows a range to the list's own ids.
func (l listing) clip(r engine.IDRange) (engine.IDRange, bool) {
	if l.prefix == "" {
		return r, true
	}
	lo, hi := &r.Start, &r.End
	hasLo, hasHi := &r.HasStart, &r.HasEnd
	if r.Descending {
		lo, hi, hasLo, hasHi = hi, lo, hasHi, hasLo
	}
	if *hasLo && *lo >= l.past || *hasHi && *hi < l.prefix {
		return r, false
	}
	if !*hasLo || *lo < l.prefix {
		*lo, *hasLo = l.prefix, true
	}
	if !*hasHi || *hi >= l.past {
		// No design document has the id "_design0", so that it does not matter whether it is in the range.
		*hi, *hasHi = l.past, true
	}
	return r, true
}

// countDocs is how many docs the list has.
func (x *exchange) countDocs(list listing) (int, error) {
	if list.prefix != designPrefix {
		return int(x.db.Stats().DocCount), nil
	}
	n, err := x.db.CountDocs(x.ctx(), designRange())
	return int(n), err
}

// offsetOf is how many docs stand before the first row: those before the range and those that are skipped, of all docs of the
// database, but never more than the list has. r is the range within the list or, where nothing of it is, as the client gave it.
func (x *exchange) offsetOf(list listing, r engine.IDRange, q *store.ViewQuery, total int) (int, error) {
	if !r.Descending && r.Start < list.prefix {
		r.Start, r.HasStart = list.prefix, true
	}
	if !r.HasStart {
		return min(q.Skip, total), nil
	}
	before := engine.IDRange{End: r.Start, HasEnd: true, ExclusiveEnd: true, Descending: r.Descending}
	n, err := x.db.CountDocs(x.ctx(), before)
	skipped := 0
	if err == nil && q.Skip > 0 {
		err = x.db.AllDocs(x.ctx(), r, false, func(store.Doc) bool { skipped++; return skipped < q.Skip })
	}
	return min(int(n)+skipped, total), err
}

// appendDocs writes the rows of a range.
func (x *exchange) appendDocs(s *stream, r engine.IDRange, q *store.ViewQuery) error {
	first := true
	return x.eachDoc(r, q, func(doc store.Doc) error {
		s.buf = appendRowStart(s.buf, first)
		first = false
		if err := x.appendDocRow(s, doc, q); err != nil {
			return err
		}
		return s.spill()
	})
}

// eachDoc calls fn for the docs of a range, less those to skip, up to the limit.
func (x *exchange) eachDoc(r engine.IDRange, q *store.ViewQuery, fn func(doc store.Doc) error) error {
	skip, left := q.Skip, q.Limit
	var failed error
	err := x.db.AllDocs(x.ctx(), r, q.IncludeDocs, func(doc store.Doc) bool {
		if skip > 0 {
			skip--
			return true
		}
		if left == 0 {
			return false
		}
		left-- // below zero there is no limit
		failed = fn(doc)
		return failed == nil && left != 0
	})
	if failed != nil {
		return failed
	}
	return err
}

func appendRowStart(dst []byte, first bool) []byte {
	if first {
		return append(dst, "\r\n"...)
	}
	return append(dst, ",\r\n"...)
}

// appendDocRow writes the row of a doc that is there.
func (x *exchange) appendDocRow(s *stream, doc store.Doc, q *store.ViewQuery) error {
	s.buf = append(s.buf, `{"id":`...)
	mark := len(s.buf)
	s.buf = store.AppendJSONString(s.buf, doc.ID)
	end := len(s.buf)
	s.buf = append(s.buf, `,"key":`...)
	s.buf = append(s.buf, s.buf[mark:end]...)
	s.buf = appendRev(append(s.buf, `,"value":{"rev":`...), doc.Rev)
	if doc.Deleted {
		s.buf = append(s.buf, `,"deleted":true`...)
	}
	s.buf = append(s.buf, '}')
	if q.IncludeDocs {
		s.buf = append(s.buf, `,"doc":`...)
		if err := x.writeRowDoc(s, doc, q); err != nil {
			return err
		}
	}
	s.buf = append(s.buf, '}')
	return nil
}

// writeRowDoc writes the doc of a row; a deleted one is null.
func (x *exchange) writeRowDoc(s *stream, doc store.Doc, q *store.ViewQuery) error {
	if doc.Deleted {
		s.buf = append(s.buf, "null"...)
		return nil
	}
	d, _, err := x.show(doc, docOptions{conflicts: q.Conflicts && doc.Rev.Gen > 0, atts: attOptions{data: q.Attachments, encoding: q.AttEncodingInfo}})
	if err != nil {
		return err
	}
	return d.write(s)
}

// appendKeys writes a row for each key: of a doc, of a tombstone, or that there is none. Keys of docs that the list does not hold
// have no row.
func (x *exchange) appendKeys(s *stream, list listing, q *store.ViewQuery, total int) error {
	if x.db.Partitioned() && list == (listing{}) {
		for _, key := range q.Keys {
			if id, ok := text(key); ok {
				if err := x.needPartition(id); err != nil {
					return err
				}
			}
		}
	}
	s.buf = append(s.buf, `{"total_rows":`...)
	if list.local {
		s.buf = append(s.buf, "null"...)
	} else {
		s.buf = strconv.AppendInt(s.buf, int64(total), 10)
	}
	s.buf = append(s.buf, `,"offset":null`...)
	if q.UpdateSeq {
		s.buf = append(s.buf, `,"update_seq":null`...)
	}
	s.buf = append(s.buf, `,"rows":[`...)
	first := true
	err := x.eachKey(q, func(r *engine.Reader, key json.RawMessage) error {
		if !list.holdsKey(key) {
			return nil
		}
		s.buf = appendRowStart(s.buf, first)
		first = false
		if err := x.appendKey(s, r, key, q); err != nil {
			return err
		}
		return s.spill()
	})
	s.buf = append(s.buf, "\r\n]}"...)
	return err
}

// holdsKey tells whether a key may be that of a doc of a list that is not of all docs.
func (l listing) holdsKey(key json.RawMessage) bool {
	prefix := ""
	switch {
	case l.local:
		prefix = localPrefix
	case l.prefix == designPrefix:
		prefix = designPrefix
	default:
		return true
	}
	id, ok := text(key)
	return ok && strings.HasPrefix(id, prefix)
}

// eachKey calls fn for the keys of a query in their order, less those to skip, up to the limit, with what reads docs from one moment.
func (x *exchange) eachKey(q *store.ViewQuery, fn func(r *engine.Reader, key json.RawMessage) error) error {
	r, err := x.db.NewReader()
	if err != nil {
		return err
	}
	defer r.Close()
	for i := range q.Keys {
		key := q.Keys[i]
		if q.Descending {
			key = q.Keys[len(q.Keys)-1-i]
		}
		if i < q.Skip {
			continue
		}
		if q.Limit >= 0 && i-q.Skip >= q.Limit {
			break
		}
		if err := fn(r, key); err != nil {
			return err
		}
	}
	return nil
}

func (x *exchange) appendKey(s *stream, r *engine.Reader, key json.RawMessage, q *store.ViewQuery) error {
	if id, ok := text(key); ok {
		doc, err := x.anyWinner(r, id)
		if err == nil {
			return x.appendDocRow(s, doc, q)
		}
		if !store.IsKind(err, store.KindNotFound) && !store.IsKind(err, store.KindIllegalDocID) {
			return err
		}
	}
	s.buf = append(append(s.buf, `{"key":`...), key...)
	s.buf = append(s.buf, `,"error":"not_found"}`...)
	return nil
}

// anyWinner is the winner of a doc, a tombstone too, or a local doc.
func (x *exchange) anyWinner(r *engine.Reader, id string) (store.Doc, error) {
	if strings.HasPrefix(id, localPrefix) {
		return x.db.GetLocal(id)
	}
	return r.GetRev(id, store.Rev{})
}

func (x *exchange) appendLocalList(s *stream, q *store.ViewQuery) error {
	if q.Keys != nil {
		return x.appendKeys(s, listing{local: true}, q, 0)
	}
	r := idRange(q)
	s.buf = append(s.buf, `{"total_rows":null,"offset":null`...)
	if q.UpdateSeq {
		s.buf = append(s.buf, `,"update_seq":null`...)
	}
	s.buf = append(s.buf, `,"rows":[`...)
	first, skip, left := true, q.Skip, q.Limit
	err := x.db.LocalDocs(x.ctx(), q.Descending, func(doc store.Doc) bool {
		if left == 0 || !inRange(r, doc.ID) {
			return left != 0
		}
		if skip > 0 {
			skip--
			return true
		}
		left--
		s.buf = appendRowStart(s.buf, first)
		first = false
		return x.appendDocRow(s, doc, q) == nil && s.spill() == nil
	})
	s.buf = append(s.buf, "\r\n]}"...)
	return err
}

// queries answers a body of {"queries":[…]} with one result for each, in order. The options of the query string hold for all of them.
func (x *exchange) queries(one func(s *stream, q *store.ViewQuery) error) error {
	b, err := x.readAnyObject()
	if err != nil {
		return err
	}
	defer b.free()
	m, err := members(b.bytes)
	if err != nil {
		return err
	}
	var list []json.RawMessage
	switch raw, ok := m["queries"]; {
	case !ok:
		return errBadRequest("POST body must include `queries` parameter.")
	case raw[0] != '[' || json.Unmarshal(raw, &list) != nil:
		return errBadRequest("`queries` member must be an array.")
	}
	all := viewopts.NewReader()
	if err := all.Params(x.queryParams()); err != nil {
		return err
	}
	queries := make([]store.ViewQuery, len(list))
	for i, raw := range list {
		o := all.Each()
		if err := o.Members(raw); err != nil {
			return err
		}
		if queries[i], err = o.Query(); err != nil {
			return err
		}
	}
	s := x.stream()
	defer s.free()
	s.buf = append(s.buf, `{"results":[`...)
	for i := range queries {
		s.buf = appendRowStart(s.buf, i == 0)
		if err := one(s, &queries[i]); err != nil {
			return err
		}
	}
	s.buf = append(s.buf, "\r\n]}\n"...)
	return s.end()
}
