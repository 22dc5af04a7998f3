package ship

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"logctl/ship/source"
	"logctl/ship/spool"
	"logctl/ship/state"
	"logctl/ship/tail"
	"logctl/store"
)

// runner is one Run. It is the Sink of all sources.
type runner struct {
	counters
	o       Options
	state   *state.State
	keeper  *keeper
	courier *courier
	senders *senders
	ledger  *ledger
	linger  *linger
	queue   *queue

	abandoned atomic.Bool

	carrier, rejectCarrier carrier // of batches of docs and of rejects

	accounts *accounts // nil: nothing is to be removed

	mu sync.Mutex // of what follows: what is read is put together by one at a time
	maker
	from   *origin       // of the lines at hand
	now    source.Origin // that from and format are of
	format Formatter
	batch  *batch // being filled, nil if there is no doc for one yet
	epoch  *epoch // being filled, nil if there is nothing for one yet

	sum      Summary
	sumMu    sync.Mutex // of what sources tell: Problems and Notes
	refusals refusals
}

// Run ships all inputs and returns when the server has answered for every line, or with Options.Follow when ctx ends. The Summary is
// right with an error, too: that is of KindUnavailable where running again later will do, of KindUnauthorized or KindForbidden
// where the caller may not write, of KindLocked where another run has the state, and filepath.ErrBadPattern for an input that is a
// bad pattern. Inputs that can't be read are no error but the Summary's Problems. When ctx ends, what has been read is still sent
// if the server is there.
func Run(ctx context.Context, o Options) (Summary, error) {
	start := time.Now()
	db, err := store.AppDB(o.App)
	if err != nil {
		return Summary{}, err
	}
	rejectsDB, err := store.RejectsDB(o.App)
	if err != nil {
		return Summary{}, err
	}
	r := &runner{o: o}
	in, err := r.inputs()
	if err != nil {
		return Summary{}, err
	}
	defer in.close()
	if err := r.openState(in); err != nil {
		return Summary{}, err
	}
	ensure := r.ensure()
	if r.keeper, err = newKeeper(o, rejectsDB, r.state, ensure, ctx.Done()); err != nil {
		return Summary{}, errors.Join(err, r.state.Close())
	}
	r.maker = maker{extend: o.Extend, count: r.count}
	r.setMachine(o.Machine)
	r.courier = &courier{client: newClient(o.Endpoint, o.App, db), wait: o.patience(), anonymous: o.Endpoint.Anonymous,
		ensure: ensure, n: &r.counters, refusedDoc: r.refusedDoc, halt: ctx.Done()}
	r.ledger = &ledger{commit: r.commit, abandon: r.abandon}
	if err := r.prepareRemovals(in); err != nil {
		return Summary{}, errors.Join(err, r.keeper.close(), r.state.Close())
	}
	if err := r.openQueue(in.fleeting()); err != nil {
		return Summary{}, errors.Join(err, r.keeper.close(), r.state.Close())
	}
	defer r.queue.close()

	stopProgress := r.startProgress(in.files.Size)
	err = r.deliver(ctx, in)
	stopProgress()
	if err == nil && r.ledger.settled() {
		err = r.remove(in.files)
	}
	r.sum.Unfinished = in.files.Unfinished()
	sum := r.summary(start)
	if err == nil && (sum.Left > 0 || !r.ledger.settled()) {
		err = errHalted
	}
	return sum, errors.Join(interrupted(err), r.keeper.close(), r.state.Close())
}

// deliver reads everything and sends it.
func (r *runner) deliver(ctx context.Context, in *inputs) error {
	r.senders = startSenders(ctx)
	r.senders.done = r.ledger.done
	drain := startDrain(ctx, r)
	r.linger = startLinger(r.flushOld)
	r.queue.reading.Store(true)
	err := r.readAll(ctx, in)
	r.queue.reading.Store(false)
	r.linger.stop()
	r.flush()
	if sendErr := r.senders.wait(); sendErr != nil {
		err = sendErr // reading has only stopped because of it
	}
	return cmp.Or(err, drain.wait())
}

// openQueue opens the spools, and puts one in between reading and the server if this run needs it.
func (r *runner) openQueue(need bool) (err error) {
	o := r.o.Spool
	r.queue, err = openQueue(o.Dir, need && !o.Never, spool.Options{MaxBytes: o.MaxBytes, MaxAge: o.MaxAge, DropOldest: o.DropOldest}, r.note)
	if err != nil {
		r.queue.close()
		return err
	}
	r.carrier, r.rejectCarrier = r.courier, r.keeper
	if r.queue.own != nil {
		r.courier.reading, r.keeper.courier.reading = &r.queue.reading, &r.queue.reading
		r.carrier = queued{r.queue, packDocs, r.courier}
		r.rejectCarrier = queued{r.queue, packRejects, r.keeper}
	}
	return nil
}

// ensure makes the app's database; nil: the caller can't.
func (r *runner) ensure() func(context.Context) error {
	if r.o.EnsureApp == nil {
		return nil
	}
	return func(ctx context.Context) error {
		about, err := r.o.EnsureApp(ctx)
		if err == nil {
			r.state.SetAbout(about)
		}
		return err
	}
}

