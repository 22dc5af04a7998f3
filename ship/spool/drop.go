package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Dropped is what a full queue has given up.
type Dropped struct {
	Records, Docs, Bytes int64
	From, To             time.Time // when the first and the last of it were appended
}

const droppedSize = 5 * 8

// add joins two.
func (d *Dropped) add(e Dropped) {
	if e.Records == 0 {
		return
	}
	if d.Records == 0 {
		*d = e
		return
	}
	d.Records += e.Records
	d.Docs += e.Docs
	d.Bytes += e.Bytes
	if e.From.Before(d.From) {
		d.From = e.From
	}
	if e.To.After(d.To) {
		d.To = e.To
	}
}

// append appends a notice's data.
func (d *Dropped) append(dst []byte) []byte {
	for _, n := range []int64{d.Records, d.Docs, d.Bytes, d.From.UnixMilli(), d.To.UnixMilli()} {
		dst = order.AppendUint64(dst, uint64(n))
	}
	return dst
}

func parseDropped(b []byte) (d Dropped, ok bool) {
	if len(b) != droppedSize {
		return d, false
	}
	n := func(i int) int64 { return int64(order.Uint64(b[8*i:])) }
	return Dropped{Records: n(0), Docs: n(1), Bytes: n(2), From: time.UnixMilli(n(3)), To: time.UnixMilli(n(4))}, true
}

// makeRoom sees to it that a record of n bytes fits, or gives ErrFull. A queue without records takes one of any size.
func (s *Spool) makeRoom(n int64) error {
	for {
		if !s.full(n) {
			return nil
		}
		if s.active != nil && s.isDone(s.last()) && s.pending == nil && !s.syncing {
			s.retire() // all in it is done with
			s.removeDone()
			continue
		}
		g := s.victim()
		if s.o.DropOldest && g == nil && s.busy() {
			s.changed.Wait()
			continue
		}
		if s.o.DropOldest && g == nil && s.onlyNoticesWait() {
			return nil
		}
		if !s.o.DropOldest || g == nil {
			return ErrFull
		}
		if err := s.drop(g); err != nil {
			return err
		}
	}
}

func (s *Spool) full(n int64) bool {
	st := statusOf(s.segments)
	if s.o.DropOldest { // what is out can't be dropped, and to stop because of it is not what was asked for
		for _, e := range s.out {
			st.Records--
			st.Bytes -= e.size
		}
	}
	if st.Records == 0 {
		return false
	}
	if st.Bytes+n > s.o.MaxBytes {
		return true
	}
	for _, g := range s.segments {
		if g.records > 0 && s.tooOld(g) {
			return !s.o.DropOldest || s.victim() == g
		}
	}
	return false
}

// tooOld tells whether all of a segment is older than MaxAge.
func (s *Spool) tooOld(g *segment) bool {
	return s.o.MaxAge > 0 && s.o.now().Sub(time.UnixMilli(g.newest)) > s.o.MaxAge
}

// victim is the oldest segment that can be dropped; nil: none, or none that would make room: dropping notices writes another.
func (s *Spool) victim() *segment {
	var oldest *segment
	for i, g := range s.segments {
		unsynced := i == len(s.segments)-1 && (s.pending != nil || s.syncing)
		if g.records == 0 || g.out > 0 || g.dropping || unsynced {
			continue
		}
		if oldest == nil {
			oldest = g
		}
		if !g.onlyNotices() {
			return oldest
		}
	}
	return nil
}

// onlyNoticesWait tells whether nothing but notices is neither given out nor done with.
func (s *Spool) onlyNoticesWait() bool {
	return !slices.ContainsFunc(s.segments, func(g *segment) bool { return g.records > int64(g.out) && !g.onlyNotices() })
}

// busy tells whether others are at something after which there may be a victim, or need of none.
func (s *Spool) busy() bool {
	return s.syncing || s.pending != nil || slices.ContainsFunc(s.segments, func(g *segment) bool { return g.dropping })
}

// drop gives a segment up: first a notice is on disk, which names it, then it goes.
func (s *Spool) drop(g *segment) error {
	if g == s.last() {
		s.retire()
	}
	d, all, err := s.tally(g)
	if err != nil {
		return fmt.Errorf("%s: %w", g.name(), err)
	}
	g.dropping = true
	err = s.append(header{docs: 1, dropped: g.number}, all.append(nil))
	g.dropping = false
	s.changed.Broadcast()
	s.wake()
	if err != nil {
		return err
	}
	s.dropped.add(d)
	g.records, g.docs, g.dropped = 0, 0, true
	s.removeDone()
	return nil
}

// tally counts what is not done with in a segment, and all that a notice must tell: that and what notices in it tell.
func (s *Spool) tally(g *segment) (d, all Dropped, err error) {
	f, err := s.fsys.open(filepath.Join(s.dir, g.name()), os.O_RDONLY)
	if err != nil {
		return d, all, err
	}
	defer f.Close()
	at := int64(segmentHead)
	if s.cursor.number == g.number {
		at = s.cursor.offset
	}
	for {
		h, found, err := nextRecord(f, g.salt, at, g.end)
		if err != nil {
			return d, all, err
		}
		if found < 0 {
			all.add(d)
			return d, all, nil
		}
		at = found + h.size()
		if h.dropped == 0 {
			d.add(Dropped{Records: 1, Docs: int64(h.docs), Bytes: h.size(), From: h.at(), To: h.at()})
			continue
		}
		data, err := readData(f, found, h)
		if err != nil {
			continue // damaged: what it told is lost, and it is not counted as docs
		}
		if told, ok := parseDropped(data); ok {
			all.add(told)
		}
	}
}
