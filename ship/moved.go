package ship

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"sync"
)

// moved lists the rejects whose docs are stored, in a temporary file without a name: one on each line, its id, a blank and its
// revision. It is read by the process that wrote it and by nobody after it.
type moved struct {
	mu   sync.Mutex
	file *os.File
	w    *bufio.Writer
	err  error
}

func newMoved() (*moved, error) {
	f, err := os.CreateTemp("", "logctl-moved-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file to list moved rejects in: %w", err)
	}
	os.Remove(f.Name()) // where an open file can't be removed, close does it
	return &moved{file: f, w: bufio.NewWriter(f)}, nil
}

// add lists a reject. It may be called from any goroutine. A failure comes out at each.
func (m *moved) add(record []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.w.Write(record) // an error stays in the Writer until Flush
	m.w.WriteByte('\n')
}

// each calls fn for every record, after the last add, until its first error.
func (m *moved) each(fn func(record []byte) error) error {
	if err := m.w.Flush(); err != nil {
		return fmt.Errorf("list moved rejects: %w", err)
	}
	if _, err := m.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the list of moved rejects: %w", err)
	}
	lines := bufio.NewScanner(m.file)
	for lines.Scan() {
		if err := fn(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the list of moved rejects: %w", err)
	}
	return nil
}

// fail keeps the first reason why a reject can't be removed.
func (m *moved) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.err = fmt.Errorf("remove a reject that was moved: %w", err)
	}
}

func (m *moved) failure() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

func (m *moved) close() {
	m.file.Close()
	os.Remove(m.file.Name())
}
