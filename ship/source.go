package ship

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"logctl/internal/lines"
)

// finishedAfter is how long a plain file must not have been written to for its last line to count as finished without
// a line end. Within a day a program that writes in blocks may still add the other half.
const finishedAfter = 24 * time.Hour

// source is an input that is being read.
type source struct {
	lines     *lines.Reader
	reference time.Time // what year-less dates are near to: the last write to a file, now for a stream
	plain     *os.File  // a file that may still grow; nil for gzip and streams, whose end is the end
	stream    bool
	close     func()
}

// open begins to read an input. counted sees every byte read from it; idle is called when a stream has nothing for a
// while.
func (r *runner) open(ctx context.Context, in *input) (*source, error) {
	src := &source{reference: time.Now(), stream: in.file == nil, close: func() {}}
	var from io.Reader
	switch {
	case in.file != nil:
		from, src.reference = in.file, in.info.ModTime()
	case in.isStdin():
		from = newStream(ctx, r.o.Stdin, r.flush)
	default:
		f, err := os.Open(in.path)
		if err != nil {
			return nil, plainPathError(err)
		}
		src.close = func() { f.Close() }
		from = newStream(ctx, f, r.flush)
	}
	text, err := lines.DecompressNamed(countingReader{from, r}, in.path)
	if err != nil {
		src.close()
		if errors.Is(err, lines.ErrNotGzip) {
			return nil, fmt.Errorf("%s: %w", in.path, err)
		}
		return nil, readError(in, err)
	}
	if _, isGzip := text.(*gzip.Reader); !isGzip {
		src.plain = in.file
	}
	src.lines = lines.New(text, r.o.MaxLine)
	return src, nil
}

// ahead gives the first bytes of a regular file, at most so many; of a stream, which may be silent for long, those that are there
// with the first.
func (s *source) ahead(n int) []byte {
	if s.stream {
		s.lines.Ahead(1)
		n = min(n, s.lines.Buffered())
	}
	return s.lines.Ahead(n)
}

// unfinished tells whether the line given out last is the first part of one that is still being written. Shipped now, it
// would be shipped again when it is whole, as another doc.
func (s *source) unfinished() bool {
	if s.lines.Terminated() || s.plain == nil {
		return false
	}
	info, err := s.plain.Stat()
	return err != nil || time.Since(info.ModTime()) < finishedAfter
}

// readError says which input is damaged.
func readError(in *input, err error) error {
	name := in.path
	if in.isStdin() {
		name = "standard input"
	}
	if in.file != nil {
		return fmt.Errorf("%s: can't be read to its end, what stands before the damage is shipped: %w", name, err)
	}
	return fmt.Errorf("read %s: %w", name, err)
}

// countingReader counts bytes for the progress.
type countingReader struct {
	io.Reader
	r *runner
}

func (c countingReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.r.bytes.Add(int64(n))
	return n, err
}

// idleAfter is how long a stream may be silent before the lines that were read from it are sent in a batch that is not full.
const idleAfter = 200 * time.Millisecond

// stream reads from something that may be silent for long, and can be left while it is.
type stream struct {
	ctx    context.Context
	idle   func()
	chunks chan chunk
	spare  chan []byte
	rest   []byte // of the chunk at hand
	whole  []byte // the chunk at hand
	err    error
}

type chunk struct {
	data []byte
	err  error
}

// newStream starts to read src. Read gives an error of ctx when that ends; the goroutine that reads src then lives on until its
// last read returns, since nothing can interrupt a read from a pipe. idle is called in Read.
func newStream(ctx context.Context, src io.Reader, idle func()) *stream {
	s := &stream{ctx: ctx, idle: idle, chunks: make(chan chunk), spare: make(chan []byte, 2)}
	s.spare <- make([]byte, 64<<10)
	s.spare <- make([]byte, 64<<10)
	go func() {
		for {
			var buf []byte
			select {
			case buf = <-s.spare:
			case <-ctx.Done():
				return
			}
			n, err := src.Read(buf)
			select {
			case s.chunks <- chunk{buf[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *stream) Read(b []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		if s.whole != nil {
			s.spare <- s.whole[:cap(s.whole)]
			s.whole = nil
		}
		s.receive()
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// receive waits for the next chunk.
func (s *stream) receive() {
	timer := time.NewTimer(idleAfter)
	defer timer.Stop()
	idle := timer.C
	for {
		select {
		case c := <-s.chunks:
			s.whole, s.rest, s.err = c.data, c.data, c.err
			return
		case <-idle:
			s.idle()
			idle = nil
		case <-s.ctx.Done():
			s.err = s.ctx.Err()
			return
		}
	}
}
