package lines

import (
	"bytes"
	"io"
)

// Blocks reads an input in blocks of whole lines, for those who look at many lines at once. It is not safe for concurrent use;
// the blocks may be looked at by others while the next is read.
type Blocks struct {
	src  io.Reader
	max  int
	rest []byte // what has been read and not given out: a line without its end, or what Ahead has read
	err  error  // of src, given out after the blocks before it
}

const blockSize = 64 << 10

// NewBlocks makes Blocks of src whose lines have at most max bytes; max <= 0 means DefaultMax.
func NewBlocks(src io.Reader, max int) *Blocks { return &Blocks{src: src, max: limit(max)} }

// limit is the limit of a line's length that max stands for.
func limit(max int) int {
	if max <= 0 {
		return DefaultMax
	}
	return max
}

// Next writes the next block over buf, which grows where it has to, and gives it back: the lines, with their ends, that one read
// completes, or the last line, which may lack its end. A longer line than max is cut off a little behind max. Its errors are
// those of Reader.Next. The block is the caller's.
func (b *Blocks) Next(buf []byte) ([]byte, error) {
	buf = append(buf[:0], b.rest...)
	b.rest = b.rest[:0]
	if end := bytes.LastIndexByte(buf, '\n') + 1; end > 0 { // of what Ahead has read
		b.rest = append(b.rest, buf[end:]...)
		return buf[:end], nil
	}
	for b.err == nil {
		scanned := len(buf)
		buf = b.read(buf)
		if end := bytes.LastIndexByte(buf[scanned:], '\n'); end >= 0 {
			end += scanned + 1
			b.rest = append(b.rest, buf[end:]...)
			return buf[:end], nil
		}
		if len(buf) > b.max+2 { // the "\r" of a line end, and one more for too long
			buf = buf[:b.max+2]
		}
	}
	if b.err == io.EOF && len(buf) > 0 {
		return buf, nil
	}
	return buf[:0], b.err
}

// Ahead is as Reader.Ahead.
func (b *Blocks) Ahead(n int) []byte {
	n = min(n, b.max)
	for len(b.rest) < n && b.err == nil {
		b.rest = b.read(b.rest)
	}
	return b.rest[:min(n, len(b.rest))]
}

// Buffered is how many bytes Ahead can give without reading.
func (b *Blocks) Buffered() int { return len(b.rest) }

// read appends what one read gives to buf.
func (b *Blocks) read(buf []byte) []byte {
	if cap(buf)-len(buf) < minRead {
		grown := make([]byte, len(buf), max(2*cap(buf), blockSize))
		copy(grown, buf)
		buf = grown
	}
	for range maxEmpty {
		n, err := b.src.Read(buf[len(buf):cap(buf)])
		b.err = err
		if n > 0 || err != nil {
			return buf[:len(buf)+n]
		}
	}
	b.err = io.ErrNoProgress
	return buf
}

// Cut splits the first line off a block of Blocks with the same max, without its end; tooLong is as in Reader.Next.
func Cut(block []byte, max int) (line, rest []byte, tooLong bool) {
	end := bytes.IndexByte(block, '\n')
	switch {
	case end < 0:
		line = block
	case end > 0 && block[end-1] == '\r':
		line, rest = block[:end-1], block[end+1:]
	default:
		line, rest = block[:end], block[end+1:]
	}
	if max = limit(max); len(line) > max {
		return line[:max], rest, true
	}
	return line, rest, false
}
