package lines

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"logctl/store"
)

// PushPath is where Grafana Loki takes pushes, and so does Push.
const PushPath = "/loki/api/v1/push"

const (
	maxPush     = 16 << 20 // bytes of one, packed or not
	maxPushDocs = 64 << 20 // bytes of the docs that one makes, for labels are in each
	maxLabels   = 64 << 10 // bytes of the labels of one stream, or of the metadata of one line
	pushTime    = time.Minute
)

// Receiver reads a request's body, up to limit bytes, and waits until it may be worked on, which ends with release: it hears how many bytes
// the body was, unpacked. Few may be at a time: the docs of each may take four times maxPush.
type Receiver func(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, release func(size int), err error)

// Push answers a push in the form of Grafana Loki's. It stores docs in sink, which is for the caller, and answers 204 when they are on disk.
func (s *Server) Push(w http.ResponseWriter, r *http.Request, sink Sink, receive Receiver) {
	err := s.push(w, r, sink, receive)
	if err == nil {
		s.counters.Pushes.Add(1)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.counters.Bad.Add(1)
	status := http.StatusInternalServerError
	reason := "the server met an error that it did not expect"
	var e *store.Error
	if errors.As(err, &e) {
		status, reason = e.Kind.Status(), e.Reason
		if store.IsKind(err, store.KindNotFound) {
			status = http.StatusServiceUnavailable // senders drop what is answered with 404, and an app can be made
		}
	} else {
		s.log.Error("inputs: push failed", "err", err)
	}
	if (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, reason, status)
}

func (s *Server) push(w http.ResponseWriter, r *http.Request, sink Sink, receive Receiver) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return store.NewError(store.KindMethodNotAllowed, "pushes are posted")
	}
	// A browser adds to what a page sends, from wherever it comes, the cookie or the certificate by which the door knows its user.
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		return store.NewError(store.KindForbidden, "pages of other sites push nothing")
	}
	body, release, err := receive(w, r, maxPush)
	if err != nil {
		return err
	}
	size := len(body)
	defer func() { release(size) }()
	ctx, cancel := context.WithTimeout(r.Context(), pushTime)
	defer cancel()
	streams, size, err := readPush(r.Header, body)
	if err != nil {
		return err
	}
	if err := checkSize(streams); err != nil {
		return err
	}
	m := s.shop.take()
	defer s.shop.give(m)
	p := &pushing{s: s, m: m, ctx: ctx, sink: sink, docs: map[store.DBName]*pushBatch{}, rejects: map[store.DBName]*pushBatch{},
		places: map[string]uint32{}}
	return p.all(streams)
}

// checkSize refuses pushes that would make very much more of docs than they are themselves.
func checkSize(streams []lokiStream) error {
	total := 0
	for i := range streams {
		st := &streams[i]
		if st.labels.size() > maxLabels {
			return store.NewError(store.KindTooLarge, fmt.Sprintf("a stream has labels of more than %d bytes", maxLabels))
		}
		for j := range st.entries {
			e := &st.entries[j]
			if e.metadata.size() > maxLabels {
				return store.NewError(store.KindTooLarge, fmt.Sprintf("a line has metadata of more than %d bytes", maxLabels))
			}
			total += st.labels.size() + e.metadata.size() + len(e.line)
		}
		if total > maxPushDocs {
			return store.NewError(store.KindTooLarge, fmt.Sprintf("a push may be docs of at most %d bytes", maxPushDocs))
		}
	}
	return nil
}
