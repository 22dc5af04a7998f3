package ship

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"logctl/internal/lines"
	"logctl/ship/state"
)

// rejects is a file that keeps lines which did not become docs, as they were, each with a line feed; of a line longer than
// the limit its beginning. The file can be read, put right and shipped like any other. It is used by one goroutine at a time.
//
// A line is added only if the file does not have it as often as it has come. So a run over the same input again
// adds nothing, and what a killed run did not get to write comes with the next.
type rejects struct {
	file  *os.File
	keeps bool // it can be read, and synced
	w     *bufio.Writer
	dirty bool         // something is not synced
	have  *state.State // counts lines that were in the file at the start
}

// openRejects opens or makes the file at path and counts what is in it; a pipe or a device keeps nothing that could be counted, and
// gets every reject. An empty path gives a nil *rejects, which takes and forgets lines.
func openRejects(path string, maxLine int) (*rejects, error) {
	if path == "" {
		return nil, nil
	}
	access, keeps := os.O_RDWR, true
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		access, keeps = os.O_WRONLY, false // reading from it might never end
	}
	f, err := os.OpenFile(path, access|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the file for rejects: %w", err)
	}
	r := &rejects{file: f, keeps: keeps, w: bufio.NewWriter(f), have: state.Memory()}
	if !keeps {
		return r, nil
	}
	if err := r.load(maxLine); err != nil {
		r.close()
		return nil, fmt.Errorf("read the file for rejects: %w", err)
	}
	return r, nil
}

// load counts the lines that are there. A last one that a kill has cut is ended, so that nothing is glued to it.
func (r *rejects) load(maxLine int) error {
	src := lines.New(r.file, maxLine)
	for {
		line, _, err := src.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !src.Terminated() {
			r.w.WriteByte('\n')
		}
		if _, err := r.have.Next(state.OfLine(line)); err != nil {
			return err
		}
	}
}

// is tells whether info is of the same file.
func (r *rejects) is(info os.FileInfo) bool {
	if r == nil || info == nil {
		return false
	}
	mine, err := r.file.Stat()
	return err == nil && os.SameFile(mine, info)
}

// add keeps a line that came before times already. A failure to write comes out at sync or close.
func (r *rejects) add(line []byte, before uint32) error {
	if r == nil {
		return nil
	}
	have, err := r.have.Count(state.OfLine(line))
	if err != nil || before < have {
		return err
	}
	r.w.Write(line) // an error stays in the Writer until Flush
	r.w.WriteByte('\n')
	r.dirty = true
	return nil
}

// sync puts on disk what was added.
func (r *rejects) sync() error {
	if r == nil || !r.dirty {
		return nil
	}
	err := r.w.Flush()
	if err == nil && r.keeps {
		err = r.file.Sync()
	}
	r.dirty = err != nil
	return r.wrap(err)
}

// close writes out what is left and releases the file.
func (r *rejects) close() error {
	if r == nil {
		return nil
	}
	return r.wrap(errors.Join(r.have.Close(), r.w.Flush(), r.file.Close()))
}

func (r *rejects) wrap(err error) error {
	if err != nil {
		return fmt.Errorf("keep rejects in %s: %w", r.file.Name(), err)
	}
	return nil
}
