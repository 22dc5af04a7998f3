package proxy

import (
	"net/http"
	"sync/atomic"

	"logctl/store"
)

// Counters count what goes through a door and what doesn't, since it was made.
type Counters struct {
	Docs   atomic.Int64 // strangers' docs that are in the store, whether they were there before or not
	Failed atomic.Int64 // strangers' docs that the store refused one by one
	Writes atomic.Int64 // strangers' requests that wrote
	Passed atomic.Int64 // signed-in callers' requests that were handed on

	slow       atomic.Int64
	turnedAway atomic.Int64      // connections over a limit
	refused    [256]atomic.Int64 // by store.Kind
}

// Each calls fn with each counter that is not zero: its name and, for requests that the door refused, CouchDB's word for the
// reason. trouble marks what should not be: what the store or the door could not do, and who was over a limit.
func (c *Counters) Each(fn func(name, reason string, n int64, trouble bool)) {
	call := func(name, reason string, n int64, trouble bool) {
		if n > 0 {
			fn(name, reason, n, trouble)
		}
	}
	call("docs", "", c.Docs.Load(), false)
	call("docs_failed", "", c.Failed.Load(), true)
	call("writes", "", c.Writes.Load(), false)
	call("passed", "", c.Passed.Load(), false)
	call("connections_turned_away", "", c.turnedAway.Load(), true)
	call("refused", wordSlow, c.slow.Load(), true)
	for kind := range c.refused {
		if n := c.refused[kind].Load(); n > 0 {
			k := store.Kind(kind)
			fn("refused", k.Word(), n, k == store.KindTooManyRequests || k.Status() >= http.StatusInternalServerError)
		}
	}
}
