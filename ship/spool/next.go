package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Entry is a record that Next has given out.
type Entry struct {
	Docs    int
	Data    []byte
	Old     bool     // it was appended before Open
	Dropped *Dropped // this is no record of anybody's but tells what was dropped here; Data is nil, Docs 1
	place   place
	size    int64
}

// ID tells the record from all others of any queue, also when it is given out again.
func (e *Entry) ID() string { return fmt.Sprintf("%016x-%x", e.place.salt, e.place.offset) }

// DamageError tells of a part of the queue that can't be read. What is behind it comes next.
type DamageError struct {
	File          string
	Offset, Bytes int64
	Docs          int // that were in it, -1 if even that can't be read
	Err           error
}

func (e *DamageError) Error() string {
	what := "docs"
	if e.Docs >= 0 {
		what = fmt.Sprintf("%d docs", e.Docs)
	}
	return fmt.Sprintf("%s are damaged in the spool, and lost: %d bytes at %d of %s: %v", what, e.Bytes, e.Offset, e.File, e.Err)
}

func (e *DamageError) Unwrap() error { return e.Err }

// errHeader is a part of a segment where a record should begin and none does.
var errHeader = errors.New("no record")

// Next gives the oldest record that it has not given yet; nil if there is none (see More). A *DamageError is told once, and what is
// behind it comes next; after another error Next may be called again a little later.
func (s *Spool) Next() (*Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, g := range s.segments {
		if g.number < s.cursor.number {
			continue
		}
		if g.dropping {
			return nil, nil // drop wakes
		}
		if g.number > s.cursor.number || g.salt != s.cursor.salt {
			s.turnTo(place{g.number, g.salt, segmentHead})
		}
		end := g.end
		if s.active != nil && i == len(s.segments)-1 {
			end = s.synced
		}
		if s.cursor.offset < end {
			return s.read(g, end)
		}
	}
	return nil, nil
}

// turnTo makes p the cursor.
func (s *Spool) turnTo(p place) {
	if s.reading != nil && p.number != s.cursor.number {
		s.reading.Close()
		s.reading = nil
	}
	s.cursor = p
}

// read gives the record at the cursor.
func (s *Spool) read(g *segment, end int64) (*Entry, error) {
	at := s.cursor
	if s.reading == nil {
		f, err := s.fsys.open(filepath.Join(s.dir, g.name()), os.O_RDONLY)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, s.skip(g, end, -1, err)
		}
		if err != nil {
			return nil, fmt.Errorf("read the spool: %w", err)
		}
		s.reading = f
	}
	h, found, err := nextRecord(s.reading, g.salt, at.offset, end)
	switch {
	case err != nil:
		return nil, s.failed(g, end, -1, err)
	case found < 0:
		return nil, s.skip(g, end, -1, errHeader)
	case found > at.offset:
		return nil, s.skip(g, found, -1, errHeader)
	}
	data, err := readData(s.reading, found, h)
	if err != nil && !errors.Is(err, errSum) {
		return nil, s.failed(g, found+h.size(), int(h.docs), err)
	}
	if err != nil {
		return nil, s.skip(g, found+h.size(), int(h.docs), err)
	}
	s.failures = 0
	e := &Entry{Docs: int(h.docs), Data: data, Old: at.number < s.first, place: at, size: h.size()}
	if h.dropped != 0 {
		d, _ := parseDropped(data)
		e.Dropped, e.Data = &d, nil
	}
	s.cursor.offset = found + h.size()
	s.out = append(s.out, e)
	g.out++
	return e, nil
}

// maxFailures is how often something that the disk does not give is tried.
const maxFailures = 5

// failed is skip of what can't be read, after some tries.
func (s *Spool) failed(g *segment, to int64, docs int, err error) error {
	if s.failures++; s.failures < maxFailures {
		return fmt.Errorf("read the spool's %s: %w", filepath.Join(s.dir, g.name()), err)
	}
	return s.skip(g, to, docs, err)
}

// skip puts the cursor behind damage, which holds so many docs; -1: nobody knows.
func (s *Spool) skip(g *segment, to int64, docs int, err error) error {
	from := s.cursor.offset
	s.failures = 0
	s.damaged++
	s.cursor.offset = to
	s.recount(g)
	s.removeDone()
	s.wake()
	return &DamageError{File: filepath.Join(s.dir, g.name()), Offset: from, Bytes: to - from, Docs: docs, Err: err}
}

// recount counts a segment's records anew: those that are out, and those from the cursor on that can be found.
func (s *Spool) recount(g *segment) {
	g.records, g.docs = 0, 0
	for _, e := range s.out {
		if e.place.number == g.number {
			g.records++
			g.docs += int64(e.Docs)
		}
	}
	for at := s.cursor.offset; s.reading != nil; {
		h, found, err := nextRecord(s.reading, g.salt, at, g.end)
		if err != nil || found < 0 {
			return
		}
		at = found + h.size()
		g.records++
		g.docs += int64(h.docs)
	}
}

// Ack says that a record is done with: it does not come again.
func (s *Spool) Ack(e *Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.out, e)
	if i < 0 {
		return
	}
	s.out = slices.Delete(s.out, i, i+1)
	for _, g := range s.segments {
		if g.number == e.place.number {
			g.out--
			g.records--
			g.docs -= int64(e.Docs)
		}
	}
	s.removeDone()
	s.markDone()
}

// isDone tells whether nothing in a segment is of use any more.
func (s *Spool) isDone(g *segment) bool {
	passed := s.cursor.number > g.number || s.cursor.number == g.number && s.cursor.offset >= g.end
	return g.dropped || passed && g.out == 0 && !g.dropping
}

// removeDone removes segments that are done with and get nothing more.
func (s *Spool) removeDone() {
	s.segments = slices.DeleteFunc(s.segments, func(g *segment) bool {
		if !s.isDone(g) || s.active != nil && g == s.last() {
			return false
		}
		if s.cursor.number == g.number && s.reading != nil {
			s.reading.Close()
			s.reading = nil
		}
		// One that can't be removed is read again after the next Open, and tried again.
		_ = s.fsys.remove(filepath.Join(s.dir, g.name()))
		return true
	})
}

// markDone writes down where the first record stands that is not done with. It is not synced, and an error does not matter: what
// is done with comes again then.
func (s *Spool) markDone() {
	first := s.cursor
	if len(s.out) > 0 {
		first = s.out[0].place
	}
	if s.doneFile == nil {
		f, err := s.fsys.open(filepath.Join(s.dir, doneName), os.O_RDWR|os.O_CREATE)
		if err != nil {
			return
		}
		s.doneFile = f
	}
	_, _ = s.doneFile.WriteAt(first.append(nil), 0)
}
