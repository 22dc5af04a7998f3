package format

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"logctl/internal/lines"
)

// ErrOutput is in the chain of an error of writing, which there is no going on after.
var ErrOutput = errors.New("write output")

// Counts say what became of lines. Those that were too long are among the rejected.
type Counts struct {
	Matched, Rejected, Skipped, TooLong int64
}

func (c *Counts) add(other Counts) {
	c.Matched += other.Matched
	c.Rejected += other.Rejected
	c.Skipped += other.Skipped
	c.TooLong += other.TooLong
}

// Stream writes the objects that a Formatter makes of lines, one a line (NDJSON), in the order of the lines. It reads blocks
// of lines as the input has them, and nothing that it has read waits for more.
type Stream struct {
	Formatter *Formatter
	Extend    func(buf []byte, start int) []byte // adds members to the object in buf[start:]; nil: none
	Out       io.Writer
	MaxLine   int  // bytes; longer lines are rejected. 0 is lines.DefaultMax
	Verbose   bool // show each line before its object, and {NODATA} where there is none
	Terminal  bool // Out is a terminal: no control character may reach it, not even within a JSON string
	Workers   int  // how many look at lines at the same time, each with a block of its own; Extend must bear it. 0 is one
	Counts    Counts
	Name      string // of the log that is read, for a person
	Growing   bool   // the log may still be written while it is read: what is there now has to be enough to begin with
}

// Copy makes objects of the lines of src until its end. An error is that of reading, of writing or of the context; the lines
// before it have been written.
func (s *Stream) Copy(ctx context.Context, src io.Reader) error {
	in := lines.NewBlocks(&contextReader{ctx, src}, s.MaxLine)
	if _, err := s.Formatter.Begin(s.Name, s.ahead(in)); err != nil {
		return err
	}
	if s.Workers > 1 {
		return s.copyParallel(in)
	}
	var j job
	for {
		var err error
		if j.in, err = in.Next(j.in); err != nil {
			return endOfInput(err)
		}
		s.format(s.Formatter, &j)
		s.Counts.add(j.counts)
		if err := s.write(j.out); err != nil {
			return err
		}
	}
}

// contextReader reads until its context ends, which a line that never does is no obstacle to.
type contextReader struct {
	ctx context.Context
	src io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.src.Read(p)
}

// endOfInput is the error that an error of reading is to Copy.
func endOfInput(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// job is a block of lines and what becomes of them.
type job struct {
	in, out []byte
	counts  Counts
	done    chan struct{} // where others wait for it
}

// format makes the output of a job's lines.
func (s *Stream) format(f *Formatter, j *job) {
	j.out, j.counts = j.out[:0], Counts{}
	for block := j.in; len(block) > 0; {
		var line []byte
		var tooLong bool
		line, block, tooLong = lines.Cut(block, s.MaxLine)
		s.line(f, j, line, tooLong)
	}
}

// ahead looks at what comes, without waiting for more than a first byte of something that may still be written.
func (s *Stream) ahead(in *lines.Blocks) func(int) []byte {
	return func(n int) []byte {
		if s.Growing {
			n = min(n, 1)
			if len(in.Ahead(n)) == 0 {
				return nil
			}
			n = in.Buffered()
		}
		return in.Ahead(n)
	}
}

// line counts one line and appends what is written of it.
func (s *Stream) line(f *Formatter, j *job, line []byte, tooLong bool) {
	if s.Verbose {
		j.out = append(AppendVisible(j.out, bytes.TrimSpace(line)), '\n')
	}
	verdict := Rejected
	start := len(j.out)
	if tooLong {
		j.counts.TooLong++
	} else {
		j.out, verdict = f.Append(j.out, line)
	}
	switch verdict {
	case Matched:
		j.counts.Matched++
		if s.Extend != nil {
			j.out = s.Extend(j.out, start)
		}
		if s.Terminal {
			j.out = escapeControls(j.out, start)
		}
		j.out = append(j.out, '\n')
		return
	case Skipped:
		j.counts.Skipped++
	default:
		j.counts.Rejected++
	}
	if s.Verbose {
		j.out = append(j.out, "{NODATA}\n"...)
	}
}

func (s *Stream) write(out []byte) error {
	if len(out) == 0 {
		return nil
	}
	if _, err := s.Out.Write(out); err != nil {
		return fmt.Errorf("%w: %w", ErrOutput, err)
	}
	return nil
}

// isControl tells whether a terminal may take r for a command: C0 but for the tab, DEL, C1. So are characters that nobody sees, as
// a byte order mark, or that turn the direction of text or end a line.
func isControl(r rune) bool {
	if r < 0xa0 {
		return r < 0x20 && r != '\t' || r >= 0x7f
	}
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// AppendVisible appends a line as text for a person: control characters as \x1b or \u202e, bytes that are not UTF-8 as U+FFFD.
func AppendVisible(dst, line []byte) []byte {
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		switch {
		case !isControl(r):
			dst = utf8.AppendRune(dst, r)
		case r < 0xa0:
			dst = fmt.Appendf(dst, `\x%02x`, r)
		default:
			dst = appendEscaped(dst, r)
		}
		line = line[n:]
	}
	return dst
}

// appendEscaped appends r as JSON escapes it.
func appendEscaped(dst []byte, r rune) []byte {
	if r > 0xffff {
		hi, lo := utf16.EncodeRune(r)
		return fmt.Appendf(dst, `\u%04x\u%04x`, hi, lo)
	}
	return fmt.Appendf(dst, `\u%04x`, r)
}

// escapeControls writes the control characters that JSON allows in strings, such as DEL and C1, as \u009b in buf[start:].
func escapeControls(buf []byte, start int) []byte {
	if bytes.IndexFunc(buf[start:], isControl) < 0 {
		return buf
	}
	object := bytes.Clone(buf[start:])
	buf = buf[:start]
	for len(object) > 0 {
		r, n := utf8.DecodeRune(object)
		if isControl(r) {
			buf = appendEscaped(buf, r)
		} else {
			buf = append(buf, object[:n]...)
		}
		object = object[n:]
	}
	return buf
}
