package ship

import (
	"bytes"
	"context"
	"io"
	"os"
	"time"

	"logctl/internal/lines"
	"logctl/ship/source"
)

// streamSource is an input that can be read once: the standard input, a pipe.
type streamSource struct {
	r    *runner
	path string // or Stdin
}

// Run reads the stream to its end. One that can't be read is a problem, not an error.
func (s *streamSource) Run(ctx context.Context, _ source.Positions, sink source.Sink) error {
	from := s.r.o.Stdin
	if s.path != Stdin {
		f, err := open(ctx, s.path)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.r.problem(plainPathError(err))
			return nil
		}
		defer f.Close()
		from = f
	}
	if from == nil {
		return nil
	}
	text, err := lines.DecompressNamed(lines.Until(ctx, from), s.path)
	if err == nil {
		from := &source.Origin{Name: s.path}
		if s.path != Stdin {
			from.File = absolute(s.path)
		}
		err = readStream(ctx, sink, from, lines.New(text, s.r.o.MaxLine))
	}
	return s.r.inputError(ctx, s.name(), err)
}

func (s *streamSource) name() string {
	if s.path == Stdin {
		return "standard input"
	}
	return s.path
}

// open opens a file. A pipe waits for who writes to it, until ctx ends.
func open(ctx context.Context, path string) (*os.File, error) {
	type result struct {
		f   *os.File
		err error
	}
	opened := make(chan result, 1)
	go func() {
		f, err := os.Open(path)
		opened <- result{f, err}
	}()
	select {
	case r := <-opened:
		return r.f, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// chunkBytes is about how much of a stream makes a chunk.
const chunkBytes = 256 << 10

// readStream takes as many lines at a time as are there.
func readStream(ctx context.Context, sink source.Sink, from *source.Origin, in *lines.Reader) error {
	var text []byte
	for {
		c := source.Chunk{From: from}
		text = text[:0]
		start := in.Offset()
		var err error
		for more := true; more; {
			var line []byte
			var tooLong bool
			if line, tooLong, err = in.Next(); err != nil {
				break
			}
			at := len(text)
			text = append(text, line...) // lines before it stay where they are, in older memory
			c.Lines = append(c.Lines, source.Line{Text: text[at:], TooLong: tooLong})
			more = len(text) < chunkBytes && bytes.IndexByte(in.Ahead(in.Buffered()), '\n') >= 0
		}
		c.Written, c.Bytes = time.Now(), in.Offset()-start
		if len(c.Lines) > 0 {
			if err := sink.Take(ctx, c); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &readError{err}
		}
	}
}
