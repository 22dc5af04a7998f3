package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const baseName = "base"

func (s *State) path(name string) string { return filepath.Join(s.dir, name) }

func (s *State) numbered(kind string, n uint64) string {
	return s.path(kind + "." + strconv.FormatUint(n, 10))
}

// load reads the directory. One that is damaged, or about something else, is as good as empty: fresh says so.
func (s *State) load(anew string) (fresh string, err error) {
	text, err := os.ReadFile(s.path(baseName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	about := s.about
	err = s.loadBase(text)
	switch {
	case err == nil && anew != "":
		if s.table.used > 0 || len(s.runs) > 0 { // else no doc was ever counted, and nobody misses anything
			fresh = anew
		}
	case errors.Is(err, errOther):
		fresh = "what was remembered is about another database"
	case errors.Is(err, errDamaged):
		fresh = "what was remembered in " + s.dir + " can't be read: " + err.Error()
	default:
		return "", err
	}
	s.closeRuns(s.runs)
	s.log.close()
	s.table, s.runs, s.positions, s.log = table{}, nil, map[string][]byte{}, logFile{}
	if anew != "" {
		s.about = about
	}
	return fresh, nil
}

// errOther is the error of a state about something else.
var errOther = errors.New("about something else")

// parseBase takes what stands in a base and gives the numbers of its runs.
func (s *State) parseBase(text []byte) (runs []uint64, err error) {
	if len(text) < headSize+crcSize {
		return nil, errDamaged
	}
	if err := checkHeader(text, 'b'); err != nil {
		return nil, err
	}
	s.baseSize = int64(len(text))
	text, ok := cutCRC(text)
	if !ok {
		return nil, errDamaged
	}
	p := parser{b: text[headSize:]}
	s.generation = p.uint64()
	s.nextRun = p.uint64()
	s.written = string(p.bytes(uint64(p.uint32())))
	if s.about == "" {
		s.about = s.written
	}
	for range p.count32(8) {
		runs = append(runs, p.uint64())
	}
	for range p.count32(8) {
		key := string(p.bytes(uint64(p.uint32())))
		s.positions[key] = slices.Clone(p.bytes(uint64(p.uint32())))
	}
	oldest, newest := p.uint64(), p.uint64()
	for range p.count32(15) {
		if s.table.full() {
			s.table.grow()
		}
		hi, lo, n, timed := p.uint64(), p.uint16(), p.uint32(), p.bytes(1)
		s.table.set(hi, lo, len(timed) == 1 && timed[0] == 1, n)
	}
	if newest > 0 {
		s.table.span(oldest, newest)
	}
	return runs, p.done()
}

// loadBase takes a base, opens its runs and replays its log.
func (s *State) loadBase(text []byte) error {
	runs, err := s.parseBase(text)
	if err != nil {
		return err
	}
	if s.written != "" && s.written != s.about {
		return errOther
	}
	for _, n := range runs {
		f, err := os.Open(s.numbered("run", n))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: run %d is missing", errDamaged, n)
		}
		if err != nil {
			return err
		}
		r, err := openRun(f, n)
		if err != nil {
			f.Close()
			return err
		}
		s.runs = append(s.runs, r)
	}
	return s.loadLog()
}

// loadLog replays the log and opens it to go on behind its last whole record.
func (s *State) loadLog() error {
	f, err := os.OpenFile(s.numbered("log", s.generation), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	s.log.file = f
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	s.log.size, err = replay(text, s.generation, s.apply)
	if err == nil && s.log.size < int64(len(text)) {
		err = f.Truncate(s.log.size)
	}
	return err
}

// apply does what a commit did. The table may grow beyond its limit.
func (s *State) apply(c *commit) error {
	s.keep(c.marks)
	for i, prints := range [][]byte{c.timed, c.untimed} {
		for b := range slices.Chunk(prints, fenceSize) {
			f := Fingerprint{hi: binary.BigEndian.Uint64(b), lo: binary.BigEndian.Uint16(b[8:])}
			if i == 0 {
				f.time = c.newest
			}
			if err := s.reapply(f, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// reapply counts a doc of a commit, whose time is known only by the span of all of them.
func (s *State) reapply(f Fingerprint, c *commit) error {
	if s.table.full() {
		s.table.grow()
	}
	if f.time > 0 {
		s.table.span(c.oldest, c.newest)
	}
	e := s.table.find(f.hi, f.lo)
	if e.n > 0 {
		return e.add()
	}
	n := uint32(0)
	for _, r := range slices.Backward(s.runs) {
		if r.timed && f.time > 0 {
			if c.newest < r.min || c.oldest > r.max {
				continue
			}
			f.time = r.min // any that it holds
		}
		var err error
		if n, err = r.count(f); err != nil {
			return err
		}
		if n > 0 {
			break
		}
	}
	s.table.set(f.hi, f.lo, f.time > 0, n+1)
	return nil
}

// compact replaces the base by one of all that is committed, with an empty log. With spill it makes room in the table.
func (s *State) compact(spill bool) error {
	pending := map[Fingerprint]uint32{}
	for _, list := range [][]Fingerprint{s.pending, s.late} {
		for _, f := range list {
			f.time = 0
			pending[f]++
		}
	}
	runs := s.runs
	var written []*run
	stay := s.table.slots
	if spill {
		var err error
		if stay, written, err = s.writeRuns(pending); err != nil {
			return err
		}
		runs = s.bound(append(slices.Clone(s.runs), written...))
	}
	generation := s.generation + 1
	log, err := makeLog(s.numbered("log", generation), generation)
	if err == nil {
		var size int64
		if size, err = s.writeBase(generation, runs, stay, pending); err == nil {
			s.baseSize = size
		}
	}
	if err != nil {
		log.close()
		for _, r := range written {
			r.file.Close()
		}
		return err
	}
	s.log.close()
	s.log, s.generation, s.written = log, generation, s.about
	if spill {
		s.closeRuns(slices.DeleteFunc(slices.Clone(s.runs), func(r *run) bool { return slices.Contains(runs, r) }))
		s.runs = runs
		s.shrink(stay)
	}
	s.removeStale(generation)
	return nil
}

// writeBase writes a base and puts it in the place of the old one.
func (s *State) writeBase(generation uint64, runs []*run, slots []slot, pending map[Fingerprint]uint32) (int64, error) {
	b := appendHeader(nil, 'b')
	b = binary.BigEndian.AppendUint64(b, generation)
	b = binary.BigEndian.AppendUint64(b, s.nextRun)
	b = appendText(b, s.about)
	b = binary.BigEndian.AppendUint32(b, uint32(len(runs)))
	for _, r := range runs {
		b = binary.BigEndian.AppendUint64(b, r.number)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.positions)))
	for key, value := range s.positions {
		b = appendText(appendText(b, key), string(value))
	}
	b = binary.BigEndian.AppendUint64(b, s.table.min)
	b = binary.BigEndian.AppendUint64(b, s.table.max)
	at, n := len(b), uint32(0)
	b = binary.BigEndian.AppendUint32(b, 0)
	for _, e := range slots {
		if e.n > 0 {
			e.n -= pending[Fingerprint{hi: e.hi, lo: e.lo}]
		}
		if e.n == 0 {
			continue
		}
		b = binary.BigEndian.AppendUint32(appendPrint(b, e.hi, e.lo), e.n)
		b = append(b, b2u(e.timed))
		n++
	}
	binary.BigEndian.PutUint32(b[at:], n)
	b = appendCRC(b, b)
	return int64(len(b)), replaceFile(s.path(baseName), b)
}

func appendText(dst []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(text))), text...)
}

// replaceFile puts a file in the place of another, so that either is there whole after a crash.
func replaceFile(path string, text []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// removeStale removes what does not belong to the base at hand. What can't be removed does no harm.
func (s *State) removeStale(generation uint64) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	keep := map[string]bool{baseName: true, "lock": true, filepath.Base(s.numbered("log", generation)): true}
	for _, r := range s.runs {
		keep[filepath.Base(s.numbered("run", r.number))] = true
	}
	for _, e := range entries {
		name := e.Name()
		if !keep[name] && (strings.HasPrefix(name, "log.") || strings.HasPrefix(name, "run.") || name == baseName+".new") {
			os.Remove(s.path(name))
		}
	}
}
