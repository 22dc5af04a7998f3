package proxy

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	"logctl/store/intake"
)

// writeOwn lets a signed-in caller send an array of docs or a doc on each line to an app's database as a stranger may. To the
// store it is a _bulk_docs with the caller's own credentials, and the answer is the store's. Everything else goes through as it is.
func (d *Door) writeOwn(v *visit) error {
	form, err := formOf(v.r)
	if err != nil || v.to.db == "" || v.overridesMethod() || v.r.Body == nil {
		return d.pass(v)
	}
	src := bufio.NewReaderSize(v.r.Body, peekSize)
	if form == asJSON && peekFirst(src, v.r.Header.Get("Content-Encoding")) != '[' {
		v.r.Body = readCloser{src, v.r.Body}
		return d.pass(v)
	}
	l := d.budget.Lease(v.payer)
	defer l.Free()
	body, err := v.readBody(src, &l, d.o.Limits.Body)
	if err != nil {
		return err
	}
	list, err := d.parseDocs(v.to.db, *body, form, true, &l)
	intake.Free(body)
	if err != nil {
		return err
	}
	d.counters.Passed.Add(1)
	r := d.forwarded(v)
	inner := v.inner(http.MethodPost, dbPath(v.to.db, "/_bulk_docs"), newDocsReader(list))
	r.URL, r.RequestURI = inner.URL, inner.RequestURI
	r.Body, r.GetBody, r.ContentLength = inner.Body, inner.GetBody, inner.ContentLength
	r.TransferEncoding = nil
	r.Header["Content-Type"] = inner.Header["Content-Type"]
	r.Header.Del("Content-Encoding")
	r.Header.Del("Content-Length")
	r.Header.Del("Expect")
	d.hand(v, r)
	return nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// peekSize is how far peekFirst looks.
const peekSize = 1 << 10

// peekFirst is the first byte of a JSON body that is not white space, without taking it out of src; 0 if it is not to be seen.
func peekFirst(src *bufio.Reader, coding string) byte {
	// One read's worth: more may not come before the server answers.
	if _, err := src.Peek(1); err != nil {
		return 0
	}
	head, _ := src.Peek(src.Buffered())
	if !strings.EqualFold(coding, "gzip") {
		return firstByte(head)
	}
	z, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return 0
	}
	var text [64]byte
	n, _ := io.ReadAtLeast(z, text[:], 1)
	return firstByte(text[:n])
}
