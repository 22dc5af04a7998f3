package proxy

import (
	"io"
	"net/http"
)

// docsReader is docs as the body of a request to the store: one object, or what _bulk_docs takes. It writes them while it is
// read, out of the memory where they are already.
type docsReader struct {
	docs  docs
	next  int    // the doc that piece is followed by; one more than there are at the end
	piece []byte // what is to be read first
	rest  []byte // the part of a body that follows piece
	head  [64]byte
}

const (
	bulkOpen  = `{"docs":[`
	bulkClose = `]}`
	idOpen    = `{"_id":"`
)

func newDocsReader(d docs) *docsReader {
	r := &docsReader{docs: d}
	if !d.single {
		r.piece = append(r.head[:0], bulkOpen...)
	}
	return r
}

// attach makes r's body the docs. It can be read again, so that a transport may try twice where a connection was stale.
func (d *docsReader) attach(r *http.Request) {
	r.Body = io.NopCloser(d)
	r.ContentLength = d.docs.size()
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(newDocsReader(d.docs)), nil }
}

// size is how many bytes there are to read.
func (d docs) size() int64 {
	var n int64
	for i := range d.list {
		doc := &d.list[i]
		n += int64(len(doc.Body))
		if doc.ID != "" {
			n += int64(len(idOpen) + len(doc.ID) + len(`"`))
			if len(doc.Body) == len("{}") {
				n -= int64(len(`{`))
			}
		}
	}
	if !d.single {
		n += int64(len(bulkOpen) + max(len(d.list)-1, 0) + len(bulkClose))
	}
	return n
}

// Read copies as much as there is room for.
func (d *docsReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(d.piece) == 0 && !d.step() {
			if n == 0 {
				return 0, io.EOF
			}
			break
		}
		c := copy(p[n:], d.piece)
		d.piece = d.piece[c:]
		n += c
	}
	return n, nil
}

// step makes the next piece; false at the end.
func (d *docsReader) step() bool {
	if d.rest != nil {
		d.piece, d.rest = d.rest, nil
		return true
	}
	list := d.docs.list
	switch {
	case d.next > len(list), d.next == len(list) && d.docs.single:
		return false
	case d.next == len(list):
		d.piece = append(d.head[:0], bulkClose...)
		d.next++
		return true
	}
	doc := &list[d.next]
	head := d.head[:0]
	if d.next > 0 {
		head = append(head, ',')
	}
	d.rest = doc.Body
	if doc.ID != "" {
		head = append(append(append(head, idOpen...), doc.ID...), '"')
		d.rest = doc.Body[1:]
		if len(doc.Body) > len("{}") {
			head = append(head, ',')
		}
	}
	d.next++
	d.piece = head
	if len(head) == 0 {
		d.piece, d.rest = d.rest, nil
	}
	return true
}
