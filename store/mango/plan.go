package mango

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"logctl/store"
)

// Plan is how a query is answered.
type Plan struct {
	Query *Query
	Index *Index // nil: none can be used, which only Explain may say

	ranges []columnRange // of the index's first columns
	empty  bool          // nothing can match
	trace  trace
}

// NewPlan chooses the index for a query among those of a database. The error is CouchDB's where there is none to sort by.
func NewPlan(q *Query, indexes []*Index) (*Plan, error) {
	p := q.plan(indexes)
	if len(p.trace.usable) == 0 {
		scope := ""
		if q.PartitionedDB {
			scope = " global"
			if q.Partition != "" {
				scope = " partitioned"
			}
		}
		return nil, refuse("no_usable_index", "No"+scope+" index exists for this sort, try indexing by the sort fields.")
	}
	return p, q.checkFallback(p)
}

// checkFallback refuses a query that insists on an index that can't be used.
func (q *Query) checkFallback(p *Plan) error {
	if q.AllowFallback || p.trace.named || len(q.useIndex) == 0 && len(p.trace.usable) > 1 {
		return nil
	}
	reason := "You must specify an index with the `use_index` parameter."
	if len(q.useIndex) > 0 {
		name := strings.TrimPrefix(q.useIndex[0], designPrefix)
		reason = strings.Join(append([]string{designPrefix + name}, q.useIndex[1:]...), ", ") +
			" specified by `use_index` could not be found or it is not suitable."
	}
	return refuse("invalid_index", reason)
}

// trace is what became of each index on the way to the chosen one.
type trace struct {
	all, inScope, usable, filtered, ofType []*Index
	global                                 []*Index
	unusable                               map[*Index][]string // why
	named                                  bool                // the query names one of filtered
	sorted                                 []candidate
}

// candidate is an index with the ranges of its first columns that the selector has.
type candidate struct {
	index    *Index
	ranges   []columnRange
	distance int // fields with ranges that it does not use
}

func (q *Query) plan(indexes []*Index) *Plan {
	p := &Plan{Query: q}
	t := &p.trace
	t.all = indexes
	t.unusable = map[*Index][]string{}
	wanted := t.all[:0:0]
	for _, x := range indexes {
		partial := x.def.filter != nil
		if !partial {
			t.global = append(t.global, x)
		}
		if !partial || q.wants(x) {
			wanted = append(wanted, x)
		}
	}
	for _, x := range wanted {
		if x.IsAllDocs() || x.Partitioned == (q.Partition != "") {
			t.inScope = append(t.inScope, x)
		}
	}
	sorted := slices.Sorted(slices.Values(q.Sort.Fields))
	for _, x := range t.inScope {
		if why := q.unusable(x, sorted); why != nil {
			t.unusable[x] = why
			continue
		}
		t.usable = append(t.usable, x)
	}
	if len(t.usable) == 0 {
		return p
	}
	for _, x := range t.usable {
		if q.wants(x) {
			t.filtered = append(t.filtered, x)
		}
	}
	if t.named = len(t.filtered) > 0; !t.named {
		t.filtered = t.usable
	}
	p.choose()
	return p
}

// wants tells whether the query names the index.
func (q *Query) wants(x *Index) bool {
	if len(q.useIndex) == 0 || x.IsAllDocs() {
		return false
	}
	ddoc := q.useIndex[0]
	if !strings.HasPrefix(ddoc, designPrefix) {
		ddoc = designPrefix + ddoc
	}
	return x.DDoc == ddoc && (len(q.useIndex) == 1 || x.Name == q.useIndex[1])
}

// unusable tells why an index can't answer the query, nil if it can. sorted are the fields to sort by in the order of their names.
func (q *Query) unusable(x *Index, sorted []string) []string {
	var why []string
	columns, sort := x.def.columns.Fields, q.Sort.Fields
	root := q.Selector.root
	if x.IsAllDocs() {
		if len(sort) == 0 {
			return nil
		}
		if !slices.Contains(indexableFields(root), "_id") {
			why = append(why, "field_mismatch")
		}
		if !isPrefix(sort, columns) {
			why = append(why, "sort_order_mismatch")
		}
		return why
	}
	if hasText(root) {
		why = append(why, "needs_text_search")
	}
	var required []string
	for _, c := range columns {
		if _, given := slices.BinarySearch(sorted, c); !given && c != "_id" && c != "_rev" {
			required = append(required, c)
		}
	}
	slices.Sort(required)
	if required = slices.Compact(required); len(missing([]*node{root}, required)) > 0 {
		why = append(why, "field_mismatch")
	}
	if !canSort(columns, sort, root) {
		why = append(why, "sort_order_mismatch")
	}
	return why
}

