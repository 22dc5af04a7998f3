package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/intake"
)

// docWriter is an Upstream in the same process that takes docs as they are, without a request's bytes: it writes new docs for the
// caller in ctx as a POST of them to _bulk_docs does, gives ids to those that have none, in place, and keeps nothing of docs.
// There is one result for each doc, in their order; only docs that came with an id can conflict.
type docWriter interface {
	WriteDocs(ctx context.Context, db store.DBName, docs []store.Doc) ([]store.WriteResult, error)
}

// write stores what a stranger sends.
func (d *Door) write(v *visit) error {
	if v.to.db == "" {
		return errNoApp
	}
	l := d.budget.Lease(v.payer)
	defer l.Free()
	form, err := formOf(v.r)
	if err != nil {
		return err
	}
	began := time.Now()
	body, packed, err := v.receive(v.body(), &l, d.o.Limits.Body)
	if err != nil {
		return err
	}
	if time.Since(began) > watchTime && !d.stillMay(v) {
		intake.Free(body)
		return v.refusal()
	}
	answer, due, err := d.writeInTurn(v, body, packed, form, &l)
	if err != nil {
		return err
	}
	defer intake.Free(answer)
	l.Keep(int64(cap(*answer)))
	d.usual.waitUntil(v.r.Context(), due)
	v.send(http.StatusCreated, *answer)
	return nil
}

// writeInTurn stores the docs of a body that has come, and frees it, when it is the visit's turn, and makes the answer. That is sent when
// the turn is over, and not before due: a client may take its time to read it.
func (d *Door) writeInTurn(v *visit, body *[]byte, packed bool, form docsForm, l *lease) (answer *[]byte, due time.Time, err error) {
	turns := d.turnsFor(len(*body), packed)
	if err := turns.take(v.r.Context(), v.payer); err != nil {
		intake.Free(body)
		return nil, due, err
	}
	defer turns.give()
	if packed {
		if body, err = unpack(body, l, d.o.Limits.Body); err != nil {
			return nil, due, err
		}
	}
	d.rates.add(v.payer, len(*body), time.Now())
	list, err := d.parseDocs(v.to.db, *body, form, false, l)
	intake.Free(body)
	if err != nil {
		return nil, due, err
	}
	defer list.free()
	d.counters.Writes.Add(1)
	begun := time.Now()
	results, err := d.store(v, list)
	if err != nil {
		if !store.IsKind(err, store.KindNotFound) { // a name that no app has is the caller's mistake, and a refusal
			d.counters.Failed.Add(int64(len(list.list)))
		}
		return nil, due, d.refusedWrite(v, err)
	}
	due = d.usual.due(begun, time.Now(), results)
	answer, err = d.answerWrite(v, list, results)
	return answer, due, err
}

// store writes docs, in whichever way the store takes them, and tells what became of each.
func (d *Door) store(v *visit, list docs) ([]store.WriteResult, error) {
	if d.direct == nil {
		return d.post(v, list)
	}
	ctx := d.o.AsWriter(v.inner(http.MethodPost, dbPath(v.to.db, "/_bulk_docs"), nil)).Context()
	results, err := d.direct.WriteDocs(ctx, v.to.db, list.list)
	if err == nil && len(results) != len(list.list) {
		err = errUpstream
	}
	return results, err
}

// answerWrite is what a stranger is told when docs are stored, for intake.Free afterwards. Nobody learns which of them were there before.
func (d *Door) answerWrite(v *visit, list docs, results []store.WriteResult) (*[]byte, error) {
	buf := intake.Buffer(int64(usualRow * len(results)))
	if list.single {
		doc, r := &list.list[0], &results[0]
		if !isStored(r) {
			intake.Free(buf)
			d.counters.Failed.Add(1)
			return nil, d.refusedWrite(v, r.Err)
		}
		d.counters.Docs.Add(1)
		v.w.Header()["Location"] = []string{v.scheme() + "://" + v.r.Host + dbPath(v.to.db, "/") + url.PathEscape(r.ID)}
		*buf = append(appendStored(*buf, doc, r), '\n')
		return buf, nil
	}
	answer, failed := appendRows(*buf, list.list, results)
	*buf = append(answer, '\n')
	d.counters.Failed.Add(int64(failed))
	d.counters.Docs.Add(int64(len(list.list) - failed))
	return buf, nil
}

