package learn

import (
	"context"
	"io"

	"logctl/format/token"
	"logctl/internal/lines"
)

// Bounds of a Sample that its Options do not set.
const (
	DefaultMaxLines = 200_000
	DefaultMaxBytes = 64 << 20
)

// Options bound what is read. The zero Options are the defaults.
type Options struct {
	MaxLines int // of all files together
	MaxBytes int // of all lines together
	MaxLine  int // bytes of a line; longer ones are counted and left out
}

// Sample is the lines that schemas are learned from: the first ones of each input. Blank lines are no lines of a log,
// and left out.
type Sample struct {
	options Options
	text    []byte // room for lines
	lines   [][]byte
	places  []Place
	bytes   int

	Blank   int  // blank lines
	TooLong int  // lines longer than MaxLine
	More    bool // an input went on when the bounds were reached
}

// Place is where a line stands.
type Place struct {
	Input int // which of the inputs, from 0
	Line  int // from 1, blank lines counted
}

// NewSample makes an empty Sample.
func NewSample(o Options) *Sample {
	if o.MaxLines <= 0 {
		o.MaxLines = DefaultMaxLines
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxLine <= 0 {
		o.MaxLine = lines.DefaultMax
	}
	return &Sample{options: o}
}

// Lines is the number of lines.
func (s *Sample) Lines() int { return len(s.lines) }

// Line is a line and its place.
func (s *Sample) Line(i int) ([]byte, Place) { return s.lines[i], s.places[i] }

// Read adds the lines of the next input, of which there are left many more, this one included: each gets its part of
// what the bounds leave. The error is the input's or the context's.
func (s *Sample) Read(ctx context.Context, src io.Reader, input, left int) error {
	maxLines := len(s.lines) + (s.options.MaxLines-len(s.lines))/max(left, 1)
	maxBytes := s.bytes + (s.options.MaxBytes-s.bytes)/max(left, 1)
	r := lines.New(src, s.options.MaxLine)
	for n := 1; ; n++ {
		line, tooLong, err := r.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case n%1000 == 0 && ctx.Err() != nil:
			return ctx.Err()
		case tooLong:
			s.TooLong++
			continue
		case token.SkipBlanks(line, 0) == len(line):
			s.Blank++
			continue
		case len(s.lines) == maxLines || s.bytes+len(line) > maxBytes:
			s.More = true
			return nil
		}
		s.lines = append(s.lines, s.copy(line))
		s.places = append(s.places, Place{input, n})
		s.bytes += len(line)
	}
}

const roomSize = 1 << 20

// copy keeps a line.
func (s *Sample) copy(line []byte) []byte {
	if cap(s.text)-len(s.text) < len(line) {
		s.text = make([]byte, 0, max(roomSize, len(line)))
	}
	n := len(s.text)
	s.text = append(s.text, line...)
	return s.text[n:len(s.text):len(s.text)]
}
