package view

import (
	"bytes"
	"errors"
	"strconv"

	"logctl/store"
	"logctl/store/view/btree"
	"logctl/store/view/collate"
)

// groups gives a row for each group of a span: all rows whose keys begin alike up to the group level.
func (a *answer) groups(x *index, view int, s span) error {
	level := a.q.GroupLevel
	if a.q.Group {
		level = collate.WholeKey
	}
	if _, script := x.reducers[view].(scriptReducer); !script && !a.q.Descending {
		return a.walkGroups(x.reducers[view], s, level)
	}
	return a.seekGroups(x, view, s, level)
}

var errEnough = store.NewError(store.KindInternal, "enough rows")

// walkGroups goes over the groups from the first to the last: many small ones share the way to a leaf, and large ones take what is
// stored for whole nodes.
func (a *answer) walkGroups(r btree.Reducer, s span, level int) error {
	if a.limit == 0 {
		return nil
	}
	err := a.tree.Groups(s.from, s.to, grouping{a, level}, func(g *btree.Group) error {
		if a.skip > 0 {
			a.skip--
			return nil
		}
		if a.limit == 0 {
			return errEnough
		}
		row := store.Row{Key: g.Key}
		if r == nil {
			a.value = strconv.AppendUint(a.value[:0], g.Rows, 10)
		} else {
			var err error
			if a.scratch, err = g.Reduce(a.scratch[:0]); err != nil {
				return err
			}
			a.value = r.(builtinReducer).Final(a.value[:0], a.scratch)
		}
		row.Value = a.value
		return a.give(row)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// grouping is a group level.
type grouping struct {
	*answer
	level int
}

// Level implements btree.Grouping.
func (g grouping) Level() int { return g.level }

// Prefix implements btree.Grouping.
func (g grouping) Prefix(sortKey []byte, more bool) int {
	if g.level == collate.WholeKey && !more {
		return len(sortKey)
	}
	return collate.Group(sortKey, g.level)
}

// AppendKey implements btree.Grouping.
func (g grouping) AppendKey(dst, sortKey, json []byte) []byte {
	return append(dst, g.groupKey(sortKey, json, g.level)...)
}

// seekGroups looks up group by group. Each costs as many steps as the tree has levels, whatever it holds.
func (a *answer) seekGroups(x *index, view int, s span, level int) error {
	for s.len() > 0 && a.limit != 0 {
		group, first, err := a.group(s, level)
		if err != nil {
			return err
		}
		if a.q.Descending {
			s.to = group.from
		} else {
			s.from = group.to
		}
		if a.skip > 0 {
			a.skip--
			continue
		}
		r, err := x.reduced(a.tree, view, group)
		if err != nil {
			return err
		}
		if r.Err == "" {
			r.Key = a.groupKey(first.Sort, first.JSON, level)
		}
		if err := a.give(r); err != nil {
			return err
		}
	}
	return nil
}

// group is the first group of a span in the direction of the query, and the first row of it.
func (a *answer) group(s span, level int) (span, btree.Entry, error) {
	at := s.from
	if a.q.Descending {
		at = s.to - 1
	}
	first, err := a.tree.At(at)
	if err != nil || level == 0 {
		return s, first, err
	}
	prefix := first.Sort[:collate.Group(first.Sort, level)]
	if a.q.Descending {
		from, err := a.tree.Rank(prefix)
		return span{max(s.from, from), s.to}, first, err
	}
	// No byte of a key or of a doc id behind the prefix is 0xFF at its place.
	to, err := a.tree.Rank(append(bytes.Clone(prefix), idEnd))
	return span{s.from, min(s.to, to)}, first, err
}

// groupKey is the key that a group is shown with.
func (a *answer) groupKey(sortKey, json []byte, level int) []byte {
	switch {
	case level == 0:
		return null
	case json == nil:
		return a.keyJSON(sortKey, level)
	case level == collate.WholeKey || json[0] != '[':
		return json
	}
	a.key = append(a.key[:0], json...)
	return cutArray(a.key, level)
}

var null = []byte("null")

// keyJSON is the JSON that is made of a sort key.
func (a *answer) keyJSON(sortKey []byte, level int) []byte {
	if json, ok := a.printer.JSON(sortKey, level); ok {
		return json
	}
	return null
}

// cutArray cuts a JSON array, in place, to no more than its first n elements.
func cutArray(array []byte, n int) []byte {
	depth, quoted := 0, false
	for i := 0; i < len(array); i++ {
		switch c := array[i]; {
		case quoted:
			if c == '\\' {
				i++
			}
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == ',' && depth == 1:
			if n--; n == 0 {
				array[i] = ']'
				return array[:i+1]
			}
		}
	}
	return array
}

// Limits of CouchDB's reduce_limit: a longer result must be at most half of what it was made of.
const reduceLimitBytes = 4096

// reduced is the row of a group, without its key.
func (x *index) reduced(t *btree.Tree, view int, group span) (store.Row, error) {
	if x.reducers[view] == nil {
		return store.Row{Value: strconv.AppendUint(nil, group.len(), 10)}, nil
	}
	all, err := t.Reduce(group.from, group.to)
	if err != nil {
		return store.Row{}, err
	}
	value := all.Value
	switch r := x.reducers[view].(type) {
	case builtinReducer:
		value = r.Final(nil, value)
	case scriptReducer:
		if x.m.reduceLimit.Load() && len(value) > reduceLimitBytes && 2*len(value) > all.Input {
			reason := "Reduce output must shrink more rapidly: input size: " + strconv.Itoa(all.Input) + " output size: " + strconv.Itoa(len(value))
			return store.Row{Err: "reduce_overflow_error", Value: store.AppendJSONString(nil, reason)}, nil
		}
		// CouchDB gives the reductions of all shards to the function once more, that of a single one, too.
		value = all.Again
	}
	return store.Row{Value: value}, nil
}
