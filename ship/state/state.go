package state

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"

	"logctl/internal/flock"
	"logctl/ship/source"
	"logctl/store"
)

// How much is counted at most. Tests use less.
const (
	maxSlots = 1 << 19 // of the table, 16 bytes each; it holds three quarters of it
	maxRuns  = 32      // of docs with a time, and of those without
)

// State is positions and counts. Its methods may be called from any goroutine; see the package comment for the order of Next and
// Commit.
type State struct {
	dir     string // "": in memory and temporary files alone
	about   string
	written string // what the base on disk says of it
	slots   int    // at most
	limit   int    // runs of each kind at most, in a directory

	mu        sync.Mutex
	table     table
	runs      []*run // in the order in which they were written
	nextRun   uint64
	pending   []Fingerprint // counted and not committed, the oldest first
	late      []Fingerprint // see Late
	positions map[string][]byte

	log        logFile
	generation uint64 // of the log
	baseSize   int64
	release    func()
}

// Options say whose state it is.
type Options struct {
	// About is what the positions and counts are about, such as when a database was made. A state that is about something else is
	// begun anew; "" is not known, and nothing else than anything.
	About string
	// Anew begins anew, whatever there is, for this reason; "": it does not.
	Anew string
}

// Memory is a State that nothing is left of.
func Memory() *State { return &State{slots: maxSlots, positions: map[string][]byte{}} }

// Open opens the state in a directory, which is made where it is missing. No other process opens it until Close: it is of
// KindLocked then. KindNoSpace tells of a full disk. fresh says why there is nothing in it: "" if there is, or if it is new.
func Open(dir string, o Options) (s *State, fresh string, err error) {
	return open(dir, o, maxSlots, maxRuns)
}

func open(dir string, o Options, slots, limit int) (s *State, fresh string, err error) {
	release, err := flock.Lock(dir + "/lock")
	if err != nil {
		return nil, "", noRoom(dir, err)
	}
	s = Memory()
	s.dir, s.about, s.release, s.slots, s.limit = dir, o.About, release, slots, limit
	fresh, err = s.load(o.Anew)
	if err == nil && (s.about != s.written || s.log.file == nil || s.log.size > s.worthwhile() || s.table.used > s.slots/2) {
		err = s.compact(false)
	}
	if err != nil {
		s.closeFiles()
		return nil, "", noRoom(dir, fmt.Errorf("open the state in %s: %w", dir, err))
	}
	return s, fresh, nil
}

// SetAbout says what the state is about, if that was not known. It makes no difference to this process, and where the disk does not
// take it the next one begins anew.
func (s *State) SetAbout(about string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" || s.about != "" || about == "" {
		return
	}
	s.about = about
	_ = s.compact(false)
}

// Next is how many equal docs came before this one, which it counts. The docs of a Commit are those of the oldest calls.
func (s *State) Next(f Fingerprint) (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.next(f)
	if err == nil && s.dir != "" {
		s.pending = append(s.pending, f)
	}
	return n, err
}

// Late is Next of a doc that goes with the next Commit, before any that are read later.
func (s *State) Late(f Fingerprint) (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.next(f)
	if err == nil && s.dir != "" {
		s.late = append(s.late, f)
	}
	return n, err
}

// Count is how often the doc came so far.
func (s *State) Count(f Fingerprint) (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.table.count(f); n > 0 {
		return n, nil
	}
	return s.countInRuns(f)
}

func (s *State) next(f Fingerprint) (uint32, error) {
	if s.table.full() {
		if len(s.table.slots) < s.slots {
			s.table.grow()
		} else if err := s.spill(); err != nil {
			return 0, err
		}
	}
	e := s.table.find(f.hi, f.lo)
	n := e.n
	if n > 0 {
		return n, e.add()
	}
	n, err := s.countInRuns(f)
	if err != nil || n == math.MaxUint32 {
		return 0, cmp.Or(err, errTooMany)
	}
	s.table.set(f.hi, f.lo, f.time > 0, n+1)
	if f.time > 0 {
		s.table.span(f.time, f.time)
	}
	return n, nil
}

func (s *State) countInRuns(f Fingerprint) (uint32, error) {
	for _, r := range slices.Backward(s.runs) {
		n, err := r.count(f)
		if err != nil {
			return 0, fmt.Errorf("count equal lines in %s: %w", r.file.Name(), err)
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, nil
}

// Commit keeps positions: the first docs that Next has counted since the last Commit, and all that Late has, are stored.
// An error is one of a disk that has refused them for long, KindNoSpace of one that is full; until then they are kept in memory.
func (s *State) Commit(marks []source.Mark, docs int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(marks)
	if s.dir == "" {
		return nil
	}
	done := s.pending[:docs]
	if len(s.late) > 0 {
		done = slices.Concat(done, s.late)
	}
	s.log.add(marks, done)
	s.pending = slices.Delete(s.pending, 0, docs)
	s.late = s.late[:0]
	if s.log.size > s.worthwhile() && s.compact(false) == nil { // else the log just grows on
		return nil
	}
	return noRoom(s.dir, s.log.write())
}

// keep takes marks over into the positions.
func (s *State) keep(marks []source.Mark) {
	for _, m := range marks {
		if m.Value == nil {
			delete(s.positions, m.Key)
		} else {
			s.positions[m.Key] = slices.Clone(m.Value)
		}
	}
}

// worthwhile is how long a log gets before a new base takes its place.
func (s *State) worthwhile() int64 { return max(4<<20, 2*s.baseSize) }

// Abandon says that nothing more will be committed. Counting goes on.
func (s *State) Abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" {
		_ = s.log.sync() // what it has not, is read again
	}
	s.log.close()
	s.dir, s.pending, s.late = "", nil, nil
}

// Sync makes what is committed last through a loss of power.
func (s *State) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		return nil
	}
	return s.log.sync()
}

// Position is the value of the last Mark of a key that was committed, nil if there is none.
func (s *State) Position(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.positions[key]
}

// Each calls fn for every key that begins with prefix, in the order of keys.
func (s *State) Each(prefix string, fn func(key string, value []byte)) {
	s.mu.Lock()
	var keys []string
	for key := range s.positions {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = s.positions[key]
	}
	s.mu.Unlock()
	for i, key := range keys {
		fn(key, values[i])
	}
}

// Close lets another process open the state. What is committed is on disk when it returns without an error.
func (s *State) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.dir != "" {
		if err = s.log.sync(); err != nil {
			err = s.compact(false)
		}
	}
	s.closeFiles()
	if err != nil {
		return noRoom(s.dir, fmt.Errorf("close the state in %s: %w", s.dir, err))
	}
	return nil
}

// noRoom is an error of files in dir, as KindNoSpace and with what to do about it if the disk is full.
func noRoom(dir string, err error) error {
	if !store.IsDiskFull(err) {
		return err
	}
	return &store.Error{Kind: store.KindNoSpace, Reason: "no room to remember what is shipped", Err: err,
		Hint: "make room on the disk of " + dir + ", then run the same command again: it goes on where this one stopped, and stores nothing twice"}
}

func (s *State) closeFiles() {
	for _, r := range s.runs {
		r.file.Close()
		if r.temporary {
			os.Remove(r.file.Name()) // where an open file could not be removed
		}
	}
	s.runs = nil
	s.log.close()
	if s.release != nil {
		s.release()
		s.release = nil
	}
}
