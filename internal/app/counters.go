package app

import (
	"context"
	"encoding/json"
	"net/http"

	"logctl/proxy"
	"logctl/proxy/lines"
)

// countersPath is where a serve tells commands on its machine what it has counted since it was started.
const countersPath = "/_logctl/counters"

// Counter is what a serve has counted under one name. Trouble marks what should be 0.
type Counter struct {
	Name    string `json:"name"`
	Count   int64  `json:"count"`
	Trouble bool   `json:"trouble"`
}

// Counters are those of a serve: of its door, without those that are 0, and of its inputs.
type Counters struct {
	Door   []Counter `json:"door"`
	Inputs []Counter `json:"inputs"`
}

// countersOf are those of a door and of inputs, either of which may be nil.
func countersOf(door *proxy.Door, in *lines.Server) (c Counters) {
	if door != nil {
		door.Counters().Each(func(name, reason string, n int64, trouble bool) {
			if reason != "" {
				name += "_" + reason
			}
			c.Door = append(c.Door, Counter{name, n, trouble})
		})
	}
	if in != nil {
		in.Counters().Each(func(name string, n int64, trouble bool) { c.Inputs = append(c.Inputs, Counter{name, n, trouble}) })
	}
	return c
}

// tellCounters answers at countersPath. It is for the socket alone, which nobody but the owner can use.
func tellCounters(next http.Handler, door *proxy.Door, in *lines.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != countersPath {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(countersOf(door, in)) // an error here is the client's going
	})
}

// Counters are those of the serve on this machine that the connection leads to; none if it leads elsewhere.
func (c *Conn) Counters(ctx context.Context) (all Counters) {
	if !c.local {
		return all
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.BaseURL+countersPath, nil)
	if err != nil {
		return all
	}
	res, err := c.Transport.RoundTrip(r)
	if err != nil {
		return all
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || json.NewDecoder(res.Body).Decode(&all) != nil {
		return Counters{}
	}
	return all
}