// openState opens what is remembered of earlier runs. Streams can't be read again from a position, and whoever sends one again
// wants its lines to be there already: with one among the inputs nothing is remembered.
func (r *runner) openState(in *inputs) error {
	r.state = state.Memory()
	if r.o.State == "" || len(in.streams) > 0 {
		return nil
	}
	s, fresh, err := state.Open(r.o.State, state.Options{About: r.o.StateAbout, Anew: r.o.StateAnew})
	if err != nil {
		return err
	}
	if fresh != "" {
		what := "all files are read from their beginning"
		if len(r.o.Sources) > 0 {
			what = "all there is is read anew"
		}
		r.note(fmt.Sprintf("%s: %s", what, fresh))
	}
	r.state = s
	if ServerOf(s) == r.o.Server {
		return nil
	}
	return s.Commit([]source.Mark{{Key: serverKey, Value: []byte(r.o.Server)}}, 0)
}

const serverKey = "server"

// ServerOf is the Server of those that a state is kept for; "" if it has no name.
func ServerOf(kept source.Positions) string { return string(kept.Position(serverKey)) }

// readAll lets the sources run: one after the other, or all at once where none may ever end. Its error ends the run.
func (r *runner) readAll(ctx context.Context, in *inputs) error {
	var errs []error
	if !r.o.Follow {
		for _, s := range in.list {
			if err := s.Run(ctx, r.state, r); err != nil {
				errs = append(errs, err)
				break
			}
		}
	} else {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		each := make(chan error)
		for _, s := range in.list {
			go func() { each <- s.Run(ctx, r.state, r) }()
		}
		for range in.list {
			if err := <-each; err != nil && ctx.Err() == nil {
				errs = append(errs, err)
				cancel()
			}
		}
	}
	err := errors.Join(errs...)
	switch {
	case r.senders.gone.Err() != nil:
		return nil // the senders' error is the one to tell
	case ctx.Err() != nil && r.o.Follow:
		return nil // this is how it ends
	case ctx.Err() != nil:
		return errHalted
	}
	var stop *stopError
	if errors.As(err, &stop) {
		return stop.err
	}
	return err
}

// stopError ends a run, unlike the error of a single input.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

func (e *stopError) Unwrap() error { return e.err }

// Take takes lines from a source.
func (r *runner) Take(ctx context.Context, c source.Chunk) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := cmp.Or(ctx.Err(), r.senders.gone.Err()); err != nil {
		return err
	}
	if len(c.Lines) > 0 {
		if err := r.begin(c); err != nil {
			return err
		}
	}
	if r.epoch == nil {
		r.epoch = r.ledger.begin()
		r.linger.begin()
	}
	r.bytes.Add(c.Bytes)
	r.lines.Add(int64(len(c.Lines)))
	if r.accounts != nil && len(c.Lines) > 0 {
		r.accounts.begin(c)
		r.from = &origin{file: r.from.file, reference: r.from.reference, number: r.accounts.number}
	}
	for _, line := range c.Lines {
		if err := r.take(line.Text, line.TooLong); err != nil {
			return err
		}
	}
	if r.accounts != nil && len(c.Lines) > 0 {
		r.epoch.account(r.accounts.number, r.accounts.end())
	}
	r.epoch.mark(c.Marks)
	if r.senders.gone.Err() != nil {
		return r.senders.gone.Err()
	}
	if r.epoch.batches >= epochBatches {
		r.closeEpoch()
	}
	return nil
}

// epochBatches is how many batches make an epoch at most, but for the rest of a chunk. Fewer mean less to read again after a crash, and
// more small batches and records.
const epochBatches = 16

// begin makes ready for the lines of a chunk.
func (r *runner) begin(c source.Chunk) error {
	same := r.from != nil && r.now.Name == c.From.Name && r.now.File == c.From.File
	if same && r.from.reference.Equal(c.Written) {
		return nil
	}
	r.now = *c.From
	r.from = &origin{file: c.From.File, reference: c.Written}
	r.format = r.o.Format(c.Written)
	b, ok := r.format.(Beginner)
	switch {
	case !ok:
	case c.From.Again != nil:
		c.From.Again()
	default:
		again, err := b.Begin(c.From.Name, ahead(c))
		if err != nil {
			r.now = source.Origin{}
			return &originError{fmt.Errorf("%s: %w", c.From.Name, err)}
		}
		c.From.Again = again
	}
	return nil
}

// originError is source.ErrOrigin with the reason.
type originError struct{ err error }

func (e *originError) Error() string { return e.err.Error() }

func (e *originError) Unwrap() error { return e.err }

func (e *originError) Is(target error) bool { return target == source.ErrOrigin }

// ahead is how a Formatter sees the beginning of what a chunk is of.
func ahead(c source.Chunk) func(int) []byte {
	if c.From.Ahead != nil {
		return c.From.Ahead
	}
	return func(n int) []byte {
		var b []byte
		for _, line := range c.Lines {
			if len(b) >= n {
				break
			}
			b = append(append(b, line.Text...), '\n')
		}
		return b[:min(n, len(b))]
	}
}

