package ship

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// problem tells of an input, or a part of one, that can't be read.
func (r *runner) problem(err error) {
	r.sumMu.Lock()
	defer r.sumMu.Unlock()
	if r.o.Problem != nil {
		r.o.Problem(err)
	}
	r.sum.Problems = append(r.sum.Problems[:min(len(r.sum.Problems), maxProblems-1)], err)
}

// note tells of what is left out for a reason.
func (r *runner) note(text string) {
	r.sumMu.Lock()
	defer r.sumMu.Unlock()
	if r.o.Note != nil {
		r.o.Note(text)
	}
	r.sum.Notes = append(r.sum.Notes[:min(len(r.sum.Notes), maxProblems-1)], text)
}

// maxProblems bounds what a run that never ends remembers; the last stand for those that are forgotten.
const maxProblems = 1000

// readError is an error of reading an input, unlike one of the run.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

func (e *readError) Unwrap() error { return e.err }

// inputError tells what is wrong with one input, unless it is the run's error: then it is given back.
func (r *runner) inputError(ctx context.Context, name string, err error) error {
	var read *readError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &read):
		r.problem(fmt.Errorf("read %s: %w", name, read.err))
		return nil
	case r.senders.gone.Err() != nil:
		return err
	}
	var stop *stopError
	if errors.As(err, &stop) {
		return err
	}
	r.problem(err)
	return nil
}

// plainPathError is err without the name of the system call.
func plainPathError(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Path, pe.Err)
	}
	return err
}

// absolute is a path from the root.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
