package replicate

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"logctl/store"
)

// States of a job, in CouchDB's words.
const (
	stateInitializing = "initializing"
	statePending      = "pending" // waits for its turn
	stateRunning      = "running"
	stateCrashing     = "crashing" // failed and will be tried again
	stateCompleted    = "completed"
	stateFailed       = "failed" // its doc makes no sense
	stateError        = "error"  // its doc could not be made a job; tried again
)

const (
	minBackoff = 5 * time.Second
	maxBackoff = 8 * time.Hour
	maxEvents  = 20
)

// event is an entry of a job's history.
type event struct {
	At     string `json:"timestamp"`
	Type   string `json:"type"`
	Reason string `json:"reason,omitempty"`
}

// job is a replication that a Manager keeps running.
type job struct {
	m              *Manager
	spec           *spec
	id             string
	o              Options
	user           string
	size           int    // bytes that it counts as; 0: its request is kept elsewhere, or has an end
	source, target string // as people see them
	added          time.Time
	cancel         context.CancelFunc
	done           chan struct{}                                   // closed when it has ended; of one with cancel
	ended          func(ctx context.Context, state, reason string) // nil: nobody wants to know

	mu      sync.Mutex
	state   string    // mu
	errors  int       // in a row; mu
	reason  string    // of the last failure; mu
	stats   Stats     // mu
	started time.Time // mu
	updated time.Time // mu
	events  []event   // the newest first; mu
}

func (j *job) progress(_, all Stats) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stats, j.updated, j.errors = all, time.Now(), 0
}

func (j *job) set(state, kind, reason string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	j.state, j.reason, j.updated = state, reason, now
	if state == stateRunning {
		j.started = now
	}
	if state == stateCrashing || state == stateError {
		j.errors++
	}
	j.events = append([]event{{now.UTC().Format(time.RFC3339), kind, reason}}, j.events...)
	j.events = j.events[:min(len(j.events), maxEvents)]
}

// identify gives the job its id.
func (j *job) identify(ctx context.Context) error {
	if j.id != "" {
		return nil
	}
	id, err := j.o.ID(ctx)
	if err != nil {
		return wordError(err)
	}
	if j.o.Continuous {
		id += "+continuous"
	}
	j.mu.Lock()
	j.id = id
	j.mu.Unlock()
	return nil
}

// once waits for the job's turn and runs it to its end, or until it has to give way to others: then the error is errGaveWay.
func (j *job) once(ctx context.Context) (Result, error) {
	j.pend()
	t, err := j.m.slots.wait(ctx, j.o.Continuous)
	if err != nil {
		return Result{}, err
	}
	defer j.m.slots.leave(t)
	j.set(stateRunning, "started", "")
	res, err := Run(t.ctx, j.o)
	if err != nil && context.Cause(t.ctx) == errGaveWay {
		err = errGaveWay
	}
	return res, err
}

// pend notes that the job waits for its turn. One that has failed is told of as that until it runs again.
func (j *job) pend() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state != stateCrashing {
		j.state = statePending
	}
}

// run keeps the job running, in turns with others, until it is through or ctx ends. After a failure it waits, longer each time
// in a row.
func (j *job) run(ctx context.Context) {
	j.set(stateInitializing, "added", "")
	for ctx.Err() == nil {
		if err := j.identify(ctx); err != nil {
			j.trouble(ctx, stateError, err)
			j.rest(ctx)
			continue
		}
		if err := j.m.enter(j); err != nil {
			j.end(ctx, stateFailed, "This replication is run for somebody else already.")
			return
		}
		switch _, err := j.once(ctx); {
		case err == nil:
			j.end(ctx, stateCompleted, "")
			return
		case err == errGaveWay:
			j.set(statePending, "stopped", "")
		default:
			j.trouble(ctx, stateCrashing, wordError(err))
			j.rest(ctx)
		}
	}
}

func (j *job) trouble(ctx context.Context, state string, err error) {
	if ctx.Err() != nil {
		return
	}
	j.set(state, "crashed", errorText(err))
	j.m.o.Log.Warn("replication failed and will be tried again", "source", j.source, "target", j.target, "err", err)
}

