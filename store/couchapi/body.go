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

const (
	keepBuffer  = 8 << 20  // the largest buffer that is kept for the next request
	firstBuffer = 16 << 10 // the first one of a body whose length is not known
	smallBuffer = 64 << 10 // the largest one that takes no room
	roomBodies  = 4        // so many bodies of the largest size have room at a time, half of them an account's
)

// room is the memory that the bodies of requests under way may take. What is announced takes nothing, only what comes does.
type room struct {
	mu   sync.Mutex
	left int64
	most int64            // of one account
	held map[string]int64 // by accounts
}

func newRoom(maxRequest int64) *room {
	return &room{left: roomBodies * maxRequest, most: roomBodies * maxRequest / 2, held: map[string]int64{}}
}

// take gives an account n bytes or none.
func (r *room) take(account string, n int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n > r.left || r.held[account]+n > r.most {
		return store.NewError(store.KindUnavailable, "The server is busy. Try again.")
	}
	r.left -= n
	r.held[account] += n
	return nil
}

func (r *room) give(account string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left += n
	if r.held[account] -= n; r.held[account] == 0 {
		delete(r.held, account)
	}
}

// body is a request's body, whole and decompressed, in a buffer that free gives back.
type body struct {
	bytes []byte
	buf   *[]byte // the whole buffer
	room  *room
	who   string // whose room it has
	held  int64  // and how much
}

// pools are shared by all handlers: they hold buffers and nothing else.
var (
	buffers = sync.Pool{New: func() any { return new([]byte) }} // up to smallBuffer
	larger  = sync.Pool{New: func() any { return new([]byte) }} // up to keepBuffer
	gunzips = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// newBuffer is one for so many bytes.
func newBuffer(size int64) *[]byte {
	pool := &buffers
	if size > smallBuffer {
		pool = &larger
	}
	buf := pool.Get().(*[]byte)
	if int64(cap(*buf)) < size {
		*buf = make([]byte, 0, size)
	}
	return buf
}

func freeBuffer(buf *[]byte) {
	switch size := cap(*buf); {
	case size <= smallBuffer:
		buffers.Put(buf)
	case size <= keepBuffer:
		larger.Put(buf)
	}
}

// free gives the buffer back; nothing that came from bytes may be used after it.
func (b body) free() {
	b.leave()
	if b.buf != nil {
		freeBuffer(b.buf)
	}
}

// leave gives back the room alone.
func (b body) leave() {
	if b.held > 0 {
		b.room.give(b.who, b.held)
	}
}

// grow makes the body's buffer twice as long, or what it needs by its announced length if that is less.
func (b *body) grow(announced, limit int64) error {
	had := int64(cap(b.bytes))
	size := max(2*had, firstBuffer)
	if announced > 0 && (announced < size || announced < smallBuffer) {
		size = max(announced+1, had+512)
	}
	size = min(size, max(limit, had)+1)
	if size > smallBuffer {
		if err := b.room.take(b.who, size-b.held); err != nil {
			return err
		}
		b.held = size
	}
	old := b.buf
	if old == nil || int64(cap(*old)) < size {
		b.buf = newBuffer(size)
	}
	b.bytes = append((*b.buf)[:0:size], b.bytes...)
	if old != nil && old != b.buf {
		freeBuffer(old)
	}
	return nil
}

// readBody reads the request's body, which may be gzip, up to the limit.
func (x *exchange) readBody() (body, error) {
	src, done, err := x.decoded()
	if err != nil {
		return body{}, err
	}
	defer done()
	announced := x.r.ContentLength
	if strings.EqualFold(x.r.Header.Get("Content-Encoding"), "gzip") {
		announced = 0
	}
	b, err := x.readAll(src, announced)
	if err != nil {
		return body{}, x.readError(err)
	}
	return b, nil
}

// readAll reads what may be as long as a request's body. announced is how long it is said to be, 0 or less for nobody knows.
func (x *exchange) readAll(src io.Reader, announced int64) (body, error) {
	limit := x.h.o.MaxRequest
	b := body{room: x.h.room, who: x.caller.Name}
	var err error
	for err == nil && int64(len(b.bytes)) <= limit {
		if len(b.bytes) == cap(b.bytes) {
			if err = b.grow(announced, limit); err != nil {
				break
			}
		}
		var n int
		n, err = src.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
	}
	if int64(len(b.bytes)) > limit {
		err = store.NewError(store.KindTooLarge, "the request entity is too large")
	}
	if err != io.EOF {
		b.free()
		return body{}, err
	}
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
