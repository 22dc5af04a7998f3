package couchapi

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"

	"logctl/store"
	"logctl/store/intake"
	"logctl/store/mango"
)

const (
	roomBodies  = 4 // so many bodies of the largest size have room at a time, half of them an account's
	inFunctions = 8 // how often a body that a function sees stands in memory, written as JSON and read again
)

// room is the memory that the bodies of requests under way may take, by accounts.
type room = intake.Budget[string]

func newRoom(maxRequest int64) *room {
	return intake.NewBudget[string](roomBodies*maxRequest, roomBodies/2*maxRequest, intake.ErrBusy)
}

// body is a request's body, whole and decompressed, in a buffer that free gives back.
type body struct {
	bytes []byte
	buf   *[]byte
	lease *lease
}

// lease is the room of a body. Small ones take none.
type lease struct{ intake.Lease[string] }

// Need implements intake.Memory.
func (l *lease) Need(n int64) error {
	if n <= intake.Small {
		return nil
	}
	return l.Lease.Need(n)
}

// free gives the buffer back; nothing that came from bytes may be used after it.
func (b body) free() {
	b.leave()
	if b.buf != nil {
		intake.Free(b.buf)
	}
}

// leave gives back the room alone.
func (b body) leave() {
	if b.lease != nil {
		b.lease.Free()
	}
}

// functionBody is readBody for what a design document's function is told of. That may be no longer than a doc.
func (x *exchange) functionBody() (body, error) {
	x.maxBody = int64(x.h.o.MaxDoc)
	b, err := x.readBody()
	if err != nil {
		return b, err
	}
	if err := b.forFunction(); err != nil {
		b.free()
		return body{}, err
	}
	return b, nil
}

// forFunction takes the room that a body needs of which a function is told.
func (b body) forFunction() error { return b.lease.Need(int64(cap(*b.buf) + inFunctions*len(b.bytes))) }

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
	l := &lease{x.h.room.Lease(x.caller.Name)}
	most := int64(x.h.settings.number("chttpd", "max_http_request_size", math.MaxInt))
	buf, err := intake.ReadAll(src, l, 0, announced, min(x.h.o.MaxRequest, most, cmp.Or(x.maxBody, math.MaxInt64)))
	if err != nil {
		l.Free()
		return body{}, err
	}
	return body{*buf, buf, l}, nil
}

// readError is what a client is told when its body could not be read.
func (x *exchange) readError(err error) error {
	var e *store.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		return err
	case errors.As(err, &tooLarge):
		return intake.ErrTooLarge
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
		z, err := intake.Gunzip(x.r.Body)
		if err != nil {
			return nil, none, x.readError(err)
		}
		return z, func() { intake.FreeGunzip(z) }, nil
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
	return x.readAnyObject()
}

// readQuery is readObject for what may be a query, which needs far more room than its text.
func (x *exchange) readQuery() (body, error) {
	b, err := x.readObject()
	if err != nil {
		return b, err
	}
	if n := mango.Memory(b.bytes); n > intake.Small {
		if err = b.lease.Need(min(int64(cap(*b.buf))+n, roomBodies/2*x.h.o.MaxRequest)); err != nil {
			b.free()
		}
	}
	return b, err
}

// readAnyObject reads a body that is a JSON object, whatever it says that it is.
func (x *exchange) readAnyObject() (body, error) {
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
