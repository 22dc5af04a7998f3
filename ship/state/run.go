package state

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"sort"
)

const (
	recordSize = 14  // of a run
	blockSize  = 256 // records that one look-up reads
	blockBytes = blockSize*recordSize + crcSize
	runHead    = headSize + 4 + 1 + 8 + 8
	fenceSize  = 10
	crcSize    = 4
)

// run is counts on disk that never change. A doc's count in a newer run, or in the table, includes that of the older ones.
type run struct {
	file      *os.File
	number    uint64
	records   int
	timed     bool
	temporary bool   // it is nobody else's
	min, max  uint64 // times of its docs
	fences    []slot // the first record of each block, without its count
}

// writeRun writes docs, which it sorts, to an empty file.
func writeRun(f *os.File, docs []slot, timed bool, oldest, newest uint64) (*run, error) {
	slices.SortFunc(docs, func(a, b slot) int { return a.compare(b.hi, b.lo) })
	r := &run{file: f, records: len(docs), timed: timed, min: oldest, max: newest}
	w := bufio.NewWriterSize(f, 64<<10)
	head := r.appendHead(nil)
	w.Write(head) // an error stays in the Writer until Flush
	var fences, block []byte
	for part := range slices.Chunk(docs, blockSize) {
		r.fences = append(r.fences, slot{hi: part[0].hi, lo: part[0].lo})
		fences = appendPrint(fences, part[0].hi, part[0].lo)
		block = block[:0]
		for _, s := range part {
			block = binary.BigEndian.AppendUint32(appendPrint(block, s.hi, s.lo), s.n)
		}
		w.Write(appendCRC(block, block))
	}
	w.Write(appendCRC(fences, head, fences))
	return r, w.Flush()
}

func (r *run) appendHead(dst []byte) []byte {
	dst = appendHeader(dst, 'r')
	dst = binary.BigEndian.AppendUint32(dst, uint32(r.records))
	dst = append(dst, b2u(r.timed))
	dst = binary.BigEndian.AppendUint64(dst, r.min)
	return binary.BigEndian.AppendUint64(dst, r.max)
}

// openRun reads what stands around a run's blocks.
func openRun(f *os.File, number uint64) (*run, error) {
	var head [runHead]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, unexpected(err)
	}
	if err := checkHeader(head[:], 'r'); err != nil {
		return nil, err
	}
	rest := head[headSize:]
	r := &run{file: f, number: number, records: int(binary.BigEndian.Uint32(rest)), timed: rest[4] == 1,
		min: binary.BigEndian.Uint64(rest[5:]), max: binary.BigEndian.Uint64(rest[13:])}
	blocks := (r.records + blockSize - 1) / blockSize
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	end := int64(runHead) + int64(r.records)*recordSize + int64(blocks)*crcSize
	if info.Size() != end+int64(blocks)*fenceSize+crcSize {
		return nil, errDamaged
	}
	fences := make([]byte, blocks*fenceSize+crcSize)
	if _, err := f.ReadAt(fences, end); err != nil {
		return nil, unexpected(err)
	}
	fences, ok := cutCRC(fences, head[:])
	if !ok {
		return nil, errDamaged
	}
	for f := range slices.Chunk(fences, fenceSize) {
		r.fences = append(r.fences, slot{hi: binary.BigEndian.Uint64(f), lo: binary.BigEndian.Uint16(f[8:])})
	}
	return r, nil
}

// count reads the one block that may hold the doc.
func (r *run) count(f Fingerprint) (uint32, error) {
	if r.timed != (f.time > 0) || r.timed && (f.time < r.min || f.time > r.max) {
		return 0, nil
	}
	block := sort.Search(len(r.fences), func(i int) bool { return r.fences[i].compare(f.hi, f.lo) > 0 }) - 1
	if block < 0 {
		return 0, nil
	}
	var buf [blockBytes]byte
	recs := buf[:min(blockSize, r.records-block*blockSize)*recordSize+crcSize]
	if _, err := r.file.ReadAt(recs, int64(runHead)+int64(block)*blockBytes); err != nil {
		return 0, unexpected(err)
	}
	recs, ok := cutCRC(recs)
	if !ok {
		return 0, errDamaged
	}
	i, found := sort.Find(len(recs)/recordSize, func(i int) int {
		rec := recs[i*recordSize:]
		return -slot{hi: binary.BigEndian.Uint64(rec), lo: binary.BigEndian.Uint16(rec[8:])}.compare(f.hi, f.lo)
	})
	if !found {
		return 0, nil
	}
	return binary.BigEndian.Uint32(recs[i*recordSize+10:]), nil
}

// errDamaged is the error of a file that is not as it was written.
var errDamaged = errors.New("it is damaged")

// unexpected is err, where a file that ends too early is damaged.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errDamaged
	}
	return err
}

// Headers: what a file is, and the version of its format.
const (
	magic    = "logctl-"
	version  = 1
	headSize = len(magic) + 1 + 2
)

func appendHeader(dst []byte, kind byte) []byte {
	dst = append(append(dst, magic...), kind)
	return binary.BigEndian.AppendUint16(dst, version)
}

// checkHeader tells a file of another kind, or of a newer version, from one that can be read. There are headSize bytes at least.
func checkHeader(b []byte, kind byte) error {
	if string(b[:len(magic)]) != magic || b[len(magic)] != kind {
		return errDamaged
	}
	if v := binary.BigEndian.Uint16(b[len(magic)+1:]); v > version {
		return fmt.Errorf("%w: its format is version %d, and this one knows %d", errNewer, v, version)
	}
	return nil
}

// errNewer is the error of a file that a newer logctl has written.
var errNewer = errors.New("a newer logctl has written it")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendCRC appends the checksum of some bytes.
func appendCRC(dst []byte, of ...[]byte) []byte {
	return binary.BigEndian.AppendUint32(dst, checksum(of...))
}

func checksum(of ...[]byte) uint32 {
	sum := uint32(0)
	for _, b := range of {
		sum = crc32.Update(sum, castagnoli, b)
	}
	return sum
}

// cutCRC cuts the checksum off the end of b; ok tells whether it is that of before and the rest. b has crcSize bytes at least.
func cutCRC(b []byte, before ...[]byte) (rest []byte, ok bool) {
	end := len(b) - crcSize
	return b[:end], binary.BigEndian.Uint32(b[end:]) == checksum(append(before, b[:end])...)
}

func appendPrint(dst []byte, hi uint64, lo uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(dst, hi), lo)
}

func b2u(b bool) byte {
	if b {
		return 1
	}
	return 0
}
