package replicate

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"logctl/store"
	"logctl/store/ejson"
)

// replicatorDB is the database whose docs ask for replications.
const replicatorDB = "_replicator"

// admin is who a Manager reads and writes that database as, and who the replications are of that its docs ask for: nobody
// else may write them.
var admin = store.Caller{Name: "", Roles: []string{store.AdminRole}}

// Start makes the _replicator database where it is missing and heeds its docs from now on: a doc begins a replication, a
// changed one begins it anew, one that is deleted ends it. Those that were not finished when the server stopped go on.
func (m *Manager) Start(ctx context.Context) error {
	p := m.database()
	if err := p.create(ctx, nil); err != nil {
		return err
	}
	m.jobs.Go(func() { m.watch(m.ctx, &p) })
	return nil
}

func (m *Manager) database() Peer {
	return Peer{URL: "http://localhost/" + replicatorDB, Name: replicatorDB, Transport: m.o.Local(admin)}
}

// watch follows the database's changes until ctx ends. What keeps it from that is logged once for as long as it lasts.
func (m *Manager) watch(ctx context.Context, p *Peer) {
	seq, told := zeroSeq, ""
	for wait := false; ctx.Err() == nil; {
		q := url.Values{"include_docs": {"true"}, "since": {seqText(seq)}}
		if wait {
			q.Set("feed", "longpoll")
			q.Set("heartbeat", "10000")
		}
		var page struct {
			Results []struct {
				ID      string          `json:"id"`
				Deleted bool            `json:"deleted"`
				Doc     json.RawMessage `json:"doc"`
			} `json:"results"`
			LastSeq json.RawMessage `json:"last_seq"`
		}
		err := p.call(ctx, request{method: http.MethodGet, path: "_changes", query: q}, &page)
		if err != nil {
			if ctx.Err() == nil && told != err.Error() {
				told = err.Error()
				m.o.Log.Warn("the replicator database can't be read", "err", err)
			}
			if store.IsKind(err, store.KindNotFound) {
				m.forgetAll()
				seq, wait = zeroSeq, false
			}
			if sleep(ctx, minBackoff) != nil {
				return
			}
			continue
		}
		told = ""
		for _, c := range page.Results {
			if !strings.HasPrefix(c.ID, "_design/") {
				m.heed(p, c.ID, c.Deleted, c.Doc)
			}
		}
		seq, wait = page.LastSeq, true
	}
}

// heed does what a doc asks for.
func (m *Manager) heed(p *Peer, id string, deleted bool, raw []byte) {
	m.mu.Lock()
	old := m.docs[id]
	m.mu.Unlock()
	if deleted {
		m.forget(id, old)
		return
	}
	s, err := parseSpec(raw)
	if err != nil {
		s = &spec{ID: id, State: stateOf(raw)}
	}
	s.asked = sha256.Sum256(asked(raw))
	if old != nil && old.spec.asked == s.asked && (s.State != "" || !old.finished()) {
		return // we have written how it ended
	}
	m.forget(id, old)
	j := &job{m: m, spec: s, added: time.Now(), updated: time.Now(), state: s.State}
	if s.State == stateCompleted || s.State == stateFailed {
		m.keep(id, j)
		return
	}
	if err == nil {
		var made *job
		if made, err = m.newJob(s, admin); err == nil {
			j = made
		}
	}
	ctx := m.ctx
	if err == nil {
		ctx = j.cancelable(ctx)
	}
	j.ended = func(ctx context.Context, state, reason string) { m.note(ctx, p, j, state, reason) }
	m.keep(id, j)
	if err != nil {
		j.end(ctx, stateFailed, errorText(err))
		return
	}
	m.launch(ctx, j)
}

// stateOf is what a doc that makes no sense says of its state: that we have told it so.
func stateOf(raw []byte) (state string) {
	_ = ejson.Members(raw, func(key, value []byte) error { // a doc is an object
		if string(key) == "_replication_state" && json.Unmarshal(value, &state) != nil {
			state = ""
		}
		return nil
	})
	return state
}

// finished tells whether the job has come to its end.
func (j *job) finished() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state == stateCompleted || j.state == stateFailed
}

