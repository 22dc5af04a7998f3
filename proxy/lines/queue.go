package lines

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"logctl/store"
)

// Sink stores docs.
type Sink interface {
	// Store stores docs of one database, each with an ID and a Body, and returns when they are on disk; a doc that is there already
	// is stored. failed is told of each that the store will never take. After an error nothing may count as stored.
	Store(ctx context.Context, db store.DBName, docs []store.Doc, failed func(i int, reason string)) error
}

const (
	runners    = 2                     // that store batches of one database at the same time: while one waits for the disk, another is made
	linger     = 20 * time.Millisecond // for which the first doc of a batch waits for others
	batchDocs  = 2000
	batchBytes = 1 << 20
	itemCost   = 256 // bytes of memory of a message beyond its text
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// item is a message on its way to the disk.
type item struct {
	doc    store.Doc
	reject reject // what to keep where the store does not take the doc; without a line for rejects themselves
}

func (i *item) cost() int64 { return int64(i.size()+len(i.reject.line)) + itemCost }

// size is the bytes of the doc.
func (i *item) size() int { return len(i.doc.ID) + len(i.doc.Body) }

// queue holds messages until they are on disk.
type queue struct {
	sink     Sink
	prepare  func(ctx context.Context, app string) error // makes an app
	counters *Counters
	log      *slog.Logger
	max      int64 // bytes held at most

	ctx    context.Context // ends what is still under way
	cancel context.CancelFunc
	group  sync.WaitGroup

	nextWarning atomic.Int64 // when the log may get one again

	mu      sync.Mutex
	room    *sync.Cond // more of it, or closed
	held    int64
	closed  bool
	streams map[store.DBName]*stream
}

func newQueue(sink Sink, prepare func(context.Context, string) error, max int64, counters *Counters, log *slog.Logger) *queue {
	q := &queue{sink: sink, prepare: prepare, counters: counters, log: log, max: max, streams: map[store.DBName]*stream{}}
	q.room = sync.NewCond(&q.mu)
	q.ctx, q.cancel = context.WithCancel(context.Background())
	return q
}

// put takes a message for a database. Where there is no room it waits, or gives false; it gives false, too, when the queue is closed.
func (q *queue) put(db store.DBName, i item, wait bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	cost := i.cost()
	for !q.closed && q.held > 0 && q.held+cost > q.max {
		if !wait {
			return false
		}
		q.wakeAll() // there is nothing to wait for with others
		q.room.Wait()
	}
	if q.closed {
		return false
	}
	q.add(db, i, cost)
	return true
}

// add adds a message, whatever there is held, for a stream that is there or begins; q.mu is locked.
func (q *queue) add(db store.DBName, i item, cost int64) {
	s := q.streams[db]
	if s == nil || s.done {
		s = &stream{queue: q, db: db, wake: make(chan struct{}, 1)}
		q.streams[db] = s
		for range runners {
			q.group.Go(s.run)
		}
	}
	q.held += cost
	if s.open == nil {
		s.open, s.spare = s.spare[:0], nil
		s.signal()
	}
	s.open = append(s.open, i)
	if s.bytes += i.size(); len(s.open) >= batchDocs || s.bytes >= batchBytes {
		s.full = append(s.full, s.open)
		s.open, s.bytes = nil, 0
		s.signal()
	}
}

// release gives up what a batch has held.
func (s *stream) release(batch []item) {
	var cost int64
	for i := range batch {
		cost += batch[i].cost()
	}
	clear(batch)
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	s.spare = batch
	q.held -= cost
	q.room.Broadcast()
}

// refuse lets nobody wait for room any more, and takes no new messages.
func (q *queue) refuse() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.room.Broadcast()
	q.wakeAll()
}

// wakeAll has all streams take what there is; q.mu is locked.
func (q *queue) wakeAll() {
	for _, s := range q.streams {
		s.signal()
	}
}

// close refuses new messages, and returns when the others are on disk or wait is over.
func (q *queue) close(wait time.Duration) {
	q.refuse()
	defer time.AfterFunc(wait, q.cancel).Stop()
	q.group.Wait()
	q.cancel()
}

// stream is the messages of one database. It is guarded by queue.mu.
type stream struct {
	queue *queue
	db    store.DBName
	wake  chan struct{} // there is a first message, a whole batch, or an end
	full  [][]item
	open  []item // the batch that is being filled; nil: none is
	bytes int    // of the docs in it
	spare []item // memory of a batch that is stored, or nil
	done  bool   // run has ended, or will without another look
}

