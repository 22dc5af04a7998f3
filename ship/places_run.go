package ship

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
)

// A run in the temporary file is records in ascending order of fingerprint, big endian:
//
//	hi 8 bytes | lo 2 bytes | count 4 bytes
//
// The file is read by the process that wrote it and by nobody after it: it has no name once it is open, so nothing of it is left
// behind by a kill.
const (
	recordSize = 14
	blockSize  = 256 // records that one look-up reads
)

// run is one sorted run. A doc's count in a newer run includes that of the older ones.
type run struct {
	offset   int64  // in the file
	records  int    // how many
	min, max uint64 // times of its docs
	fences   []slot // the first record of each block, without its count
}

// spill writes the table out as a run and empties it.
func (p *places) spill() error {
	if err := p.openFile(); err != nil {
		return err
	}
	sorted := p.slots[:0]
	for _, s := range p.slots {
		if s.n > 0 {
			sorted = append(sorted, s)
		}
	}
	slices.SortFunc(sorted, func(a, b slot) int { return a.compare(b.hi, b.lo) })

	r := run{offset: p.size, records: len(sorted), min: p.min, max: p.max}
	w := bufio.NewWriterSize(io.NewOffsetWriter(p.file, p.size), 64<<10)
	var rec [recordSize]byte
	for i, s := range sorted {
		if i%blockSize == 0 {
			r.fences = append(r.fences, slot{hi: s.hi, lo: s.lo})
		}
		binary.BigEndian.PutUint64(rec[0:], s.hi)
		binary.BigEndian.PutUint16(rec[8:], s.lo)
		binary.BigEndian.PutUint32(rec[10:], s.n)
		if _, err := w.Write(rec[:]); err != nil {
			return fmt.Errorf("write the temporary file that counts equal lines: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the temporary file that counts equal lines: %w", err)
	}
	p.size += int64(len(sorted)) * recordSize
	p.runs = append(p.runs, r)
	clear(p.slots)
	p.used = 0
	return nil
}

func (p *places) openFile() error {
	if p.file != nil {
		return nil
	}
	f, err := os.CreateTemp(p.dir, "logctl-places-*")
	if err != nil {
		return fmt.Errorf("make a temporary file to count equal lines in: %w", err)
	}
	os.Remove(f.Name()) // where an open file can't be removed, close does it
	p.file = f
	return nil
}

// close gives the temporary file back.
func (p *places) close() {
	if p.file == nil {
		return
	}
	p.file.Close()
	os.Remove(p.file.Name())
	p.file, p.runs = nil, nil
}

// countInRuns is how often the doc came before the table at hand was begun.
func (p *places) countInRuns(f fingerprint) (uint32, error) {
	for i := len(p.runs) - 1; i >= 0; i-- {
		r := &p.runs[i]
		if f.time < r.min || f.time > r.max {
			continue
		}
		n, err := r.count(p.file, f)
		if err != nil {
			return 0, fmt.Errorf("read the temporary file that counts equal lines: %w", err)
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, nil
}

// count reads the one block that may hold the doc.
func (r *run) count(file io.ReaderAt, f fingerprint) (uint32, error) {
	block := sort.Search(len(r.fences), func(i int) bool { return r.fences[i].compare(f.hi, f.lo) > 0 }) - 1
	if block < 0 {
		return 0, nil
	}
	first := block * blockSize
	var buf [blockSize * recordSize]byte
	recs := buf[:min(blockSize, r.records-first)*recordSize]
	if _, err := file.ReadAt(recs, r.offset+int64(first)*recordSize); err != nil {
		return 0, err
	}
	i, found := sort.Find(len(recs)/recordSize, func(i int) int { return -recordAt(recs, i).compare(f.hi, f.lo) })
	if !found {
		return 0, nil
	}
	return recordAt(recs, i).n, nil
}

func recordAt(recs []byte, i int) slot {
	rec := recs[i*recordSize:][:recordSize]
	return slot{hi: binary.BigEndian.Uint64(rec), lo: binary.BigEndian.Uint16(rec[8:]), n: binary.BigEndian.Uint32(rec[10:])}
}
