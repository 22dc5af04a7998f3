package proxy

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"

	"logctl/store"
	"logctl/store/ejson"
)

// write stores what a stranger sends.
func (d *Door) write(v *visit) error {
	if v.to.db == "" {
		return errNoApp
	}
	l := d.budget.lease()
	defer l.free()
	form, err := formOf(v.r)
	if err != nil {
		return err
	}
	body, err := v.readBody(v.body(), &l, d.o.MaxBody)
	if err != nil {
		return err
	}
	list, err := d.parseDocs(v.to.db, *body, form, false, &l)
	freeBuffer(body)
	if err != nil {
		return err
	}
	d.counters.Writes.Add(1)
	if list.single {
		return d.writeOne(v, list)
	}
	return d.writeMany(v, list)
}

const (
	maxAnswer = 64 << 10 // bytes of the store's answer to a write
	rowAnswer = 1 << 10  // and for each doc of many
	usualRow  = 104      // of which it mostly needs so many
)

// conflict is the error word of a doc whose id is there already.
const conflict = "conflict"

func (d *Door) writeOne(v *visit, list docs) error {
	c, err := d.ask(d.o.AsWriter(v.inner(http.MethodPost, dbPath(v.to.db, ""), newDocsReader(list))), usualRow, maxAnswer)
	if err != nil {
		return err
	}
	doc := &list.list[0]
	var id string
	var answer []byte
	switch {
	case doc.id != "" && (stored(c.status) || c.status == http.StatusConflict):
		id = doc.id
		answer = appendStored(nil, doc)
	case stored(c.status):
		var said struct{ ID, Rev string }
		if json.Unmarshal(c.body, &said) != nil || said.ID == "" {
			return errUpstream
		}
		id, answer = said.ID, bytes.TrimSpace(c.body)
	default:
		d.counters.Failed.Add(1)
		return d.refusedWrite(v, c)
	}
	d.counters.Docs.Add(1)
	v.w.Header()["Location"] = []string{v.scheme() + "://" + v.r.Host + dbPath(v.to.db, "/") + url.PathEscape(id)}
	v.send(http.StatusCreated, append(answer, '\n'))
	return nil
}

func (d *Door) writeMany(v *visit, list docs) error {
	r := d.o.AsWriter(v.inner(http.MethodPost, dbPath(v.to.db, "/_bulk_docs"), newDocsReader(list)))
	c, err := d.ask(r, usualRow*(len(list.list)+1), maxAnswer+rowAnswer*len(list.list))
	if err != nil {
		return err
	}
	if !stored(c.status) {
		d.counters.Failed.Add(int64(len(list.list)))
		return d.refusedWrite(v, c)
	}
	answer, failed, err := appendRows(make([]byte, 0, len(c.body)+2), list.list, c.body)
	if err != nil {
		d.warn(v.r.Context(), "store's answer does not fit its docs", "err", err)
		return errUpstream
	}
	d.counters.Failed.Add(int64(failed))
	d.counters.Docs.Add(int64(len(list.list) - failed))
	v.send(http.StatusCreated, append(answer, '\n'))
	return nil
}

// stored tells the statuses of a write that is to be taken for done. A cluster without its quorum answers 202; a stranger is
// told 201 then, too, for a doc that was there is a conflict in both cases.
func stored(status int) bool { return status == http.StatusCreated || status == http.StatusAccepted }

// appendStored appends the answer about a doc with a content id: what a first write of it gives.
func appendStored(dst []byte, doc *doc) []byte {
	dst = append(append(append(dst, `{"ok":true,"id":"`...), doc.id...), `","rev":"1-`...)
	dst = ejson.AppendRevHash(dst, false, store.Rev{}, doc.body)
	return append(dst, `"}`...)
}

// appendRows appends the answer to the writing of many docs, made from the store's, which has a row for each in their order.
// failed is how many of them are not stored.
func appendRows(dst []byte, list []doc, answer []byte) (_ []byte, failed int, err error) {
	dst = append(dst, '[')
	n := 0
	err = ejson.Elements(answer, func(row []byte) error {
		if n == len(list) {
			return errUpstream
		}
		doc := &list[n]
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		word, err := rowError(row)
		switch {
		case err != nil:
			return err
		case doc.id != "" && (word == "" || word == conflict):
			dst = appendStored(dst, doc)
		case word == "":
			dst = append(dst, row...)
		default:
			failed++
			dst = appendFailed(dst, row, word)
		}
		return nil
	})
	if err == nil && n < len(list) {
		err = errUpstream
	}
	return append(dst, ']'), failed, err
}

// rowError is the error word in a row of _bulk_docs, "" where the doc is stored.
func rowError(row []byte) (word string, err error) {
	if bytes.HasPrefix(row, []byte(`{"ok":true,"id":"`)) {
		return "", nil
	}
	ok := false
	err = ejson.Members(row, func(key, value []byte) error {
		switch string(key) {
		case "ok":
			ok = string(value) == "true"
		case "error":
			return json.Unmarshal(value, &word)
		}
		return nil
	})
	if err == nil && ok == (word != "") {
		err = errUpstream
	}
	return word, err
}

// appendFailed appends the row of a doc that is not stored. The reason is the store's where somebody wrote it for those who
// write: in a validation function.
func appendFailed(dst, row []byte, word string) []byte {
	reason := []byte(`"The document was not stored."`)
	id := []byte("null")
	_ = ejson.Members(row, func(key, value []byte) error { // rowError has read it
		switch {
		case string(key) == "id":
			id = value
		case string(key) == "reason" && word == store.KindForbidden.Word():
			reason = value
		}
		return nil
	})
	dst = append(append(dst, `{"id":`...), id...)
	dst = store.AppendJSONString(append(dst, `,"error":`...), word)
	return append(append(append(dst, `,"reason":`...), reason...), '}')
}

// refusedWrite is what a stranger is told when the store did not take a write as a whole.
func (d *Door) refusedWrite(v *visit, c *captured) error {
	var said struct{ Error, Reason string }
	_ = json.Unmarshal(c.body, &said) // what is no error's JSON leaves both empty
	switch {
	case c.status == http.StatusNotFound && said.Error == store.KindNotFound.Word():
		return errNoApp
	case c.status == http.StatusForbidden && said.Reason != "" && !aboutAccount(said.Reason):
		return store.NewError(store.KindForbidden, said.Reason) // a validation function's
	case c.status == http.StatusUnauthorized, c.status == http.StatusForbidden:
		app, _ := v.to.db.App()
		d.warn(v.r.Context(), "store does not let the writer write; run: logctl app create "+app,
			"app", app, "status", c.status, "reason", said.Reason)
		return store.NewError(store.KindUnavailable, "The server is not set up to take documents for this application.")
	case said.Error != "" && (c.status == http.StatusBadRequest || c.status == http.StatusRequestEntityTooLarge):
		return store.NewError(store.KindFor(c.status, said.Error), said.Reason)
	case c.status == http.StatusInsufficientStorage:
		return store.NewError(store.KindNoSpace, "The store is full.")
	}
	d.warn(v.r.Context(), "store did not take a write", "status", c.status, "error", said.Error, "reason", said.Reason)
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
