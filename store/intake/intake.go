// Package intake reads the bodies of requests into memory that is used again, within budgets. It is the door's and the store's.
package intake

import (
	"compress/gzip"
	"io"
	"sync"

	"logctl/store"
)

// Sizes of buffers in bytes.
const (
	First = 16 << 10 // what a body gets at first, if there is no buffer
	Small = 64 << 10 // the largest that a small body gets
	Large = 1 << 20  // the largest that is kept for a later request
)

// The pools are shared by all: they hold memory and nothing else.
var (
	small   = sync.Pool{New: func() any { return new([]byte) }} // up to Small
	large   = sync.Pool{New: func() any { return new([]byte) }} // up to Large
	gunzips = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// Buffer is an empty one with room for so many bytes.
func Buffer(size int64) *[]byte {
	pool := &small
	if size > Small {
		pool = &large
	}
	buf := pool.Get().(*[]byte)
	if int64(cap(*buf)) < size {
		*buf = make([]byte, 0, size)
	}
	*buf = (*buf)[:0]
	return buf
}

// Free gives a buffer back.
func Free(buf *[]byte) {
	switch size := cap(*buf); {
	case size <= Small:
		small.Put(buf)
	case size <= Large:
		large.Put(buf)
	}
}

// Gunzip decompresses src; FreeGunzip takes what it gives back.
func Gunzip(src io.Reader) (*gzip.Reader, error) {
	z := gunzips.Get().(*gzip.Reader)
	if err := z.Reset(src); err != nil {
		gunzips.Put(z)
		return nil, err
	}
	return z, nil
}

// FreeGunzip gives z back.
func FreeGunzip(z *gzip.Reader) { gunzips.Put(z) }

// ErrTooLarge is the answer to a body above its limit.
var ErrTooLarge = store.NewError(store.KindTooLarge, "the request entity is too large")

// Memory is what a body is read into: Need tells that it takes n bytes in all, or that there are not so many.
type Memory interface{ Need(n int64) error }

// ReadAll reads in to its end, which is to come within limit bytes, into a buffer that counts in m beside other bytes. announced is how
// many there are said to be, 0 or less for nobody knows; what is announced takes nothing, only what comes does. The buffer is the
// caller's until Free.
func ReadAll(in io.Reader, m Memory, other, announced, limit int64) (*[]byte, error) {
	buf := Buffer(0)
	err := m.Need(other + int64(cap(*buf)))
	for err == nil && int64(len(*buf)) <= limit {
		if len(*buf) == cap(*buf) {
			if buf, err = grow(buf, m, other, announced, limit); err != nil {
				break
			}
		}
		var n int
		n, err = in.Read((*buf)[len(*buf):cap(*buf)])
		*buf = (*buf)[:len(*buf)+n]
	}
	if int64(len(*buf)) > limit {
		err = ErrTooLarge
	}
	if err != io.EOF {
		Free(buf)
		return nil, err
	}
	return buf, nil
}

// grow gives a buffer for buf that is twice as long, or what the body needs if that is announced and less; it has no more than one
// byte above the limit.
func grow(buf *[]byte, m Memory, other, announced, limit int64) (*[]byte, error) {
	had := int64(cap(*buf))
	size := max(2*had, First)
	if announced > 0 && announced < size {
		size = max(announced+1, had+512)
	}
	size = min(size, max(limit, had)+1)
	if err := m.Need(other + size); err != nil {
		return buf, err
	}
	longer := Buffer(size)
	*longer = append(*longer, *buf...)
	Free(buf)
	return longer, m.Need(other + int64(cap(*longer)))
}
