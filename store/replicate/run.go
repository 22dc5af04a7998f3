package replicate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"logctl/store"
)

// Stats are what a run has done so far or, where that is said, a replication in all its runs.
type Stats struct {
	Checked  int64           `json:"revisions_checked"`
	Found    int64           `json:"missing_revisions_found"`
	Read     int64           `json:"docs_read"`
	Written  int64           `json:"docs_written"`
	Failures int64           `json:"doc_write_failures"`
	Pending  *int64          `json:"changes_pending"` // nil: the source does not say
	Through  json.RawMessage `json:"through_seq"`
	Saved    json.RawMessage `json:"checkpointed_source_seq"`
}

// after are the counts of s on top of those of earlier runs.
func (s Stats) after(before Stats) Stats {
	s.Checked += before.Checked
	s.Found += before.Found
	s.Read += before.Read
	s.Written += before.Written
	s.Failures += before.Failures
	return s
}

// Result is what a run came to, as CouchDB answers _replicate.
type Result struct {
	OK        bool            `json:"ok"`
	NoChanges bool            `json:"no_changes,omitempty"`
	SessionID string          `json:"session_id"`
	Seq       json.RawMessage `json:"source_last_seq"`
	IDVersion int             `json:"replication_id_version"`
	*idsResult
	History []Session `json:"history"`

	checkpoints *bool // false: there are none to tell of
}

// MarshalJSON implements json.Marshaler. Where there is no checkpoint, CouchDB tells why and nothing else.
func (r Result) MarshalJSON() ([]byte, error) {
	if len(r.History) == 0 {
		return json.Marshal(struct {
			OK          bool  `json:"ok"`
			NoChanges   bool  `json:"no_changes,omitempty"`
			Checkpoints *bool `json:"use_checkpoints,omitempty"`
		}{r.OK, r.NoChanges, r.checkpoints})
	}
	type plain Result
	return json.Marshal(plain(r))
}

// idsResult is what CouchDB tells besides, as it did in its first years, where docs were asked for by their ids.
type idsResult struct {
	StartTime string `json:"start_time"`
	EndTime   string `json:"end_time"`
	Read      int64  `json:"docs_read"`
	Written   int64  `json:"docs_written"`
	Failures  int64  `json:"doc_write_failures"`
}

// run is one replication under way.
type run struct {
	o      Options
	id     string
	stats  Stats
	before Stats // what earlier runs have counted
	saver  saver
}

// Run copies what the target lacks. It returns when that is done or, of a continuous replication, when ctx ends. Errors are
// those of the peers: KindNotFound for a database that is missing, KindUnauthorized and KindForbidden, KindUnavailable after
// some patience.
func Run(ctx context.Context, o Options) (Result, error) {
	o.fillIn()
	r := &run{o: o}
	if err := r.meet(ctx); err != nil {
		return Result{}, err
	}
	start, err := r.begin(ctx)
	if err != nil {
		return Result{}, err
	}
	seq, err := r.copyAll(ctx, start)
	if err != nil {
		return Result{}, err
	}
	history := r.saver.source.History
	if len(r.saver.target.History) > len(history) {
		history = r.saver.target.History
	}
	res := Result{OK: true, SessionID: r.saver.session.SessionID, Seq: seq, IDVersion: idVersion, History: history}
	if r.stats.Checked == 0 { // what has changed may be none of the docs that are asked for
		res.NoChanges = true
		if s := r.saver.source.SessionID; s != "" {
			res.SessionID = s
		}
	}
	switch {
	case o.NoCheckpoints && !res.NoChanges:
		res.History, res.checkpoints = nil, new(bool)
	case len(res.History) == 0 && !res.NoChanges:
		res.History = []Session{r.saver.session}
	case r.saver.source.SessionID == r.saver.session.SessionID && res.NoChanges && len(res.History) == 1:
		res.History = nil // it began and ended with this run
	}
	if len(o.DocIDs) > 0 && !res.NoChanges && len(res.History) > 0 {
		s := &res.History[0]
		res.idsResult = &idsResult{s.StartTime, s.EndTime, s.Read, s.Written, s.Failures}
	}
	return res, nil
}

// PeerError says which of the peers can't be used at all.
type PeerError struct {
	Peer   *Peer
	Target bool // it is the target
	Err    error
}

func (e *PeerError) Error() string { return "open " + e.Peer.String() + ": " + e.Err.Error() }

func (e *PeerError) Unwrap() error { return e.Err }

