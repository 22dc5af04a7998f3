package app

import (
	"context"
	"encoding/json"
	"net/http"

	"logctl/proxy/lines"
)

// inputsPath is where a serve tells commands on its machine what its inputs have counted.
const inputsPath = "/_logctl/inputs"

// InputCounter is what a serve's inputs have counted under one name. Trouble marks what should be 0.
type InputCounter struct {
	Name    string `json:"name"`
	Count   int64  `json:"count"`
	Trouble bool   `json:"trouble"`
}

// tellInputs answers at inputsPath. It is for the socket alone, which nobody but the owner can use.
func tellInputs(next http.Handler, in *lines.Server) http.Handler {
	if in == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != inputsPath {
			next.ServeHTTP(w, r)
			return
		}
		all := []InputCounter{}
		in.Counters().Each(func(name string, n int64, trouble bool) { all = append(all, InputCounter{name, n, trouble}) })
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(all) // an error here is the client's going
	})
}

// InputCounters are those of the serve on this machine that the connection leads to; none if it leads elsewhere, or that serve has no inputs.
func (c *Conn) InputCounters(ctx context.Context) []InputCounter {
	if !c.local {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.BaseURL+inputsPath, nil)
	if err != nil {
		return nil
	}
	res, err := c.Transport.RoundTrip(r)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	var all []InputCounter
	if res.StatusCode != http.StatusOK || json.NewDecoder(res.Body).Decode(&all) != nil {
		return nil
	}
	return all
}
