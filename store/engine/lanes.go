package engine

import (
	"strings"
	"sync/atomic"
)

// lanes is what is known in memory of a database's lanes.
type lanes struct {
	n     atomic.Int32     // all spans are in lanes below it; it grows before a span is there
	known bool             // whether tops is; as tops it is under the write lock
	tops  [maxLanes]string // no id of a lane is greater
}

func (l *lanes) used() int { return int(l.n.Load()) }

// load finds out which lanes are used.
func (l *lanes) load(d *DB) error {
	s, err := d.newSpans(d.e.pdb)
	if err != nil {
		return err
	}
	defer s.close()
	if !s.it.Last() {
		return readError(s.it.Error())
	}
	if n := int(s.it.Key()[prefixLen]) + 1; n <= maxLanes {
		l.n.Store(int32(n))
	}
	return nil
}

// loadTops finds the greatest ids.
func (l *lanes) loadTops(s *spans) error {
	if l.known {
		return nil
	}
	for lane := range l.used() {
		last, ok, err := s.last(lane)
		if err != nil {
			return err
		}
		if ok {
			l.tops[lane] = last.max
		}
	}
	l.known = true
	return nil
}

// maybe tells whether an id may be in a lane.
func (l *lanes) maybe(id string) bool {
	for lane := range l.used() {
		if !l.known || id <= l.tops[lane] {
			return true
		}
	}
	return false
}

// raise notes a span that will be in a lane.
func (l *lanes) raise(lane int, s *span) {
	if lane >= l.used() {
		l.n.Store(int32(lane) + 1)
	}
	if s.max > l.tops[lane] {
		l.tops[lane] = strings.Clone(s.max)
	}
}
