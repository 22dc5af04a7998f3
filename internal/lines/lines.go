// Package lines reads lines of any length in bounded memory, from plain and compressed input (gzip, zstd, bzip2, xz).
//
// A line ends with "\n" or "\r\n"; the end is not part of it. What follows the last line end, if anything, is a line
// too. A line longer than the limit is reported as such with its beginning, and the rest of it is read and dropped, so
// that memory never exceeds the limit by more than one read.
package lines

import (
	"bytes"
	"io"
)

// DefaultMax is the limit of a line's length in bytes where nobody sets another.
const DefaultMax = 1 << 20

const (
	startSize = 256 << 10 // of the buffer; it grows only for longer lines
	minRead   = 32 << 10  // free room that a read is offered at least
	maxEmpty  = 100       // reads without bytes and without error before giving up
)

// Reader splits an input into lines. It is not safe for concurrent use.
type Reader struct {
	src io.Reader
	max int

	buf    []byte
	r, w   int   // buf[r:w] is read and not yet given out
	offset int64 // of buf[r] in the input
	open   bool  // the line given out last had no line end
	solid  int   // buf[solid:r] is what stands before buf[r] in the input
	err    error // of src, given out after the lines before it
}

// New makes a Reader of src whose lines have at most max bytes; max <= 0 means DefaultMax.
func New(src io.Reader, max int) *Reader {
	return &Reader{src: src, max: limit(max)}
}

// Next gives the next line, valid until the next call. With tooLong set, line is the first bytes of a longer one, as
// many as the limit. At the end err is io.EOF; any other error is that of the input, and whatever the input held after
// its last line end is then not given out, since it may be torn.
func (r *Reader) Next() (line []byte, tooLong bool, err error) {
	scanned := 0
	for {
		if i := bytes.IndexByte(r.buf[r.r+scanned:r.w], '\n'); i >= 0 {
			return r.take(scanned+i, 1)
		}
		scanned = r.w - r.r
		if scanned > r.max+1 { // one more may be the "\r" of a line end
			return r.skip()
		}
		if r.err != nil {
			if r.err == io.EOF && scanned > 0 {
				return r.take(scanned, 0)
			}
			return nil, false, r.err
		}
		r.fill()
	}
}

// Ahead gives the next bytes without giving them out: n of them, or fewer where the input ends before or a line may not be that
// long. It reads only if it has to, and is valid until the next call.
func (r *Reader) Ahead(n int) []byte {
	n = min(n, r.max)
	for r.w-r.r < n && r.err == nil {
		r.fill()
	}
	return r.buf[r.r:min(r.r+n, r.w)]
}

// Buffered is how many bytes Ahead can give without reading.
func (r *Reader) Buffered() int { return r.w - r.r }

// Offset is how many bytes of the (decompressed) input the lines given out so far take, line ends included: where the
// next one begins.
func (r *Reader) Offset() int64 { return r.offset }

// Before gives the last bytes before Offset, n at most and fewer where they are not at hand any more; valid until the next call.
func (r *Reader) Before(n int) []byte { return r.buf[max(r.solid, r.r-n):r.r] }

// Terminated tells whether the line given out last had a line end. Without one it is the last, and in a file that is
// still written to it may grow.
func (r *Reader) Terminated() bool { return !r.open }

// take gives out n bytes of the buffer as a line that is followed by a line feed of the given length (0 at the end).
func (r *Reader) take(n, feed int) ([]byte, bool, error) {
	line := r.buf[r.r : r.r+n]
	r.advance(n + feed)
	r.open = feed == 0
	if !r.open && n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) > r.max {
		return line[:r.max], true, nil
	}
	return line, false, nil
}

// skip keeps the first max bytes of the line at hand and reads over the rest of it, up to its end.
func (r *Reader) skip() ([]byte, bool, error) {
	r.compact()
	head := r.buf[:r.max]
	r.advance(r.max)
	for {
		if i := bytes.IndexByte(r.buf[r.r:r.w], '\n'); i >= 0 {
			r.advance(i + 1)
			r.open = false
			return head, true, nil
		}
		r.advance(r.w - r.r)
		if r.err == io.EOF {
			r.open = true
			return head, true, nil
		}
		if r.err != nil {
			return nil, false, r.err
		}
		r.r, r.w, r.solid = r.max, r.max, r.max
		r.read()
	}
}

func (r *Reader) advance(n int) {
	r.r += n
	r.offset += int64(n)
}

// fill makes room for at least minRead bytes behind buf[r:w] and reads once. buf[r:w] is never longer than max+1 here,
// so the buffer stays below twice max and some reads.
func (r *Reader) fill() {
	if r.r == r.w {
		r.r, r.w, r.solid = 0, 0, 0
	}
	if len(r.buf)-r.w < minRead {
		r.compact()
	}
	if len(r.buf)-r.w < minRead {
		size := min(max(2*len(r.buf), startSize), max(r.max+2*minRead, startSize))
		grown := make([]byte, size)
		copy(grown, r.buf[:r.w])
		r.buf = grown
	}
	r.read()
}

// compact moves buf[r:w] to the front.
func (r *Reader) compact() {
	copy(r.buf, r.buf[r.r:r.w])
	r.r, r.w, r.solid = 0, r.w-r.r, 0
}

func (r *Reader) read() {
	for range maxEmpty {
		n, err := r.src.Read(r.buf[r.w:])
		r.w += n
		r.err = err
		if n > 0 || err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}