// count counts a doc for the epoch at hand.
func (r *runner) count(f state.Fingerprint) (uint32, error) {
	n, err := r.state.Next(f)
	if err == nil {
		r.epoch.counted++
	}
	return n, err
}

// take makes a line a doc and puts it into the batch.
func (r *runner) take(line []byte, tooLong bool) error {
	verdict := Reject
	if r.accounts != nil {
		r.accounts.line(line, tooLong)
	}
	if !tooLong {
		r.body, verdict = r.format.Append(r.body[:0], line)
	}
	switch verdict {
	case Skip:
		r.skipped.Add(1)
		if r.accounts != nil {
			r.accounts.now.Skipped++
		}
		return nil
	case Reject:
		return r.reject(line, tooLong)
	}
	r.docs.Add(1)
	if err := r.complete(); err != nil {
		return &stopError{err}
	}
	if r.accounts != nil {
		r.accounts.now.Docs++
		r.accounts.now.IDs.add(r.id)
		r.epoch.sent.add(r.id)
	}
	if r.batch == nil {
		r.batch = r.senders.empty(true)
		r.batch.epoch = r.epoch
	}
	r.batch.add(r.id, r.body, line, r.from)
	if r.batch.full() {
		r.sendDocs()
	}
	return nil
}

// reject counts a line that becomes no doc and keeps it.
func (r *runner) reject(line []byte, tooLong bool) error {
	r.rejected.Add(1)
	if r.accounts != nil {
		r.accounts.now.Rejected++
	}
	rj := reject{line: line, reason: NoFit, from: r.from}
	switch {
	case tooLong:
		r.tooLong.Add(1)
		rj.reason = TooLong
	case r.keeper.explains():
		rj.detail = r.format.Reason(line)
	}
	if err := r.keeper.add(rj, r.count); err != nil {
		return &stopError{err}
	}
	r.sendRejects(false)
	return nil
}

// refusedDoc notes the line of a doc that the server will never take.
func (r *runner) refusedDoc(b *batch, doc int, reason string) {
	r.refusals.add(reason)
	line := refusal{line: append([]byte(nil), b.line(doc)...), reason: reason, from: b.origins[doc], id: append([]byte(nil), b.id(doc)...)}
	if b.epoch == nil {
		line.count = placeOf(b.id(doc))
		b.refused = append(b.refused, line)
		return
	}
	r.ledger.refuse(b.epoch, line)
}

// abandon remembers nothing from here on.
func (r *runner) abandon() {
	r.abandoned.Store(true)
	r.state.Abandon()
}

// commit keeps the rejects that came late and then the positions of an epoch.
func (r *runner) commit(ctx context.Context, e *epoch) error {
	if err := r.keeper.keepRefused(ctx, e.refused); err != nil {
		return err
	}
	if err := r.keeper.sync(); err != nil {
		return err
	}
	if r.accounts != nil {
		marks, err := r.accounts.commit(e, r.keeper.unkept())
		if err != nil {
			return err
		}
		e.marks = append(e.marks, marks...)
	}
	for _, m := range e.marks {
		if number, ok := tail.NumberOf(m); ok && m.Value == nil {
			e.marks = append(e.marks, source.Mark{Key: accountKey + number})
		}
	}
	if err := r.state.Commit(e.marks, e.counted); err != nil {
		return err
	}
	for _, s := range r.o.Sources {
		if r.abandoned.Load() {
			break
		}
		if k, ok := s.(source.Kept); ok && len(e.marks) > 0 {
			k.Kept(e.marks)
		}
	}
	return nil
}

// flush hands everything at hand to senders.
func (r *runner) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closeEpoch()
}

// flushOld is flush of what is at hand for long enough. It tells whether there is still anything.
func (r *runner) flushOld() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.epoch != nil && r.linger.over() {
		r.closeEpoch()
	}
	return r.epoch != nil
}

// closeEpoch hands everything at hand to senders. What is missing in it because of an error ends with the run.
func (r *runner) closeEpoch() {
	if r.epoch == nil {
		return
	}
	r.sendDocs()
	r.sendRejects(true)
	if err := r.ledger.close(r.senders.gone, r.epoch); err != nil {
		r.senders.giveUp(err)
	}
	r.epoch = nil
}

func (r *runner) sendDocs() {
	if r.batch == nil {
		return
	}
	r.send(parcel{by: r.carrier, batch: r.batch})
	r.batch = nil
	r.epoch.batches++
}

// sendRejects hands the rejects to a sender if there are enough for a batch, or any at all.
func (r *runner) sendRejects(any bool) {
	if !any && !r.keeper.full() {
		return
	}
	if b := r.keeper.take(); b != nil {
		b.epoch = r.epoch
		r.send(parcel{by: r.rejectCarrier, batch: b})
	}
}

func (r *runner) send(p parcel) {
	r.ledger.sent(r.epoch)
	r.senders.send(p)
	r.linger.sent()
}
