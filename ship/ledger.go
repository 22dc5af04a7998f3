package ship

import (
	"context"
	"errors"
	"slices"
	"sync"

	"logctl/ship/source"
)

// epoch is a stretch of what was read, over all sources: some chunks, whole ones. Its positions are kept when the server
// has answered for all its lines and those of all epochs before it.
type epoch struct {
	counted int // docs and rejects that the state has counted
	batches int // of docs that are full
	marks   []source.Mark

	accounts map[string]account // of files that are to be removed, after their last lines in it
	sent     tally              // docs, where there are accounts

	// The ledger's:
	parcels int // on their way
	closed  bool
	refused []refusal
	// confirmed are the docs of sent that the server says it has.
	confirmed tally
}

// refusal is a line whose doc the server will never take.
type refusal struct {
	line   []byte
	reason string
	from   *origin
	id     []byte  // its doc's
	count  counter // of its reject; nil: the state's Late
}

// mark adds positions; a later one of a key takes the earlier one's place.
func (e *epoch) mark(marks []source.Mark) {
	for _, m := range marks {
		m.Value = slices.Clone(m.Value)
		if i := slices.IndexFunc(e.marks, func(o source.Mark) bool { return o.Key == m.Key }); i >= 0 {
			e.marks[i] = m
		} else {
			e.marks = append(e.marks, m)
		}
	}
}

// account notes what an account says after some lines.
func (e *epoch) account(number string, a account) {
	if number == "" {
		return
	}
	if e.accounts == nil {
		e.accounts = map[string]account{}
	}
	e.accounts[number] = a
}

// ledger settles epochs in the order in which they were opened, whichever batch is answered first. Senders and the runner use it
// at the same time.
type ledger struct {
	commit  func(context.Context, *epoch) error
	abandon func() // nothing is to be remembered from here on

	mu      sync.Mutex
	open    []*epoch
	settler bool // somebody is at it
	stuck   bool // one will never be settled, and so none after it
}

// begin opens an epoch.
func (l *ledger) begin() *epoch {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &epoch{}
	l.open = append(l.open, e)
	return e
}

// sent says that a batch of the epoch is given to a sender.
func (l *ledger) sent(e *epoch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.parcels++
}

// done says that the server has answered for a batch, or with an error that it has not and will not.
func (l *ledger) done(ctx context.Context, e *epoch, err error) error {
	if e == nil {
		return nil
	}
	l.mu.Lock()
	e.parcels--
	if errors.Is(err, errUnkept) {
		l.abandon()
	} else if err != nil {
		l.stuck = true
	}
	l.mu.Unlock()
	return l.settle(ctx)
}

// close says that nothing more is added to the epoch.
func (l *ledger) close(ctx context.Context, e *epoch) error {
	l.mu.Lock()
	e.closed = true
	l.mu.Unlock()
	return l.settle(ctx)
}

// refuse notes a line whose doc the server will never take.
func (l *ledger) refuse(e *epoch, r refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.refused = append(e.refused, r)
}

// confirm notes that the server has a doc.
func (l *ledger) confirm(e *epoch, id []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.confirmed.add(id)
}

// settle commits what can be, unless somebody else is at it.
func (l *ledger) settle(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.settler && !l.stuck && len(l.open) > 0 && l.open[0].closed && l.open[0].parcels == 0 {
		e := l.open[0]
		l.settler = true
		l.mu.Unlock()
		err := l.commit(ctx, e)
		l.mu.Lock()
		l.settler = false
		if errors.Is(err, errUnkept) {
			l.abandon()
			err = nil
		}
		if err != nil {
			l.stuck = true
			return err
		}
		l.open = l.open[1:]
	}
	return nil
}

// settled tells whether every epoch is.
func (l *ledger) settled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open) == 0 && !l.stuck
}
