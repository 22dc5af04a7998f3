package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Look gives the positions that a directory keeps, in memory, and when the last of them came; whoever has it open, and without changing
// anything there. The error is fs.ErrNotExist's if there is no state.
func Look(dir string) (*State, time.Time, error) {
	const tries = 100
	err := errDamaged
	for range tries { // a base may get another one's place, and its log with it, while it is read
		var s *State
		var last time.Time
		if s, last, err = look(dir); err == nil || !errors.Is(err, errReplaced) {
			if err != nil {
				err = fmt.Errorf("look at the state in %s: %w", dir, err)
			}
			return s, last, err
		}
	}
	return nil, time.Time{}, fmt.Errorf("look at the state in %s: %w", dir, err)
}

// errReplaced is the error of a base in whose place there is another by now.
var errReplaced = errors.New("it is being replaced all the time")

func look(dir string) (*State, time.Time, error) {
	s := &State{dir: dir, positions: map[string][]byte{}}
	base, err := os.ReadFile(s.path(baseName))
	if err != nil {
		return nil, time.Time{}, err
	}
	if _, err := s.parseBase(base); err != nil {
		return nil, time.Time{}, err
	}
	path := s.numbered("log", s.generation)
	log, err := os.ReadFile(path)
	info, statErr := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(statErr, fs.ErrNotExist) {
		if again, err := os.ReadFile(s.path(baseName)); err == nil && bytes.Equal(again, base) {
			return nil, time.Time{}, fmt.Errorf("%w: its log is missing", errDamaged)
		}
		return nil, time.Time{}, errReplaced
	}
	if err = errors.Join(err, statErr); err != nil {
		return nil, time.Time{}, err
	}
	_, err = replay(log, s.generation, func(c *commit) error {
		s.keep(c.marks)
		return nil
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	positions := s.positions
	s = Memory()
	s.positions = positions
	return s, info.ModTime(), nil
}
