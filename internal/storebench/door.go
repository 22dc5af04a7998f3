package storebench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"logctl/internal/config"
)

// DoorOptions say how much is measured; Program is the one without a default.
type DoorOptions struct {
	Program     string // a logctl
	Docs        int    // in bulks, to each side; 0: 200,000
	Posts       int    // of one doc, to each side; 0: 4,000
	Connections int    // that wait; 0: 10,000
	Progress    func(string)
}

// side is a server that is written to, with the door or without.
type side struct {
	server      *Server
	target      target
	path        string // of bulks
	open, close string // what stands around their docs
	cpu         time.Duration
	posts       []time.Duration
}

const doorDB = "/log_bench_door"

// Door measures what the door costs: bulks and single docs through it, as a stranger, beside the same to a store without it, as the
// admin, by turns; and the memory of a server with many connections that wait. Only Linux tells what a server uses.
func Door(ctx context.Context, o DoorOptions) (_ []Measure, err error) {
	o = o.orDefault()
	var sides [2]*side
	for i, flags := range [][]string{nil, {"--door", "off"}} {
		s, err := newSide(ctx, o.Program, flags...)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.server.Close()) }()
		sides[i] = s
	}
	through, bare := sides[0], sides[1]
	through.path, through.open, through.close, through.target.auth = doorDB, "[", "]", ""
	docs := newDocSource(o.Docs + o.Posts)
	o.Progress("bulks, with and without the door")
	if err := o.bulks(ctx, sides[:], docs); err != nil {
		return nil, err
	}
	o.Progress("single docs, with and without the door")
	if err := o.posts(ctx, sides[:], docs); err != nil {
		return nil, err
	}
	b := &bench{}
	perDoc := func(s *side) float64 { return s.cpu.Seconds() * 1e6 / float64(o.Docs) }
	b.add("processor time a doc of bulks, through the door", perDoc(through), "µs")
	b.add("processor time a doc of bulks, without it", perDoc(bare), "µs")
	b.add("processor time a doc of bulks, what the door adds", 100*(perDoc(through)/perDoc(bare)-1), "%")
	for _, s := range sides {
		slices.Sort(s.posts)
	}
	p50 := func(s *side) float64 { return s.posts[len(s.posts)/2].Seconds() * 1e3 }
	b.add("one doc a request over one connection, p50 through the door", p50(through), "ms")
	b.add("one doc a request over one connection, p50 without it", p50(bare), "ms")
	b.add("one doc a request over one connection, through the door", float64(len(through.posts))/sum(through.posts).Seconds(), "docs/s")
	o.Progress(fmt.Sprintf("%d connections that wait", o.Connections))
	if err := o.idle(ctx, b); err != nil {
		return nil, err
	}
	return b.measures, nil
}

func (o DoorOptions) orDefault() DoorOptions {
	for _, f := range []struct {
		value *int
		def   int
	}{{&o.Docs, 200_000}, {&o.Posts, 4_000}, {&o.Connections, 10_000}} {
		if *f.value == 0 {
			*f.value = f.def
		}
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return o
}

func sum(all []time.Duration) (total time.Duration) {
	for _, d := range all {
		total += d
	}
	return total
}

// newSide starts a server and makes its database, as app create does as far as it matters here.
func newSide(ctx context.Context, program string, flags ...string) (*side, error) {
	server, err := StartServer(ctx, program, flags...)
	if err != nil {
		return nil, err
	}
	s := &side{server: server, path: doorDB + "/_bulk_docs", open: `{"docs":[`, close: "]}"}
	password, err := config.ReadSecret(server.PasswordFile())
	if err == nil {
		s.target, err = newTarget(server.URL(), "admin", password)
	}
	if err == nil {
		_, err = s.do(ctx, http.MethodPut, doorDB, nil, http.StatusCreated)
	}
	if err == nil {
		_, err = s.do(ctx, http.MethodPut, doorDB+"/_security", []byte(`{"members":{"names":["app_write"]}}`), http.StatusOK)
	}
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return s, nil
}

// do sends one request over a connection of its own.
func (s *side) do(ctx context.Context, method, path string, body []byte, want int) (time.Duration, error) {
	w, err := s.target.dial(ctx)
	if err != nil {
		return 0, err
	}
	defer w.close()
	return w.timed(s.target.request(method, path, body), want)
}

// timed sends a request and tells how long its answer took.
func (w *wire) timed(request []byte, want int) (time.Duration, error) {
	began := time.Now()
	status, body, err := w.do(request)
	if err == nil {
		err = answered(status, want, body)
	}
	return time.Since(began), err
}

// bulks sends the same docs to all sides, in rounds, and adds up what these cost.
func (o *DoorOptions) bulks(ctx context.Context, sides []*side, docs *docSource) error {
	const rounds = 10
	perRound := max(1, o.Docs/bulkDocs/rounds)
	o.Docs = perRound * rounds * bulkDocs
	for range rounds {
		var bodies [][]byte
		for range perRound {
			bodies = append(bodies, docs.appendList(nil, bulkDocs))
		}
		for _, s := range sides {
			before, err := s.server.processor()
			if err != nil {
				return err
			}
			w, err := s.target.dial(ctx)
			if err != nil {
				return err
			}
			for _, body := range bodies {
				if _, err := w.timed(s.target.request(http.MethodPost, s.path, []byte(s.open+string(body)+s.close)), http.StatusCreated); err != nil {
					w.close()
					return err
				}
			}
			w.close()
			after, err := s.server.processor()
			if err != nil {
				return err
			}
			s.cpu += after - before
		}
	}
	return nil
}

// posts sends single docs to all sides, in rounds, one connection each.
func (o *DoorOptions) posts(ctx context.Context, sides []*side, docs *docSource) error {
	const rounds = 20
	for range rounds {
		var bodies [][]byte
		for range o.Posts / rounds {
			bodies = append(bodies, docs.appendBody(nil))
		}
		for _, s := range sides {
			w, err := s.target.dial(ctx)
			if err != nil {
				return err
			}
			for _, body := range bodies {
				took, err := w.timed(s.target.request(http.MethodPost, doorDB, body), http.StatusCreated)
				if err != nil {
					w.close()
					return err
				}
				s.posts = append(s.posts, took)
			}
			w.close()
		}
	}
	return nil
}

// idle opens connections to a server of their own, asks once over each, and measures its memory while they wait.
func (o *DoorOptions) idle(ctx context.Context, b *bench) (err error) {
	server, err := StartServer(ctx, o.Program)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	t, err := newTarget(server.URL(), "", "")
	if err != nil {
		return err
	}
	before, err := server.memory()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var wires []*wire
	defer func() {
		for _, w := range wires {
			w.close()
		}
	}()
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for i := range cap(errs) {
		wg.Go(func() {
			for n := i; n < o.Connections; n += cap(errs) {
				w, err := t.dial(ctx)
				if err == nil {
					mu.Lock()
					wires = append(wires, w)
					mu.Unlock()
					_, err = w.timed(t.request(http.MethodGet, "/", nil), http.StatusOK)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	if err != nil {
		return err
	}
	now, err := server.memory()
	if err != nil {
		return err
	}
	b.add(fmt.Sprintf("memory with %d connections that wait", o.Connections), now.now, "MB")
	b.add("memory before them", before.now, "MB")
	return nil
}
