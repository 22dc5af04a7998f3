package format

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"logctl/internal/lines"
)

// flushSize is how much output may wait before it is written.
const flushSize = 64 << 10

// ErrOutput is in the chain of an error of writing, which there is no going on after.
var ErrOutput = errors.New("write output")

// Counts say what became of lines. Those that were too long are among the rejected.
type Counts struct {
	Matched, Rejected, Skipped, TooLong int64
}

// Stream writes the objects that a Formatter makes of lines, one a line (NDJSON). Output is written before each read of
// the input, so that nothing waits while the input does.
type Stream struct {
	Formatter *Formatter
	Extend    func(buf []byte, start int) []byte // adds members to the object in buf[start:]; nil: none
	Out       io.Writer
	MaxLine   int  // bytes; longer lines are rejected. 0 is lines.DefaultMax
	Verbose   bool // show each line before its object, and {NODATA} where there is none
	Terminal  bool // Out is a terminal: no control character may reach it, not even within a JSON string
	Counts    Counts
	Name      string // of the log that is read, for a person
	Growing   bool   // the log may still be written while it is read: what is there now has to be enough to begin with

	buf []byte
}

// Copy makes objects of the lines of src until its end. An error is that of reading, of writing or of the context.
func (s *Stream) Copy(ctx context.Context, src io.Reader) error {
	r := lines.New(&flushingReader{ctx, s, src}, s.MaxLine)
	if err := s.Formatter.Begin(s.Name, s.ahead(r)); err != nil {
		return err
	}
	for {
		line, tooLong, err := r.Next()
		if err == io.EOF {
			return s.flush()
		}
		if err != nil {
			if flushErr := s.flush(); flushErr != nil {
				return flushErr
			}
			return err
		}
		s.line(line, tooLong)
		if len(s.buf) >= flushSize {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
}

// ahead looks at what comes, without waiting for more than a first byte of something that may still be written.
func (s *Stream) ahead(r *lines.Reader) func(int) []byte {
	return func(n int) []byte {
		if s.Growing {
			n = min(n, 1)
			if len(r.Ahead(n)) == 0 {
				return nil
			}
			n = r.Buffered()
		}
		return r.Ahead(n)
	}
}

// line counts one line and appends what is written of it.
func (s *Stream) line(line []byte, tooLong bool) {
	if s.Verbose {
		s.buf = append(AppendVisible(s.buf, bytes.TrimSpace(line)), '\n')
	}
	verdict := Rejected
	start := len(s.buf)
	if tooLong {
		s.Counts.TooLong++
	} else {
		s.buf, verdict = s.Formatter.Append(s.buf, line)
	}
	switch verdict {
	case Matched:
		s.Counts.Matched++
		if s.Extend != nil {
			s.buf = s.Extend(s.buf, start)
		}
		if s.Terminal {
			s.buf = escapeControls(s.buf, start)
		}
		s.buf = append(s.buf, '\n')
		return
	case Skipped:
		s.Counts.Skipped++
	default:
		s.Counts.Rejected++
	}
	if s.Verbose {
		s.buf = append(s.buf, "{NODATA}\n"...)
	}
}

func (s *Stream) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	_, err := s.Out.Write(s.buf)
	s.buf = s.buf[:0]
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOutput, err)
	}
	return nil
}

// flushingReader writes a stream's output before it reads.
type flushingReader struct {
	ctx context.Context
	s   *Stream
	src io.Reader
}

func (r *flushingReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if err := r.s.flush(); err != nil {
		return 0, err
	}
	return r.src.Read(p)
}

// isControl tells whether a terminal may take r for a command: C0 but for the tab, DEL, C1.
func isControl(r rune) bool { return r < 0x20 && r != '\t' || r >= 0x7f && r < 0xa0 }

// AppendVisible appends a line as text for a person: control characters as \x1b, bytes that are not UTF-8 as U+FFFD.
func AppendVisible(dst, line []byte) []byte {
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		if isControl(r) {
			dst = fmt.Appendf(dst, `\x%02x`, r)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
		line = line[n:]
	}
	return dst
}

// escapeControls writes the control characters that JSON allows in strings, DEL and C1, as \u009b in buf[start:].
func escapeControls(buf []byte, start int) []byte {
	if bytes.IndexFunc(buf[start:], isControl) < 0 {
		return buf
	}
	object := bytes.Clone(buf[start:])
	buf = buf[:start]
	for len(object) > 0 {
		r, n := utf8.DecodeRune(object)
		if isControl(r) {
			buf = fmt.Appendf(buf, `\u%04x`, r)
		} else {
			buf = append(buf, object[:n]...)
		}
		object = object[n:]
	}
	return buf
}
