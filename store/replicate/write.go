package replicate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"logctl/store"
)

// maxBulk is how many bytes of docs are written at once, unless one alone has more.
const maxBulk = 1 << 20

// bulk gathers docs until they are worth a request.
type bulk struct {
	ids  []string
	docs [][]byte
	size int
}

func (b *bulk) add(id string, doc []byte) {
	b.ids, b.docs, b.size = append(b.ids, id), append(b.docs, doc), b.size+len(doc)
}

// writeBulk writes docs that were gathered. What is too much for the target at once is written in halves.
func (r *run) writeBulk(ctx context.Context, ids []string, docs [][]byte) error {
	if len(docs) == 0 {
		return nil
	}
	var rows []struct{ ID, Rev, Error, Reason string }
	err := r.o.Target.call(ctx, request{method: http.MethodPost, path: "_bulk_docs", body: func() (io.Reader, error) {
		parts := []io.Reader{bytes.NewReader([]byte(`{"new_edits":false,"docs":[`))}
		for i, d := range docs {
			if i > 0 {
				parts = append(parts, bytes.NewReader([]byte(",")))
			}
			parts = append(parts, bytes.NewReader(d))
		}
		return io.MultiReader(append(parts, bytes.NewReader([]byte("]}")))...), nil
	}}, &rows)
	switch {
	case err == nil:
	case len(docs) > 1 && refusal(err):
		// One of them is at fault, or all are too much.
		half := len(docs) / 2
		if err := r.writeBulk(ctx, ids[:half], docs[:half]); err != nil {
			return err
		}
		return r.writeBulk(ctx, ids[half:], docs[half:])
	case refusal(err):
		r.refuse(ids[0], err)
		return nil
	default:
		return err
	}
	r.stats.Written += int64(len(docs))
	for _, row := range rows {
		if row.Error == "" {
			continue
		}
		r.stats.Written--
		err := &store.Error{Kind: store.KindFor(http.StatusForbidden, row.Error), Word: row.Error, Reason: row.Reason}
		if !refusedWords[row.Error] {
			return fmt.Errorf("write %s to %s: %w", row.ID, &r.o.Target, err)
		}
		r.refuse(row.ID, err)
	}
	return nil
}

// refusedWords are the errors of a doc that the target will never take: its validation or its limits are against it.
var refusedWords = map[string]bool{
	"forbidden": true, "unauthorized": true, "doc_validation": true, "illegal_docid": true, "bad_request": true,
	"document_too_large": true, "attachment_too_large": true, "compilation_error": true, "conflict": true,
}

// refusal tells an answer that is about the docs, not about the target.
func refusal(err error) bool {
	var e *store.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Kind == store.KindTooLarge || e.Kind == store.KindDocTooLarge ||
		e.Kind != store.KindUnauthorized && e.Kind != store.KindForbidden && refusedWords[e.Word]
}

func (r *run) refuse(id string, err error) {
	r.stats.Failures++
	r.o.Refused(id, err)
}

// copyAttached copies one revision with its attachments: the source's answer, a MIME message, becomes the target's request as
// it comes. Attachments that the target has from an ancestor are left out.
func (r *run) copyAttached(ctx context.Context, w wanted) error {
	err := r.copyStream(ctx, w)
	if store.IsKind(err, store.KindMissingStub) && len(w.ancestors) > 0 {
		w.ancestors = nil // the target has forgotten what it said that it had
		err = r.copyStream(ctx, w)
	}
	switch {
	case err == nil:
		r.stats.Written++
	case errors.Is(err, errGone):
		r.stats.Read--
		return nil
	case refusal(err) || store.IsKind(err, store.KindForbidden):
		r.refuse(w.id, err)
		return nil
	}
	return err
}

// errGone tells of a revision that the source has no more: it has been replaced and compacted away since; see fetch.
var errGone = errors.New("gone from the source")

func (r *run) copyStream(ctx context.Context, w wanted) error {
	q := url.Values{"rev": {w.rev}, "revs": {"true"}, "attachments": {"true"}}
	if len(w.ancestors) > 0 {
		raw, err := json.Marshal(w.ancestors)
		if err != nil {
			return err
		}
		q.Set("atts_since", string(raw))
	}
	pause := firstPause
	for n := 1; ; n++ {
		err := r.copyOnce(ctx, w, q)
		if err == nil || n == attempts || !transient(err) {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause *= 2
	}
}

func (r *run) copyOnce(ctx context.Context, w wanted, q url.Values) error {
	res, err := r.o.Source.do(ctx, request{method: http.MethodGet, path: docPath(w.id), query: q, once: true,
		header: http.Header{"Accept": {"multipart/related"}}})
	if store.IsKind(err, store.KindNotFound) {
		if err := r.o.Source.confirmGone(ctx, w); err != nil {
			return err
		}
		return errGone
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body := &sourceBody{src: res.Body, peer: &r.o.Source}
	err = r.o.Target.call(ctx, request{method: http.MethodPut, path: docPath(w.id), query: url.Values{"new_edits": {"false"}},
		header: http.Header{"Content-Type": {res.Header.Get("Content-Type")}}, once: true,
		body: func() (io.Reader, error) { return body, nil }}, nil)
	if broken := body.broken(); broken != nil {
		return broken
	}
	return err
}

// sourceBody remembers that it was the source that broke off. It may still be read when the target has answered already.
type sourceBody struct {
	src  io.Reader
	peer *Peer
	mu   sync.Mutex
	err  error // mu
}

func (b *sourceBody) broken() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

func (b *sourceBody) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	if err != nil && err != io.EOF {
		err = b.peer.broken(err)
		b.mu.Lock()
		b.err = err
		b.mu.Unlock()
	}
	return n, err
}
