package proxy

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"logctl/store"
)

const (
	bodyGrace = 30 * time.Second // a body may stop for so long, and take so long beyond its due
	bodySpeed = 16 << 10         // bytes a second that a body must come with at least, on average
	firstRead = 16 << 10         // bytes of memory that a body gets at first, if there is no buffer
	fewBytes  = 64 << 10         // the largest buffer that a small body gets
	keepBytes = 1 << 20          // the largest buffer that is kept for a later request
)

// buffers and gunzips hold memory to be used again and nothing else.
var (
	buffers = sync.Pool{New: func() any { return new([]byte) }} // up to fewBytes
	larger  = sync.Pool{New: func() any { return new([]byte) }} // up to keepBytes
	gunzips = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// newBuffer is an empty one for so many bytes.
func newBuffer(size int64) *[]byte {
	pool := &buffers
	if size > fewBytes {
		pool = &larger
	}
	buf := pool.Get().(*[]byte)
	if int64(cap(*buf)) < size {
		*buf = make([]byte, 0, size)
	}
	*buf = (*buf)[:0]
	return buf
}

// freeBuffer gives a buffer back.
func freeBuffer(buf *[]byte) {
	switch size := cap(*buf); {
	case size <= fewBytes:
		buffers.Put(buf)
	case size <= keepBytes:
		larger.Put(buf)
	}
}

// body is the request's body, never nil.
func (v *visit) body() io.Reader {
	if v.r.Body == nil {
		return http.NoBody
	}
	return v.r.Body
}

// readBody reads src, the visit's body, whole and decompressed, up to limit bytes. Its memory is taken out of l while it
// comes, so that an announced length costs nothing. The buffer is the caller's until freeBuffer.
func (v *visit) readBody(src io.Reader, l *lease, limit int64) (*[]byte, error) {
	buf, packed, err := v.receive(src, l, limit)
	if err != nil || !packed {
		return buf, err
	}
	return unpack(buf, l, limit)
}

// receive is readBody as far as the client has a part in it: packed tells that what came is still compressed.
func (v *visit) receive(src io.Reader, l *lease, limit int64) (buf *[]byte, packed bool, err error) {
	coding := v.r.Header.Get("Content-Encoding")
	packed = strings.EqualFold(coding, "gzip")
	if !packed && coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, false, store.NewError(store.KindBadContentType, strings.ToLower(coding)+" is not a supported content encoding.")
	}
	if v.r.ContentLength > limit {
		return nil, false, errTooLarge
	}
	paced := &pacedReader{src: src, conn: v.conn, start: time.Now()}
	defer paced.done()
	if buf, err = readAll(paced, l, 0, v.r.ContentLength, limit); err != nil {
		return nil, false, bodyError(err, "The request body could not be read.")
	}
	return buf, packed, nil
}

// unpack decompresses what receive gave, and frees that.
func unpack(packed *[]byte, l *lease, limit int64) (*[]byte, error) {
	defer freeBuffer(packed)
	z := gunzips.Get().(*gzip.Reader)
	defer gunzips.Put(z)
	err := z.Reset(bytes.NewReader(*packed))
	var buf *[]byte
	if err == nil {
		buf, err = readAll(z, l, int64(cap(*packed)), 0, limit)
	}
	if err != nil {
		return nil, bodyError(err, "Request body is not properly gzipped.")
	}
	return buf, nil
}

var errTooLarge = store.NewError(store.KindTooLarge, "the request entity is too large")

// readAll reads in to its end, which is to come within limit bytes, into a buffer that counts in l beside other bytes. announced is how
// many there are said to be, 0 or less for nobody knows.
func readAll(in io.Reader, l *lease, other, announced, limit int64) (*[]byte, error) {
	buf := buffers.Get().(*[]byte)
	*buf = (*buf)[:0]
	err := l.need(other + int64(cap(*buf)))
	for err == nil && int64(len(*buf)) <= limit {
		if len(*buf) == cap(*buf) {
			if buf, err = grow(buf, l, other, announced, limit); err != nil {
				break
			}
		}
		var n int
		n, err = in.Read((*buf)[len(*buf):cap(*buf)])
		*buf = (*buf)[:len(*buf)+n]
	}
	if int64(len(*buf)) > limit {
		err = errTooLarge
	}
	if err != io.EOF {
		freeBuffer(buf)
		return nil, err
	}
	return buf, nil
}

// grow gives a buffer for buf that is twice as long, or what the body needs if that is announced and less; it has no more than one
// byte above the limit.
func grow(buf *[]byte, l *lease, other, announced, limit int64) (*[]byte, error) {
	had := int64(cap(*buf))
	size := max(2*had, firstRead)
	if announced > 0 && announced < size {
		size = max(announced+1, had+512)
	}
	size = min(size, max(limit, had)+1)
	if err := l.need(other + size); err != nil {
		return buf, err
	}
	longer := newBuffer(size)
	*longer = append(*longer, *buf...)
	freeBuffer(buf)
	return longer, l.need(other + int64(cap(*longer)))
}

// bodyError is what a client is told about a body that could not be read, if the error does not say it.
func bodyError(err error, reason string) error {
	var e *store.Error
	if errors.As(err, &e) || errors.Is(err, errSlow) {
		return err
	}
	return store.NewError(store.KindBadRequest, reason)
}

// pacedReader reads a body that must keep to a minimum speed. It moves the connection's read deadline.
type pacedReader struct {
	src   io.Reader
	conn  *http.ResponseController
	start time.Time
	got   int64
}

func (p *pacedReader) Read(b []byte) (int, error) {
	due := p.start.Add(bodyGrace + time.Duration(p.got/bodySpeed)*time.Second)
	if stop := time.Now().Add(bodyGrace); stop.Before(due) {
		due = stop
	}
	_ = p.conn.SetReadDeadline(due) // not every request has a connection
	n, err := p.src.Read(b)
	p.got += int64(n)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errSlow
	}
	return n, err
}

// done takes the deadline away; left in place, it would end the request's context while the store works.
func (p *pacedReader) done() { _ = p.conn.SetReadDeadline(time.Time{}) }
