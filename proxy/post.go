package proxy

import (
	"bytes"
	"encoding/json"
	"net/http"

	"logctl/store"
	"logctl/store/ejson"
)

const (
	maxAnswer = 64 << 10 // bytes of the store's answer to a write
	rowAnswer = 1 << 10  // and for each doc of many
	usualRow  = 104      // of which it mostly needs so many
)

// post writes docs by a request of the door's own, to a store elsewhere.
func (d *Door) post(v *visit, list docs) ([]store.WriteResult, error) {
	path, usual, limit := "", usualRow, maxAnswer
	if !list.single {
		path, usual, limit = "/_bulk_docs", usualRow*(len(list.list)+1), maxAnswer+rowAnswer*len(list.list)
	}
	c, err := d.ask(d.o.AsWriter(v.inner(http.MethodPost, dbPath(v.to.db, path), newDocsReader(list))), usual, limit)
	if err != nil {
		return nil, err
	}
	results := make([]store.WriteResult, len(list.list))
	switch {
	case list.single && c.status == http.StatusConflict && list.list[0].ID != "":
		results[0] = store.WriteResult{ID: list.list[0].ID, Err: errThere}
	case !taken(c.status):
		return nil, answeredError(c)
	case list.single:
		err = readRow(&results[0], &list.list[0], bytes.TrimSpace(c.body))
	default:
		err = readRows(results, list.list, c.body)
	}
	if err != nil {
		d.warn(v.r.Context(), "store's answer does not fit its docs", "err", err)
		return nil, errUpstream
	}
	return results, nil
}

// taken tells the statuses of a write that is to be taken for done. A cluster without its quorum answers 202; a stranger is
// told 201 then, too, for a doc that was there is a conflict in both cases.
func taken(status int) bool { return status == http.StatusCreated || status == http.StatusAccepted }

var errThere = store.NewError(store.KindConflict, "Document update conflict.")

// answeredError is what a store's answer that is no success says.
func answeredError(c *captured) *store.Error {
	var said struct{ Error, Reason string }
	_ = json.Unmarshal(c.body, &said) // what is no error's JSON leaves both empty
	e := &store.Error{Kind: store.KindFor(c.status, said.Error), Word: said.Error, Reason: said.Reason}
	if said.Error == "" { // not the store's own: only what needs no words is believed
		switch c.status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusInsufficientStorage:
		default:
			e.Kind = store.KindInternal
		}
	}
	return e
}

// readRows reads the store's answer to _bulk_docs, which has a row for each doc in their order.
func readRows(results []store.WriteResult, list []store.Doc, answer []byte) error {
	n := 0
	err := ejson.Elements(answer, func(row []byte) error {
		if n == len(list) {
			return errUpstream
		}
		n++
		return readRow(&results[n-1], &list[n-1], row)
	})
	if err == nil && n < len(list) {
		err = errUpstream
	}
	return err
}

// readRow reads the store's answer about one doc. Of a doc with a content id that is stored nothing is read: it follows from the doc.
func readRow(r *store.WriteResult, doc *store.Doc, row []byte) error {
	if r.ID = doc.ID; r.ID != "" && bytes.HasPrefix(row, []byte(`{"ok":true,"id":"`)) {
		return nil
	}
	var said struct {
		OK                 bool
		ID                 string
		Rev, Error, Reason string
	}
	if err := json.Unmarshal(row, &said); err != nil {
		return err
	}
	if said.ID != "" && r.ID == "" {
		r.ID = said.ID
	}
	switch {
	case said.Error != "" && !said.OK:
		r.Err = rowError(said.Error, said.Reason, doc.ID != "")
	case said.Error != "" || !said.OK || r.ID == "":
		return errUpstream
	case doc.ID == "":
		var err error
		r.Rev, err = store.ParseRev(said.Rev)
		return err
	}
	return nil
}

// rowError is the error of a row. A doc that came without an id can't conflict with what it is itself.
func rowError(word, reason string, hasID bool) error {
	e := &store.Error{Kind: store.KindInternal, Word: word, Reason: reason}
	if hasID && word == store.KindConflict.Word() {
		e.Kind = store.KindConflict
	}
	return e
}
