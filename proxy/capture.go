package proxy

import (
	"errors"
	"net/http"

	"logctl/store"
)

// errUpstream is what a stranger is told when the store gave no answer that the door understands.
var errUpstream = store.NewError(store.KindUnavailable, "The store is not available.")

// errLong ends an answer that is longer than any that the door asks for.
var errLong = errors.New("the store's answer is too long")

// captured is a store's answer in memory. It is an http.ResponseWriter.
type captured struct {
	header http.Header
	status int
	body   []byte
	limit  int
	long   bool
}

func (c *captured) Header() http.Header { return c.header }

func (c *captured) WriteHeader(status int) {
	if c.status == 0 && status >= http.StatusOK {
		c.status = status
	}
}

func (c *captured) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if len(c.body)+len(p) > c.limit {
		c.long = true
		return 0, errLong
	}
	c.body = append(c.body, p...)
	return len(p), nil
}

// ask sends a request of the door's own to the store and keeps its answer, whose body has usual bytes mostly and limit at most.
func (d *Door) ask(r *http.Request, usual, limit int) (c *captured, err error) {
	c = &captured{header: http.Header{}, body: make([]byte, 0, usual), limit: limit}
	defer func() {
		// A reverse proxy stops with this when the answer breaks off. Who asked the door may still have one.
		switch e := recover(); e {
		case nil:
		case http.ErrAbortHandler:
			if c, err = nil, r.Context().Err(); err == nil {
				err = errUpstream
			}
		default:
			panic(e)
		}
	}()
	d.o.Upstream.ServeHTTP(c, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if c.long || c.status == 0 {
		d.warn(r.Context(), "store gave no usable answer", "status", c.status, "too_long", c.long)
		return nil, errUpstream
	}
	return c, nil
}