// signal wakes run, which may be awake.
func (s *stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run stores batch after batch until the queue is closed and nothing is left.
func (s *stream) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		<-s.wake
		for {
			timer.Reset(linger)
			if !s.ready() {
				select {
				case <-s.wake:
				case <-timer.C:
				}
			}
			batch, closed := s.take()
			if len(batch) == 0 && closed {
				s.signal() // for the other
				return
			}
			if len(batch) == 0 {
				break
			}
			s.deliver(batch)
			s.release(batch)
		}
	}
}

// ready tells whether there is nothing to wait for.
func (s *stream) ready() bool {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.closed || len(s.full) > 0 || s.open == nil
}

// take gives the messages of a batch.
func (s *stream) take() (batch []item, closed bool) {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	if len(s.full) > 0 {
		batch, s.full = s.full[0], s.full[1:]
	} else {
		batch, s.open, s.bytes = s.open, nil, 0
	}
	if len(s.full) > 0 || s.open != nil {
		s.signal()
	}
	s.done = s.queue.closed && len(batch) == 0
	return batch, s.queue.closed
}

// deliver asks until the batch is stored, or never will be.
func (s *stream) deliver(batch []item) {
	q := s.queue
	made := false
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := s.store(batch)
		switch {
		case err == nil:
			return
		case q.ctx.Err() != nil:
			q.counters.Lost.Add(int64(len(batch)))
			return
		case isClosed(err) && made:
			q.noApp(s.db, len(batch), err)
			return
		case isClosed(err):
			if err = s.makeApp(); err == nil {
				made = true
				continue
			}
			if !passing(err) {
				q.noApp(s.db, len(batch), err)
				return
			}
		case store.IsKind(err, store.KindBadRequest), store.IsKind(err, store.KindTooLarge), store.IsKind(err, store.KindDocTooLarge),
			store.IsKind(err, store.KindDocValidation):
			if len(batch) == 1 {
				s.refuse(&batch[0], err.Error())
				return
			}
			half := len(batch) / 2
			s.deliver(batch[:half])
			s.deliver(batch[half:])
			return
		}
		q.warn("inputs: store does not take messages, asking again", "db", s.db, "err", err)
		timer := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-timer.C:
		case <-q.ctx.Done():
		}
		timer.Stop()
	}
}

// isClosed tells errors of an app that is not there, or not open to the writer.
func isClosed(err error) bool {
	return store.IsKind(err, store.KindNotFound) || store.IsKind(err, store.KindForbidden) || store.IsKind(err, store.KindUnauthorized)
}

// noApp counts messages for which there is no place.
func (q *queue) noApp(db store.DBName, n int, err error) {
	q.counters.NoApp.Add(int64(n))
	app := appOf(db)
	q.warn("inputs: no app for messages; run: logctl app create "+app, "messages", n, "err", err)
}

// warn logs a trouble, and none for a minute after that.
func (q *queue) warn(msg string, args ...any) {
	now := time.Now().UnixNano()
	next := q.nextWarning.Load()
	if now >= next && q.nextWarning.CompareAndSwap(next, now+int64(time.Minute)) {
		q.log.Warn(msg, args...)
	}
}

// passing tells errors that may be gone a moment later.
func passing(err error) bool {
	switch store.KindOf(err) {
	case store.KindUnavailable, store.KindTimeout, store.KindNoSpace, store.KindTooManyRequests, store.KindInternal:
		return true
	}
	return false
}

// store sends a batch once.
func (s *stream) store(batch []item) error {
	docs := make([]store.Doc, len(batch))
	for i := range batch {
		docs[i] = batch[i].doc
	}
	type failure struct {
		i      int
		reason string
	}
	var failed []failure
	err := s.queue.sink.Store(s.queue.ctx, s.db, docs, func(i int, reason string) {
		failed = append(failed, failure{i, reason})
	})
	if err != nil {
		return err
	}
	s.queue.counters.Stored.Add(int64(len(batch) - len(failed)))
	for _, f := range failed {
		s.refuse(&batch[f.i], f.reason)
	}
	return nil
}

// refuse keeps a message whose doc the store will never take.
func (s *stream) refuse(i *item, reason string) {
	q := s.queue
	app, _ := s.db.App()
	db, err := store.RejectsDB(app)
	if i.reject.line == nil || err != nil {
		q.counters.Lost.Add(1) // a reject itself: there is nowhere else for it to go
		return
	}
	q.counters.Rejected.Add(1)
	i.reject.reason, i.reject.detail = refused, reason
	kept := item{doc: i.reject.doc()}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(db, kept, kept.cost())
}

// makeApp makes the app of the stream's database.
func (s *stream) makeApp() error { return s.queue.prepare(s.queue.ctx, appOf(s.db)) }

// appOf is the app whose docs or rejects a database holds.
func appOf(db store.DBName) string {
	if app, ok := db.RejectsOf(); ok {
		return app
	}
	app, _ := db.App()
	return app
}
