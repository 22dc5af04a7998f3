package replicate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"logctl/store"
	"logctl/store/couchpath"
)

// ManagerOptions say what a Manager works with.
type ManagerOptions struct {
	Local  func(store.Caller) http.RoundTripper // the way to the server itself, as somebody
	Server string                               // the server's UUID
	Node   string                               // what it calls itself
	Log    *slog.Logger                         // nil: nothing is logged

	jobs int           // that run at a time; 0: defaultJobs
	turn time.Duration // after which a continuous one gives way to others that wait; 0: defaultTurn
}

// Manager runs the replications that a server is asked for, by _replicate and by the docs of its _replicator database. A
// database of the server itself is reached as who asks for the replication. Other servers are reached for admins alone:
// else whoever has an account could have this server call any address that it can reach.
type Manager struct {
	o      ManagerOptions
	remote *http.Transport

	ctx    context.Context // of all jobs that are nobody's request
	cancel context.CancelFunc
	jobs   sync.WaitGroup
	slots  slots

	mu   sync.Mutex
	byID map[string]*job // running or about to, by replication id; mu
	docs map[string]*job // by id of the doc that asks for it, finished ones too; mu
	held int             // bytes, of the jobs in byID by their size; mu
}

const (
	// maxHeld is how many bytes the continuous jobs that _replicate has begun may hold together, those that wait included.
	maxHeld = 64 << 20
	// jobSize is what a job takes besides its request: its goroutine, its history.
	jobSize = 16 << 10
)

// NewManager makes one. Start begins to heed the _replicator database; Close ends everything.
func NewManager(o ManagerOptions) *Manager {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &Manager{o: o, byID: map[string]*job{}, docs: map[string]*job{}, remote: NewTransport()}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.slots.max = cmp.Or(o.jobs, defaultJobs)
	m.jobs.Go(func() { m.slots.rotate(m.ctx, cmp.Or(o.turn, defaultTurn)) })
	return m
}

// NewTransport is the way to other servers.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// Close ends all jobs and waits for them.
func (m *Manager) Close() error {
	m.cancel()
	m.jobs.Wait()
	m.remote.CloseIdleConnections()
	return nil
}

// basicAuth signs requests in, those to one host and none that a redirect leads elsewhere.
type basicAuth struct {
	next http.RoundTripper
	host string
	user *url.Userinfo
}

func (b basicAuth) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == b.host && r.Header.Get("Authorization") == "" {
		r = r.Clone(r.Context())
		password, _ := b.user.Password()
		r.SetBasicAuth(b.user.Username(), password)
	}
	return b.next.RoundTrip(r)
}

// Account is who the requests are sent as.
func (b basicAuth) Account() string { return b.user.Username() }

// local is the way to the server itself, which ID tells apart by who goes it.
type local struct {
	http.RoundTripper
	name string
}

// Account is who the requests are sent as.
func (l local) Account() string { return l.name }

// peer makes the peer of an endpoint for somebody.
func (m *Manager) peer(e endpoint, who store.Caller) (Peer, error) {
	if e.local != "" {
		return Peer{URL: "http://localhost" + couchpath.Of(e.local), Name: e.local, Transport: local{m.o.Local(who), who.Name}}, nil
	}
	if !who.IsAdmin() {
		return Peer{}, store.NewError(store.KindForbidden, "Only server admins may replicate from or to other servers.")
	}
	p := Peer{URL: e.url.String(), Transport: m.remote, Header: e.head}
	if e.user != nil {
		p.Transport = basicAuth{next: m.remote, host: e.url.Host, user: e.user}
	}
	return p, nil
}

// newJob makes the job that a spec asks for.
func (m *Manager) newJob(s *spec, who store.Caller) (*job, error) {
	if len(s.Source) == 0 || len(s.Target) == 0 {
		return nil, &store.Error{Kind: store.KindReplication, Word: "error", Reason: reasonNoPeer}
	}
	o, err := s.options()
	if err != nil {
		return nil, err
	}
	j := &job{m: m, spec: s, user: who.Name, added: time.Now(), state: stateInitializing, done: make(chan struct{}),
		stats: Stats{Through: zeroSeq, Saved: zeroSeq}}
	for _, side := range []struct {
		raw   json.RawMessage
		peer  *Peer
		shown *string
	}{{s.Source, &o.Source, &j.source}, {s.Target, &o.Target, &j.target}} {
		e, err := parseEndpoint(side.raw)
		if err != nil {
			return nil, err
		}
		if *side.peer, err = m.peer(e, who); err != nil {
			return nil, err
		}
		*side.shown = e.shown()
	}
	o.Server = m.o.Server
	o.Progress = j.progress
	o.Refused = func(id string, err error) {
		m.o.Log.Warn("replication: doc refused", "source", j.source, "target", j.target, "id", id, "err", err)
	}
	j.o = o
	return j, nil
}