// meet finds out whether both peers are there.
func (r *run) meet(ctx context.Context) error {
	if _, err := r.o.Source.info(ctx); err != nil {
		return &PeerError{&r.o.Source, false, err}
	}
	if r.o.CreateTarget {
		if _, err := r.o.Target.info(ctx); store.IsKind(err, store.KindNotFound) {
			if err := r.o.Target.create(ctx, r.o.TargetParams); err != nil {
				return &PeerError{&r.o.Target, true, err}
			}
		}
	}
	if _, err := r.o.Target.info(ctx); err != nil {
		return &PeerError{&r.o.Target, true, err}
	}
	return nil
}

// begin reads the checkpoints and tells where to start.
func (r *run) begin(ctx context.Context) (json.RawMessage, error) {
	var raw [16]byte
	rand.Read(raw[:]) // never fails
	var err error
	if r.id, err = r.o.ID(ctx); err != nil {
		return nil, err
	}
	start := zeroSeq
	r.saver = saver{o: &r.o, id: r.id, session: Session{SessionID: hex.EncodeToString(raw[:]), StartTime: httpTime(time.Now())}, at: time.Now()}
	if !r.o.NoCheckpoints {
		if r.saver.source, err = r.o.Source.readCheckpoint(ctx, r.id); err != nil {
			return nil, err
		}
		if r.saver.target, err = r.o.Target.readCheckpoint(ctx, r.id); err != nil {
			return nil, err
		}
		start, r.before = common(&r.saver.source, &r.saver.target)
	}
	if r.o.Since != nil {
		start = r.o.Since
	}
	s := &r.saver.session
	s.StartSeq, s.EndSeq, s.RecordedAt, s.EndTime = start, start, start, s.StartTime
	r.saver.saved = start
	r.stats.Through, r.stats.Saved = start, start
	return start, nil
}

// copyAll copies page after page and gives the sequence that it came to.
func (r *run) copyAll(ctx context.Context, seq json.RawMessage) (json.RawMessage, error) {
	wait := false
	for {
		p, err := r.o.changes(ctx, seq, wait)
		if err != nil {
			return seq, r.stopped(ctx, err)
		}
		if err := r.copyPage(ctx, p.Results); err != nil {
			return seq, r.stopped(ctx, err)
		}
		if len(p.LastSeq) > 0 {
			seq = p.LastSeq
		}
		r.stats.Through, r.stats.Pending = seq, p.Pending
		end := len(p.Results) < r.o.Page
		if end || time.Since(r.saver.at) >= r.o.Every {
			if err := r.saver.save(ctx, seq, r.stats.after(r.before)); err != nil {
				return seq, r.stopped(ctx, err)
			}
			r.stats.Saved = r.saver.saved
		}
		r.o.Progress(r.stats, r.stats.after(r.before))
		if end && !r.o.Continuous {
			return seq, nil
		}
		wait = end
	}
}

// stopped is the error of a run that was told to end, whatever that looked like at the peer.
func (r *run) stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// copyPage copies what the target lacks of some changes.
func (r *run) copyPage(ctx context.Context, changes []change) error {
	found, checked, err := r.o.missing(ctx, changes)
	if err != nil {
		return err
	}
	r.stats.Checked += int64(checked)
	var list []wanted
	for _, id := range slices.Sorted(maps.Keys(found)) {
		m := found[id]
		for _, rev := range m.Missing {
			list = append(list, wanted{id, rev, m.Ancestors})
		}
	}
	r.stats.Found += int64(len(list))
	for part := range slices.Chunk(list, fetchBatch) {
		if err := r.copyPart(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// copyPart copies some revisions: those with attachments one by one, after the others.
func (r *run) copyPart(ctx context.Context, part []wanted) error {
	var attached []wanted
	var b bulk
	err := r.o.Source.fetch(ctx, part, func(w wanted, doc []byte) error {
		r.stats.Read++
		if hasAttachments(doc) {
			attached = append(attached, w)
			return nil
		}
		b.add(w.id, doc)
		if b.size < maxBulk {
			return nil
		}
		full := b
		b = bulk{}
		return r.writeBulk(ctx, full.ids, full.docs)
	})
	if err != nil {
		return err
	}
	if err := r.writeBulk(ctx, b.ids, b.docs); err != nil {
		return err
	}
	for _, w := range attached {
		if err := r.copyAttached(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// Missing counts the docs of the source and the revisions of them that the target lacks: what is left to do. Nothing is copied.
func Missing(ctx context.Context, o Options) (docs, missing int64, err error) {
	o.fillIn()
	seq := zeroSeq
	for {
		p, err := o.changes(ctx, seq, false)
		if err != nil {
			return docs, missing, err
		}
		found, _, err := o.missing(ctx, p.Results)
		if err != nil {
			return docs, missing, err
		}
		docs += int64(len(p.Results))
		for _, m := range found {
			missing += int64(len(m.Missing))
		}
		if len(p.Results) < o.Page {
			return docs, missing, nil
		}
		seq = p.LastSeq
	}
}

// sleep waits, unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
