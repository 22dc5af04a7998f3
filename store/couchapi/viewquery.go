package couchapi

import (
	"strconv"

	"logctl/store"
	"logctl/store/engine"
	"logctl/store/viewopts"
)

// limitQuery heeds the settings that say how many rows an answer may have.
func (x *exchange) limitQuery(q *store.ViewQuery) error {
	name := "query_limit"
	if q.Partition != "" {
		name = "partition_query_limit"
	}
	most := x.h.settings.number("query_server_config", name, viewopts.MaxLimit)
	if q.Limit > most {
		return errQuery("Limit is too large, must not exceed " + strconv.Itoa(most))
	}
	if q.Limit < 0 && most < viewopts.MaxLimit {
		q.Limit = most
	}
	return nil
}

// idRange is the range of ids that the keys of q say. What is no string is before all ids, also what sorts behind strings as a
// key of a view.
func idRange(q *store.ViewQuery) engine.IDRange {
	r := engine.IDRange{Descending: q.Descending, ExclusiveEnd: q.ExclusiveEnd}
	r.Start, r.HasStart = q.StartDocID, q.StartDocID != ""
	r.End, r.HasEnd = q.EndDocID, q.EndDocID != ""
	if q.StartKey != nil {
		r.Start, _ = text(q.StartKey)
		r.HasStart = true
	}
	if q.EndKey != nil {
		r.End, _ = text(q.EndKey)
		r.HasEnd = true
	}
	return r
}

// inRange tells whether an id is in r.
func inRange(r engine.IDRange, id string) bool {
	after := func(a, b string) bool {
		if r.Descending {
			return a < b
		}
		return a > b
	}
	if r.HasStart && after(r.Start, id) {
		return false
	}
	return !r.HasEnd || !after(id, r.End) && !(r.ExclusiveEnd && id == r.End)
}
