package ship

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"logctl/store"
	"logctl/store/ejson"
)

// senders is how many batches are on their way at most.
const senders = 4

const machineMember = `"machine":`

// runner reads inputs and fills batches, on one goroutine.
type runner struct {
	counters
	o       Options
	machine []byte // what ends a doc that has no machine, "" for none
	places  places
	keeper  *keeper
	courier *courier
	gone    context.Context // ended when a sender has given up, with the cause

	from     *origin // of the lines that are being read
	batch    *batch  // being filled, nil if there is no doc for one yet
	last     *batch  // the one before, which tells how large they get
	out      chan parcel
	body, id []byte
	sum      Summary
	refusals refusals
}

// parcel is a batch and who delivers it.
type parcel struct {
	by interface {
		carry(context.Context, *batch) error
	}
	*batch
}

// Run ships all inputs and returns when the server has answered for every line. The Summary is right with an error, too: that
// is of KindUnavailable where running again later will do, of KindUnauthorized or KindForbidden where the caller may not
// write, and filepath.ErrBadPattern for an input that is a bad pattern. Inputs that can't be read are no error but the Summary's Problems. When ctx ends, what has been read is still sent if the
// server is there.
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
	r := &runner{o: o, keeper: keeper, out: make(chan parcel)}
	r.sum.Problems, r.sum.Notes = p.problems, p.notes
	defer r.places.close()
	if o.Machine != "" {
		r.machine = append(store.AppendJSONString([]byte(machineMember), o.Machine), '}')
	}
	r.courier = &courier{client: newClient(o.Endpoint, o.App, db), wait: o.Wait, anonymous: o.Endpoint.Anonymous,
		ensure: o.EnsureApp, n: &r.counters, refusedDoc: r.refusedDoc, halt: ctx.Done()}

	stopProgress := r.startProgress(p.size())
	wait := r.startSenders(ctx)
	err = r.readAll(ctx, p)
	if sendErr := wait(); sendErr != nil {
		err = sendErr // reading has only stopped because of it
	}
	stopProgress()
	sum := r.summary(start)
	if err == nil && sum.Left > 0 {
		err = errHalted
	}
	if errors.Is(err, errHalted) {
		err = &store.Error{Kind: store.KindInternal, Reason: "interrupted", Hint: "run the same command again: it goes on where this one stopped"}
	}
	return sum, errors.Join(err, keeper.close())
}

// graceTime is how long requests on their way may take after ctx has ended.
const graceTime = 10 * time.Second

// startSenders starts what takes batches from r.out. wait ends that, and gives the first sender's error.
func (r *runner) startSenders(ctx context.Context) (wait func() error) {
	sending, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	r.gone = sending
	var senderGroup, graceGroup sync.WaitGroup
	for range senders {
		senderGroup.Go(func() {
			for p := range r.out {
				if sending.Err() != nil {
					continue
				}
				err := p.by.carry(sending, p.batch)
				if err != nil && !errors.Is(err, errHalted) {
					giveUp(err)
				}
			}
		})
	}
	graceGroup.Go(func() {
		select {
		case <-ctx.Done():
		case <-sending.Done():
			return
		}
		timer := time.NewTimer(graceTime)
		defer timer.Stop()
		select {
		case <-timer.C:
			giveUp(errHalted)
		case <-sending.Done():
		}
	})
	return func() error {
		close(r.out)
		senderGroup.Wait()
		if sending.Err() == nil {
			giveUp(r.keeper.finish(sending))
		}
		giveUp(nil)
		graceGroup.Wait()
		if err := context.Cause(sending); err != context.Canceled {
			return err
		}
		return nil
	}
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
		case r.gone.Err() != nil:
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
	for i := 0; ; i++ {
		if i%checkEvery == 0 {
			if err := errors.Join(ctx.Err(), r.gone.Err()); err != nil {
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
	if hasSpecialMember(r.body) {
		return &stopError{store.NewError(store.KindDocValidation, "a field's name begins with an underscore; those names are the store's own")}
	}
	r.addMachine()
	r.id = ejson.AppendContentID(r.id[:0], r.body, 0)
	n, err := r.places.next(fingerprintID(r.id))
	if err != nil {
		return &stopError{err}
	}
	if n > 0 {
		r.id = ejson.AppendContentID(r.id[:0], r.body, n)
	}
	if r.o.Extend != nil {
		r.body = r.o.Extend(r.body, 0)
	}
	if r.batch == nil {
		r.batch = newBatch(r.last, true)
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
	r.send(parcel{r.courier, r.batch})
	r.batch, r.last = nil, r.batch
	r.sendRejects(false) // senders add to them, too
}

// sendRejects hands the rejects to a sender if there are enough for a batch, or any at all.
func (r *runner) sendRejects(any bool) {
	if !any && !r.keeper.full() {
		return
	}
	if b := r.keeper.take(); b != nil {
		r.send(parcel{r.keeper, b})
	}
}

func (r *runner) send(p parcel) {
	select {
	case r.out <- p:
	case <-r.gone.Done():
	}
}

// hasSpecialMember tells whether a member's name begins with an underscore, which no server takes. As with the machine, the text
// looked for can't be inside a string.
func hasSpecialMember(body []byte) bool {
	return bytes.HasPrefix(body, []byte(`{"_`)) || bytes.Contains(body, []byte(`,"_`))
}

// addMachine adds the machine to a doc that does not say its own. A quotation mark inside a JSON string is escaped, so
// the text looked for can only be a member's name.
func (r *runner) addMachine() {
	if len(r.machine) == 0 || bytes.Contains(r.body, r.machine[:len(machineMember)]) {
		return
	}
	r.body = r.body[:len(r.body)-1]
	if len(r.body) > 1 {
		r.body = append(r.body, ',')
	}
	r.body = append(r.body, r.machine...)
}
