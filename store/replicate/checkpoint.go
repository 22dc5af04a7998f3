package replicate

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"logctl/store"
)

// idVersion is the version of CouchDB's way to make ids that its answers name.
const idVersion = 4

// maxHistory is how many sessions a checkpoint remembers.
const maxHistory = 50

// Session is one entry of a checkpoint's history: one run. What it counts was done by it and by those before it.
type Session struct {
	SessionID  string          `json:"session_id"`
	StartTime  string          `json:"start_time"`
	EndTime    string          `json:"end_time"`
	StartSeq   json.RawMessage `json:"start_last_seq"`
	EndSeq     json.RawMessage `json:"end_last_seq"`
	RecordedAt json.RawMessage `json:"recorded_seq"`
	Checked    int64           `json:"missing_checked"`
	Found      int64           `json:"missing_found"`
	Read       int64           `json:"docs_read"`
	Written    int64           `json:"docs_written"`
	Failures   int64           `json:"doc_write_failures"`
}

// checkpoint is the local doc that says how far a replication came.
type checkpoint struct {
	ID         string          `json:"_id,omitempty"`
	Rev        string          `json:"_rev,omitempty"`
	SessionID  string          `json:"session_id"`
	Seq        json.RawMessage `json:"source_last_seq"`
	IDVersion  int             `json:"replication_id_version"`
	History    []Session       `json:"history"`
	unreadable bool            // the peer does not let us look, or write
}

// zeroSeq is where a database begins.
var zeroSeq = json.RawMessage("0")

// read reads the checkpoint of a replication; one that is missing is empty.
func (p *Peer) readCheckpoint(ctx context.Context, id string) (checkpoint, error) {
	var c checkpoint
	err := p.call(ctx, request{method: http.MethodGet, path: docPath("_local/" + id)}, &c)
	switch {
	case store.IsKind(err, store.KindNotFound):
		return checkpoint{}, nil
	case store.IsKind(err, store.KindForbidden), store.IsKind(err, store.KindUnauthorized):
		return checkpoint{unreadable: true}, nil
	}
	return c, err
}

// writeCheckpoint writes one and keeps the new revision in it.
func (p *Peer) writeCheckpoint(ctx context.Context, id string, c *checkpoint) error {
	if c.unreadable {
		return nil
	}
	var done struct{ Rev string }
	err := p.call(ctx, request{method: http.MethodPut, path: docPath("_local/" + id), body: jsonBody(c)}, &done)
	if store.IsKind(err, store.KindForbidden) || store.IsKind(err, store.KindUnauthorized) {
		// An account that may only read: the next run will find out by itself what is there.
		c.unreadable = true
		return nil
	}
	if store.IsKind(err, store.KindConflict) {
		// Somebody else runs the same replication. What is there is as good as ours.
		now, readErr := p.readCheckpoint(ctx, id)
		c.Rev = now.Rev
		return readErr
	}
	c.Rev = done.Rev
	return err
}

// common is the sequence of the source up to which both checkpoints say that all is copied, and what was counted until there.
func common(source, target *checkpoint) (seq json.RawMessage, before Stats) {
	if source.SessionID != "" && source.SessionID == target.SessionID && len(source.Seq) > 0 {
		if len(source.History) > 0 {
			before = source.History[0].stats()
		}
		return source.Seq, before
	}
	for _, s := range source.History {
		for _, t := range target.History {
			if s.SessionID != "" && s.SessionID == t.SessionID && len(s.RecordedAt) > 0 {
				return s.RecordedAt, s.stats()
			}
		}
	}
	return zeroSeq, Stats{}
}

// saver writes the checkpoints of one run.
type saver struct {
	o              *Options
	id             string
	session        Session
	source, target checkpoint
	saved          json.RawMessage // what the last one said
	at             time.Time       // when that was
}

// save notes that everything up to seq is on the target, at both peers, the target first.
func (s *saver) save(ctx context.Context, seq json.RawMessage, all Stats) error {
	if s.o.NoCheckpoints || bytes.Equal(seq, s.saved) {
		return nil
	}
	if err := s.o.Target.commit(ctx); err != nil {
		return err
	}
	s.session.EndTime = httpTime(time.Now())
	s.session.EndSeq, s.session.RecordedAt = seq, seq
	s.session.count(all)
	for _, side := range []struct {
		peer *Peer
		c    *checkpoint
	}{{&s.o.Target, &s.target}, {&s.o.Source, &s.source}} {
		c := side.c
		if len(c.History) == 0 || c.History[0].SessionID != s.session.SessionID {
			c.History = append([]Session{{}}, c.History...)
		}
		c.History[0] = s.session
		c.History = c.History[:min(len(c.History), maxHistory)]
		c.ID, c.SessionID, c.Seq, c.IDVersion = "_local/"+s.id, s.session.SessionID, seq, idVersion
		if err := side.peer.writeCheckpoint(ctx, s.id, c); err != nil {
			return err
		}
	}
	s.saved, s.at = seq, time.Now()
	return nil
}

func (s *Session) count(st Stats) {
	s.Checked, s.Found, s.Read, s.Written, s.Failures = st.Checked, st.Found, st.Read, st.Written, st.Failures
}

func (s *Session) stats() Stats {
	return Stats{Checked: s.Checked, Found: s.Found, Read: s.Read, Written: s.Written, Failures: s.Failures}
}

func httpTime(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// commit has the target put on disk what it holds. CouchDB has done so before it answers; older ones have not.
func (p *Peer) commit(ctx context.Context) error {
	return p.call(ctx, request{method: http.MethodPost, path: "_ensure_full_commit", body: rawBody([]byte("{}"))}, nil)
}
