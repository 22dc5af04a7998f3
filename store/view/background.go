package view

import (
	"context"
	"slices"
	"sync"
	"time"

	"logctl/store"
)

// designer is a Database that knows its design documents. Only the indexes of those are updated in the background.
type designer interface {
	Designs(ctx context.Context) ([]*Design, error)
}

const (
	defaultDelay = 5 * time.Second // as CouchDB's ken
	maxPause     = time.Second     // between two batches of an update that nobody waits for
	maxBackoff   = 512             // rounds after which an index that fails is tried again
	maxFailures  = 1000            // indexes that are known to fail
)

// background brings indexes up to date after writes, so that the first question after many of them does not pay for all. One
// goroutine does one index at a time, on one core, with pauses as long as its work (see update.rest), as long as there is something to do.
type background struct {
	mu      sync.Mutex
	written map[indexKey]Database // since the goroutine last looked; without sig; guarded by mu
	running bool                  // guarded by mu
	failed  map[indexKey]*failure // of the goroutine
}

// failure keeps an index that can't be built from being tried all the time.
type failure struct{ wait, skip int }

// Notify tells that db was written to: after Options.Delay its indexes are brought up to date.
func (m *Manager) Notify(db Database) {
	if _, ok := db.(designer); !ok || m.o.Delay < 0 {
		return
	}
	b := &m.background
	b.mu.Lock()
	defer b.mu.Unlock()
	key := indexKey{db: db.Name(), instance: db.Instance()}
	if b.written[key] != nil {
		return
	}
	if !b.running {
		ctx, err := m.enter()
		if err != nil {
			return
		}
		b.running = true
		go m.runBackground(ctx)
	}
	b.written[key] = db
}

// runBackground is the goroutine.
func (m *Manager) runBackground(ctx context.Context) {
	defer m.leave()
	for {
		select {
		case <-time.After(m.o.Delay):
		case <-ctx.Done():
			return
		}
		for _, db := range m.background.take() {
			m.updateAll(ctx, db)
		}
		if m.background.rest() {
			return
		}
	}
}

// take is what was written to.
func (b *background) take() []Database {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []Database
	for _, db := range b.written {
		list = append(list, db)
	}
	clear(b.written)
	return list
}

// rest tells that there is nothing to do; the goroutine ends then.
func (b *background) rest() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running = len(b.written) > 0
	return !b.running
}

// updateAll brings the indexes of a database up to date, each once however many design documents share it. When all are, those that no
// design document has any more go.
func (m *Manager) updateAll(ctx context.Context, db Database) {
	designs, err := db.(designer).Designs(ctx)
	if err != nil {
		return // the database is gone, or the store is going down
	}
	var done []string
	failed := false
	for _, d := range designs {
		if d.manual || len(d.views) == 0 || !d.isJavaScript() && !d.isQuery() || slices.Contains(done, d.sig) {
			continue
		}
		done = append(done, d.sig)
		key := indexKey{db.Name(), db.Instance(), d.sig}
		f := m.background.failed[key]
		if f != nil && f.skip > 0 {
			f.skip--
			failed = true
			continue
		}
		err := m.updateCalmly(ctx, db, d)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil, err == errDropped:
			delete(m.background.failed, key)
		default:
			failed = true
			if f == nil {
				if len(m.background.failed) == maxFailures {
					clear(m.background.failed)
				}
				f = &failure{wait: 1}
				m.background.failed[key] = f
				m.o.Log.Warn("view_update_failed", "db", string(db.Name()), "design", d.id, "error", err)
			}
			f.wait = min(2*f.wait, maxBackoff)
			f.skip = f.wait
		}
	}
	if failed {
		return
	}
	if err := m.dropUnused(ctx, db); err != nil && ctx.Err() == nil && !store.IsKind(err, store.KindNotFound) {
		m.o.Log.Warn("view_cleanup_failed", "db", string(db.Name()), "error", err)
	}
}

// dropUnused drops what is left of design documents that are gone or say something else now, and of indexes of another format.
func (m *Manager) dropUnused(ctx context.Context, db Database) error {
	there, err := db.Indexes()
	if err != nil {
		return err
	}
	designs, err := db.(designer).Designs(ctx)
	if err != nil {
		return err
	}
	keep := make([]string, len(designs))
	for i, d := range designs {
		keep[i] = d.sig
	}
	if !slices.ContainsFunc(there, func(sig string) bool { return !slices.Contains(keep, sig) }) {
		return nil
	}
	return m.Cleanup(db, keep)
}

// updateCalmly is an update that nobody waits for, unless a query joins it.
func (m *Manager) updateCalmly(ctx context.Context, db Database, d *Design) error {
	x, err := m.index(db, d)
	if err != nil {
		return err
	}
	u, err := x.begin(db, db.UpdateSeq(), calm)
	if u == nil {
		return err
	}
	select {
	case <-u.done:
		return u.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rest gives way to everybody else for as long as the work before took, until somebody waits for the update.
func (u *update) rest(ctx context.Context, took time.Duration) {
	if u.isWanted() {
		return
	}
	t := time.NewTimer(min(took, maxPause))
	defer t.Stop()
	select {
	case <-t.C:
	case <-u.wanted:
	case <-ctx.Done():
	}
}

// workers is how many goroutines map docs.
func (u *update) workers(most int) int {
	if u.isWanted() {
		return most
	}
	return 1
}