// choose takes the index that fits the selector best: with the fewest ranges left unused, then the fewest columns, then
// the first by name. JSON indexes go before all docs.
func (p *Plan) choose() {
	t := &p.trace
	ranges := fieldRanges(p.Query.Selector.root)
	for _, x := range t.filtered {
		if !x.IsAllDocs() {
			t.ofType = append(t.ofType, x)
		}
	}
	if t.ofType == nil {
		t.ofType = t.filtered
		ranges = append(ranges, fieldRange{"_id", columnRange{low: bound{opGt, constant{raw: jsonNull}}}})
	}
	for _, x := range t.ofType {
		c := candidate{index: x}
		for _, column := range x.def.columns.Fields {
			i := slices.IndexFunc(ranges, func(r fieldRange) bool { return r.field == column })
			if i < 0 {
				break
			}
			c.ranges = append(c.ranges, ranges[i].columnRange)
		}
		c.distance = len(ranges) - len(c.ranges)
		t.sorted = append(t.sorted, c)
	}
	slices.SortStableFunc(t.sorted, func(a, b candidate) int {
		return cmp.Or(a.distance-b.distance, len(a.index.def.columns.Fields)-len(b.index.def.columns.Fields),
			strings.Compare(a.index.DDoc, b.index.DDoc), strings.Compare(a.index.Name, b.index.Name))
	})
	p.Index, p.ranges = t.sorted[0].index, t.sorted[0].ranges
	root := p.Query.Selector.root
	p.empty = len(p.ranges) == 1 && p.ranges[0].empty || root != nil && root.isEmptyList()
}

// isEmptyList tells the whole selectors of an operator with an empty list, which match nothing.
func (n *node) isEmptyList() bool {
	return (n.op == opAnd || n.op == opOr) && len(n.args) == 0
}

// Empty tells that no doc can match.
func (p *Plan) Empty() bool { return p.empty }

// Warnings are those that an answer has to give about the index: that the one which was asked for is not used, that none is.
func (p *Plan) Warnings() []string {
	var list []string
	q := p.Query
	if len(q.useIndex) > 0 && !q.wants(p.Index) {
		name := designPrefix + strings.TrimPrefix(q.useIndex[0], designPrefix)
		if len(q.useIndex) == 1 {
			list = append(list, name+" was not used because it does not contain a valid index for this query.")
		} else {
			list = append(list, name+", "+q.useIndex[1]+" was not used because it is not a valid index for this query.")
		}
	}
	if p.Index.IsAllDocs() {
		list = append(list, "No matching index found, create an index to optimize query time.")
	}
	return list
}

// IDs is the range of ids to look at, for the index of all docs: JSON values, nil where there is no bound.
func (p *Plan) IDs() (low, high []byte) {
	r := p.ranges[0]
	if low = r.low.raw; !isString(low) {
		low = nil // ids compare with nothing but strings: all are above the rest
	}
	return low, r.high.raw
}

// Keys is the range of index keys to look at, both ends included: arrays in JSON that begin like the least and like the
// greatest key.
func (p *Plan) Keys() (low, high []byte) {
	return appendKeys(p.ranges, func(r columnRange) []byte { return r.low.raw }),
		appendKeys(p.ranges, func(r columnRange) []byte { return r.high.raw })
}

// appendKeys makes an array of values up to the first nil.
func appendKeys(ranges []columnRange, value func(columnRange) []byte) []byte {
	dst := []byte{'['}
	for i, r := range ranges {
		v := value(r)
		if v == nil {
			break
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, v...)
	}
	return append(dst, ']')
}

// Covered tells whether the index holds all that the query needs, so that no doc has to be read.
func (p *Plan) Covered() bool {
	if p.Query.Fields == nil || p.Index.IsAllDocs() {
		return false
	}
	return p.Index.covers(p.Query.Fields.Names()) && p.Index.covers(selectorFields(p.Query.Selector.root))
}

func (x *Index) covers(fields []string) bool {
	for _, f := range fields {
		if f != "_id" && !slices.Contains(x.def.columns.Fields, f) {
			return false
		}
	}
	return true
}

// AppendCovered appends what is known of a doc from its row in the index: the id and the columns.
func (p *Plan) AppendCovered(dst []byte, id string, key []byte) []byte {
	b := branch{twigs: []twig{{key: []byte(`"_id"`), value: store.AppendJSONString(nil, id)}}}
	i := 0
	eachElement(key, func(elem []byte) bool {
		b.set(p.Index.def.paths[i], bytes.Clone(elem))
		i++
		return i < len(p.Index.def.paths)
	})
	return b.append(dst)
}

func isPrefix(prefix, list []string) bool {
	return len(prefix) <= len(list) && slices.Equal(prefix, list[:len(prefix)])
}

// canSort tells whether an index gives docs in an order: its columns begin with the sort's fields, after any that the
// selector fixes to one value.
func canSort(columns, sort []string, root *node) bool {
	if len(sort) == 0 {
		return true
	}
	for i, c := range columns {
		if c == sort[0] {
			return isPrefix(sort, columns[i:])
		}
		if root == nil || !isFixed(root, c) {
			return false
		}
	}
	return false
}
