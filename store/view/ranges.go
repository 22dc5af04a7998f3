package view

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"logctl/store"
	"logctl/store/view/btree"
	"logctl/store/view/collate"
)

// keyRange is a part of a tree: rows with lo <= key < hi; a nil hi is the end.
type keyRange struct{ lo, hi []byte }

// span is a part of a tree by positions.
type span struct{ from, to uint64 }

func (s span) len() uint64 { return s.to - s.from }

func (r keyRange) find(t *btree.Tree) (span, error) {
	from, err := t.Rank(r.lo)
	if err != nil {
		return span{}, err
	}
	to := t.Root.Rows
	if r.hi != nil {
		if to, err = t.Rank(r.hi); err != nil {
			return span{}, err
		}
	}
	return span{from, max(from, to)}, nil
}

// parseRanges are the parts of a tree that a query asks for, in the order of its answer.
func parseRanges(q *store.ViewQuery, reduced bool, order collate.Order) ([]keyRange, error) {
	scope := scopeOf(q.Partition)
	if q.Keys != nil {
		lowID, highID, behindLow, behindHigh := q.StartDocID, q.EndDocID, false, !q.ExclusiveEnd
		if q.Descending {
			lowID, highID, behindLow, behindHigh = highID, lowID, q.ExclusiveEnd, true
		}
		ranges := make([]keyRange, len(q.Keys))
		for i, k := range q.Keys {
			lo, err := bound(order, scope, k, lowID, behindLow)
			if err != nil {
				return nil, err
			}
			hi, err := bound(order, scope, k, highID, behindHigh)
			if err != nil {
				return nil, err
			}
			if bytes.Compare(lo, hi) > 0 {
				hi = lo
			}
			ranges[i] = keyRange{lo, hi}
		}
		if q.Descending && !reduced { // CouchDB keeps the order of the keys of reductions
			slices.Reverse(ranges)
		}
		return ranges, nil
	}
	lowKey, lowID, highKey, highID := q.StartKey, q.StartDocID, q.EndKey, q.EndDocID
	behindLow, behindHigh := false, !q.ExclusiveEnd
	if q.Descending {
		lowKey, lowID, highKey, highID = q.EndKey, q.EndDocID, q.StartKey, q.StartDocID
		behindLow, behindHigh = q.ExclusiveEnd, true
	}
	r := keyRange{lo: scope}
	if scope != nil {
		r.hi = append(bytes.Clone(scope), idEnd)
	}
	var err error
	if lowKey != nil {
		if r.lo, err = bound(order, scope, lowKey, lowID, behindLow); err != nil {
			return nil, err
		}
	}
	if highKey != nil {
		if r.hi, err = bound(order, scope, highKey, highID, behindHigh); err != nil {
			return nil, err
		}
	}
	if r.hi != nil && bytes.Compare(r.lo, r.hi) > 0 {
		if !bytes.Equal(lowKey, highKey) && reversed(order, lowKey, lowID, highKey, highID) {
			return nil, store.NewError(store.KindQueryParse, "No rows can match your key range, "+
				"reverse your start_key and end_key or set descending="+strconv.FormatBool(!q.Descending))
		}
		r.hi = r.lo
	}
	return []keyRange{r}, nil
}

// scopeOf is what the keys of a partition's rows begin with; nil for none.
func scopeOf(partition string) []byte {
	if partition == "" {
		return nil
	}
	return collate.AppendScope(nil, partition)
}

// bound is the place before the rows of a key in a scope, and of a doc if id is not "", or behind them.
func bound(order collate.Order, scope []byte, key json.RawMessage, id string, behind bool) ([]byte, error) {
	if !json.Valid(key) {
		return nil, store.NewError(store.KindBadRequest, "invalid UTF-8 JSON")
	}
	b, _, err := order.Append(bytes.Clone(scope), key)
	if err != nil {
		return nil, err
	}
	if id != "" {
		b = collate.AppendBytes(b, []byte(id))
	}
	if behind {
		b = append(b, idEnd)
	}
	return b, nil
}

// reversed tells whether a range ends before it begins even if both ends belong to it.
func reversed(order collate.Order, lowKey json.RawMessage, lowID string, highKey json.RawMessage, highID string) bool {
	lo, errLo := bound(order, nil, lowKey, lowID, false)
	hi, errHi := bound(order, nil, highKey, highID, true)
	return errLo == nil && errHi == nil && bytes.Compare(lo, hi) > 0
}
