package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"logctl/store"
)

// segment is one file of the queue. Its figures are of the records that are not done with.
type segment struct {
	number, salt   uint64
	end            int64 // behind its last record
	records, docs  int64
	oldest, newest int64     // Unix milliseconds; newest is also of those that are done with
	out            int       // records given out and not acknowledged
	began          time.Time // of one made by this process
	dropping       bool      // a notice is being written
	dropped        bool
	drops          []uint64 // segments that its notices say were dropped
}

func (g *segment) name() string { return segmentName(g.number, g.salt) }

// add counts a record; the segment ends at end now.
func (g *segment) add(h header, end int64) {
	if h.dropped != 0 {
		g.drops = append(g.drops, h.dropped)
	}
	if g.records == 0 {
		g.oldest = h.time
	}
	g.records++
	g.docs += int64(h.docs)
	g.newest = max(g.newest, h.time)
	g.end = end
}

// onlyNotices tells whether no record but notices is left; of a segment that had as many notices as it has records of one doc it says so, too.
func (g *segment) onlyNotices() bool {
	return g.records <= int64(len(g.drops)) && g.docs == g.records
}

// load reads the queue's directory: the segments in their order, without those that a notice tells were dropped, which are in
// dropped, and without empty ones, in empty. Torn is what stands behind the last record of the last segment.
type loaded struct {
	segments       []*segment
	dropped, empty []string
	next           uint64 // the number of the next segment
	torn           int64
	done           place // of the first segment, or zero
}

func load(fsys files, dir string) (*loaded, error) {
	names, err := fsys.list(dir)
	if err != nil {
		return nil, err
	}
	l := &loaded{next: 1}
	for _, name := range names {
		if number, salt, ok := parseSegmentName(name); ok {
			l.segments = append(l.segments, &segment{number: number, salt: salt})
			l.next = max(l.next, number+1)
		}
	}
	slices.SortFunc(l.segments, func(a, b *segment) int {
		if a.number < b.number {
			return -1
		}
		return 1
	})
	if done := readDone(fsys, dir); len(l.segments) > 0 && done.number == l.segments[0].number && done.salt == l.segments[0].salt {
		l.done = done
	}
	var drops []uint64
	for i, g := range l.segments {
		last := i == len(l.segments)-1
		behind, err := g.scan(fsys, dir, l.done, last)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.name(), err)
		}
		if last {
			l.torn = behind
		} else {
			g.end += behind // damage, which Next tells
		}
		drops = append(drops, g.drops...)
	}
	l.segments = slices.DeleteFunc(l.segments, func(g *segment) bool {
		switch {
		case slices.Contains(drops, g.number):
			l.dropped = append(l.dropped, g.name())
			return true
		case g.end <= segmentHead:
			l.empty = append(l.empty, g.name())
			return true
		}
		return false
	})
	return l, nil
}

// scan finds a segment's records, from where done says, and how many bytes there are behind the last. Records at the end of the
// last segment whose data is not whole were never promised: they are none.
func (g *segment) scan(fsys files, dir string, done place, last bool) (behind int64, err error) {
	f, err := fsys.open(filepath.Join(dir, g.name()), os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var head [recordHead]byte
	n, err := f.ReadAt(head[:segmentHead], 0)
	if err != nil && err != io.EOF {
		return 0, err
	}
	if n < segmentHead {
		return int64(n), nil // nothing in it was ever promised
	}
	if v, ok := segmentVersion(head[:segmentHead]); ok && v > version {
		return 0, &store.Error{Kind: store.KindNewerFormat, Reason: fmt.Sprintf("the spool has format %d, this logctl knows %d", v, version),
			Hint: "use the logctl that wrote it, or a newer one"}
	}
	g.end = segmentHead
	at := int64(segmentHead)
	var maybe []header // records of which only a whole one behind them shows that they were promised
	for {
		h, found, err := nextRecord(f, g.salt, at, info.Size())
		if err != nil {
			return 0, err
		}
		if found < 0 {
			return info.Size() - g.end, nil
		}
		at = found + h.size()
		whole := true
		if last {
			_, err := readData(f, found, h)
			if whole = err == nil; !whole && !errors.Is(err, errSum) {
				return 0, err
			}
		}
		if done.number == g.number && done.salt == g.salt && found < done.offset {
			g.end = at
			continue
		}
		maybe = append(maybe, h)
		if !whole {
			continue
		}
		for _, h := range maybe {
			g.add(h, at)
		}
		maybe = maybe[:0]
	}
}

const searchStep = 64 << 10

// nextRecord finds the first record at or behind offset; found is -1 if there is none. It does not look at the record's data.
func nextRecord(f file, salt uint64, offset, size int64) (h header, found int64, err error) {
	buf := make([]byte, recordHead)
	for at := offset; at+recordHead <= size; {
		n, err := f.ReadAt(buf, at)
		if err != nil && err != io.EOF {
			return h, 0, err
		}
		for i := 0; i+recordHead <= n; i++ {
			if h, ok := parseHeader(buf[i:n], salt, at+int64(i)); ok && at+int64(i)+h.size() <= size {
				return h, at + int64(i), nil
			}
		}
		at += int64(max(n-recordHead, 0) + 1)
		if len(buf) == recordHead {
			buf = make([]byte, searchStep)
		}
	}
	return h, -1, nil
}

// errSum is data that does not match its checksum.
var errSum = errors.New("checksum does not match")

// readData reads the data of the record at offset.
func readData(f file, offset int64, h header) ([]byte, error) {
	data := make([]byte, h.length)
	n, err := f.ReadAt(data, offset+recordHead)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if n < len(data) || checksum(data) != h.sum {
		return nil, errSum
	}
	return data, nil
}

// readDone reads where the first record stands that is not done with; the zero place if nothing tells.
func readDone(fsys files, dir string) place {
	f, err := fsys.open(filepath.Join(dir, doneName), os.O_RDONLY)
	if err != nil {
		return place{}
	}
	defer f.Close()
	b := make([]byte, doneSize+1)
	n, _ := f.ReadAt(b, 0)
	p, ok := parsePlace(b[:n])
	if !ok {
		return place{}
	}
	return p
}
