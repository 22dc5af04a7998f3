package couchapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"logctl/store"
)

// keepBuffer is the largest buffer that is kept for the next request.
const keepBuffer = 8 << 20

// body is a request's body, whole and decompressed, in a buffer that free gives back.
type body struct {
	bytes []byte
	buf   *bytes.Buffer
}

// pools are shared by all handlers: they hold buffers and nothing else.
var (
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	gunzips = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// free gives the buffer back; nothing that came from bytes may be used after it.
func (b body) free() {
	if b.buf != nil && b.buf.Cap() <= keepBuffer {
		b.buf.Reset()
		buffers.Put(b.buf)
	}
}

// readBody reads the request's body, which may be gzip, up to the limit.
func (x *exchange) readBody() (body, error) {
	src, done, err := x.decoded()
	if err != nil {
		return body{}, err
	}
	defer done()
	b := body{buf: buffers.Get().(*bytes.Buffer)}
	limit := x.h.o.MaxRequest
	if n := x.r.ContentLength; n > 0 && n <= limit {
		b.buf.Grow(int(n) + bytes.MinRead)
	}
	n, err := b.buf.ReadFrom(io.LimitReader(src, limit+1))
	if err == nil && n > limit {
		err = store.NewError(store.KindTooLarge, "the request entity is too large")
	}
	if err != nil {
		b.free()
		return body{}, x.readError(err)
	}
	b.bytes = b.buf.Bytes()
	return b, nil
}

// readError is what a client is told when its body could not be read.
func (x *exchange) readError(err error) error {
	var e *store.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		return err
	case errors.As(err, &tooLarge):
		return store.NewError(store.KindTooLarge, "the request entity is too large")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), x.r.Header.Get("Content-Encoding") == "gzip":
		return errBadRequest("Request body is not properly gzipped.")
	}
	return errBadRequest("The request body could not be read.")
}

// decoded is the body without its Content-Encoding; done must be called after reading.
func (x *exchange) decoded() (src io.Reader, done func(), err error) {
	none := func() {}
	if x.r.Body == nil {
		return http.NoBody, none, nil
	}
	switch coding := strings.ToLower(x.r.Header.Get("Content-Encoding")); coding {
	case "", "identity":
		return x.r.Body, none, nil
	case "gzip":
		z := gunzips.Get().(*gzip.Reader)
		if err := z.Reset(x.r.Body); err != nil {
			gunzips.Put(z)
			return nil, none, x.readError(err)
		}
		return z, func() { gunzips.Put(z) }, nil
	default:
		return nil, none, store.NewError(store.KindBadContentType, coding+" is not a supported content encoding.")
	}
}

// needJSON refuses a body that does not say that it is JSON.
func (x *exchange) needJSON() error {
	ct, _, _ := strings.Cut(x.r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(ct) != "application/json" {
		return store.NewError(store.KindBadContentType, "Content-Type must be application/json")
	}
	return nil
}

// readJSON reads a body that must not be empty. That it is JSON is for who parses it to find out.
func (x *exchange) readJSON() (body, error) {
	b, err := x.readBody()
	if err != nil {
		return b, err
	}
	if len(bytes.Trim(b.bytes, jsonSpace)) == 0 {
		b.free()
		return body{}, errBadRequest(reasonBadJSON)
	}
	return b, nil
}

// readObject reads a body that is a JSON object, of the right Content-Type.
func (x *exchange) readObject() (body, error) {
	if err := x.needJSON(); err != nil {
		return body{}, err
	}
	b, err := x.readJSON()
	if err != nil {
		return b, err
	}
	if err := needObject(b.bytes); err != nil {
		b.free()
		return body{}, err
	}
	return b, nil
}
