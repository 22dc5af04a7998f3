package mango

import (
	"bytes"
	"slices"
	"strconv"

	"logctl/store"
)

func appendString(dst []byte, s string) []byte { return store.AppendJSONString(dst, s) }
func appendBool(dst []byte, b bool) []byte     { return strconv.AppendBool(dst, b) }

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}

func appendInt(dst []byte, n int) []byte { return strconv.AppendInt(dst, int64(n), 10) }

// Explain appends what _explain answers: how the query would be answered, and why so.
func Explain(dst []byte, db string, q *Query, indexes []*Index) ([]byte, error) {
	p := q.plan(indexes)
	if len(p.trace.usable) > 0 {
		if err := q.checkFallback(p); err != nil {
			return dst, err
		}
	}
	dst = appendString(append(dst, `{"dbname":`...), db)
	dst = append(dst, `,"index":`...)
	if p.Index == nil {
		dst = append(dst, "null"...)
	} else {
		dst = p.Index.AppendJSON(dst)
	}
	dst = appendBool(append(dst, `,"partitioned":`...), q.PartitionedDB)
	dst = q.Selector.AppendJSON(append(dst, `,"selector":`...))
	dst = q.appendOptions(append(dst, `,"opts":`...))
	dst = appendInt(append(dst, `,"limit":`...), q.Limit)
	dst = appendInt(append(dst, `,"skip":`...), q.Skip)
	dst = appendStrings(append(dst, `,"fields":`...), q.Fields.Names())
	dst = p.appendCandidates(append(dst, `,"index_candidates":`...))
	dst = q.appendHints(append(dst, `,"selector_hints":`...))
	if p.Index != nil {
		dst = p.appendArgs(append(dst, `,"mrargs":`...))
		dst = appendBool(append(dst, `,"covering":`...), p.Covered())
	}
	return append(dst, '}'), nil
}

func (q *Query) appendOptions(dst []byte) []byte {
	bookmark, stale := q.Bookmark, "false"
	if bookmark == "" {
		bookmark = "nil"
	}
	if q.stale {
		stale = `"ok"`
	}
	dst = appendStrings(append(dst, `{"use_index":`...), q.useIndex)
	dst = appendString(append(dst, `,"bookmark":`...), bookmark)
	dst = appendInt(append(dst, `,"limit":`...), q.Limit)
	dst = appendInt(append(dst, `,"skip":`...), q.Skip)
	dst = q.Sort.appendObject(append(dst, `,"sort":`...))
	dst = appendStrings(append(dst, `,"fields":`...), q.Fields.Names())
	dst = appendString(append(dst, `,"partition":`...), q.Partition)
	dst = appendInt(append(dst, `,"r":`...), q.R)
	dst = appendBool(append(dst, `,"conflicts":`...), q.Conflicts)
	dst = append(append(dst, `,"stale":`...), stale...)
	dst = appendBool(append(dst, `,"update":`...), q.Update)
	dst = appendBool(append(dst, `,"stable":`...), q.Stable)
	dst = appendBool(append(dst, `,"execution_stats":`...), q.Stats)
	dst = appendBool(append(dst, `,"allow_fallback":`...), q.AllowFallback)
	return append(dst, '}')
}

// appendArgs appends the query of the index.
func (p *Plan) appendArgs(dst []byte) []byte {
	low, high := p.shownRange()
	direction := "fwd"
	if p.Query.Sort.Descending {
		direction, low, high = "rev", high, low
	}
	partition := []byte("null")
	if p.Query.Partition != "" {
		partition = appendString(nil, p.Query.Partition)
	}
	dst = appendBool(append(dst, `{"include_docs":`...), p.Query.R == 1 && !p.Covered())
	dst = append(append(dst, `,"view_type":"map","reduce":false,"partition":`...), partition...)
	dst = append(append(dst, `,"start_key":`...), low...)
	dst = append(append(dst, `,"end_key":`...), high...)
	dst = append(append(append(dst, `,"direction":"`...), direction...), '"')
	dst = appendBool(append(dst, `,"stable":`...), p.Query.Stable || p.Query.stale)
	dst = appendBool(append(dst, `,"update":`...), p.Query.Fresh())
	dst = append(dst, `,"conflicts":`...)
	if p.Query.Conflicts {
		return append(dst, "true}"...)
	}
	return append(dst, `"undefined"}`...)
}