// isStored tells whether a doc is in the store. One with a content id that conflicts was there already, or was changed since by somebody
// who may; that is nothing that a stranger may learn.
func isStored(r *store.WriteResult) bool {
	return r.Err == nil || store.IsKind(r.Err, store.KindConflict)
}

// appendStored appends the answer about a doc that is stored: what its first write gives, whatever it met.
func appendStored(dst []byte, doc *store.Doc, r *store.WriteResult) []byte {
	dst = store.AppendJSONString(append(dst, `{"ok":true,"id":`...), r.ID)
	dst = append(dst, `,"rev":"1-`...)
	if r.Err == nil && r.Rev.Gen == 1 {
		dst = append(dst, r.Rev.Hash...)
	} else {
		dst = ejson.AppendRevHash(dst, false, store.Rev{}, doc.Body)
	}
	return append(dst, `"}`...)
}

// appendRows appends the answer to the writing of many docs. failed is how many of them are not stored.
func appendRows(dst []byte, list []store.Doc, results []store.WriteResult) (_ []byte, failed int) {
	dst = append(dst, '[')
	for i := range results {
		if i > 0 {
			dst = append(dst, ',')
		}
		if r := &results[i]; isStored(r) {
			dst = appendStored(dst, &list[i], r)
		} else {
			dst = appendFailed(dst, r)
			failed++
		}
	}
	return append(dst, ']'), failed
}

// appendFailed appends the row of a doc that is not stored. The reason is the store's where somebody wrote it for those who
// write: in a validation function.
func appendFailed(dst []byte, r *store.WriteResult) []byte {
	e := asError(r.Err)
	word, reason := e.ErrorWord(), "The document was not stored."
	if word == store.KindForbidden.Word() {
		reason = e.Reason
	}
	dst = append(dst, `{"id":`...)
	if r.ID == "" {
		dst = append(dst, "null"...)
	} else {
		dst = store.AppendJSONString(dst, r.ID)
	}
	dst = store.AppendJSONString(append(dst, `,"error":`...), word)
	return append(store.AppendJSONString(append(dst, `,"reason":`...), reason), '}')
}

// asError is err with a kind.
func asError(err error) *store.Error {
	if e, ok := errors.AsType[*store.Error](err); ok {
		return e
	}
	return &store.Error{Kind: store.KindInternal, Err: err}
}

// refusedWrite is what a stranger is told when the store did not take a write as a whole.
func (d *Door) refusedWrite(v *visit, err error) error {
	if ended := v.r.Context().Err(); ended != nil || err == errUpstream {
		return err
	}
	e := asError(err)
	word := e.ErrorWord()
	switch {
	case e.Kind == store.KindNotFound && word == store.KindNotFound.Word():
		return errNoApp
	case e.Kind == store.KindForbidden && e.Reason != "" && !aboutAccount(e.Reason):
		return store.NewError(store.KindForbidden, e.Reason) // a validation function's
	case e.Kind == store.KindUnauthorized, e.Kind == store.KindForbidden:
		app, _ := v.to.db.App()
		d.warn(v.r.Context(), "store does not let the writer write; run: logctl app create "+app,
			"app", app, "status", e.Kind.Status(), "reason", e.Reason)
		return store.NewError(store.KindUnavailable, "The server is not set up to take documents for this application.")
	case e.Kind.Status() == http.StatusBadRequest, e.Kind.Status() == http.StatusRequestEntityTooLarge:
		return store.NewError(e.Kind, e.Reason)
	case e.Kind == store.KindNoSpace:
		return store.NewError(store.KindNoSpace, "The store is full.")
	}
	d.warn(v.r.Context(), "store did not take a write", "status", e.Kind.Status(), "error", word, "reason", e.Reason, "err", e.Err)
	return errUpstream
}

// aboutAccount tells CouchDB's own reasons for 403, all about the account that asks, from those of validation functions.
func aboutAccount(reason string) bool {
	switch reason {
	case "You are not allowed to access this db.", "You are not a db or server admin.",
		"Account is temporarily locked due to multiple authentication failures":
		return true
	}
	return false
}
