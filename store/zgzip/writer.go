// Package zgzip writes gzip streams that are, byte for byte, those of zlib at level 8, which is how CouchDB keeps the
// attachments of types that compress. Their digests enter the revisions of their docs: a store that compresses otherwise
// makes other revisions of the same edits.
//
// The format is RFC 1951 and RFC 1952. What zlib makes of the liberties that they leave is documented in its algorithm.txt
// and its source: greedy matching over hash chains, put off by one byte where the next match is longer (match.go); blocks
// of at most 16,383 symbols, of the kind that takes the fewest bytes (block.go); Huffman trees from a heap with ties broken
// by depth, their lengths cut to a maximum (tree.go).
//
// Two liberties of zlib's own remain, neither of which changes the result in practice: how its input is cut decides when its
// window moves on, and with that whether one string at the very end of its reach is found.
package zgzip

import (
	"encoding/binary"
	"hash"
	"hash/crc32"
	"io"
	"sync"
)

// Writer is an io.WriteCloser. Errors of the writer below stay.
type Writer struct {
	w   io.Writer
	c   *compressor
	crc hash.Hash32
	n   uint32 // bytes that were written, modulo 2³²
	err error
}

var compressors = sync.Pool{New: func() any { return new(compressor) }}

// NewWriter makes a Writer. It must be closed.
func NewWriter(w io.Writer) *Writer {
	c := compressors.Get().(*compressor)
	c.reset()
	// Deflate, no flags, no time, neither the fastest nor the best, written on Unix.
	c.bits.out = append(c.bits.out[:0], 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3)
	return &Writer{w: w, c: c, crc: crc32.NewIEEE()}
}

// Write compresses p.
func (z *Writer) Write(p []byte) (int, error) {
	if z.err != nil {
		return 0, z.err
	}
	z.crc.Write(p)
	z.n += uint32(len(p))
	for rest := p; len(rest) > 0; {
		rest = rest[z.c.fill(rest):]
		z.c.compress(false)
		if z.flush(); z.err != nil {
			return 0, z.err
		}
	}
	return len(p), nil
}

// Close writes what is left and the end of the stream. It does not close the writer below.
func (z *Writer) Close() error {
	if z.c == nil {
		return z.err
	}
	z.c.compress(true)
	z.c.bits.out = binary.LittleEndian.AppendUint32(z.c.bits.out, z.crc.Sum32())
	z.c.bits.out = binary.LittleEndian.AppendUint32(z.c.bits.out, z.n)
	z.flush()
	compressors.Put(z.c)
	z.c = nil
	return z.err
}

// flush hands on what has been compressed.
func (z *Writer) flush() {
	out := z.c.bits.out
	z.c.bits.out = out[:0]
	if z.err == nil && len(out) > 0 {
		_, z.err = z.w.Write(out)
	}
}

// bitWriter gathers bits, the lowest first.
type bitWriter struct {
	out []byte
	acc uint64
	n   uint
}

func (b *bitWriter) put(bits uint32, n uint) {
	b.acc |= uint64(bits) << b.n
	b.n += n
	for b.n >= 8 {
		b.out = append(b.out, byte(b.acc))
		b.acc >>= 8
		b.n -= 8
	}
}

// align fills up the byte at hand.
func (b *bitWriter) align() {
	if b.n > 0 {
		b.out = append(b.out, byte(b.acc))
	}
	b.acc, b.n = 0, 0
}
