package spool

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Options bound a Spool. The zero Options are its defaults.
type Options struct {
	MaxBytes int64         // on disk, with DropOldest beside what is given out; 0: DefaultMaxBytes
	MaxAge   time.Duration // of records; 0: any
	// DropOldest makes room for a record in a full queue by dropping the oldest segment, which an Entry tells of. Without it a full
	// queue takes nothing.
	DropOldest bool

	segmentBytes int64 // of a segment that gets no more records; 0: an eighth of MaxBytes, at most maxSegment
	files        files
	now          func() time.Time
}

// DefaultMaxBytes is the size of a queue where nobody sets another.
const DefaultMaxBytes = 1 << 30

const maxSegment = 8 << 20

// Spool is a queue on disk. Its methods may be called from any goroutine.
type Spool struct {
	dir  string
	o    Options
	fsys files
	lock *os.File
	more chan struct{}

	mu       sync.Mutex
	changed  sync.Cond // of mu: a sync or a drop has ended
	segments []*segment
	next     uint64 // number of a segment
	first    uint64 // of those since Open
	active   file   // of the last segment, nil if that takes no more records
	synced   int64
	pending  *round // records written and not yet being synced
	syncing  bool

	cursor   place    // of the next record that Next gives
	reading  file     // of the cursor's segment, nil before the first read
	failures int      // to read what is at the cursor
	out      []*Entry // given out and not acknowledged, in their order
	doneFile file
	torn     int64
	damaged  int64
	dropped  Dropped // by this process
}

// Open opens the queue in dir, which is made where it is missing. KindLocked tells that another process has it open,
// KindNewerFormat that a newer logctl wrote it.
func Open(dir string, o Options) (*Spool, error) {
	s, err := open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("open the spool %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string, o Options) (*Spool, error) {
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.segmentBytes = cmp.Or(o.segmentBytes, min(o.MaxBytes/8, maxSegment))
	s := &Spool{dir: dir, o: o, fsys: o.files, more: make(chan struct{}, 1)}
	s.changed.L = &s.mu
	if s.fsys == nil {
		s.fsys = osFiles{}
	}
	if s.o.now == nil {
		s.o.now = time.Now
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s.lock = lock
	if err := s.load(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s.wake()
	return s, nil
}

// load reads what is there and tidies up behind a crash.
func (s *Spool) load() error {
	l, err := load(s.fsys, s.dir)
	if err != nil {
		return err
	}
	s.segments, s.next, s.first, s.torn, s.cursor = l.segments, l.next, l.next, l.torn, l.done
	if n := len(l.segments); n > 0 && l.torn > 0 && !slices.Contains(l.empty, l.segments[n-1].name()) {
		if err := s.cutOff(l.segments[n-1]); err != nil {
			return err
		}
	}
	for _, name := range slices.Concat(l.dropped, l.empty) {
		if err := s.fsys.remove(filepath.Join(s.dir, name)); err != nil {
			return err
		}
	}
	s.removeDone()
	return nil
}

// cutOff removes what stands behind the last record of the last segment.
func (s *Spool) cutOff(g *segment) error {
	f, err := s.fsys.open(filepath.Join(s.dir, g.name()), os.O_RDWR)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(g.end), f.Sync(), f.Close())
}

// Status is what a queue holds and what has befallen it.
type Status struct {
	Records, Docs int64     // not acknowledged
	Bytes         int64     // on disk
	Oldest        time.Time // when the first of Records was appended; zero if there is none
	Torn          int64     // bytes behind the last record that were cut off when it was opened
	Damaged       int64     // records or parts of them that Next could not give
	Dropped       Dropped   // since it was opened
}

// Status tells of a queue that is open.
func (s *Spool) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := statusOf(s.segments)
	st.Torn, st.Damaged, st.Dropped = s.torn, s.damaged, s.dropped
	return st
}

// Look tells of the queue in dir, whoever has it open, and changes nothing. The error is fs.ErrNotExist's if there is none.
func Look(dir string) (Status, error) {
	l, err := load(osFiles{}, dir)
	if err != nil {
		return Status{}, fmt.Errorf("look at the spool %s: %w", dir, err)
	}
	return statusOf(l.segments), nil
}

func statusOf(segments []*segment) Status {
	var st Status
	for _, g := range segments {
		if g.records > 0 && st.Records == 0 {
			st.Oldest = time.UnixMilli(g.oldest)
		}
		st.Records += g.records
		st.Docs += g.docs
		st.Bytes += g.end
	}
	return st
}

// Close releases the queue. Nobody may call another method any more.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	s.retire()
	s.removeDone()
	for _, f := range []file{s.reading, s.doneFile} {
		if f != nil {
			f.Close()
		}
	}
	return s.lock.Close()
}

// More is sent to when there may be records for Next; one send stands for many.
func (s *Spool) More() <-chan struct{} { return s.more }

func (s *Spool) wake() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}