// shownRange are the ends of the range as _explain shows them: an open end is <MAX>.
func (p *Plan) shownRange() (low, high []byte) {
	const last = `"<MAX>"`
	switch {
	case p.empty:
		return jsonNull, jsonNull
	case p.Index.IsAllDocs():
		low, high = p.ranges[0].low.raw, p.ranges[0].high.raw
		if low == nil {
			low = []byte(`""`)
		}
		if high == nil {
			high = []byte(last)
		}
		return low, high
	}
	low, high = p.Keys()
	high = bytes.TrimSuffix(high, []byte("]"))
	if len(high) > 1 {
		high = append(high, ',')
	}
	return low, append(high, last+"]"...)
}

// appendHints appends for which fields of the selector an index could be of use.
func (q *Query) appendHints(dst []byte) []byte {
	all, indexable := selectorFields(q.Selector.root), indexableFields(q.Selector.root)
	rest := slices.DeleteFunc(all, func(f string) bool { _, found := slices.BinarySearch(indexable, f); return found })
	dst = appendStrings(append(dst, `[{"type":"json","indexable_fields":`...), indexable)
	return append(appendStrings(append(dst, `,"unindexable_fields":`...), rest), "}]"...)
}

// verdict is why an index was not chosen.
type verdict struct {
	index  *Index
	usable bool
	reason string
	rank   int
}

// appendCandidates appends the indexes that were not chosen, with the reasons.
func (p *Plan) appendCandidates(dst []byte) []byte {
	dst = append(dst, '[')
	for i, v := range p.verdicts() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = v.index.AppendJSON(append(dst, `{"index":`...))
		dst = appendBool(append(dst, `,"analysis":{"usable":`...), v.usable)
		dst = appendString(append(dst, `,"reasons":[{"name":`...), v.reason)
		dst = appendInt(append(dst, `}],"ranking":`...), v.rank)
		dst = append(dst, `,"covering":`...)
		if v.index.IsAllDocs() {
			dst = append(dst, "null}}"...)
			continue
		}
		covering := p.Query.Fields != nil && v.index.covers(p.Query.Fields.Names())
		dst = append(appendBool(dst, covering), "}}"...)
	}
	return append(dst, ']')
}

// verdicts are those on all indexes but the chosen one, in the reverse order of their names. They rank by how far they came.
func (p *Plan) verdicts() []verdict {
	t := &p.trace
	var list []verdict
	rank := max(1, len(t.sorted))
	// Stages from the last to the first; one that turned some down makes those before it rank behind it.
	stage := func(before, after []*Index, usable bool, reason func(*Index) string) {
		found := false
		for _, x := range before {
			if !slices.Contains(after, x) {
				list = append(list, verdict{x, usable, reason(x), rank})
				found = true
			}
		}
		if found {
			rank++
		}
	}
	because := func(reason string) func(*Index) string { return func(*Index) string { return reason } }
	stage(t.filtered, t.ofType, true, because("unfavored_type"))
	stage(t.usable, t.filtered, true, because("excluded_by_user"))
	stage(t.inScope, t.usable, false, func(x *Index) string { return t.unusable[x][0] })
	stage(t.global, t.inScope, false, because("scope_mismatch"))
	stage(t.all, append(slices.Clone(t.global), t.inScope...), false, because("is_partial"))
	for n, c := range t.sorted {
		if c.index == p.Index {
			continue
		}
		reason := "alphabetically_comes_after"
		switch {
		case c.distance > 0:
			reason = "less_overlap"
		case len(c.index.def.columns.Fields) > len(p.Index.def.columns.Fields):
			reason = "too_many_fields"
		}
		list = append(list, verdict{c.index, true, reason, n})
	}
	slices.SortFunc(list, func(a, b verdict) int { return b.index.compare(a.index) })
	return list
}
