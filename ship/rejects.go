package ship

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"logctl/internal/lines"
)

// rejects is a file that keeps lines which did not become docs, as they were, each with a line feed; of a line longer than
// the limit its beginning. The file can be read, put right and shipped like any other.
//
// A line is added only if the file does not have it as often as this run has seen it. So a run over the same input again,
// which is what cron does, adds nothing, and what a killed run did not get to write comes with the next.
type rejects struct {
	mu   sync.Mutex
	file *os.File
	w    *bufio.Writer
	have places // lines that were in the file at the start
	seen places // lines of this run
	err  error  // why lines are not kept any more
}

// rejectSlots bounds the two tables to 16 MiB each.
const rejectSlots = 1 << 20

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
	r := &rejects{file: f, w: bufio.NewWriter(f), have: places{limit: rejectSlots}, seen: places{limit: rejectSlots}}
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
		if _, err := r.have.next(fingerprintLine(line)); err != nil {
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

// add keeps a line. It may be called from any goroutine. A failure comes out at close.
func (r *rejects) add(line []byte) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f := fingerprintLine(line)
	n, err := r.seen.next(f)
	have, err2 := r.have.count(f)
	if r.err = errors.Join(r.err, err, err2); r.err != nil || n < have {
		return
	}
	r.w.Write(line) // an error stays in the Writer until Flush
	r.w.WriteByte('\n')
}

// close writes out what is left and releases the file.
func (r *rejects) close() error {
	if r == nil {
		return nil
	}
	r.have.close()
	r.seen.close()
	if err := errors.Join(r.err, r.w.Flush(), r.file.Close()); err != nil {
		return fmt.Errorf("keep rejects in %s: %w", r.file.Name(), err)
	}
	return nil
}

func fingerprintLine(line []byte) fingerprint {
	sum := sha256.Sum256(line)
	return fingerprint{hi: binary.BigEndian.Uint64(sum[:]), lo: binary.BigEndian.Uint16(sum[8:])}
}
