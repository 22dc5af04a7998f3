package spool

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// ErrFull is a queue that has reached its limits.
var ErrFull = errors.New("the spool is full")

// round is some records that share a sync.
type round struct {
	records, docs int64
	done          bool
	err           error
}

// Append adds a record that holds so many docs and returns when it is on disk. After an error, ErrFull or one of the
// disk, it is not in the queue, or at worst comes out of it in spite of the error; appending it again is right.
func (s *Spool) Append(docs int, data []byte) error {
	if len(data) > maxData {
		return fmt.Errorf("a record of %d bytes is more than the spool takes", len(data))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.makeRoom(recordHead + int64(len(data)))
	if err == nil {
		err = s.append(header{docs: uint32(docs)}, data)
	}
	if err != nil {
		return fmt.Errorf("append to the spool %s: %w", s.dir, err)
	}
	s.wake()
	return nil
}

// append writes a record and waits until it is synced. It holds mu, which it releases while it waits.
func (s *Spool) append(h header, data []byte) error {
	if err := s.write(h, data); err != nil {
		return err
	}
	r := s.pending
	for !r.done {
		if s.syncing {
			s.changed.Wait()
		} else {
			s.sync()
		}
	}
	return r.err
}

// write puts a record behind the last one and into the pending round.
func (s *Spool) write(h header, data []byte) error {
	now := s.o.now()
	for s.active != nil && s.isLong(s.last(), now) {
		if s.settle(); s.active != nil && s.isLong(s.last(), now) {
			s.retire()
		}
	}
	if s.active == nil {
		if err := s.begin(now); err != nil {
			return err
		}
	}
	f, g := s.active, s.last()
	h.length, h.sum, h.time = uint32(len(data)), checksum(data), now.UnixMilli()
	buf := append(h.append(make([]byte, 0, h.size()), g.salt, g.end), data...)
	if _, err := f.WriteAt(buf, g.end); err != nil {
		// What was written of it may stay: the next record overwrites it, or Open cuts it off.
		_ = f.Truncate(g.end)
		return err
	}
	g.add(h, g.end+h.size())
	if s.pending == nil {
		s.pending = &round{}
	}
	s.pending.records++
	s.pending.docs += int64(h.docs)
	return nil
}

// isLong tells whether a segment gets no more records.
func (s *Spool) isLong(g *segment, now time.Time) bool {
	return g.end >= s.o.segmentBytes || s.o.MaxAge > 0 && now.Sub(g.began) > s.o.MaxAge/8
}

func (s *Spool) last() *segment { return s.segments[len(s.segments)-1] }

// begin makes a new segment.
func (s *Spool) begin(now time.Time) error {
	g := &segment{number: s.next, salt: rand.Uint64(), end: segmentHead, began: now}
	path := filepath.Join(s.dir, g.name())
	f, err := s.fsys.open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(appendSegmentHead(nil), 0)
	if err == nil {
		err = s.fsys.syncDir(s.dir)
	}
	if err != nil {
		return errors.Join(err, f.Close(), s.fsys.remove(path))
	}
	s.next++
	s.segments = append(s.segments, g)
	s.active, s.synced = f, segmentHead
	return nil
}

// sync syncs the pending round. It holds mu, which it releases while it waits for the disk.
func (s *Spool) sync() {
	r, f, g := s.pending, s.active, s.last()
	end := g.end
	s.pending, s.syncing = nil, true
	s.mu.Unlock()
	err := f.Sync()
	s.mu.Lock()
	s.syncing = false
	r.done = true
	if err == nil {
		s.synced = end
	} else {
		s.takeBack(g, r, err)
	}
	s.changed.Broadcast()
}

// takeBack is for a sync that has failed, after which nobody knows what is on disk: all that was written since the last good one is
// no part of the queue, and the segment gets no more.
func (s *Spool) takeBack(g *segment, r *round, err error) {
	for _, r := range []*round{r, s.pending} {
		if r != nil {
			r.done, r.err = true, err
			g.records -= r.records
			g.docs -= r.docs
		}
	}
	s.pending = nil
	g.end = s.synced
	_ = s.active.Truncate(s.synced)
	s.retire()
}

// settle waits until everything written is synced, or taken back.
func (s *Spool) settle() {
	for s.syncing || s.pending != nil {
		if s.syncing {
			s.changed.Wait()
		} else {
			s.sync()
		}
	}
}

// retire makes the next record begin a new segment.
func (s *Spool) retire() {
	if s.active != nil {
		s.active.Close()
		s.active = nil
	}
}
