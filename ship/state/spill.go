package state

import (
	"cmp"
	"fmt"
	"os"
	"slices"
)

// spill makes room in the table: what is committed goes into runs.
func (s *State) spill() error {
	if s.dir != "" {
		if err := s.compact(true); err != nil {
			return noRoom(s.dir, fmt.Errorf("write counts of equal lines to %s: %w", s.dir, err))
		}
		if s.table.full() { // of docs on their way
			s.table.grow()
		}
		return nil
	}
	stay, written, err := s.writeRuns(nil)
	if err != nil {
		return noRoom(os.TempDir(), fmt.Errorf("write the temporary file that counts equal lines: %w", err))
	}
	s.runs = append(s.runs, written...)
	s.shrink(stay)
	return nil
}

// writeRuns writes the docs that are not pending into new runs, and gives those that are.
func (s *State) writeRuns(pending map[Fingerprint]uint32) (stay []slot, written []*run, err error) {
	var timed, untimed []slot
	for _, e := range s.table.slots {
		switch {
		case e.n == 0:
		case pending[Fingerprint{hi: e.hi, lo: e.lo}] > 0:
			stay = append(stay, e)
		case e.timed:
			timed = append(timed, e)
		default:
			untimed = append(untimed, e)
		}
	}
	for _, docs := range [][]slot{timed, untimed} {
		if len(docs) == 0 {
			continue
		}
		var r *run
		if r, err = s.writeRunFile(docs, docs[0].timed); err != nil {
			for _, r := range written {
				r.file.Close()
			}
			return nil, nil, err
		}
		written = append(written, r)
	}
	return stay, written, nil
}

// writeRunFile writes a run into a file of its own: one with a number, on disk, or one that has no name any more.
func (s *State) writeRunFile(docs []slot, timed bool) (*run, error) {
	var f *os.File
	var err error
	if s.dir == "" {
		if f, err = os.CreateTemp("", "logctl-counts-*"); err == nil {
			os.Remove(f.Name()) // where an open file can't be removed, closeFiles does it
		}
	} else {
		f, err = os.OpenFile(s.numbered("run", s.nextRun), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	}
	if err != nil {
		return nil, err
	}
	r, err := writeRun(f, docs, timed, s.table.min, s.table.max)
	if err == nil && s.dir != "" {
		err = f.Sync()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	r.number, r.temporary = s.nextRun, s.dir == ""
	s.nextRun++
	return r, nil
}

// bound leaves out runs where there are too many of a kind: with a time those whose docs are oldest, without the oldest.
func (s *State) bound(runs []*run) []*run {
	for _, timed := range []bool{true, false} {
		var kind []*run
		for _, r := range runs {
			if r.timed == timed {
				kind = append(kind, r)
			}
		}
		for ; len(kind) > s.limit; kind = kind[1:] {
			if timed {
				oldest := slices.MinFunc(kind, func(a, b *run) int { return cmp.Compare(a.max, b.max) })
				i := slices.Index(kind, oldest)
				kind[0], kind[i] = kind[i], kind[0]
			}
			gone := kind[0]
			runs = slices.DeleteFunc(runs, func(r *run) bool { return r == gone })
		}
	}
	return runs
}

// shrink leaves in the table what has not gone into runs.
func (s *State) shrink(stay []slot) {
	s.table.keep(stay)
	s.table.min, s.table.max = 0, 0
	for _, list := range [][]Fingerprint{s.pending, s.late} {
		for _, f := range list {
			if f.time > 0 {
				s.table.span(f.time, f.time)
			}
		}
	}
}

func (s *State) closeRuns(runs []*run) {
	for _, r := range runs {
		r.file.Close()
	}
}
