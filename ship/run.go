package ship

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"logctl/store"
)

// runner reads inputs and fills batches, on one goroutine.
type runner struct {
	counters
	maker
	o       Options
	keeper  *keeper
	courier *courier
	senders *senders

	from     *origin // of the lines that are being read
	batch    *batch  // being filled, nil if there is no doc for one yet
	sum      Summary
	refusals refusals
}

// Run ships all inputs and returns when the server has answered for every line. The Summary is right with an error, too: that
// is of KindUnavailable where running again later will do, of KindUnauthorized or KindForbidden where the caller may not
// write, and filepath.ErrBadPattern for an input that is a bad pattern. Inputs that can't be read are no error but the Summary's
// Problems. When ctx ends, what has been read is still sent if the server is there.
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
	p, err := makePlan(o.Inputs)
	if err != nil {
		return Summary{}, err
	}
	defer p.close()
	keeper, err := newKeeper(o, rejectsDB, ctx.Done())
	if err != nil {
		return Summary{}, err
	}
	r := &runner{o: o, keeper: keeper, maker: maker{extend: o.Extend}}
	r.sum.Problems, r.sum.Notes = p.problems, p.notes
	defer r.places.close()
	r.setMachine(o.Machine)
	r.courier = &courier{client: newClient(o.Endpoint, o.App, db), wait: o.Wait, anonymous: o.Endpoint.Anonymous,
		ensure: o.EnsureApp, n: &r.counters, refusedDoc: r.refusedDoc, halt: ctx.Done()}

	stopProgress := r.startProgress(p.size())
	r.senders = startSenders(ctx, keeper.finish)
	err = r.readAll(ctx, p)
	if sendErr := r.senders.wait(); sendErr != nil {
		err = sendErr // reading has only stopped because of it
	}
	stopProgress()
	sum := r.summary(start)
	if err == nil && sum.Left > 0 {
		err = errHalted
	}
	return sum, errors.Join(interrupted(err), keeper.close())
}

// readAll reads the inputs one after the other. Its error ends the run; a damaged input does not.
func (r *runner) readAll(ctx context.Context, p *plan) error {
	for _, in := range p.inputs {
		if r.keeper.is(in.info) {
			r.sum.Problems = append(r.sum.Problems, fmt.Errorf("%s keeps the rejects of this run and can't be read by it", in.path))
			continue
		}
		err := r.readInput(ctx, in)
		var stop *stopError
		switch {
		case err == nil:
		case r.senders.gone.Err() != nil:
			return nil // the senders' error is the one to tell
		case ctx.Err() != nil:
			r.flush()
			return errHalted
		case errors.As(err, &stop):
			return stop.err
		default:
			r.sum.Problems = append(r.sum.Problems, err)
		}
	}
	r.flush()
	return nil
}

func (r *runner) readInput(ctx context.Context, in *input) error {
	src, err := r.open(ctx, in)
	if err != nil {
		return err
	}
	defer src.close()
	return r.read(ctx, in, src)
}

// stopError ends a run, unlike the error of a single input.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

// checkEvery is after how many lines a run looks whether it has been ended.
const checkEvery = 1024

// read ships the lines of one input.
func (r *runner) read(ctx context.Context, in *input, src *source) error {
	format := r.o.Format(src.reference)
	r.from = &origin{file: in.absolute(), reference: src.reference}
	if b, ok := format.(Beginner); ok {
		if err := b.Begin(in.path, src.ahead); err != nil {
			return fmt.Errorf("%s: %w", in.path, err)
		}
	}
	for i := 0; ; i++ {
		if i%checkEvery == 0 {
			if err := errors.Join(ctx.Err(), r.senders.gone.Err()); err != nil {
				return err
			}
		}
		line, tooLong, err := src.lines.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return readError(in, err)
		}
		if src.unfinished() {
			r.sum.Unfinished++
			return nil
		}
		r.lines.Add(1)
		if err := r.take(format, line, tooLong); err != nil {
			return err
		}
	}
}

// take makes a line a doc and puts it into the batch.
func (r *runner) take(format Formatter, line []byte, tooLong bool) error {
	verdict := Reject
	if !tooLong {
		r.body, verdict = format.Append(r.body[:0], line)
	}
	switch verdict {
	case Skip:
		r.skipped.Add(1)
		return nil
	case Reject:
		r.reject(format, line, tooLong)
		return nil
	}
	r.docs.Add(1)
	if err := r.complete(); err != nil {
		return &stopError{err}
	}
	if r.batch == nil {
		r.batch = r.senders.empty(true)
	}
	r.batch.add(r.id, r.body, line, r.from)
	if r.batch.full() {
		r.sendDocs()
	}
	return nil
}

// reject counts a line that becomes no doc and keeps it.
func (r *runner) reject(format Formatter, line []byte, tooLong bool) {
	r.rejected.Add(1)
	rj := reject{line: line, reason: NoFit, from: r.from}
	switch {
	case tooLong:
		r.tooLong.Add(1)
		rj.reason = TooLong
	case r.keeper.explains():
		rj.detail = format.Reason(line)
	}
	r.keeper.add(rj)
	r.sendRejects(false)
}

// refusedDoc keeps the line of a doc that the server will never take.
func (r *runner) refusedDoc(b *batch, doc int, reason string) {
	r.refusals.add(reason)
	r.keeper.add(reject{line: b.line(doc), reason: Refused, detail: reason, from: b.origins[doc]})
}

// flush hands everything at hand to a sender.
func (r *runner) flush() {
	r.sendDocs()
	r.sendRejects(true)
}

func (r *runner) sendDocs() {
	if r.batch == nil {
		return
	}
	r.senders.send(parcel{r.courier, r.batch})
	r.batch = nil
	r.sendRejects(false) // senders add to them, too
}

// sendRejects hands the rejects to a sender if there are enough for a batch, or any at all.
func (r *runner) sendRejects(any bool) {
	if !any && !r.keeper.full() {
		return
	}
	if b := r.keeper.take(); b != nil {
		r.senders.send(parcel{r.keeper, b})
	}
}