// asked is what a doc asks for: what we write into it, and its revision, change nothing of that.
func asked(doc []byte) []byte {
	var m map[string]json.RawMessage
	if json.Unmarshal(doc, &m) != nil {
		return doc
	}
	for name := range m {
		if strings.HasPrefix(name, "_") {
			delete(m, name)
		}
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return doc
	}
	return raw
}

func (m *Manager) keep(id string, j *job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.docs[id] = j
}

// forget ends the job of a doc.
func (m *Manager) forget(id string, j *job) {
	if j == nil {
		return
	}
	j.stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.docs, id)
}

// forgetAll ends the jobs of all docs: their database is gone.
func (m *Manager) forgetAll() {
	m.mu.Lock()
	docs := make(map[string]*job, len(m.docs))
	for id, j := range m.docs {
		docs[id] = j
	}
	m.mu.Unlock()
	for id, j := range docs {
		m.forget(id, j)
	}
}

// note writes into a job's doc what became of it.
func (m *Manager) note(ctx context.Context, p *Peer, j *job, state, reason string) {
	j.mu.Lock()
	fields := []field{{"_replication_state", state}, {"_replication_state_time", time.Now().UTC().Format(time.RFC3339)}}
	if state == stateCompleted {
		fields = append(fields, field{"_replication_id", j.id}, field{"_replication_stats", j.stats})
	} else {
		fields = append(fields, field{"_replication_state_reason", reason})
	}
	j.mu.Unlock()
	for range attempts {
		err := p.amend(ctx, j.spec.ID, fields)
		if store.IsKind(err, store.KindConflict) {
			continue
		}
		if err != nil && ctx.Err() == nil {
			m.o.Log.Warn("the state of a replication could not be written", "doc", j.spec.ID, "err", err)
		}
		return
	}
}

// field is a member of a doc.
type field struct {
	name  string
	value any
}

// amend writes a doc again with some members set and all others as they are.
func (p *Peer) amend(ctx context.Context, id string, fields []field) error {
	var old json.RawMessage
	if err := p.call(ctx, request{method: http.MethodGet, path: docPath(id)}, &old); err != nil {
		return err
	}
	doc := []byte{'{'}
	add := func(name string, value []byte) {
		if len(doc) > 1 {
			doc = append(doc, ',')
		}
		doc = append(append(store.AppendJSONString(doc, name), ':'), value...)
	}
	err := ejson.Members(old, func(key, value []byte) error {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.name == string(key) }) {
			add(string(key), value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range fields {
		raw, err := json.Marshal(f.value)
		if err != nil {
			return err
		}
		add(f.name, raw)
	}
	return p.call(ctx, request{method: http.MethodPut, path: docPath(id), body: rawBody(append(doc, '}'))}, nil)
}

// Docs are what _scheduler/docs lists.
func (m *Manager) Docs() []json.RawMessage {
	m.mu.Lock()
	ids := make([]string, 0, len(m.docs))
	jobs := make(map[string]*job, len(m.docs))
	for id, j := range m.docs {
		ids = append(ids, id)
		jobs[id] = j
	}
	m.mu.Unlock()
	slices.Sort(ids)
	list := []json.RawMessage{}
	for _, id := range ids {
		j := jobs[id]
		j.mu.Lock()
		list = appendJSON(list, struct {
			Database    string  `json:"database"`
			DocID       string  `json:"doc_id"`
			ID          *string `json:"id"`
			Node        string  `json:"node"`
			Source      *string `json:"source"`
			Target      *string `json:"target"`
			SourceProxy *string `json:"source_proxy"`
			TargetProxy *string `json:"target_proxy"`
			State       string  `json:"state"`
			Info        any     `json:"info"`
			Errors      int     `json:"error_count"`
			Updated     string  `json:"last_updated"`
			Start       string  `json:"start_time"`
		}{replicatorDB, id, orNull(j.id), m.o.Node, orNull(j.source), orNull(j.target), nil, nil, j.state,
			j.info(), j.errors, j.updated.UTC().Format(time.RFC3339), j.added.UTC().Format(time.RFC3339)})
		j.mu.Unlock()
	}
	return list
}