// Replicate does what the body of a _replicate request asks for: it runs a replication and gives its result, or begins a
// continuous one, or cancels one. status is the answer's.
func (m *Manager) Replicate(ctx context.Context, who store.Caller, body []byte) (status int, answer []byte, err error) {
	s, err := parseSpec(body)
	if err != nil {
		return 0, nil, err
	}
	id := cmp.Or(s.ReplicationID, s.LocalID)
	if s.Cancel && id != "" {
		return m.cancelJob(id, who)
	}
	j, err := m.newJob(s, who)
	if err == nil {
		err = j.identify(ctx)
	}
	if err != nil {
		return 0, nil, err
	}
	switch {
	case s.Cancel:
		return m.cancelJob(j.id, who)
	case s.Continuous:
		j.size = jobSize + len(body)
		return m.begin(j)
	}
	ctx = j.cancelable(ctx)
	defer j.cancel()
	defer context.AfterFunc(m.ctx, j.cancel)()
	if err := m.enter(j); err != nil {
		return 0, nil, err
	}
	defer close(j.done)
	defer m.leave(j)
	res, err := j.once(ctx)
	if err != nil {
		return 0, nil, wordError(err)
	}
	answer, err = json.Marshal(res)
	return http.StatusOK, answer, err
}

// begin has a continuous job run on its own, unless one of the same id does already.
func (m *Manager) begin(j *job) (status int, answer []byte, err error) {
	ctx := j.cancelable(m.ctx)
	switch err := m.enter(j); {
	case err == nil:
		m.launch(ctx, j)
	case store.IsKind(err, store.KindConflict):
		j.cancel()
	default:
		j.cancel()
		return 0, nil, err
	}
	answer, err = json.Marshal(started{OK: true, LocalID: j.id})
	return http.StatusAccepted, answer, err
}

// started answers a request that began or ended a continuous replication.
type started struct {
	OK      bool   `json:"ok"`
	LocalID string `json:"_local_id"`
}

func (m *Manager) cancelJob(id string, who store.Caller) (int, []byte, error) {
	m.mu.Lock()
	j := m.byID[id]
	m.mu.Unlock()
	if j == nil {
		return 0, nil, store.NewError(store.KindNotFound, "missing")
	}
	if j.user != who.Name && !who.IsAdmin() {
		return 0, nil, store.NewError(store.KindUnauthorized, "You are not a server admin.")
	}
	j.stop()
	answer, err := json.Marshal(started{OK: true, LocalID: id})
	return http.StatusOK, answer, err
}

// enter puts a job among those that run or wait for their turn, where it may be already. The error is of KindConflict where
// another one of the same id is among them, of KindTooManyRequests where they hold too much together.
func (m *Manager) enter(j *job) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.byID[j.id] {
	case j:
		return nil
	case nil:
	default:
		return &store.Error{Kind: store.KindConflict, Word: "already_running", Reason: "This replication is running."}
	}
	if j.size > 0 && m.held+j.size > maxHeld {
		return store.NewError(store.KindTooManyRequests, "Too many continuous replications are running or pending. Cancel some of them.")
	}
	m.byID[j.id] = j
	m.held += j.size
	return nil
}

func (m *Manager) leave(j *job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID[j.id] == j {
		delete(m.byID, j.id)
		m.held -= j.size
	}
}

// launch has a job run on its own until ctx, which is cancelable's, ends.
func (m *Manager) launch(ctx context.Context, j *job) {
	m.jobs.Go(func() {
		defer close(j.done)
		defer j.cancel()
		defer m.leave(j)
		j.run(ctx)
	})
}

// wordError gives the errors that CouchDB has words of its own for those words.
func wordError(err error) error {
	var e *store.Error
	if !errors.As(err, &e) {
		return err
	}
	var at *PeerError
	if errors.As(err, &at) {
		switch e.Kind {
		case store.KindNotFound:
			return &store.Error{Kind: store.KindReplication, Word: "db_not_found", Reason: "could not open " + at.Peer.String(), Err: err}
		case store.KindUnauthorized, store.KindForbidden:
			return &store.Error{Kind: store.KindReplication, Word: "unauthorized",
				Reason: "unauthorized to access or create database " + at.Peer.String(), Err: err}
		}
	}
	return &store.Error{Kind: store.KindReplication, Word: "replication_error", Reason: e.Error(), Err: err}
}

// running are the jobs that run or are about to, by id.
func (m *Manager) running() []*job {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*job
	for _, j := range m.byID {
		list = append(list, j)
	}
	slices.SortFunc(list, func(a, b *job) int { return strings.Compare(a.id, b.id) })
	return list
}
