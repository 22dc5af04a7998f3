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
	"logctl/ship/source"
)

// finishedAfter is how long a plain file must not have been written to for its last line to count as finished without
// a line end. Within a day a program that writes in blocks may still add the other half.
const finishedAfter = 24 * time.Hour

// inputs are the sources of a run.
type inputs struct {
	list       []source.Source
	files      *filesSource
	hasStreams bool
}

func (r *runner) sources() (*inputs, error) {
	args := r.o.Inputs
	if len(args) == 0 && len(r.o.Sources) == 0 {
		args = []string{Stdin}
	}
	p, err := makePlan(args)
	if err != nil {
		return nil, err
	}
	r.sum.Problems, r.sum.Notes = p.problems, p.notes
	in := &inputs{list: r.o.Sources, files: &filesSource{r: r, p: p}}
	in.list = append(in.list, in.files)
	for _, i := range p.inputs {
		if i.file == nil {
			in.hasStreams = true
			in.list = append(in.list, &streamSource{r: r, path: i.path})
		}
	}
	return in, nil
}

func (in *inputs) streams() bool                      { return in.hasStreams }
func (in *inputs) close()                             { in.files.p.close() }
func (in *inputs) leaveOut(is func(os.FileInfo) bool) { in.files.skip = is }
func (in *inputs) size() int64                        { return in.files.p.size() }
func (in *inputs) tell(s *Summary)                    { s.Unfinished = in.files.unfinished }

type filesSource struct {
	r          *runner
	p          *plan
	skip       func(os.FileInfo) bool
	unfinished int
}

func (s *filesSource) Run(ctx context.Context, _ source.Positions, sink source.Sink) error {
	for _, in := range s.p.inputs {
		if in.file == nil {
			continue
		}
		if s.skip(in.info) {
			s.r.problem(fmt.Errorf("%s keeps the rejects of this run and can't be read by it", in.path))
			continue
		}
		if err := s.r.inputError(ctx, in.path, s.read(ctx, in, sink)); err != nil {
			return err
		}
	}
	return nil
}

func (s *filesSource) read(ctx context.Context, in *input, sink source.Sink) error {
	text, err := lines.DecompressNamed(in.file, in.path)
	if errors.Is(err, lines.ErrNotGzip) {
		return fmt.Errorf("%s: %w", in.path, err)
	}
	if err != nil {
		return damaged(in.path, err)
	}
	from := &source.Origin{Name: in.path, File: absolute(in.path)}
	r := lines.New(text, s.r.o.MaxLine)
	var arena []byte
	for {
		c := source.Chunk{From: from, Written: in.info.ModTime()}
		arena = arena[:0]
		start := r.Offset()
		var err error
		for len(arena) < chunkBytes {
			var line []byte
			var tooLong bool
			if line, tooLong, err = r.Next(); err != nil {
				break
			}
			if _, packed := text.(*gzip.Reader); !packed && !r.Terminated() && time.Since(in.info.ModTime()) < finishedAfter {
				s.unfinished++
				continue
			}
			at := len(arena)
			arena = append(arena, line...)
			c.Lines = append(c.Lines, source.Line{Text: arena[at:], TooLong: tooLong})
		}
		c.Bytes = r.Offset() - start
		if len(c.Lines) > 0 {
			if err := sink.Take(ctx, c); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return damaged(in.path, err)
		}
	}
}

func damaged(path string, err error) error {
	return fmt.Errorf("%s: can't be read to its end, what stands before the damage is shipped: %w", path, err)
}