// rest waits for the next try.
func (j *job) rest(ctx context.Context) {
	select {
	case <-time.After(j.backoff()):
	case <-ctx.Done():
	}
}

func (j *job) end(ctx context.Context, state, reason string) {
	j.set(state, "stopped", reason)
	if j.ended != nil {
		j.ended(ctx, state, reason)
	}
}

func (j *job) backoff() time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	d := minBackoff
	for n := 1; n < j.errors && d < maxBackoff; n++ {
		d *= 2
	}
	return min(d, maxBackoff)
}

// cancelable gives the context that a job is to run in, before anybody else knows of it.
func (j *job) cancelable(ctx context.Context) context.Context {
	ctx, j.cancel = context.WithCancel(ctx)
	return ctx
}

// stop ends a job and waits until it has.
func (j *job) stop() {
	if j.cancel != nil {
		j.cancel()
		<-j.done
	}
}

// errorText is what people are told of a failure.
func errorText(err error) string {
	var e *store.Error
	if errors.As(err, &e) {
		return e.ErrorWord() + ": " + e.Reason
	}
	return err.Error()
}

// jobInfo is a job's figures.
type jobInfo struct {
	Stats
	SourceSeq json.RawMessage `json:"source_seq,omitempty"`
}

// info is what is told of a doc's job: its figures or, of one that has failed, why; with j.mu held.
func (j *job) info() any {
	if j.reason != "" {
		return struct {
			Error string `json:"error"`
		}{j.reason}
	}
	return jobInfo{j.stats, j.stats.Through}
}

// Jobs are what _scheduler/jobs lists.
func (m *Manager) Jobs() []json.RawMessage {
	list := []json.RawMessage{}
	for _, j := range m.running() {
		j.mu.Lock()
		list = appendJSON(list, struct {
			Database *string `json:"database"`
			DocID    *string `json:"doc_id"`
			ID       string  `json:"id"`
			Node     string  `json:"node"`
			PID      *string `json:"pid"`
			Source   string  `json:"source"`
			Target   string  `json:"target"`
			User     *string `json:"user"`
			Start    string  `json:"start_time"`
			Info     jobInfo `json:"info"`
			History  []event `json:"history"`
		}{j.database(), orNull(j.spec.ID), j.id, m.o.Node, nil, j.source, j.target, orNull(j.user),
			j.added.UTC().Format(time.RFC3339), jobInfo{j.stats, j.stats.Through}, append([]event{}, j.events...)})
		j.mu.Unlock()
	}
	return list
}

// Tasks are what _active_tasks lists of replications.
func (m *Manager) Tasks() []json.RawMessage {
	list := []json.RawMessage{}
	for _, j := range m.running() {
		j.mu.Lock()
		if j.state == stateRunning {
			list = appendJSON(list, struct {
				Type string `json:"type"`
				Stats
				Database   *string         `json:"database"`
				DocID      *string         `json:"doc_id"`
				ID         string          `json:"replication_id"`
				Node       string          `json:"node"`
				PID        string          `json:"pid"`
				Status     string          `json:"process_status"`
				Source     string          `json:"source"`
				Target     string          `json:"target"`
				User       *string         `json:"user"`
				Continuous bool            `json:"continuous"`
				Interval   int64           `json:"checkpoint_interval"`
				Started    int64           `json:"started_on"`
				Updated    int64           `json:"updated_on"`
				SourceSeq  json.RawMessage `json:"source_seq"`
			}{"replication", j.stats, j.database(), orNull(j.spec.ID), j.id, m.o.Node, "", "waiting", j.source, j.target,
				orNull(j.user), j.o.Continuous, defaultEvery.Milliseconds(), j.started.Unix(), j.updated.Unix(), j.stats.Through})
		}
		j.mu.Unlock()
	}
	return list
}

func (j *job) database() *string {
	if j.spec.ID == "" {
		return nil
	}
	name := replicatorDB
	return &name
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// appendJSON appends a value that always has JSON.
func appendJSON(list []json.RawMessage, v any) []json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return list
	}
	return append(list, raw)
}
