package ship

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"logctl/ship/spool"
	"logctl/store"
)

// queue is what stands between reading and the server where lines can't be read again: a spool of this run, and those that
// other runs have left. Without lines of that kind it delivers what was left, and takes nothing.
type queue struct {
	own     *spool.Spool // nil: this run's lines go to the server directly
	spools  []*spool.Spool
	docs    atomic.Int64 // of this run, in own
	reading atomic.Bool  // there may be more to come

	told sync.Once
	note func(string)
}

// maxSlots is how many runs of one app may have a spool at the same time.
const maxSlots = 16

// openQueue opens the spools below dir: a run takes the first that no other run has, for itself if it needs one, and all others that
// have something in them. A run that gets none goes on without.
func openQueue(dir string, need bool, o spool.Options, note func(string)) (*queue, error) {
	q := &queue{note: note}
	if dir == "" {
		return q, nil
	}
	var newer error
	for slot := range maxSlots {
		path := filepath.Join(dir, strconv.Itoa(slot))
		st, err := spool.Look(path)
		if errors.Is(err, fs.ErrNotExist) && (!need || q.own != nil) {
			break
		}
		if err == nil && st.Records == 0 && (!need || q.own != nil) {
			continue
		}
		s, err := spool.Open(path, o)
		switch {
		case store.IsKind(err, store.KindLocked):
		case store.IsKind(err, store.KindNewerFormat):
			newer = err
		case err != nil:
			note(fmt.Sprintf("%v: lines that the server does not take at once wait in memory", err))
			return q, nil
		default:
			q.spools = append(q.spools, s)
			if need && q.own == nil {
				q.own = s
			}
		}
	}
	return q, newer
}

func (q *queue) close() {
	for _, s := range q.spools {
		s.Close()
	}
}

// waiting is what is in the spools.
func (q *queue) waiting() Waiting {
	var w Waiting
	for _, s := range q.spools {
		st := s.Status()
		w.Docs += st.Docs
		w.Bytes += st.Bytes
		if !st.Oldest.IsZero() && (w.Oldest.IsZero() || st.Oldest.Before(w.Oldest)) {
			w.Oldest = st.Oldest
		}
	}
	return w
}

// queued carries batches into a spool, or, when that takes nothing, directly to the server: then reading waits.
type queued struct {
	q      *queue
	kind   byte
	direct carrier
}

func (c queued) carry(ctx context.Context, b *batch) error {
	err := c.q.own.Append(len(b.ends), pack(nil, c.kind, b))
	if err == nil {
		if c.kind == packDocs {
			c.q.docs.Add(int64(len(b.ends)))
		}
		return nil
	}
	c.q.told.Do(func() { c.q.note(fmt.Sprintf("%v: reading waits for the server", err)) })
	return c.direct.carry(ctx, b)
}

// Waiting is what spools hold.
type Waiting struct {
	Docs   int64
	Bytes  int64     // on disk
	Oldest time.Time // when the first came; zero if there is none
}

// Spools tells what the spools below dir hold, whoever uses them.
func Spools(dir string) (Waiting, error) {
	var w Waiting
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	for _, e := range entries {
		st, lookErr := spool.Look(filepath.Join(dir, e.Name()))
		if err = cmp.Or(err, lookErr); lookErr != nil {
			continue
		}
		w.Docs += st.Docs
		w.Bytes += st.Bytes
		if !st.Oldest.IsZero() && (w.Oldest.IsZero() || st.Oldest.Before(w.Oldest)) {
			w.Oldest = st.Oldest
		}
	}
	return w, err
}
