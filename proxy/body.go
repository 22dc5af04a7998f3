package proxy

import (
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
	firstRead = 16 << 10         // bytes of memory that a body gets on its promise alone
	keepBytes = 1 << 20          // the largest buffer that is kept for a later request
)

// buffers and gunzips hold memory to be used again and nothing else.
var (
	buffers = sync.Pool{New: func() any { return new([]byte) }}
	gunzips = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// freeBuffer gives a buffer of readBody's back.
func freeBuffer(buf *[]byte) {
	if cap(*buf) <= keepBytes {
		buffers.Put(buf)
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
	coding := v.r.Header.Get("Content-Encoding")
	packed := strings.EqualFold(coding, "gzip")
	if !packed && coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, store.NewError(store.KindBadContentType, strings.ToLower(coding)+" is not a supported content encoding.")
	}
	tooLarge := store.NewError(store.KindTooLarge, "the request entity is too large")
	announced := v.r.ContentLength
	if packed {
		announced = 0 // of what is unpacked nobody knows the length
	}
	if announced > limit {
		return nil, tooLarge
	}
	paced := &pacedReader{src: src, conn: v.conn, start: time.Now()}
	defer paced.done()
	in := io.Reader(paced)
	if packed {
		z := gunzips.Get().(*gzip.Reader)
		defer gunzips.Put(z)
		if err := z.Reset(paced); err != nil {
			return nil, bodyError(err, packed)
		}
		in = z
	}
	buf := buffers.Get().(*[]byte)
	b := (*buf)[:0]
	var err error
	for err == nil && int64(len(b)) <= limit {
		if len(b) == cap(b) {
			if b, err = grow(b, l, announced, limit); err != nil {
				break
			}
		}
		var n int
		n, err = in.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
	}
	*buf = b
	if int64(len(b)) > limit {
		err = tooLarge
	}
	if err != io.EOF {
		freeBuffer(buf)
		return nil, bodyError(err, packed)
	}
	return buf, nil
}

// grow doubles b, or makes it what the body needs if that is announced and less; to no more than one byte above the limit.
func grow(b []byte, l *lease, announced, limit int64) ([]byte, error) {
	size := int64(max(2*cap(b), firstRead))
	if announced > 0 && announced < size {
		size = max(announced+1, int64(cap(b))+512)
	}
	size = min(size, max(limit, int64(cap(b)))+1)
	if err := l.need(size); err != nil {
		return b, err
	}
	bigger := make([]byte, len(b), size)
	copy(bigger, b)
	return bigger, nil
}

// bodyError is what a client is told about a body that could not be read.
func bodyError(err error, packed bool) error {
	var e *store.Error
	switch {
	case errors.As(err, &e), errors.Is(err, errSlow):
		return err
	case packed:
		return store.NewError(store.KindBadRequest, "Request body is not properly gzipped.")
	}
	return store.NewError(store.KindBadRequest, "The request body could not be read.")
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
