package proxy

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"logctl/store"
	"logctl/store/intake"
)

const (
	bodyGrace = 30 * time.Second // a body may stop for so long, and take so long beyond its due
	bodySpeed = 16 << 10         // bytes a second that a body must come with at least, on average
)

// lease is the memory that one request of a client has.
type lease = intake.Lease[client]

// body is the request's body, never nil.
func (v *visit) body() io.Reader {
	if v.r.Body == nil {
		return http.NoBody
	}
	return v.r.Body
}

// readBody reads src, the visit's body, whole and decompressed, up to limit bytes. Its memory is taken out of l while it
// comes, so that an announced length costs nothing. The buffer is the caller's until intake.Free.
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
		return nil, false, intake.ErrTooLarge
	}
	paced := &pacedReader{src: src, conn: v.conn, start: time.Now()}
	defer paced.done()
	if buf, err = intake.ReadAll(paced, l, 0, v.r.ContentLength, limit); err != nil {
		return nil, false, bodyError(err, "The request body could not be read.")
	}
	return buf, packed, nil
}

// unpack decompresses what receive gave, and frees that.
func unpack(packed *[]byte, l *lease, limit int64) (*[]byte, error) {
	defer intake.Free(packed)
	var buf *[]byte
	z, err := intake.Gunzip(bytes.NewReader(*packed))
	if err == nil {
		buf, err = intake.ReadAll(z, l, int64(cap(*packed)), 0, limit)
		intake.FreeGunzip(z)
	}
	if err != nil {
		return nil, bodyError(err, "Request body is not properly gzipped.")
	}
	return buf, nil
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
